"""What SES publishes about a mail, written in the two formats that SES has.

Event publishing (a configuration set) and identity feedback notifications differ in discriminator, tags, headers,
Subject and final newline:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html,
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

import msgspec

EVENT_SUBJECT = "Amazon SES Email Event Notification"


class Producer(StrEnum):
    """Which of SES's two publishers speaks."""

    EVENTS = "events"
    IDENTITY = "identity"


class Kind(StrEnum):
    """What befell a mail, spelled as `eventType` spells it."""

    SEND = "Send"
    DELIVERY = "Delivery"
    DELAY = "DeliveryDelay"
    BOUNCE = "Bounce"
    COMPLAINT = "Complaint"
    OPEN = "Open"
    CLICK = "Click"
    REJECT = "Reject"
    RENDERING_FAILURE = "Rendering Failure"


# The key under which the payload keeps the particulars of each kind.
SECTIONS = {
    Kind.SEND: "send",
    Kind.DELIVERY: "delivery",
    Kind.DELAY: "deliveryDelay",
    Kind.BOUNCE: "bounce",
    Kind.COMPLAINT: "complaint",
    Kind.OPEN: "open",
    Kind.CLICK: "click",
    Kind.REJECT: "reject",
    Kind.RENDERING_FAILURE: "failure",
}
NOTIFIED = frozenset({Kind.BOUNCE, Kind.COMPLAINT, Kind.DELIVERY})
# Only these have left SES, hence over an outgoing address.
_OUTGOING = frozenset({Kind.DELIVERY, Kind.DELAY, Kind.BOUNCE, Kind.COMPLAINT, Kind.OPEN, Kind.CLICK})


class Account(msgspec.Struct, frozen=True):
    """The AWS account and region in which the made-up platform lives."""

    region: str
    number: str


class Mail(msgspec.Struct, frozen=True):
    """One SES mail of a made-up customer; `sender` may carry a display name, `sent_at` is UTC."""

    message_id: str
    sent_at: datetime
    sender: str
    from_domain: str
    identity: str
    recipients: tuple[str, ...]
    subject: str
    configuration_set: str
    account: Account


class Happening(msgspec.Struct, frozen=True):
    """One thing that befell `mail` at `at`; `what` tells it apart from others of its kind (recipients, feedback id)."""

    mail: Mail
    kind: Kind
    at: datetime
    section: dict[str, object]
    what: str

    @property
    def key(self) -> str:
        """Its identity whichever way, and however often, it is told."""
        return f"{self.mail.message_id}/{self.kind}/{self.what}"


def timestamp(moment: datetime) -> str:
    """`2026-01-31T09:30:00.000Z`, as SES and SNS write a moment."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def payload(happening: Happening, producer: Producer) -> str:
    """The text that SES publishes to the topic for `happening`."""
    if producer is Producer.IDENTITY:
        return _notification(happening)
    return _event(happening)


def _event(happening: Happening) -> str:
    mail = _mail(happening.mail) | {
        "headersTruncated": False,
        "headers": _headers(happening.mail),
        "commonHeaders": _common_headers(happening.mail),
        "tags": _tags(happening.mail, happening.kind),
    }
    body = {"eventType": happening.kind, "mail": mail, SECTIONS[happening.kind]: happening.section}
    return msgspec.json.encode(body).decode() + "\n"


def _notification(happening: Happening) -> str:
    if happening.kind not in NOTIFIED:
        raise ValueError(f"SES sends no identity notification for {happening.kind}")
    mail = _mail(happening.mail) | {"sourceIp": "198.51.100.17", "callerIdentity": "platform-mailer"}
    body = {"notificationType": happening.kind, SECTIONS[happening.kind]: happening.section, "mail": mail}
    return msgspec.json.encode(body).decode()


def _mail(mail: Mail) -> dict[str, object]:
    return {
        "timestamp": timestamp(mail.sent_at),
        "source": mail.sender,
        "sourceArn": identity_arn(mail),
        "sendingAccountId": mail.account.number,
        "messageId": mail.message_id,
        "destination": mail.recipients,
    }


def identity_arn(mail: Mail) -> str:
    """The ARN of the verified identity that the mail was sent with."""
    return f"arn:aws:ses:{mail.account.region}:{mail.account.number}:identity/{mail.identity}"


def _headers(mail: Mail) -> list[dict[str, str]]:
    pairs = {
        "From": mail.sender,
        "To": ", ".join(mail.recipients),
        "Subject": mail.subject,
        "MIME-Version": "1.0",
        "Content-Type": 'multipart/alternative; boundary="----=_Part_0"',
    }
    return [{"name": name, "value": value} for name, value in pairs.items()]


def _common_headers(mail: Mail) -> dict[str, object]:
    return {
        "from": [mail.sender],
        "to": mail.recipients,
        "date": format_datetime(mail.sent_at),
        "messageId": mail.message_id,
        "subject": mail.subject,
    }


def _tags(mail: Mail, kind: Kind) -> dict[str, list[str]]:
    tags = {
        "ses:operation": ["SendEmail"],
        "ses:configuration-set": [mail.configuration_set],
        "ses:source-ip": ["198.51.100.17"],
        "ses:from-domain": [mail.from_domain],
        "ses:caller-identity": ["platform-mailer"],
    }
    if kind in _OUTGOING:
        tags["ses:outgoing-ip"] = ["203.0.113.46"]
    return tags
