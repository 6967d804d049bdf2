"""From the text of an SNS message to typed events about one mail, or about an identity. Pure."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Struct

from webhook.domain import events as ev
from webhook.domain import identity
from webhook.domain.address import domain_of, is_simulated, plain, well_formed
from webhook.domain.counts import HELD_BACK
from webhook.domain.mail import Origin
from webhook.domain.payload import Happening, Payload, Recipient, SesMail, read_detail, read_payload
from webhook.errors import NotUnderstood

TOPIC_CONFIRMED = "Successfully validated SNS topic for Amazon SES event publishing."
Part = TypeVar("Part")

MAX_ID = 256
MAX_NAME = 64
MAX_DETAIL = 300
NOTHING = Happening()

# What a bounce was answered is written by the remote server, and counted by: so only what the standards know (RFC 5321,
# RFC 3463 and the registries after them), or counters would grow without end.
_REPLY = re.compile(r"\b(4[25][0-9]|50[0-4]|52[1-3]|53[0-9]|541|55[0-9]|571)\b")
_ENHANCED = re.compile(r"(?<![\d.])([245]\.[0-7]\.[0-9]{1,2})(?![\d.])")
FEEDBACK_TYPES = frozenset({"abuse", "auth-failure", "fraud", "not-spam", "other", "virus"})
MAX_ADDRESS = 320


class Head(Struct, frozen=True, gc=False):
    """Which mail a message is about, and who told of it."""

    id: str
    origin: Origin
    at: datetime
    recipients: frozenset[str]
    wiring: str


class Reading(Struct, frozen=True, gc=False):
    """One understood message. `kind` is AWS's own word for it (`Bounce`, `Rendering Failure`, `AWS Health Event`)."""

    kind: str
    events: tuple[ev.Event, ...]
    head: Head | None = None


def read(text: str) -> Reading:
    """What an SNS message of ours says.

    Raises:
        NotUnderstood: `not_json`, `malformed`, `unknown_shape`, `unknown_type` or `no_domain`.
    """
    if text.strip() == TOPIC_CONFIRMED:
        return Reading(kind="TopicConfirmed", events=(ev.TopicConfirmed(),))
    payload = read_payload(text)
    if payload.detail_type is not None and payload.source is not None:
        return _from_eventbridge(payload)
    return _from_ses(payload)


def _from_ses(payload: Payload, path: str = "$") -> Reading:
    kind = payload.event_type or payload.notification_type
    if kind is None:
        raise NotUnderstood("unknown_shape", f"neither `eventType` nor `notificationType` at `{path}`")
    control = _CONTROL.get(kind)
    if control:
        return Reading(kind=kind, events=(control,))
    reader = _READERS.get(kind)
    if reader is None:
        raise NotUnderstood("unknown_type", f"SES never told of `{kind[:80]}` before")
    if payload.mail is None:
        raise NotUnderstood("malformed", f"Object missing required field `mail` - at `{path}`")
    head = _head(payload.mail, published=payload.event_type is not None, path=path)
    return Reading(kind=kind, events=tuple(reader(payload, head.at, path)), head=head)


def _from_eventbridge(payload: Payload) -> Reading:
    kind = payload.detail_type or ""
    if payload.source == "aws.ses" and kind.startswith("Email "):
        return _from_ses(read_detail(payload.detail, Payload), path="$.detail")
    at = moment(payload.time, "$.time", datetime(1970, 1, 1, tzinfo=UTC))
    return Reading(kind=kind, events=(identity.read_identity_event(payload, at),))


def _head(mail: SesMail, *, published: bool, path: str) -> Head:
    if not 0 < len(mail.message_id) <= MAX_ID:
        raise NotUnderstood("malformed", f"Expected 1 to {MAX_ID} characters - at `{path}.mail.messageId`")
    origin = _origin(mail, path)
    tags = mail.tags
    configuration_set = (tags.configuration_set or [""])[0][:MAX_NAME] if tags else ""
    return Head(
        id=mail.message_id,
        origin=origin,
        at=moment(mail.timestamp, f"{path}.mail.timestamp"),
        recipients=frozenset(_address(address, f"{path}.mail.destination") for address in mail.destination or ()),
        wiring=f"set:{configuration_set}" if published else f"identity:{origin.domain}",
    )


def _address(text: str, path: str) -> str:
    if len(text) > MAX_ADDRESS:
        raise NotUnderstood("malformed", f"Expected at most {MAX_ADDRESS} characters in an address - at `{path}`")
    return plain(text)


def _origin(mail: SesMail, path: str) -> Origin:
    """The customer domain: a pure function of the message, never of what is registered at the time."""
    named = (mail.source_arn or "").partition(":identity/")[2]
    if domain := well_formed(named.rpartition("@")[2]):
        return Origin(0, domain)
    tagged = ((mail.tags and mail.tags.from_domain) or [""])[0]
    if domain := well_formed(tagged):
        return Origin(1, domain)
    if domain := well_formed(domain_of(plain(mail.source or ""))):
        return Origin(2, domain)
    raise NotUnderstood("no_domain", f"no domain in `sourceArn`, tag `ses:from-domain` or `source` - at `{path}.mail`")


def moment(text: str | None, path: str, default: datetime | None = None) -> datetime:
    """An AWS timestamp, in UTC, to the millisecond. SES writes `…Z`, `… +0000` and `…-07:00`.

    Raises:
        NotUnderstood: `malformed`, naming `path`.
    """
    if text is None and default is not None:
        return default
    try:
        at = datetime.fromisoformat((text or "").replace(" +", "+"))
        if at.tzinfo is not UTC:
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotUnderstood("malformed", f"Expected a timestamp - at `{path}`") from error
    beyond = at.microsecond % 1000
    return at.replace(microsecond=at.microsecond - beyond) if beyond else at


def smtp_answer(recipient: Recipient) -> str:
    """The reply code and enhanced status of a bounce, as `550 5.7.1`; what of the two is known."""
    told = (recipient.diagnostic_code or "")[:MAX_DETAIL]
    found = (_REPLY.search(told), _ENHANCED.search(told) or _ENHANCED.search((recipient.status or "")[:20]))
    return " ".join(part[1] for part in found if part)


def _bounced(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    bounce = _part(payload.bounce, "bounce", path)
    at = moment(bounce.timestamp, f"{path}.bounce.timestamp", sent_at)
    subtype = (bounce.bounce_sub_type or "")[:64]
    for recipient in bounce.bounced_recipients:
        address = _address(recipient.email_address, f"{path}.bounce.bouncedRecipients")
        if subtype in HELD_BACK:
            yield ev.HeldBack(at, address, subtype)
        else:
            answer = (recipient.diagnostic_code or "")[:MAX_DETAIL]
            yield ev.Bounced(at, address, bounce.bounce_type[:64], subtype, smtp_answer(recipient), answer)


def _complained(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    complaint = _part(payload.complaint, "complaint", path)
    at = moment(complaint.timestamp, f"{path}.complaint.timestamp", sent_at)
    where = f"{path}.complaint.complainedRecipients"
    addresses = sorted((_address(who.email_address, where) for who in complaint.complained_recipients), key=_rank)
    if complaint.complaint_sub_type in HELD_BACK:
        # A complaint that SES ties to a suppression list: the mail never went out to these.
        yield from (ev.HeldBack(at, address, complaint.complaint_sub_type) for address in addresses)
    yield ev.Complained(
        at,
        feedback_id=(complaint.feedback_id or f"{','.join(addresses)} {at.isoformat()}")[:MAX_ID],
        type=_feedback_type(complaint.complaint_feedback_type),
        subtype=(complaint.complaint_sub_type or "")[:64],
        recipient=addresses[0] if addresses else "",
    )


def _feedback_type(text: str | None) -> str:
    """The type in the provider's report: one of those that AWS names, `unknown` for others, "" where there is none."""
    if not text:
        return ""
    return text if text in FEEDBACK_TYPES else "unknown"


def _rank(address: str) -> tuple[bool, str]:
    """The simulator last: a complaint is made up only if nobody else may have made it."""
    return is_simulated(address), address


def _delivered(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    delivery = _part(payload.delivery, "delivery", path)
    at = moment(delivery.timestamp, f"{path}.delivery.timestamp", sent_at)
    answer = (delivery.smtp_response or "")[:MAX_DETAIL]
    return [
        ev.Delivered(at, _address(address, f"{path}.delivery.recipients"), answer) for address in delivery.recipients
    ]


def _delayed(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    delay = _part(payload.delivery_delay, "deliveryDelay", path)
    at = moment(delay.timestamp, f"{path}.deliveryDelay.timestamp", sent_at)
    for recipient in delay.delayed_recipients:
        answer = (recipient.diagnostic_code or "")[:MAX_DETAIL]
        yield ev.Delayed(
            at,
            _address(recipient.email_address, f"{path}.deliveryDelay.delayedRecipients"),
            (delay.delay_type or "")[:64],
            answer,
        )


def _opened(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    opened = payload.open or NOTHING
    return [ev.Opened(moment(opened.timestamp, f"{path}.open.timestamp", sent_at))]


def _clicked(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    click = payload.click or NOTHING
    at = moment(click.timestamp, f"{path}.click.timestamp", sent_at)
    return [ev.Clicked(at, (click.link or "")[:MAX_DETAIL])]


def _unrendered(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    failure = _part(payload.failure, "failure", path)
    return [ev.RenderingFailed(sent_at, f"{failure.template_name}: {failure.error_message}"[:MAX_DETAIL])]


def _preferred(payload: Payload, sent_at: datetime, path: str) -> Iterable[ev.Event]:
    subscription = _part(payload.subscription, "subscription", path)
    at = moment(subscription.timestamp, f"{path}.subscription.timestamp", sent_at)
    return [ev.PreferenceChanged(at, (subscription.contact_list or "")[:MAX_DETAIL])]


def _rejected(payload: Payload, sent_at: datetime, _path: str) -> Iterable[ev.Event]:
    return [ev.Rejected(sent_at, ((payload.reject or NOTHING).reason or "")[:MAX_DETAIL])]


def _sent(_payload: Payload, sent_at: datetime, _path: str) -> Iterable[ev.Event]:
    return [ev.Sent(sent_at)]


def _part(part: Part | None, name: str, path: str) -> Part:
    if part is None:
        raise NotUnderstood("malformed", f"Object missing required field `{name}` - at `{path}`")
    return part


_Reader = Callable[[Payload, datetime, str], Iterable[ev.Event]]

_READERS: dict[str, _Reader] = {
    "Send": _sent,
    "Delivery": _delivered,
    "DeliveryDelay": _delayed,
    "Bounce": _bounced,
    "Complaint": _complained,
    "Reject": _rejected,
    "Rendering Failure": _unrendered,
    "Open": _opened,
    "Click": _clicked,
    "Subscription": _preferred,
}
_CONTROL: dict[str, ev.Event] = {
    "AmazonSnsSubscriptionSucceeded": ev.TopicConfirmed(),
    "Received": ev.MailReceived(),
}
