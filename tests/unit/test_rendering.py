"""What receivers of each kind are sent."""

import json
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from webhook.adapters.mongo.verdicts import verdict_document
from webhook.domain import alerts
from webhook.domain.alert_payloads import AlertType, EndpointTold
from webhook.domain.alerts import numbered
from webhook.domain.delivery_errors import LONGEST_WAIT, DeliveryFailed, cut, judged, wait_asked_for
from webhook.domain.mail import Fact, Kind, Mail, Origin, Told
from webhook.domain.rendering.chat import slack, teams
from webhook.domain.rendering.documents import cloud_event, standard, with_id
from webhook.domain.rendering.headers import check_headers
from webhook.domain.rendering.mail import check_lines, email
from webhook.domain.rendering.sentences import Mood, tell
from webhook.domain.reputation import Policy, evaluate
from webhook.errors import Invalid

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOMAIN = "example.com"
POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 1, 90)
SHOWN = {"set:main": frozenset({"Send"})}


def reputation(days=8, wirings=SHOWN, **counts):
    """What is stored of a verdict on these counts, all of the window's first day."""
    by_day = {NOW.date() - timedelta(days=days - 1): counts}
    return verdict_document(evaluate(DOMAIN, by_day, wirings, POLICY, NOW))


def alert(draft, number=7):
    return numbered(draft, "alt_01", number)


def rated(kind, before="healthy", **counts):
    link = "https://ses.example.net/"
    return alert(alerts.judged(kind, DOMAIN, "acme", reputation(**counts), {"status": before}, link))


FLAGGED = rated(AlertType.FLAGGED, sent=1020, bounces=61)


def befallen(facts):
    return Mail("m1", Origin(0, DOMAIN), NOW, frozenset(), facts, frozenset())


ENDPOINT = EndpointTold("ep_1", "webhook", "Billing")
MAIL = befallen({Fact(Kind.BOUNCED, "ann@web.de", "Permanent", "General", "550 5.1.1"): Told(NOW)})
COMPLAINED = befallen({Fact(Kind.COMPLAINED, "f1", "abuse", "", "ann@web.de"): Told(NOW)})


def verification(before, after, aspect="dkim", detail=None):
    row = {"domain": DOMAIN, "at": NOW, "aspect": aspect, "from": before, "to": after, "cause": {"kind": "poll"}}
    if detail:
        row["cause"]["detail"] = detail
    return alerts.verification_changed(row, None)


TOLD = [
    pytest.param(
        FLAGGED,
        "example.com is flagged: 61 of 1,020 mails bounced (5.98 %, limit 5 %) within 2026-11-17 – 2026-11-24",
        Mood.BAD,
        id="bounces",
    ),
    pytest.param(
        rated(AlertType.FLAGGED, sent=1500, bounces=3, complaints=2),
        "example.com is flagged: 2 of 1,500 mails were complained of (0.13 %, limit 0.1 %) "
        "within 2026-11-17 – 2026-11-24",
        Mood.BAD,
        id="complaints",
    ),
    pytest.param(
        rated(AlertType.FLAGGED, sent=1000, bounces=51, complaints=2),
        "example.com is flagged: 51 of 1,000 mails bounced (5.1 %, limit 5 %) and "
        "2 of 1,000 mails were complained of (0.2 %, limit 0.1 %) within 2026-11-17 – 2026-11-24",
        Mood.BAD,
        id="both",
    ),
    pytest.param(
        rated(AlertType.FLAGGED, sent=100_000, bounces=5001),
        "example.com is flagged: 5,001 of 100,000 mails bounced (5.001 %, limit 5 %) within 2026-11-17 – 2026-11-24",
        Mood.BAD,
        id="just above",
    ),
    pytest.param(
        rated(AlertType.WARNING, sent=1000, bounces=42),
        "example.com is close to a limit: 42 of 1,000 mails bounced (4.2 %, limit 5 %) within 2026-11-17 – 2026-11-24",
        Mood.ATTENTION,
        id="warning of bounces",
    ),
    pytest.param(
        rated(AlertType.WARNING, sent=1000, bounces=41, complaints=1),
        "example.com is close to a limit: 1 of 1,000 mails were complained of (0.1 %, limit 0.1 %) "
        "within 2026-11-17 – 2026-11-24",
        Mood.ATTENTION,
        id="warning of the nearest",
    ),
    pytest.param(
        rated(AlertType.RECOVERED, "flagged", sent=1000, bounces=12),
        "example.com has recovered: 12 of 1,000 mails bounced (1.2 %, limit 5 %) and "
        "0 of 1,000 mails were complained of (0 %, limit 0.1 %) within 2026-11-17 – 2026-11-24",
        Mood.GOOD,
        id="recovered",
    ),
    pytest.param(
        rated(AlertType.RECOVERED, "flagged", days=1),
        "example.com has recovered: 0 recipients in the last 90 days: too few to judge, 100 are needed.",
        Mood.GOOD,
        id="recovered by silence",
    ),
    pytest.param(
        alert(verification("pending", "success")),
        "example.com: DKIM is now success (it was pending)",
        Mood.GOOD,
        id="verified",
    ),
    pytest.param(
        alert(verification("success", "temporary_failure", "identity", "a record is missing")),
        "example.com: verification is now temporary failure (it was success): a record is missing",
        Mood.ATTENTION,
        id="verification fails",
    ),
    pytest.param(
        alert(verification(None, "pending", "mail_from")),
        "example.com: the MAIL FROM domain is now pending (it was none)",
        Mood.NEUTRAL,
        id="begun",
    ),
    pytest.param(
        alert(alerts.paused(DOMAIN, None, {"by": "staff", "who": "jo", "why": "spam", "at": NOW})),
        "example.com is paused by staff (jo): spam",
        Mood.ATTENTION,
        id="paused",
    ),
    pytest.param(
        alert(alerts.paused(DOMAIN, None, {"by": "policy", "who": "", "why": "", "at": NOW})),
        "example.com is paused by policy: no reason given",
        Mood.ATTENTION,
        id="paused without a word",
    ),
    pytest.param(
        alert(alerts.resumed(DOMAIN, None, "jo", "cleaned up", NOW)),
        "example.com may send again: cleaned up",
        Mood.GOOD,
        id="resumed",
    ),
    pytest.param(
        alert(next(iter(alerts.befallen(None, MAIL)))),
        "example.com: the mail to ann@web.de bounced (Permanent/General: 550 5.1.1)",
        Mood.NEUTRAL,
        id="a bounce",
    ),
    pytest.param(
        alert(next(iter(alerts.befallen(None, COMPLAINED)))),
        "example.com: ann@web.de complained of a mail (abuse)",
        Mood.NEUTRAL,
        id="a complaint",
    ),
    pytest.param(
        alert(alerts.subscription_changed("arn:aws:sns:eu-north-1:123456789012:ses", "unsubscribed", "", NOW)),
        "The subscription to ses is unsubscribed: nothing more will be heard from this topic "
        "until it is subscribed again",
        Mood.BAD,
        id="unsubscribed",
    ),
    pytest.param(
        alert(alerts.subscription_changed("arn:aws:sns:eu-north-1:123456789012:ses", "confirmed", "arn:x", NOW)),
        "The subscription to ses is confirmed",
        Mood.GOOD,
        id="subscribed",
    ),
    pytest.param(
        alert(alerts.quota_reached(0.8, 40_123, 50_000, NOW, "eu-north-1")),
        "80 % of the sending quota is used in eu-north-1: 40,123 of 50,000 mails within 24 hours",
        Mood.ATTENTION,
        id="quota",
    ),
    pytest.param(
        alert(alerts.diverged(DOMAIN, None, ("2026-11-01", "2026-11-02"), {"sent": 1000}, {"sent": 1200}, NOW)),
        "example.com: From 2026-11-01 to 2026-11-02 our counts and those of AWS differ: sent 1,000 against 1,200.",
        Mood.ATTENTION,
        id="diverged",
    ),
    pytest.param(
        alert(alerts.endpoint_trouble(AlertType.ENDPOINT_FAILING, ENDPOINT, None, "it took nothing", NOW, NOW)),
        "Endpoint Billing is failing: it took nothing",
        Mood.ATTENTION,
        id="failing",
    ),
    pytest.param(
        alert(alerts.endpoint_trouble(AlertType.ENDPOINT_DISABLED, ENDPOINT, None, "it answered 410", None, NOW)),
        "Endpoint Billing is disabled: it answered 410; enable it again once it is repaired",
        Mood.BAD,
        id="disabled",
    ),
    pytest.param(
        alert(alerts.endpoint_tested(ENDPOINT, None, NOW), None),
        "Endpoint Billing: This is a test: nothing has happened.",
        Mood.NEUTRAL,
        id="test",
    ),
]
EVERY = [case.values[0] for case in TOLD]


@pytest.mark.parametrize(("told", "sentence", "mood"), TOLD)
def test_every_alert_is_a_sentence(told, sentence, mood):
    assert (tell(told).sentence, tell(told).mood) == (sentence, mood)
    assert tell(told).headline


def test_every_type_is_told():
    assert {one.type for one in EVERY} == set(AlertType)


def test_mail_without_a_denominator_is_not_counted():
    document = reputation(sent=1020, bounces=61) | {"leftOut": {"sent": 20, "bounces": 5, "complaints": 0}}
    told = tell(alert(alerts.judged(AlertType.FLAGGED, DOMAIN, None, document)))
    assert "56 of 1,000 mails bounced (5.6 %, limit 5 %)" in told.sentence


def test_facts_have_both_rates_and_what_was_before():
    assert dict(tell(FLAGGED).facts) == {
        "Bounces": "61 of 1,020 mails bounced (5.98 %, limit 5 %)",
        "Complaints": "0 of 1,020 mails were complained of (0 %, limit 0.1 %)",
        "Window": "2026-11-17 – 2026-11-24",
        "Before": "healthy",
    }


def test_what_an_older_version_wrote_is_told_by_its_type():
    old = replace(FLAGGED, data={"domain": DOMAIN, "odd": True})
    assert tell(old).sentence == "domain.reputation.flagged: example.com"
    for render in (slack, teams, standard):
        assert render(old)


# -- for programs


@pytest.mark.parametrize("told", EVERY, ids=lambda told: told.type.value)
def test_the_standard_body_has_three_fields(told):
    body = json.loads(standard(told))
    assert list(body) == ["type", "timestamp", "data"]
    assert body == {"type": told.type.value, "timestamp": "2026-11-24T12:00:00.000Z", "data": told.data}
    assert json.loads(with_id(told)) == {"id": "alt_01", **body}


@pytest.mark.parametrize("told", EVERY, ids=lambda told: told.type.value)
def test_a_cloud_event_is_one(told):
    event = json.loads(cloud_event(told, "https://ses.example.net"))
    assert {name: event[name] for name in ("specversion", "id", "source", "type", "time", "datacontenttype")} == {
        "specversion": "1.0",
        "id": "alt_01",
        "source": "https://ses.example.net",
        "type": told.type.value,
        "time": "2026-11-24T12:00:00.000Z",
        "datacontenttype": "application/json",
    }
    assert event["data"] == told.data
    assert event.get("subject") == told.domain
    assert event.get("sequence") == (None if told.sequence is None else "00000000000000000007")
    # What CloudEvents allows for the names of attributes.
    assert all(name.isalnum() and name == name.lower() for name in event)
    assert None not in event.values()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=5))
def test_numbers_of_cloud_events_sort_as_text(numbers):
    told = [json.loads(cloud_event(replace(FLAGGED, sequence=number), "urn:x"))["sequence"] for number in numbers]
    assert [int(text) for text in sorted(told)] == sorted(numbers)


# -- for people


def texts(value):
    """Every text anywhere in a document."""
    match value:
        case dict():
            return [text for part in value.values() for text in texts(part)]
        case list():
            return [text for part in value for text in texts(part)]
        case str():
            return [value]
    return []


def test_slack_gets_numbers_denominators_the_status_and_a_link():
    message = json.loads(slack(FLAGGED))
    assert message["text"] == tell(FLAGGED).sentence
    assert message["blocks"][0]["text"] == {"type": "plain_text", "text": "example.com is flagged"}
    assert message["blocks"][1]["text"]["text"].startswith(":red_circle: example.com is flagged: 61 of 1,020 mails")
    window = {"type": "mrkdwn", "text": "*Window*\n2026-11-17 – 2026-11-24", "verbatim": True}
    assert window in message["blocks"][2]["fields"]
    link = "<https://ses.example.net/api/email-domains/example.com/reputation|all of its numbers>"
    assert link in message["blocks"][-1]["elements"][0]["text"]


@pytest.mark.parametrize("told", EVERY, ids=lambda told: told.type.value)
def test_slack_takes_every_message(told):
    message = json.loads(slack(told))
    assert set(message) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    for block in message["blocks"]:
        assert block["type"] in {"header", "section", "context"}
        assert len(block.get("fields", [])) <= 10
        assert len(block["text"]["text"] if "text" in block else "") <= 2000
    assert all(texts(message))


def test_nobody_is_called_and_nothing_linked_by_what_a_stranger_wrote():
    why = "<!channel> <https://evil.example|click> & [click](https://evil.example) *now*\n# _ok_"
    told = alert(alerts.paused(DOMAIN, None, {"by": "staff", "who": "<@U1>", "why": why, "at": NOW}))
    assert not any("<!" in text or "<https://evil" in text or "<@" in text for text in texts(json.loads(slack(told))))
    content = json.loads(teams(told))["attachments"][0]["content"]
    assert not any("[click](" in text or " *now*" in text for text in texts(content))
    assert any(r"\[click\]" in text for text in texts(content))


def test_an_address_that_a_stranger_wrote_does_not_become_a_link_in_slack():
    told = alert(
        alerts.paused(DOMAIN, None, {"by": "staff", "who": "jo", "why": "see https://evil.example", "at": NOW})
    )
    message = json.loads(slack(told))
    marked = [text for text in objects(message) if text.get("type") == "mrkdwn"]
    assert any("https://evil.example" in text["text"] for text in marked)
    assert all(text["verbatim"] is True for text in marked)
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)


def objects(value):
    """Every object anywhere in a document."""
    match value:
        case dict():
            return [value, *(one for part in value.values() for one in objects(part))]
        case list():
            return [one for part in value for one in objects(part)]
    return []


def test_long_words_are_cut():
    told = alert(alerts.paused(DOMAIN, None, {"by": "staff", "who": "jo", "why": "x" * 9000, "at": NOW}))
    assert max(map(len, texts(json.loads(slack(told))))) <= 2000


def test_teams_gets_an_adaptive_card():
    message = json.loads(teams(FLAGGED))
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["text"] == "example.com is flagged"
    assert card["body"][0]["color"] == "Attention"
    assert "61 of 1,020 mails bounced (5.98 %, limit 5 %)" in card["body"][1]["text"]
    assert {"title": "Before", "value": "healthy"} in card["body"][2]["facts"]
    assert card["actions"][0]["url"] == "https://ses.example.net/api/email-domains/example.com/reputation"


@pytest.mark.parametrize("told", EVERY, ids=lambda told: told.type.value)
def test_teams_takes_every_card(told):
    card = json.loads(teams(told))["attachments"][0]["content"]
    assert {element["type"] for element in card["body"]} <= {"TextBlock", "FactSet"}
    assert all(texts(card))


# -- e-mail


def mailed(told):
    return message_from_bytes(email(told, "alerts@example.net", "ops@example.org", NOW).as_bytes(), policy=default)


@pytest.mark.parametrize("told", EVERY, ids=lambda told: told.type.value)
def test_an_email_says_it_all_and_is_marked(told):
    message = mailed(told)
    assert (message["From"], message["To"]) == ("alerts@example.net", "ops@example.org")
    assert message["Message-ID"] == "<alt_01@example.net>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert message["Subject"] == tell(told).headline
    content = message.get_content()
    assert tell(told).sentence in content
    assert "alt_01" in content
    assert "None" not in content


HOSTILE = [
    "a\r\nBcc: x@evil.example",
    "a\nX: y",
    "a\r\n\r\nbody",
    "a\x00b",
    "a\x85Bcc: x",
    "a\u2028Bcc: x",
    "=?utf-8?q?=0aBcc:_x?=",
]


@pytest.mark.parametrize("words", HOSTILE, ids=ascii)
def test_no_word_becomes_a_header(words):
    raw = {"id": "ep_1", "kind": words, "description": words}
    hostile = replace(EVERY[-1], data={"endpoint": raw, "sentence": words})
    message = mailed(hostile)
    expected = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Alert-Type", "MIME-Version"}
    assert set(message.keys()) == expected | {"Content-Type", "Content-Transfer-Encoding"}
    paused = alert(alerts.paused(DOMAIN, None, {"by": words, "who": words, "why": words, "at": NOW}))
    assert set(mailed(paused).keys()) == set(message.keys())


INJECTED = "=?utf-8?q?x=0D=0ABcc:_evil@example.com=0D=0A=0D=0Abody?="


@pytest.mark.parametrize(
    "words",
    [INJECTED, f"a{INJECTED}b", f"={INJECTED}", "=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUuY29t?=", "=?=?utf-8?q?=0A?="],
    ids=ascii,
)
def test_an_encoded_word_in_a_subject_is_not_decoded_to_a_header(words):
    disabled = alerts.endpoint_trouble(
        AlertType.ENDPOINT_DISABLED, EndpointTold("ep_1", "webhook", words), None, "it answered 410", NOW, NOW
    )
    raw = email(alert(disabled), "alerts@example.net", "ops@example.org", NOW).as_bytes()
    message = message_from_bytes(raw, policy=default)
    assert (message["Bcc"], message["To"]) == (None, "ops@example.org")
    assert b"\nBcc" not in raw
    assert message["Subject"] == tell(alert(disabled)).headline.replace("=?", "= ?")


def test_a_header_of_two_lines_is_not_sent():
    with pytest.raises(ValueError, match="CR or LF"):
        email(FLAGGED, "alerts@example.net", "=?utf-8?q?x=0D=0ABcc=3Aevil=0D=0A?=@d.example", NOW)
    message = EmailMessage()
    message["Subject"] = INJECTED
    with pytest.raises(ValueError, match="its header Subject would be more than one line"):
        check_lines(message)


# -- headers of the owner's own


def test_headers_that_can_be_sent():
    check_headers({"Authorization": "Bearer x", "X-Key": "a b", "api_key": ""})


BAD_HEADERS = [
    *({name: "x"} for name in ("Host", "content-length", "Webhook-Id", "webhook-signature", "Transfer-Encoding")),
    *({name: "x"} for name in ("Proxy-Authorization", "Connection", "User-Agent", "Content-Type", "Sentinel-Attempt")),
    {"": "x"},
    {"a b": "x"},
    {"a:b": "x"},
    {"ü": "x"},
    {"a\r\nb": "x"},
    {"a": "x\r\nb: c"},
    {"a": "x\n"},
    {"a": "ü"},
    {"a": "x" * 2049},
    {f"x-{number}": "x" for number in range(21)},
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=lambda headers: ascii(headers)[:40])
def test_headers_that_can_not(headers):
    with pytest.raises(Invalid, match=r"^headers: "):
        check_headers(headers)


# -- what an answer means


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_taken(status):
    answer = judged(status, {"retry-after": "5"}, b"thanks\x00\x1b[31m\n", 12, NOW)
    assert (answer.status, answer.retry_after, answer.ms, answer.body_cut) == (status, None, 12, "thanks[31m\n")


FAILED = [
    (301, False, "a redirect"),
    (308, False, "give the endpoint its final address"),
    (400, False, "does not want this"),
    (401, False, "wants a login"),
    (404, False, "check the endpoint's address"),
    (408, False, "408"),
    (410, True, "gone for good"),
    (425, False, "425"),
    (429, False, "lower rate"),
    (500, False, "see what it logged"),
    (503, False, "see what it logged"),
    (199, False, "199"),
    (600, False, "600"),
]


@pytest.mark.parametrize(("status", "permanent", "told"), FAILED)
def test_all_else_failed_and_only_410_for_good(status, permanent, told):
    with pytest.raises(DeliveryFailed) as failed:
        judged(status, {}, b"oops", 3, NOW, host="Slack")
    assert (failed.value.permanent, failed.value.status, failed.value.ms) == (permanent, status, 3)
    assert failed.value.body_cut == "oops"
    assert failed.value.detail.startswith(f"Slack answers {status}")
    assert told in failed.value.detail


@pytest.mark.parametrize(("status", "expected"), [(429, 7.0), (503, 7.0), (500, None), (301, None), (410, None)])
def test_only_429_and_503_may_ask_for_patience(status, expected):
    with pytest.raises(DeliveryFailed) as failed:
        judged(status, {"retry-after": "7"}, b"", 3, NOW)
    assert failed.value.retry_after == expected


WAITS = [
    ("120", 120.0),
    (" 120 ", 120.0),
    ("0", 0.0),
    ("99999999999999999999", LONGEST_WAIT),
    ("Tue, 24 Nov 2026 12:05:00 GMT", 300.0),
    ("Tue, 24 Nov 2026 12:05:00 -0000", 300.0),
    ("Tue, 24 Nov 2026 14:05:00 +0200", 300.0),
    ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
    ("Tue, 24 Nov 2099 11:00:00 GMT", LONGEST_WAIT),
    *((text, None) for text in ("", "soon", "-5", "1.5", "١٢", "Tue, 99 Nov 2026", "Tue, 24 Nov 99999 12:00:00 GMT")),
    ("Tue, 24 Nov 2026 12:05:00 +999999", None),
]


@pytest.mark.parametrize(("header", "seconds"), WAITS)
def test_how_long_to_wait(header, seconds):
    assert wait_asked_for(header, NOW) == seconds


def test_of_an_answer_1_kib_is_kept():
    assert cut(b"x" * 5000) == "x" * 1024
    assert cut("é".encode() * 1000).startswith("é" * 500)
