"""What an entry of SES's own suppression list says of a mail, as a fact like any other. Pure.

SES puts an address on its list when a mail to it bounced for good or was complained of, and keeps which mail that was
(SES API v2, `GetSuppressedDestination`, Attributes `MessageId` and `FeedbackId`).
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from webhook.domain.address import plain
from webhook.domain.counts import HELD_BACK, PERMANENT
from webhook.domain.effects import Effects
from webhook.domain.mail import Fact, Kind, Mail, Origin, Told

#: The subtype of what was read from the list; when SES's own word comes after all, it counts as the same happening.
RESTORED = "FromSuppressionList"
#: SES's words for why an address is on its list, and the kind of event that each stands for.
KINDS = {"BOUNCE": "Bounce", "COMPLAINT": "Complaint"}


class Listed(Struct, frozen=True):
    """An address on the list, as SES writes it, why (`BOUNCE`, `COMPLAINT`), and since when."""

    address: str
    reason: str
    at: datetime


class Fate(StrEnum):
    """What became of an entry."""

    RESTORED = "restored"  #: its mail learnt of it
    KNOWN = "known"  #: its mail knew already
    BY_HAND = "by_hand"  #: a person entered it: there is no mail behind it
    UNKNOWN = "unknown"  #: its mail, and so its domain, was never heard of here


def knows(mail: Mail, entry: Listed, feedback_id: str) -> bool:
    """Whether the mail knows what the entry says: a bounce for good of that address, or that complaint."""
    address = plain(entry.address)
    only = len(mail.recipients) == 1
    if entry.reason == "BOUNCE":
        bounces = (fact for fact in mail.facts if fact.kind == Kind.BOUNCED and fact.type == PERMANENT)
        return any(only or fact.who == address for fact in bounces)
    complaints = (fact for fact in mail.facts if fact.kind == Kind.COMPLAINED and fact.subtype not in HELD_BACK)
    return any(only or fact.code == address or fact.who == feedback_id for fact in complaints)


def effects_of(mail: Mail, entry: Listed, feedback_id: str) -> Effects:
    """What the entry tells of its mail. No wiring told it: what is wired is not to be judged by this."""
    address = plain(entry.address)
    if entry.reason == "BOUNCE":
        fact = Fact(Kind.BOUNCED.value, address, PERMANENT, RESTORED)
    else:
        fact = Fact(Kind.COMPLAINED.value, feedback_id or f"{address} {mail.id}", "", RESTORED, address)
    told = Told(entry.at, "read from SES's account-level suppression list")
    news = Mail(mail.id, mail.origin, mail.at, mail.recipients, {fact: told}, frozenset())
    return Effects(kind=KINDS[entry.reason], mail=news)


def mail_sent(identity: str, domain: str, at: datetime, recipients: frozenset[str]) -> Mail:
    """A mail that was sent through us and of which nothing was heard since."""
    return Mail(identity, Origin(2, domain), at, recipients, {}, frozenset())
