"""What befalls a mail, recipient by recipient, from the Send to a late bounce or a complaint."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from random import Random

from webhook.emulator.characters import Fate
from webhook.emulator.payloads import Happening, Kind, Mail, timestamp
from webhook.emulator.recipients import DELAYS, HELD_BACK, SOFT, Refusal, hard_refusal, provider

Section = dict[str, object]

# These befall the mail as a whole: whoever has one of them is its only recipient.
WHOLE_MAIL = frozenset({Fate.REJECTED, Fate.NOT_RENDERED, Fate.SIMULATED})

_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
_OPENED_OF_100 = 30
_CLICKED_OF_100_OPENED = 20


def ses_id(moment: datetime, rng: Random) -> str:
    """An identifier in the shape of SES's own: the moment in hexadecimal milliseconds, a UUID, six zeros."""
    digits = f"{rng.getrandbits(128):032x}"
    uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"0100{int(moment.timestamp() * 1000):012x}-{uuid}-000000"


def life(mail: Mail, fates: tuple[Fate, ...], rng: Random) -> list[Happening]:
    """All that befalls `mail`, whose recipients have those `fates`; in the order in which it happens."""
    happenings = [] if Fate.NOT_RENDERED in fates else [_sent(mail)]
    for fate, recipients in _shared(mail, fates):
        happenings.extend(_TELLERS[fate](mail, recipients, rng))
    return sorted(happenings, key=lambda happening: happening.at)


def _shared(mail: Mail, fates: tuple[Fate, ...]) -> Iterator[tuple[Fate, tuple[str, ...]]]:
    """Recipients of one provider with one fate share an event, as SES does it; complaints never do."""

    def common(pair: tuple[Fate, str]) -> tuple[str, str]:
        fate, recipient = pair
        return fate, recipient if fate in {Fate.COMPLAINED, Fate.RETRACTED} else provider(recipient)

    pairs = sorted(zip(fates, mail.recipients, strict=True), key=common)
    for _, group in groupby(pairs, key=common):
        members = list(group)
        yield members[0][0], tuple(recipient for _, recipient in members)


def _happening(mail: Mail, kind: Kind, at: datetime, section: Section, recipients: tuple[str, ...]) -> Happening:
    return Happening(mail, kind, at, section, ",".join(sorted(recipient.lower() for recipient in recipients)))


def _after(moment: datetime, rng: Random, least: float, most: float) -> datetime:
    return moment + timedelta(seconds=round(rng.uniform(least, most), 3))


def _outgoing_host(mail: Mail, rng: Random) -> str:
    return f"a{rng.randrange(1, 99)}-{rng.randrange(1, 99)}.smtp-out.{mail.account.region}.amazonses.com"


def _sent(mail: Mail) -> Happening:
    return Happening(mail, Kind.SEND, mail.sent_at, {}, "")


def _delivery(mail: Mail, recipients: tuple[str, ...], rng: Random, at: datetime) -> Happening:
    host = provider(recipients[0])
    section: Section = {
        "timestamp": timestamp(at),
        "processingTimeMillis": int((at - mail.sent_at).total_seconds() * 1000),
        "recipients": recipients,
        "smtpResponse": f"250 2.0.0 OK {int(at.timestamp())} {rng.getrandbits(48):012x} - {host}",
        "reportingMTA": _outgoing_host(mail, rng),
    }
    return _happening(mail, Kind.DELIVERY, at, section, recipients)


def _delivered(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    delivery = _delivery(mail, recipients, rng, _after(mail.sent_at, rng, 0.4, 9))
    yield delivery
    if rng.randrange(100) < _OPENED_OF_100:
        yield from _read(mail, recipients, rng, delivery.at)


def _read(mail: Mail, recipients: tuple[str, ...], rng: Random, since: datetime) -> Iterator[Happening]:
    opened = _after(since, rng, 5, 6 * 3600)
    reader: Section = {"ipAddress": f"192.0.2.{rng.randrange(1, 255)}", "userAgent": rng.choice(_AGENTS)}
    yield _happening(mail, Kind.OPEN, opened, {"timestamp": timestamp(opened)} | reader, recipients)
    if rng.randrange(100) < _CLICKED_OF_100_OPENED:
        clicked = _after(opened, rng, 1, 90)
        link: Section = {"link": f"https://{mail.identity}/offers?ref=mail", "linkTags": None}
        yield _happening(mail, Kind.CLICK, clicked, {"timestamp": timestamp(clicked)} | reader | link, recipients)


def _delayed(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    at = _after(mail.sent_at, rng, 60, 1800)
    refusal = rng.choice(DELAYS)
    section: Section = {
        "timestamp": timestamp(at),
        "delayType": refusal.sub_type,
        "expirationTime": timestamp(mail.sent_at + timedelta(hours=14)),
        "delayedRecipients": [
            {"emailAddress": recipient, "status": refusal.status, "diagnosticCode": refusal.diagnostic}
            for recipient in recipients
        ],
    }
    yield _happening(mail, Kind.DELAY, at, section, recipients)
    yield _delivery(mail, recipients, rng, _after(at, rng, 300, 4 * 3600))


def _bounce(
    mail: Mail, recipients: tuple[str, ...], rng: Random, at: datetime, bounce_type: str, refusals: list[Refusal]
) -> Happening:
    section: Section = {
        "feedbackId": ses_id(at, rng),
        "bounceType": bounce_type,
        "bounceSubType": refusals[0].sub_type,
        "bouncedRecipients": [
            {
                "emailAddress": recipient.capitalize() if rng.randrange(50) == 0 else recipient,
                "action": "failed",
                "status": refusal.status,
                "diagnosticCode": refusal.diagnostic,
            }
            for recipient, refusal in zip(recipients, refusals, strict=True)
        ],
        "timestamp": timestamp(at),
        "reportingMTA": f"dns; {_outgoing_host(mail, rng)}",
    }
    return _happening(mail, Kind.BOUNCE, at, section, recipients)


def _hard_bounced(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    for recipient in recipients:
        refusal = hard_refusal(recipient, rng)
        yield _bounce(mail, (recipient,), rng, _after(mail.sent_at, rng, 0.6, 20), "Permanent", [refusal])


def _bounced_late(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    """The provider took the mail, and sent it back after hours."""
    delivery = _delivery(mail, recipients, rng, _after(mail.sent_at, rng, 0.4, 9))
    yield delivery
    gone = [Refusal("General", "5.1.1", "smtp; 550 5.1.1 user unknown") for _ in recipients]
    yield _bounce(mail, recipients, rng, _after(delivery.at, rng, 600, 6 * 3600), "Permanent", gone)


def _soft_bounced(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    refusal = rng.choice(SOFT)
    at = _after(mail.sent_at, rng, 1, 600)
    yield _bounce(mail, recipients, rng, at, "Transient", [refusal for _ in recipients])


def _held_back(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    at = _after(mail.sent_at, rng, 0.1, 1)
    yield _bounce(mail, recipients, rng, at, "Permanent", [HELD_BACK for _ in recipients])


def _complaint(mail: Mail, recipients: tuple[str, ...], rng: Random, feedback_type: str) -> Iterator[Happening]:
    delivery = _delivery(mail, recipients, rng, _after(mail.sent_at, rng, 0.4, 9))
    yield delivery
    at = _after(delivery.at, rng, 300, 8 * 3600)
    section: Section = {
        "feedbackId": ses_id(at, rng),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": recipient} for recipient in recipients],
        "timestamp": timestamp(at),
        "userAgent": "Yahoo!-Mail-Feedback/2.0",
        "complaintFeedbackType": feedback_type,
        "arrivalDate": timestamp(delivery.at),
    }
    yield Happening(mail, Kind.COMPLAINT, at, section, str(section["feedbackId"]))


def _complained(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    return _complaint(mail, recipients, rng, "abuse")


def _retracted(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    return _complaint(mail, recipients, rng, "not-spam")


def _rejected(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    yield _happening(mail, Kind.REJECT, _after(mail.sent_at, rng, 0.2, 2), {"reason": "Bad content"}, recipients)


def _not_rendered(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    section: Section = {
        "templateName": "order-confirmation",
        "errorMessage": "Attribute 'firstName' is not present in the rendering data.",
    }
    yield _happening(mail, Kind.RENDERING_FAILURE, _after(mail.sent_at, rng, 0.1, 1), section, recipients)


def _simulated(mail: Mail, recipients: tuple[str, ...], rng: Random) -> Iterator[Happening]:
    """A customer tries the mailbox simulator, which counts nowhere."""
    refusal = Refusal("General", "5.1.1", "smtp; 550 5.1.1 user unknown")
    yield _bounce(mail, recipients, rng, _after(mail.sent_at, rng, 0.6, 3), "Permanent", [refusal for _ in recipients])


_TELLERS: Mapping[Fate, Callable[[Mail, tuple[str, ...], Random], Iterator[Happening]]] = {
    Fate.DELIVERED: _delivered,
    Fate.HARD_BOUNCED: _hard_bounced,
    Fate.BOUNCED_LATE: _bounced_late,
    Fate.SOFT_BOUNCED: _soft_bounced,
    Fate.DELAYED: _delayed,
    Fate.HELD_BACK: _held_back,
    Fate.COMPLAINED: _complained,
    Fate.RETRACTED: _retracted,
    Fate.REJECTED: _rejected,
    Fate.NOT_RENDERED: _not_rendered,
    Fate.SIMULATED: _simulated,
}
