"""What becomes of a mail, recipient by recipient, with the particulars that SES tells of each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from webhook.emulator.payloads import Happening, Kind, Mail, timestamp

SIMULATOR = "simulator.amazonses.com"


class Fate(StrEnum):
    """What becomes of one recipient's copy; the first five as the mailbox simulator's addresses name them."""

    DELIVERED = "success"
    BOUNCED = "bounce"
    AWAY = "ooto"
    COMPLAINED = "complaint"
    SUPPRESSED = "suppressionlist"
    HELD_BACK = "held back"
    SOFT_BOUNCED = "soft bounce"
    DELAYED = "delay"
    SILENT = "silent"


#: Type and subtype of the bounce, status and diagnosis.
_BOUNCES = {
    Fate.BOUNCED: ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    Fate.AWAY: ("Transient", "General", "4.0.0", "smtp; auto-reply"),
    Fate.SUPPRESSED: (
        "Permanent",
        "Suppressed",
        "5.1.1",
        "Amazon SES has suppressed sending to this address because it has a recent history of bouncing.",
    ),
    Fate.HELD_BACK: (
        "Permanent",
        "OnAccountSuppressionList",
        "5.1.1",
        "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
    ),
    Fate.SOFT_BOUNCED: ("Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
}
_DELIVERED_FIRST = frozenset({Fate.DELIVERED, Fate.AWAY, Fate.COMPLAINED})


def simulated(address: str) -> Fate | None:
    """The fate that the mailbox simulator's address asks for (a label after + says nothing); None for any other."""
    local, _, domain = address.lower().rpartition("@")
    if domain != SIMULATOR:
        return None
    name = local.partition("+")[0]
    return next((fate for fate in Fate if fate == name), Fate.BOUNCED)


def life(mail: Mail, fates: dict[str, Fate]) -> Iterator[Happening]:
    """All that befalls the mail, in the order in which it happens."""
    yield Happening(mail, Kind.SEND, mail.sent_at, {}, "")
    for address, fate in fates.items():
        if fate in _DELIVERED_FIRST:
            yield _delivery(mail, address, mail.sent_at + timedelta(seconds=1))
        if fate in _BOUNCES:
            yield _bounce(mail, address, mail.sent_at + timedelta(seconds=2), *_BOUNCES[fate])
        if fate is Fate.COMPLAINED:
            yield _complaint(mail, address, mail.sent_at + timedelta(seconds=3))
        if fate is Fate.DELAYED:
            yield _delay(mail, address, mail.sent_at + timedelta(seconds=2))


def feedback_id() -> str:
    return f"0110{uuid.uuid4().hex[:12]}-{uuid.uuid4()}-000000"


def _delivery(mail: Mail, address: str, at: datetime) -> Happening:
    section: dict[str, Any] = {
        "timestamp": timestamp(at),
        "processingTimeMillis": 1000,
        "recipients": [address],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": f"a1-1.smtp-out.{mail.account.region}.amazonses.com",
    }
    return Happening(mail, Kind.DELIVERY, at, section, address)


def _bounce(mail: Mail, address: str, at: datetime, kind: str, sub_type: str, status: str, told: str) -> Happening:
    refused = {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": told}
    section: dict[str, Any] = {
        "feedbackId": feedback_id(),
        "bounceType": kind,
        "bounceSubType": sub_type,
        "bouncedRecipients": [refused],
        "timestamp": timestamp(at),
        "reportingMTA": f"dns; a1-1.smtp-out.{mail.account.region}.amazonses.com",
    }
    return Happening(mail, Kind.BOUNCE, at, section, address)


def _complaint(mail: Mail, address: str, at: datetime) -> Happening:
    section: dict[str, Any] = {
        "feedbackId": feedback_id(),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": address}],
        "timestamp": timestamp(at),
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": timestamp(at),
    }
    return Happening(mail, Kind.COMPLAINT, at, section, str(section["feedbackId"]))


def _delay(mail: Mail, address: str, at: datetime) -> Happening:
    delayed = {"emailAddress": address, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 unable to connect"}
    section: dict[str, Any] = {
        "timestamp": timestamp(at),
        "delayType": "TransientCommunicationFailure",
        "expirationTime": timestamp(mail.sent_at + timedelta(hours=14)),
        "delayedRecipients": [delayed],
    }
    return Happening(mail, Kind.DELAY, at, section, address)
