"""From a verified message to its effects, and from a batch of effects to what must be written. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from handlers import HANDLERS
from webhook.domain.counts import Counts, Place, add, counts, difference
from webhook.domain.effects import Effects, Hint, Outcome, Quarantined, Source
from webhook.domain.events import IdentityEvent
from webhook.domain.mail import Fact, Mail, Told
from webhook.domain.reading import Reading, read
from webhook.errors import NotUnderstood, SentinelError

#: How long adverse mails, counters and verdicts are kept.
HISTORY = timedelta(days=400)
CLOCK_SKEW = timedelta(days=1)
#: Facts of one mail. SES takes 50 recipients; what is told of addresses beyond them is made up by somebody.
MAX_FACTS = 2000

#: Which of SES's kinds an endpoint of its own takes; the common endpoint takes all.
TAKES = {"bounces": frozenset({"Bounce"}), "complaints": frozenset({"Complaint"}), "identity": frozenset[str]()}


def accept(source: Source, now: datetime, retention: timedelta) -> Effects:
    """What a verified message of ours changes; what is not understood goes to quarantine, with its reason.

    `retention` is how long a mail is known after it was sent.
    """
    try:
        reading = read(source.message)
        _check_route(reading, source.endpoint)
        return _effects(reading, source, now, retention)
    except NotUnderstood as error:
        return quarantine(source, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - a defect of ours must not lose an authentic message
        return quarantine(source, "defect", f"{type(error).__name__}: {error}")


def quarantine(source: Source, reason: str, detail: str) -> Effects:
    """The message itself, to be kept until somebody has looked at it. A second copy of it has the same id."""
    told = f"{source.topic_arn}\n{source.endpoint}\n{source.message}"
    digest = hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]
    return Effects(quarantined=Quarantined(digest, reason, detail[:1000], source), source=source)


def _check_route(reading: Reading, endpoint: str) -> None:
    """Bounces, complaints and identity events may each have an endpoint of their own, which takes nothing else."""
    if not endpoint:
        return
    about_identity = isinstance(reading.events[0], IdentityEvent) if reading.events else False
    if not (reading.head or about_identity):
        return  # AWS's tests of the topic itself come everywhere
    fits = endpoint == "identity" if about_identity else reading.kind in TAKES[endpoint]
    if not fits:
        raise NotUnderstood("misrouted", f"`{reading.kind}` does not belong at /webhooks/sns/{endpoint}")


def _effects(reading: Reading, source: Source, now: datetime, retention: timedelta) -> Effects:
    facts: dict[Fact, Told] = {}
    hints: list[Hint] = []
    for event in reading.events:
        effect = HANDLERS[type(event)](event)
        for fact, told in effect.facts:
            facts[fact] = min(told, facts.get(fact, told))
        if effect.hint:
            hints.append(effect.hint)
    head = reading.head
    if head is None:
        return Effects(kind=reading.kind, hints=tuple(hints), source=source)
    _check_age(reading.kind, head.at, now, retention)
    mail = Mail(head.id, head.origin, head.at, head.recipients, facts, frozenset((head.wiring,)))
    return Effects(kind=reading.kind, mail=mail, source=source)


def _check_age(kind: str, sent_at: datetime, now: datetime, retention: timedelta) -> None:
    """News of a mail that is no longer stored can't be told from a second telling; only a complaint counts."""
    if sent_at > now + CLOCK_SKEW:
        raise NotUnderstood("mail_from_the_future", f"sent {sent_at.isoformat()} - at `$.mail.timestamp`")
    limit = HISTORY if kind == "Complaint" else retention
    if sent_at < now - limit:
        raise NotUnderstood("mail_too_old", f"sent {sent_at.isoformat()}, over {limit.days} days ago")


class TooManyFacts(SentinelError):
    """One mail is told of more than can be true; the message that does so breaks its batch, and is isolated."""

    def __init__(self, mail_id: str) -> None:
        super().__init__(f"over {MAX_FACTS} facts about mail {mail_id}")


class Settlement(Struct):
    """What a batch comes to: mails to write, the difference they make per domain and day, and the outcomes."""

    new: list[Mail]
    changed: list[Mail]
    deltas: dict[Place, Counts]
    kinds: dict[str, set[str]]
    outcomes: list[Outcome]


def settle(batch: Sequence[Effects], known: Mapping[str, Mail]) -> Settlement:
    """Unites what the batch tells with what is known; a mail that learnt nothing new appears nowhere.

    `known` holds the stored mails that the batch is about, by id. The outcomes of hints are the store's to correct
    where it knows them already.
    """
    state = dict(known)
    kinds: dict[str, set[str]] = {}
    outcomes = []
    for effects in batch:
        mail = effects.mail
        if mail is None:
            outcomes.append(_outcome(effects))
            continue
        old = state.get(mail.id)
        state[mail.id] = new = mail if old is None else old.joined(mail)
        if len(new.facts) > MAX_FACTS:
            raise TooManyFacts(mail.id)
        outcomes.append(Outcome.ACCEPTED if old is None or _tells_more(new, old) else Outcome.DUPLICATE)
        for wiring in mail.wirings:
            kinds.setdefault(wiring, set()).add(effects.kind)
    settlement = Settlement([], [], {}, kinds, outcomes)
    for identity, mail in state.items():
        _settle_mail(settlement, mail, known.get(identity))
    return settlement


def _settle_mail(settlement: Settlement, mail: Mail, old: Mail | None) -> None:
    if old is None:
        settlement.new.append(mail)
        _book(settlement.deltas, mail, counts(mail))
    elif mail != old:
        settlement.changed.append(mail)
        before, after = counts(old), counts(mail)
        if (mail.domain, mail.day) == (old.domain, old.day):
            _book(settlement.deltas, mail, difference(after, before))
        else:
            _book(settlement.deltas, old, difference({}, before))
            _book(settlement.deltas, mail, after)


def _book(deltas: dict[Place, Counts], mail: Mail, more: Mapping[str, int]) -> None:
    if more:
        add(deltas.setdefault((mail.domain, mail.day), {}), more)


def _tells_more(new: Mail, old: Mail) -> bool:
    """A second wiring that tells the same story tells nothing new, though it is noted that it did."""
    return (
        len(new.facts) != len(old.facts)
        or new.recipients != old.recipients
        or (new.domain, new.day) != (old.domain, old.day)
    )


def _outcome(effects: Effects) -> Outcome:
    if effects.quarantined:
        return Outcome.QUARANTINED
    if effects.subscription:
        return Outcome.CONFIRMED if effects.subscription.state == "confirmed" else Outcome.ACCEPTED
    return Outcome.ACCEPTED if effects.hints else Outcome.IGNORED


def mail_ids(batch: Iterable[Effects]) -> list[str]:
    """The ids of the mails that the batch is about, each once."""
    return list({effects.mail.id: None for effects in batch if effects.mail})
