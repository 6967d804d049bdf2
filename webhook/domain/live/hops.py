"""The way of the mails hop by hop, and how far they came. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from webhook.domain.live.links import Link
from webhook.domain.live.trial import Passage
from webhook.domain.live.verdict import Verdict


class State(StrEnum):
    """How a hop fared; `unknown`: nothing shows it."""

    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Hop(Struct, frozen=True):
    """A hop, how it fared, and what was seen of it."""

    name: str
    state: State
    told: str


_HOPS = (
    "SES took the mails",
    "SES published their events to SNS",
    "SNS delivered them here, authentic",
    "they are kept as facts",
    "the mails' stories can be read, and the worker judges",
)
#: What is told of a hop that works by all that was looked at, though none of the events shows it; by its place.
_SILENT = {1: "nothing came, but nothing is wrong there", 2: "nothing is kept, but nothing is wrong there"}
_ASIDE = "all that came is in quarantine"
_NOT_REACHED = "not reached"
#: The place of the hop that a link breaks.
_PLACES: Mapping[Link, int] = {
    Link.SENDING: 0,
    Link.EVENTS: 1,
    Link.TOPIC: 1,
    Link.UNKNOWN: 1,
    Link.SUBSCRIPTION: 2,
    Link.ENDPOINT: 2,
    Link.ADMISSION: 2,
    Link.READING: 3,
    Link.DATABASE: 3,
    Link.WORKER: 4,
}


def hops(passages: Sequence[Passage], verdict: Verdict) -> list[Hop]:
    """All five of them: what comes before the broken one must have worked, what comes after was not reached.

    What comes between sending and a database that does not tell (`blind`) is not known.
    """
    broken = _PLACES[verdict.link] if verdict.link else len(_HOPS)
    told = _told(passages) if any(one.heard for one in passages) else _unheard(passages, broken, verdict)
    return [Hop(name, _state(place, broken, verdict), told[place]) for place, name in enumerate(_HOPS)]


def _state(place: int, broken: int, verdict: Verdict) -> State:
    if place < broken:
        return State.UNKNOWN if verdict.blind and place else State.OK
    if place == broken and verdict.link is not Link.UNKNOWN:
        return State.BROKEN
    return State.UNKNOWN


def _unheard(passages: Sequence[Passage], broken: int, verdict: Verdict) -> tuple[str, ...]:
    """What is told where no event came to be known: numbers of them would read as if each hop had failed."""
    seen = _told(passages)
    if verdict.link is Link.UNKNOWN:
        return seen
    silent = dict.fromkeys(_SILENT, _ASIDE) if any(one.set_aside for one in passages) else _SILENT
    before = [told if verdict.blind else silent.get(place, told) for place, told in enumerate(seen[:broken])]
    return (*before, *seen[broken : broken + 1], *[_NOT_REACHED] * (len(seen) - broken - 1))


def _told(passages: Sequence[Passage]) -> tuple[str, ...]:
    sent = [one for one in passages if one.sent]
    heard = [fact for one in sent for fact in one.heard]
    due = len(heard) + sum(len(one.waits_for) for one in sent)
    events = f"{len(heard)} of {due} events"
    last = f", the last after {max(fact.after for fact in heard):.1f} s" if heard else ""
    slowest = f", {max(one.took for one in sent) * 1000:,.0f} ms at most" if sent else ""
    dated = f", the last dated {max(fact.at for fact in heard):%H:%M:%S} UTC by SES" if heard else ""
    aside = sum(len(one.set_aside) for one in sent)
    return (
        f"{len(sent)} of {len(passages)} mails{slowest}" if passages else "none was sent",
        f"{events}{dated}",
        f"{events}{last}" + (f"; {aside} in quarantine" if aside else ""),
        ", ".join(sorted({fact.kind.value for fact in heard})) or "none",
        f"{sum(one.told for one in sent)} of {len(sent)} stories; mail to the simulator counts nowhere",
    )
