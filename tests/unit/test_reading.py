"""Every shape that AWS puts into a message, to typed events."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import LATER, SENT_AT, bounce, by_eventbridge, by_notification, complaint, delivery, mail, send
from webhook.domain import events as ev
from webhook.domain.mail import Origin
from webhook.domain.reading import Reading, moment, read
from webhook.errors import NotUnderstood

AT = datetime(2026, 3, 10, 9, 0, 5, tzinfo=UTC)
SENT = datetime(2026, 3, 10, 9, tzinfo=UTC)


def reading(payload: dict[str, Any]) -> Reading:
    return read(json.dumps(payload) + "\n")


DELAY = {
    "eventType": "DeliveryDelay",
    "mail": mail(),
    "deliveryDelay": {
        "timestamp": LATER,
        "delayType": "MailboxFull",
        "expirationTime": LATER,
        "delayedRecipients": [{"emailAddress": "Ann@Gmail.com", "status": "4.2.2", "diagnosticCode": "smtp; 452 full"}],
    },
}
SUBSCRIPTION = {
    "eventType": "Subscription",
    "mail": mail(),
    "subscription": {"contactList": "news", "timestamp": LATER, "source": "UnsubscribeHeader"},
}
FAILURE = {"eventType": "Rendering Failure", "mail": mail(), "failure": {"templateName": "t", "errorMessage": "m"}}

EVENTS = [
    pytest.param(send(), [ev.Sent(SENT)], id="send"),
    pytest.param(delivery(), [ev.Delivered(AT, "ann@gmail.com", "250 ok")], id="delivery"),
    pytest.param(DELAY, [ev.Delayed(AT, "ann@gmail.com", "MailboxFull", "smtp; 452 full")], id="delay"),
    pytest.param(
        bounce(),
        [ev.Bounced(AT, "ann@gmail.com", "Permanent", "General", "550 5.1.1", "smtp; 550 5.1.1 unknown user")],
        id="bounce",
    ),
    pytest.param(
        bounce(subtype="OnAccountSuppressionList"),
        [ev.HeldBack(AT, "ann@gmail.com", "OnAccountSuppressionList")],
        id="held back",
    ),
    pytest.param(complaint(), [ev.Complained(AT, "feedback-1", "abuse", "", "ann@gmail.com")], id="complaint"),
    pytest.param(
        complaint(complaintSubType="OnAccountSuppressionList"),
        [
            ev.HeldBack(AT, "ann@gmail.com", "OnAccountSuppressionList"),
            ev.Complained(AT, "feedback-1", "abuse", "OnAccountSuppressionList", "ann@gmail.com"),
        ],
        id="complaint held back",
    ),
    pytest.param(
        {"eventType": "Open", "mail": mail(), "open": {"timestamp": LATER, "ipAddress": "192.0.2.1"}},
        [ev.Opened(AT)],
        id="open",
    ),
    pytest.param(
        {"eventType": "Click", "mail": mail(), "click": {"timestamp": LATER, "link": "https://x", "linkTags": None}},
        [ev.Clicked(AT, "https://x")],
        id="click",
    ),
    pytest.param(
        {"eventType": "Reject", "mail": mail(), "reject": {"reason": "Bad content"}},
        [ev.Rejected(SENT, "Bad content")],
        id="reject",
    ),
    pytest.param(FAILURE, [ev.RenderingFailed(SENT, "t: m")], id="rendering failure"),
    pytest.param(SUBSCRIPTION, [ev.PreferenceChanged(AT, "news")], id="subscription"),
]


@pytest.mark.parametrize(("payload", "events"), EVENTS)
def test_every_event_of_a_configuration_set_is_read(payload: dict[str, Any], events: list[ev.Event]) -> None:
    understood = reading(payload)
    assert list(understood.events) == events
    assert understood.kind == payload["eventType"]
    assert understood.head is not None
    assert understood.head.wiring == "set:main"


@pytest.mark.parametrize(
    ("payload", "events"), [param for param in EVENTS if param.id in ("bounce", "complaint", "delivery")]
)
def test_identity_notifications_tell_the_same(payload: dict[str, Any], events: list[ev.Event]) -> None:
    understood = reading(by_notification(payload))
    assert list(understood.events) == events
    assert understood.head is not None
    assert understood.head.wiring == "identity:example.com"


@pytest.mark.parametrize(("payload", "events"), EVENTS)
def test_eventbridge_tells_the_same(payload: dict[str, Any], events: list[ev.Event]) -> None:
    understood = reading(by_eventbridge(payload, "Email Something"))
    assert list(understood.events) == events
    assert understood.head is not None
    assert understood.head.wiring == "set:main"


IDENTITY_EVENTS = [
    pytest.param(
        by_eventbridge(
            {"version": "1.0.0", "data": "DKIM is missing", "metadata": {}}, "Advisor Recommendation Status Open"
        ),
        ev.AdviceChanged("event-1", SENT, "example.com", "Advisor Recommendation Status Open: DKIM is missing"),
        id="advice",
    ),
    pytest.param(
        by_eventbridge(
            {"version": "1.0.0", "data": {"origin": "AWS_MANAGED", "record": {"lastUpdatedTimestamp": [2025, 7, 24]}}},
            "Sending Status Disabled",
            resources=["arn:aws:ses:us-east-1:012345678901:tenant/name/id"],
        ),
        ev.SendingStatusChanged(
            "event-1",
            SENT,
            "",
            "Sending Status Disabled: {'origin': 'AWS_MANAGED', 'record': {'lastUpdatedTimestamp': [2025, 7, 24]}}",
        ),
        id="sending status of a tenant",
    ),
    pytest.param(
        by_eventbridge(
            {
                "service": "SES",
                "eventTypeCode": "AWS_SES_DKIM_PENDING_TO_VERIFIED",
                "affectedEntities": [{"entityValue": "Example.com"}],
            },
            "AWS Health Event",
            "aws.health",
        ),
        ev.HealthReported("event-1", SENT, "example.com", "AWS_SES_DKIM_PENDING_TO_VERIFIED"),
        id="health",
    ),
    pytest.param(
        by_eventbridge(
            {
                "eventSource": "ses.amazonaws.com",
                "eventName": "DeleteEmailIdentity",
                "requestParameters": {"emailIdentity": "example.com"},
            },
            "AWS API Call via CloudTrail",
        ),
        ev.ApiCalled("event-1", SENT, "example.com", "DeleteEmailIdentity"),
        id="cloudtrail",
    ),
]


@pytest.mark.parametrize(("payload", "event"), IDENTITY_EVENTS)
def test_events_about_identities_are_hints(payload: dict[str, Any], event: ev.IdentityEvent) -> None:
    understood = reading(payload)
    assert understood.events == (event,)
    assert understood.head is None


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        '{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"You have successfully subscribed"}\n',
    ],
)
def test_aws_trying_the_topic_is_understood(text: str) -> None:
    assert read(text).events == (ev.TopicConfirmed(),)


def test_incoming_mail_is_none_of_our_business() -> None:
    assert reading({"notificationType": "Received", "mail": mail(), "receipt": {}}).events == (ev.MailReceived(),)


def without(payload: dict[str, Any], *path: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(payload))
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def changed(payload: dict[str, Any], value: Any, *path: str) -> dict[str, Any]:
    altered: dict[str, Any] = json.loads(json.dumps(payload))
    inner = altered
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return altered


NOT_UNDERSTOOD = [
    pytest.param("", "not_json", "", id="empty"),
    pytest.param("hello", "not_json", "", id="plain text"),
    pytest.param('{"eventType": "Send"', "not_json", "", id="truncated"),
    pytest.param('{"x":' + "[" * 100_000, "not_json", "", id="deeply nested"),
    pytest.param("[]", "malformed", "Expected `object`", id="a list"),
    pytest.param("{}", "unknown_shape", "`eventType`", id="an empty object"),
    pytest.param({"eventType": "Teleported", "mail": mail()}, "unknown_type", "Teleported", id="unknown type"),
    pytest.param(changed(send(), 7, "mail", "messageId"), "malformed", "`$.mail.messageId`", id="id is a number"),
    pytest.param(changed(send(), "", "mail", "messageId"), "malformed", "`$.mail.messageId`", id="id is empty"),
    pytest.param(changed(send(), "x" * 300, "mail", "messageId"), "malformed", "`$.mail.messageId`", id="id is long"),
    pytest.param(without(send(), "mail", "messageId"), "malformed", "`messageId`", id="no id"),
    pytest.param(without(send(), "mail"), "malformed", "`mail`", id="no mail"),
    pytest.param(without(bounce(), "bounce"), "malformed", "`bounce`", id="no bounce"),
    pytest.param(without(complaint(), "complaint"), "malformed", "`complaint`", id="no complaint"),
    pytest.param(without(delivery(), "delivery"), "malformed", "`delivery`", id="no delivery"),
    pytest.param(changed(send(), "soon", "mail", "timestamp"), "malformed", "`$.mail.timestamp`", id="no time"),
    pytest.param(changed(bounce(), "soon", "bounce", "timestamp"), "malformed", "`$.bounce.timestamp`", id="no time 2"),
    pytest.param(changed(send(), ["a", 1], "mail", "destination"), "malformed", "`$.mail.destination[1]`", id="number"),
    pytest.param(
        {"eventType": "Send", "mail": mail(sourceArn=None, source=None)}, "no_domain", "`$.mail`", id="domain"
    ),
    pytest.param(
        by_eventbridge(without(send(), "mail"), "Email Sent"), "malformed", "`$.detail`", id="no mail in detail"
    ),
    pytest.param(by_eventbridge({}, "Brewed Coffee"), "unknown_type", "Brewed Coffee", id="other event"),
    pytest.param(by_eventbridge({}, "Sending Status Enabled", id=None), "malformed", "`id`", id="event without id"),
    pytest.param(by_eventbridge({"service": "EC2"}, "AWS Health Event", "aws.health"), "unknown_type", "EC2", id="ec2"),
    pytest.param(
        by_eventbridge({"eventSource": "s3.amazonaws.com"}, "AWS API Call via CloudTrail"),
        "unknown_type",
        "s3",
        id="s3",
    ),
    pytest.param(by_eventbridge({"data": 1, "metadata": 2}, "Sending Status Enabled"), "malformed", "$.detail", id="x"),
]


@pytest.mark.parametrize(("payload", "reason", "detail"), NOT_UNDERSTOOD)
def test_what_is_not_understood_says_why_and_where(payload: dict[str, Any] | str, reason: str, detail: str) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    with pytest.raises(NotUnderstood) as caught:
        read(text)
    assert caught.value.reason == reason
    assert detail in caught.value.detail


@pytest.mark.parametrize("subtype", ["Sparkling", "", "CustomTimeoutExceeded", None])
def test_an_unknown_subtype_is_a_subtype(subtype: str | None) -> None:
    payload = changed(bounce(), subtype, "bounce", "bounceSubType")
    [event] = reading(payload).events
    assert isinstance(event, ev.Bounced)
    assert event.subtype == (subtype or "")


ORIGINS = [
    pytest.param(mail(), Origin(0, "example.com"), id="identity"),
    pytest.param(
        mail(sourceArn="arn:aws:ses:eu-north-1:1:identity/Ann@Mail.Example.org"),
        Origin(0, "mail.example.org"),
        id="address",
    ),
    pytest.param(
        mail(sourceArn=None, tags={"ses:from-domain": ["News.Example.org"]}), Origin(1, "news.example.org"), id="tag"
    ),
    pytest.param(mail(sourceArn=None, tags=None), Origin(2, "example.com"), id="source"),
    pytest.param(
        mail(sourceArn=None, tags=None, source='"Shop, The" <Shop@Example.ORG>'), Origin(2, "example.org"), id="named"
    ),
    pytest.param(mail(sourceArn="garbage", tags=None), Origin(2, "example.com"), id="garbage as identity"),
]


@pytest.mark.parametrize(("of", "origin"), ORIGINS)
def test_the_domain_is_that_of_the_identity_else_the_tag_else_the_source(of: dict[str, Any], origin: Origin) -> None:
    head = reading(send(of)).head
    assert head is not None
    assert head.origin == origin


@pytest.mark.parametrize(
    "text",
    [SENT_AT, "2026-03-10T09:00:00Z", "2026-03-10T09:00:00 +0000", "2026-03-10T02:00:00-07:00", "2026-03-10T09:00:00"],
)
def test_every_way_that_ses_writes_a_time(text: str) -> None:
    assert moment(text, "$") == SENT


def test_addresses_lose_names_and_case() -> None:
    of = mail("m", '"Doe, Jane" <Jane@GMail.com>', "BOB@example.org ")
    head = reading(send(of)).head
    assert head is not None
    assert head.recipients == {"jane@gmail.com", "bob@example.org"}


@pytest.mark.parametrize(
    ("diagnostic", "status", "code"),
    [
        ("smtp; 550 5.7.1 Service unavailable", "5.7.1", "550 5.7.1"),
        ("smtp; 550-5.1.1 The email account", "5.1.1", "550 5.1.1"),
        ("smtp; 552 too big", "5.3.4", "552 5.3.4"),
        ("smtp;550 no such user", None, "550"),
        ("Amazon SES did not send", "5.1.1", "5.1.1"),
        (None, "5.1.1", "5.1.1"),
        (None, None, ""),
    ],
)
def test_the_answer_of_a_bounce(diagnostic: str | None, status: str | None, code: str) -> None:
    recipient = {"emailAddress": "ann@gmail.com", "status": status, "diagnosticCode": diagnostic}
    [event] = reading(changed(bounce(), [recipient], "bounce", "bouncedRecipients")).events
    assert isinstance(event, ev.Bounced)
    assert event.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    value=JSON,
    spot=st.integers(0, 60),
    payload=st.sampled_from([param.values[0] for param in (*EVENTS, *IDENTITY_EVENTS)]),
)
def test_any_value_in_any_place_is_read_or_not_understood(value: Any, spot: int, payload: dict[str, Any]) -> None:
    paths = list(_paths(payload))
    text = json.dumps(changed(payload, value, *paths[spot % len(paths)]))
    with suppress(NotUnderstood):
        assert read(text).events is not None


def _paths(value: Any, *before: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*before, key)
        yield from _paths(inner, *before, key)
