"""A mail that somebody asks us to send, and what it is once it was sent. Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from webhook.domain.address import plain
from webhook.domain.effects import Effects
from webhook.domain.mail import Fact, Kind, Mail, Origin, Told
from webhook.domain.mime import SHOWN, Mailbox, check_raw, printable, within
from webhook.errors import Invalid

#: SES's own limits: recipients of a message, tags, and characters of a header line (RFC 5322, 2.1.1).
RECIPIENTS_MAX, TAGS_MAX, SUBJECT_MAX = 50, 50, 998
#: Bytes of text and HTML together, and of a raw message: SES takes 40 MB, with what it adds itself.
BODY_MAX, RAW_MAX = 10_000_000, 39_900_000
#: Who told of what was sent here. A wiring of its own: that a configuration set publishes Send is not for us to say.
WIRING = "api:send"

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_WHOLE = frozenset({"from", "to", "cc", "bcc", "tags", "raw"})
_PARTS = frozenset({"from", "to", "cc", "bcc", "replyTo", "subject", "text", "html", "tags"})


class Message(Struct, frozen=True, kw_only=True):
    """A mail to send: `raw` (a whole MIME message), or a subject with a text, an HTML body, or both."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    raw: bytes | None = None
    tags: dict[str, str] = {}
    #: Domains that a raw message names as its originators.
    speakers: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, body: object, domain: str) -> "Message":
        """The mail in the API's JSON, to be sent from `domain` (in ASCII, lower case).

        Raises:
            Invalid: names the field: `from`, `to[3]`, `tags.campaign`, `raw` …
        """
        if not isinstance(body, Mapping):
            raise Invalid("body", "is not a JSON object", 'Give {"from", "to", "subject", "text"}.')
        whole = "raw" in body
        _check_names(body, _WHOLE if whole else _PARTS, whole=whole)
        message = cls(
            sender=_sender(body, domain),
            to=_mailboxes(body, "to"),
            cc=_mailboxes(body, "cc"),
            bcc=_mailboxes(body, "bcc"),
            reply_to=_mailboxes(body, "replyTo"),
            tags=_tags(body),
            **(_raw(body, domain) if whole else _content(body)),
        )
        _check_number(message)
        return message

    @property
    def count(self) -> int:
        """How many recipients SES counts."""
        return len(self.to) + len(self.cc) + len(self.bcc)

    @property
    def fingerprint(self) -> str:
        """A digest of all of it."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def recipients(self) -> frozenset[str]:
        """All of them, in the form that addresses compare in."""
        return frozenset(plain(mailbox.address) for mailbox in (*self.to, *self.cc, *self.bcc))


def _check_names(body: Mapping[Any, Any], known: frozenset[str], *, whole: bool) -> None:
    for name in body:
        if name not in known:
            inside = whole and name in _PARTS
            told = "belongs inside the raw message" if inside else "is not a field of a mail"
            raise Invalid(_shown(name), told, f"The fields are {', '.join(sorted(known))}.")


def _shown(name: object) -> str:
    """A name that somebody made up, fit to be repeated to him."""
    return str(name)[:SHOWN].encode("ascii", "backslashreplace").decode()


def _check_number(message: Message) -> None:
    if not message.to:
        raise Invalid("to", "names nobody", "Give a list of at least one address.")
    if message.count > RECIPIENTS_MAX:
        told = f"are {message.count} recipients with cc and bcc, and SES takes {RECIPIENTS_MAX}"
        raise Invalid("to", told, "Send it several times, best to one recipient each.")


def _sender(body: Mapping[str, object], domain: str) -> Mailbox:
    given = body.get("from")
    if not isinstance(given, str):
        raise Invalid("from", "is missing or not a text", f"Give an address at {domain}.")
    sender = Mailbox.from_text(given, "from")
    if not within(sender.domain, domain):
        told = f"is at {sender.domain}, which is not {domain}"
        raise Invalid("from", told, f"Give an address at {domain}, or send through the domain that it is at.")
    return sender


def _mailboxes(body: Mapping[str, object], field: str) -> tuple[Mailbox, ...]:
    given = body.get(field)
    if field == "replyTo" and isinstance(given, str):
        given = [given]
    if given is None:
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise Invalid(field, "is not a list", 'Give a list of addresses, such as ["ann@example.com"].')
    return tuple(_mailbox(text, f"{field}[{place}]") for place, text in enumerate(given))


def _mailbox(given: object, field: str) -> Mailbox:
    if not isinstance(given, str):
        raise Invalid(field, "is not a text", "Give an address, such as ann@example.com.")
    return Mailbox.from_text(given, field)


def _content(body: Mapping[str, object]) -> dict[str, Any]:
    subject = body.get("subject")
    if not isinstance(subject, str):
        raise Invalid("subject", "is missing or not a text", "Give a text of one line; it may be empty.")
    if len(subject) > SUBJECT_MAX or not printable(subject):
        raise Invalid("subject", f"is longer than {SUBJECT_MAX} characters, or of several lines", "Give one line.")
    found = {name: _text(body, name) for name in ("text", "html")}
    if not any(found.values()):
        raise Invalid("text", "is missing, and so is html", "Give text, html, or both.")
    if sum(len(text.encode()) for text in found.values() if text) > BODY_MAX:
        raise Invalid("text", f"and html together are above {BODY_MAX:,} bytes", "Link to what is that large.")
    return {"subject": subject, **found}


def _text(body: Mapping[str, object], field: str) -> str | None:
    given = body.get(field)
    if given is not None and not isinstance(given, str):
        raise Invalid(field, "is not a text", "Give a JSON string.")
    if given and any("\ud800" <= character <= "\udfff" for character in given):
        raise Invalid(field, "holds half a character (a lone surrogate)", "Give whole Unicode characters.")
    return given


def _tags(body: Mapping[str, object]) -> dict[str, str]:
    given = body.get("tags")
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid("tags", "is not an object", 'Give {"campaign": "spring"}.')
    if len(given) > TAGS_MAX:
        raise Invalid("tags", f"are {len(given)}, and SES takes {TAGS_MAX}", "Leave some out.")
    hint = "Names and values are 1 to 256 ASCII letters, digits, _ or -."
    for name, value in given.items():
        field = f"tags.{_shown(name)}"
        if str(name).lower().startswith("ses:"):
            raise Invalid(field, "begins with `ses:`, which only SES itself may", hint)
        if not (isinstance(name, str) and _TAG.fullmatch(name)):
            raise Invalid(field, "is not a name that SES takes", hint)
        if not (isinstance(value, str) and _TAG.fullmatch(value)):
            raise Invalid(field, "has no value that SES takes", hint)
    return dict(given)


def _raw(body: Mapping[str, object], domain: str) -> dict[str, Any]:
    given = body["raw"]
    hint = "Give the whole MIME message in base64, without line breaks."
    if not isinstance(given, str):
        raise Invalid("raw", "is not a text", hint)
    if len(given) > RAW_MAX // 3 * 4 + 4:
        raise Invalid("raw", f"is above {RAW_MAX:,} bytes, and SES takes 40 MB", "Link to what is that large.")
    try:
        raw = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("raw", "is not base64", hint) from error
    return {"raw": raw, "speakers": check_raw(raw, domain)}


class Stage(StrEnum):
    """How far a mail has come on its way to SES."""

    SENDING = "sending"  #: handed over; if it stays so, whoever did it died before SES's answer was written down
    SENT = "sent"  #: SES took it, under a message id
    REFUSED = "refused"  #: certainly not sent
    UNKNOWN = "unknown"  #: the answer was lost: SES may have taken it, or not


class Sending(Struct, frozen=True, kw_only=True):
    """A mail on its way: written down before SES is asked, so that no crash makes one forgotten or sent twice.

    `keyed` is true if the caller gave it a key of his own; `fingerprint` tells a repetition from another mail. `at` is
    when SES was asked, and from `stage` SENT on when it took it.
    """

    id: str
    domain: str
    who: str
    recipients: frozenset[str]
    fingerprint: str
    at: datetime
    keyed: bool = False
    stage: Stage = Stage.SENDING
    message_id: str = ""

    @property
    def effects(self) -> Effects:
        """What the Send event will tell of it once SES took it, but for who tells it and the milliseconds.

        SES's own time is a little earlier, and wins; over midnight the mail then moves to the day before.
        """
        at = self.at.replace(microsecond=self.at.microsecond // 1000 * 1000)
        facts = {Fact(Kind.SENT.value): Told(at)}
        mail = Mail(self.message_id, Origin(0, self.domain), at, self.recipients, facts, frozenset({WIRING}))
        return Effects(kind="Send", mail=mail)


def keyed_id(who: str, domain: str, key: str) -> str:
    """The id of the one sending that a token's key stands for."""
    return hashlib.sha256(f"{who}\0{domain}\0{key}".encode()).hexdigest()
