"""Made-up histories of SES mail as the payloads that tell them, for property and integration tests.

One generator behind two sources of choice: Hypothesis draws (and shrinks) `history`, a seed decides `seeded_history`.
The alphabets are small on purpose: collisions are what the tests are after.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

Payload = dict[str, Any]
# Where the choices come from: returns one of the options, of which the first is the simplest.
Pick = Callable[[Sequence[Any]], Any]

TODAY = datetime(2026, 3, 10, tzinfo=UTC)
ACCOUNT = "123456789012"
MTA = "a8-70.smtp-out.amazonses.com"
ANN, BOB, CY = "ann@one.example", "bob@one.example", "cy@gmail.com"
FORWARDER = "ann.box@elsewhere.example"
SIMULATED = ("bounce+1@simulator.amazonses.com", "complaint@simulator.amazonses.com")
MANY = tuple(f"reader{number}@two.example" for number in range(50))
DESTINATIONS: tuple[tuple[str, ...], ...] = (
    *((ANN,), (BOB,), (ANN, BOB), (ANN, BOB, CY), MANY, (ANN, ANN.title()), (ANN, FORWARDER)),
    *(SIMULATED[:1], SIMULATED, (ANN, SIMULATED[0]), (SIMULATED[1], BOB)),
)
SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.title,
    lambda bare: f"Jane Doe <{bare}>",
    lambda bare: f'"Doe, Jane" <{bare.title()}>',
)


@dataclass(frozen=True, slots=True)
class Sender:
    """How a customer's mail names its domain."""

    source: str
    source_arn: str | None = None
    from_domain: str | None = None


def identity(name: str) -> str:
    """Return the ARN of an SES identity."""
    return f"arn:aws:ses:eu-north-1:{ACCOUNT}:identity/{name}"


SENDERS = (
    Sender("shop@alpha.example", identity("alpha.example"), "alpha.example"),
    Sender("Beta Post <post@beta.example>", identity("Postmaster@beta.example"), "beta.example"),
    Sender("Gamma News <news@mail.gamma.example>", None, "gamma.example"),
    Sender("bounce+1@delta.example", None, None),
    Sender("news@mail.alpha.example", identity("alpha.example"), "mail.alpha.example"),
)

# Which event types a wiring has switched on, by configuration set; None: event publishing whose tags don't name it.
FEEDBACK = frozenset({"Bounce", "Complaint"})
USUAL = FEEDBACK | {"Send", "Delivery", "DeliveryDelay", "Reject", "Rendering Failure"}
SETS: dict[str | None, frozenset[str]] = {
    "everything": USUAL | {"Open", "Click"},
    "usual": USUAL,
    "feedback": FEEDBACK,
    "delivered": FEEDBACK | {"Delivery"},
    None: FEEDBACK | {"Open", "DeliveryDelay", "Reject"},
}
IDENTITY_KINDS = (FEEDBACK | {"Delivery"}, FEEDBACK)


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that befell a mail, before any wiring tells it: `body` lacks the recipients."""

    kind: str
    recipients: tuple[str, ...] = ()
    body: tuple[tuple[str, Any], ...] = ()


BOUNCES = {
    "hard": [("Permanent", sub) for sub in ("General", "NoEmail", "Suppressed", "Sparkling")],
    "soft": [("Transient", "General"), ("Transient", "MailboxFull"), ("Undetermined", "Undetermined")],
    "held": [
        *(("Permanent", "OnAccountSuppressionList"), ("Permanent", "OnTenantSuppressionList")),
        *(("Permanent", "EmailValidationSuppressed"), ("Permanent", "UnsubscribedRecipient")),
    ],
}
# What may befall some recipients of a mail, one thing after the other.
FATES = (
    *("", "delivered", "hard", "soft", "held", "delayed", "stranger", "delivered hard", "soft hard", "hard hard"),
    *("delayed delivered", "delayed hard", "delivered soft", "held hard", "held delivered", "held soft"),
    *("held delayed", "stranger delivered", "stranger stranger"),
)


def befallen(pick: Pick, fate: str, who: Sequence[str]) -> Happening:
    """Return one thing that befell some recipients, or (`stranger`) an address they forward to."""
    match fate:
        case "stranger":
            return befallen(pick, pick(("hard", "soft", "held", "delivered", "delayed")), (FORWARDER,))
        case "delivered":
            return Happening("Delivery", tuple(who))
        case "delayed":
            return Happening("DeliveryDelay", tuple(who), (("delayType", pick(("General", "MailboxFull"))),))
        case _:
            kind, sub = pick(BOUNCES[fate])
            return Happening("Bounce", tuple(who), (("bounceType", kind), ("bounceSubType", sub)))


def complaint(pick: Pick, mail_id: str, who: Sequence[str]) -> Happening:
    """Return a complaint, the id of which may be that of another one."""
    body: list[tuple[str, Any]] = [("feedbackId", f"{mail_id}-{pick('ab')}")]
    feedback = pick(("abuse", None, "not-spam", "other"))
    body += [("complaintFeedbackType", feedback), ("userAgent", "Yahoo!-Mail-Feedback/2.0")] if feedback else []
    body += pick(((), (("complaintSubType", None),), (("complaintSubType", "OnAccountSuppressionList"),)))
    return Happening("Complaint", pick((tuple(who[:1]), tuple(who))), tuple(body))


SEND = Happening("Send")
REJECT = Happening("Reject", (), (("reason", "Bad content"),))
FAILURE = Happening("Rendering Failure", (), (("templateName", "welcome"), ("errorMessage", "missing variable")))
OPEN = Happening("Open", (), (("ipAddress", "192.0.2.1"), ("userAgent", "Mozilla/5.0")))
CLICK = Happening("Click", (), (*OPEN.body, ("link", "https://alpha.example/"), ("linkTags", None)))
# What may befall a mail as a whole.
WHOLE = ((SEND,), (), (SEND, OPEN), (SEND, CLICK), (SEND, OPEN, OPEN, CLICK), (SEND, REJECT), (FAILURE,))
PLAIN = (SEND, Happening("Delivery", (ANN,)))


def iso(moment: datetime) -> str:
    """Return a time as SES usually writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


TIMESTAMPS: tuple[Callable[[datetime], str], ...] = (
    iso,
    lambda moment: moment.astimezone(timezone(timedelta(hours=-7))).isoformat(timespec="milliseconds"),
    lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S +0000"),
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One SES mail."""

    id: str
    sender: Sender
    sent_at: datetime
    destination: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """One way in which SES tells of a mail, and how it happens to write."""

    publishing: bool
    kinds: frozenset[str]
    configuration_set: str | None = None
    shows_arn: bool = True
    timestamp: Callable[[datetime], str] = iso
    early: timedelta = timedelta(0)
    spelling: Callable[[str], str] = str
    together: bool = True


def mail_object(letter: Letter, wiring: Wiring) -> Payload:
    """Return the `mail` that every message about a letter carries."""
    sender = letter.sender
    mail: Payload = {
        "timestamp": wiring.timestamp(letter.sent_at - wiring.early),
        "messageId": letter.id,
        "source": sender.source,
        "sendingAccountId": ACCOUNT,
        "destination": list(letter.destination),
    }
    if sender.source_arn and wiring.shows_arn:
        mail["sourceArn"] = sender.source_arn
    if wiring.publishing:
        mail |= {"headersTruncated": False, "headers": [{"name": "From", "value": sender.source}]}
        mail["commonHeaders"] = {"from": [sender.source], "subject": "News", "messageId": letter.id}
        mail["tags"] = {"ses:caller-identity": ["mailer"], "ses:source-ip": ["192.0.2.9"]}
        mail["tags"] |= {"ses:from-domain": [sender.from_domain]} if sender.from_domain else {}
        mail["tags"] |= {"ses:configuration-set": [wiring.configuration_set]} if wiring.configuration_set else {}
    return mail


def body_object(letter: Letter, happening: Happening, recipients: Sequence[str]) -> Payload:
    """Return what a message says beside `mail`."""
    body = dict(happening.body)
    if happening.kind in {"Send", "Reject", "Rendering Failure"}:
        return body
    body["timestamp"] = iso(letter.sent_at + timedelta(seconds=5))
    match happening.kind:
        case "Delivery":
            body["recipients"] = list(recipients)
            body |= {"processingTimeMillis": 546, "smtpResponse": "250 ok", "reportingMTA": MTA}
        case "Bounce":
            said = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
            body["bouncedRecipients"] = [{"emailAddress": text, **said} for text in recipients]
            body |= {"feedbackId": f"{letter.id}-{recipients[0]}", "reportingMTA": f"dsn; {MTA}"}
        case "DeliveryDelay":
            said = {"status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 try later"}
            body["delayedRecipients"] = [{"emailAddress": text, **said} for text in recipients]
            body["expirationTime"] = iso(letter.sent_at + timedelta(hours=14))
        case "Complaint":
            body["complainedRecipients"] = [{"emailAddress": text} for text in recipients]
    return body


BODY_KEYS = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}


def messages(letter: Letter, wiring: Wiring, happening: Happening) -> Iterator[Payload]:
    """Yield the payloads by which one wiring tells one happening: for all recipients, or for a few each."""
    if happening.kind not in wiring.kinds:
        return
    size = 50 if wiring.together or not happening.recipients else (len(happening.recipients) + 9) // 10
    for start in range(0, max(1, len(happening.recipients)), size):
        recipients = [wiring.spelling(bare) for bare in happening.recipients[start : start + size]]
        body = body_object(letter, happening, recipients)
        yield {
            "eventType" if wiring.publishing else "notificationType": happening.kind,
            "mail": mail_object(letter, wiring),
            BODY_KEYS.get(happening.kind, happening.kind.lower()): body,
        }


def wirings(pick: Pick, identity_kinds: frozenset[str]) -> list[Wiring]:
    """Return how one mail is told: by event publishing, identity notifications or both."""
    found = []
    for publishing in pick(((True,), (False,), (True, False))):
        name = pick(tuple(SETS)) if publishing else None
        wiring = Wiring(publishing, SETS[name] if publishing else identity_kinds, name)
        habits = {"shows_arn": pick((True, True, True, False)), "together": pick((True, False))}
        early = timedelta(seconds=pick((0, 0, 0, 1)))
        found.append(replace(wiring, **habits, early=early, timestamp=pick(TIMESTAMPS), spelling=pick(SPELLINGS)))
    return found


def letter(pick: Pick, number: int, who: Sequence[str]) -> Letter:
    """Return a mail sent within the five days that end today; now and then SES names no destination."""
    midnight = TODAY - timedelta(days=pick(range(5)))
    return Letter(
        id=f"0107019cd0e5a7b1-{number:08x}-000000",
        sender=pick(SENDERS),
        sent_at=midnight + pick((timedelta(hours=9), timedelta(0), timedelta(milliseconds=-1))),
        destination=tuple(map(pick(SPELLINGS), pick((who, who, who, who, who, ())))),
    )


def happenings(pick: Pick, mail: Letter, who: Sequence[str]) -> list[Happening]:
    """Return what befell one mail; nobody complains of a mail without destination, as nothing says who got it."""
    found = list(pick(WHOLE))
    first = pick((len(who), 1))
    for group in filter(None, (who[:first], who[first:])):
        found += [befallen(pick, fate, group) for fate in pick(FATES).split()]
    how_many = pick((0, 0, 1, 1, 2, 3)) if mail.destination else 0
    return found + [complaint(pick, mail.id, who) for _ in range(how_many)]


def mail_history(pick: Pick, number: int, identity_kinds: frozenset[str], calm: int) -> list[Payload]:
    """Return the payloads about one mail; of ten mails, `calm` are plainly sent and delivered."""
    if pick(range(10)) < calm:
        mail, ways, befell = letter(pick, number, (ANN,)), [Wiring(True, USUAL, "usual")], list(PLAIN)
    else:
        who = pick(DESTINATIONS)
        mail, ways = letter(pick, number, who), wirings(pick, identity_kinds)
        befell = happenings(pick, mail, who)
    return [payload for way in ways for happening in befell for payload in messages(mail, way, happening)]


@st.composite
def history(draw: st.DrawFn, max_mails: int = 4) -> list[Payload]:
    """Draw the payloads about a few mails, mail by mail."""

    def pick(options: Sequence[Any]) -> Any:
        return draw(st.sampled_from(options))

    identity_kinds = pick(IDENTITY_KINDS)
    mails = draw(st.integers(1, max_mails))
    return [payload for number in range(mails) for payload in mail_history(pick, number, identity_kinds, calm=1)]


@st.composite
def permutations_with_duplicates(draw: st.DrawFn, told: list[Payload]) -> list[Payload]:
    """Draw the same payloads in another order, some of them more than once."""
    again = draw(st.lists(st.sampled_from(told), max_size=5)) if told else []
    return list(draw(st.permutations(told + again)))


def seeded_history(seed: int, mails: int, calm: int = 9) -> list[Payload]:
    """Return the payloads about many mails, shuffled, a tenth of them twice; the same seed gives the same list."""
    rng = random.Random(seed)
    identity_kinds = rng.choice(IDENTITY_KINDS)
    told = [payload for number in range(mails) for payload in mail_history(rng.choice, number, identity_kinds, calm)]
    told += rng.sample(told, len(told) // 10)
    rng.shuffle(told)
    return told
