"""The emulator's payloads have the shapes that SES publishes, kind by kind and in both formats."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from webhook.emulator.characters import Fate
from webhook.emulator.lifecycle import life, ses_id
from webhook.emulator.payloads import NOTIFIED, SECTIONS, Account, Happening, Kind, Mail, Producer, payload, timestamp

SENT_AT = datetime(2026, 3, 1, 9, 30, 0, 123_000, tzinfo=UTC)
MAIL = Mail(
    message_id=ses_id(SENT_AT, Random(1)),
    sent_at=SENT_AT,
    sender='"Bakery" <news@mail.bakery.example>',
    from_domain="mail.bakery.example",
    identity="bakery.example",
    recipients=("anna@yahoo.com",),
    subject="Welcome aboard",
    configuration_set="cs-bakery",
    account=Account("eu-north-1", "123456789012"),
)

# What each kind's section has; the guide's own examples have these too.
FIELDS = {
    Kind.SEND: set(),
    Kind.DELIVERY: {"timestamp", "processingTimeMillis", "recipients", "smtpResponse", "reportingMTA"},
    Kind.DELAY: {"timestamp", "delayType", "expirationTime", "delayedRecipients"},
    Kind.BOUNCE: {
        *("feedbackId", "bounceType", "bounceSubType", "bouncedRecipients"),
        *("timestamp", "reportingMTA"),
    },
    Kind.COMPLAINT: {
        *("feedbackId", "complaintSubType", "complainedRecipients", "timestamp"),
        *("userAgent", "complaintFeedbackType", "arrivalDate"),
    },
    Kind.OPEN: {"timestamp", "ipAddress", "userAgent"},
    Kind.CLICK: {"timestamp", "ipAddress", "userAgent", "link", "linkTags"},
    Kind.REJECT: {"reason"},
    Kind.RENDERING_FAILURE: {"templateName", "errorMessage"},
}


def told(fate: Fate, *, seed: int = 1, mail: Mail = MAIL) -> dict[Kind, Happening]:
    fates = tuple(fate for _ in mail.recipients)
    return {happening.kind: happening for happening in life(mail, fates, Random(seed))}


def examples() -> dict[Kind, Happening]:
    """One happening of each kind."""
    found: dict[Kind, Happening] = {}
    for fate in Fate:
        for seed in range(40):
            found |= told(fate, seed=seed)
    return found


EXAMPLES = examples()


def event(happening: Happening) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(payload(happening, Producer.EVENTS))
    return decoded


def test_every_kind_is_told_by_some_fate() -> None:
    assert set(EXAMPLES) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_an_event_names_its_kind_and_has_its_section(kind: Kind) -> None:
    body = event(EXAMPLES[kind])
    assert set(body) == {"eventType", "mail", SECTIONS[kind]}
    assert body["eventType"] == kind.value
    assert set(body[SECTIONS[kind]]) == FIELDS[kind]


@pytest.mark.parametrize("kind", Kind)
def test_an_event_ends_with_a_newline_and_carries_tags_and_headers(kind: Kind) -> None:
    text = payload(EXAMPLES[kind], Producer.EVENTS)
    assert text.endswith("}\n")
    mail = json.loads(text)["mail"]
    assert mail["tags"]["ses:configuration-set"] == ["cs-bakery"]
    assert mail["tags"]["ses:from-domain"] == ["mail.bakery.example"]
    assert mail["headersTruncated"] is False
    assert {"name": "Subject", "value": "Welcome aboard"} in mail["headers"]
    assert mail["commonHeaders"]["messageId"] == mail["messageId"]


@pytest.mark.parametrize("kind", sorted(NOTIFIED))
def test_a_notification_has_neither_tags_nor_headers_nor_a_newline(kind: Kind) -> None:
    text = payload(EXAMPLES[kind], Producer.IDENTITY)
    body = json.loads(text)
    assert not text.endswith("\n")
    assert set(body) == {"notificationType", "mail", SECTIONS[kind]}
    assert body["notificationType"] == kind.value
    assert {"tags", "headers", "commonHeaders", "headersTruncated"}.isdisjoint(body["mail"])
    assert {"sourceIp", "callerIdentity"} <= body["mail"].keys()


@pytest.mark.parametrize("kind", sorted(set(Kind) - NOTIFIED))
def test_there_is_no_identity_notification_of_other_kinds(kind: Kind) -> None:
    with pytest.raises(ValueError, match="no identity notification"):
        payload(EXAMPLES[kind], Producer.IDENTITY)


@pytest.mark.parametrize("producer", Producer)
def test_both_formats_agree_about_the_mail_and_what_befell_it(producer: Producer) -> None:
    body = json.loads(payload(EXAMPLES[Kind.BOUNCE], producer))
    assert body["mail"]["messageId"] == EXAMPLES[Kind.BOUNCE].mail.message_id
    assert body["mail"]["timestamp"] == "2026-03-01T09:30:00.123Z"
    assert body["mail"]["source"] == '"Bakery" <news@mail.bakery.example>'
    assert body["mail"]["sourceArn"] == "arn:aws:ses:eu-north-1:123456789012:identity/bakery.example"
    assert body["mail"]["sendingAccountId"] == "123456789012"
    assert body["mail"]["destination"] == ["anna@yahoo.com"]
    assert body["bounce"] == json.loads(json.dumps(EXAMPLES[Kind.BOUNCE].section))


def test_a_message_id_is_shaped_as_those_of_ses() -> None:
    first, uuid, last = MAIL.message_id.split("-", 1)[0], MAIL.message_id[17:53], MAIL.message_id[54:]
    assert first == f"0100{int(SENT_AT.timestamp() * 1000):012x}"
    assert [len(part) for part in uuid.split("-")] == [8, 4, 4, 4, 12]
    assert last == "000000"


def test_a_hard_bounce_says_why() -> None:
    bounce = told(Fate.HARD_BOUNCED)[Kind.BOUNCE].section
    assert bounce["bounceType"] == "Permanent"
    (recipient,) = json.loads(json.dumps(bounce["bouncedRecipients"]))
    assert set(recipient) == {"emailAddress", "action", "status", "diagnosticCode"}
    assert recipient["status"].startswith("5.")


def test_a_soft_bounce_is_transient() -> None:
    assert told(Fate.SOFT_BOUNCED)[Kind.BOUNCE].section["bounceType"] == "Transient"


def test_a_suppressed_recipient_is_sent_to_and_held_back() -> None:
    happenings = told(Fate.HELD_BACK)
    assert set(happenings) == {Kind.SEND, Kind.BOUNCE}
    assert happenings[Kind.BOUNCE].section["bounceSubType"] == "OnAccountSuppressionList"


def test_a_late_bounce_follows_a_delivery() -> None:
    happenings = told(Fate.BOUNCED_LATE)
    assert happenings[Kind.SEND].at < happenings[Kind.DELIVERY].at < happenings[Kind.BOUNCE].at


def test_a_delayed_mail_arrives_after_all() -> None:
    happenings = told(Fate.DELAYED)
    assert happenings[Kind.DELAY].at < happenings[Kind.DELIVERY].at


@pytest.mark.parametrize(("fate", "feedback"), [(Fate.COMPLAINED, "abuse"), (Fate.RETRACTED, "not-spam")])
def test_a_complaint_is_known_by_its_feedback_id(fate: Fate, feedback: str) -> None:
    complaint = told(fate)[Kind.COMPLAINT]
    assert complaint.section["complaintFeedbackType"] == feedback
    assert complaint.what == complaint.section["feedbackId"]


def test_a_mail_that_could_not_be_rendered_was_never_sent() -> None:
    assert set(told(Fate.NOT_RENDERED)) == {Kind.RENDERING_FAILURE}


def test_recipients_of_one_provider_share_an_event() -> None:
    mail = Mail(**{name: getattr(MAIL, name) for name in MAIL.__struct_fields__} | {"recipients": MANY})
    deliveries = [
        one for one in life(mail, tuple(Fate.DELIVERED for _ in MANY), Random(1)) if one.kind is Kind.DELIVERY
    ]
    assert sorted(one.what for one in deliveries) == ["ben@yahoo.com,carla@yahoo.com", "david@gmx.de"]


MANY = ("ben@yahoo.com", "david@gmx.de", "carla@yahoo.com")


def test_a_moment_is_written_in_milliseconds() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 6_999, tzinfo=UTC)) == "2026-01-02T03:04:05.006Z"
