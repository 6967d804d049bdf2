"""Gaps: where AWS counts more than was heard here, by day; known reasons are told apart. Pure.

AWS documents neither whether VDM books an event on the day it happened or on that of its mail, nor whether a point of
GetSendStatistics bears the beginning of its quarter or the end. Of the two readings that one is taken which makes AWS's
figures fit better: messages that were lost make both fit worse by as much.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct, structs

from webhook.domain.figures import DAY, EVENTS, MEASURES, NOTHING, QUARTER, Count, Heard, Measure, Source, counted

#: So long after something happened SNS may still be trying to tell of it.
UNFINISHED = timedelta(hours=1)
#: Before that age of a day no difference is taken to last.
SETTLES = timedelta(hours=24)


class State(StrEnum):
    """What is thought of a comparison."""

    OK = "ok"  #: nothing is missing
    MISSING = "missing"  #: AWS knows of what was never heard here
    NOTE = "note"  #: they differ, for a reason that is no loss


class Reason(StrEnum):
    """Why they differ, as far as can be seen from here."""

    LOST = "lost"  #: messages did not arrive
    UNHEARD = "unheard"  #: of this domain nothing arrived at all
    UNWIRED = "unwired"  #: no event of this kind ever came on the domain's wirings
    QUARANTINED = "quarantined"  #: messages of that day lie in quarantine
    BEGINNING = "beginning"  #: the day when the first message came
    MORE = "more"  #: more was heard here than AWS counts


class Span(Struct, frozen=True, rename="camel"):
    """A stretch of time, in whole quarters of an hour, in which so many are missing."""

    first: datetime
    last: datetime
    missing: int


class Row(Struct, frozen=True, rename="camel"):
    """One day's comparison; `domain` None is the whole account. `ours` is what AWS should count at least.

    `doubtful` more were heard that AWS may leave out, `left_out` that it does leave out. `missing` is beyond them all.
    """

    day: date
    domain: str | None
    kind: Measure
    ours: int
    doubtful: int
    left_out: int
    aws: int
    missing: int = 0
    state: State = State.OK
    reason: Reason | None = None
    spans: tuple[Span, ...] = ()


class Circumstances(Struct, frozen=True):
    """What else is known: the day of the first message, kinds of event by domain, quarantined messages by day.

    A domain of which nothing was heard in the days compared is not among the `wired`.
    """

    begins: date | None
    wired: Mapping[str, Collection[str]] = {}
    quarantined: Mapping[date, int] = {}


Place = tuple[str, date, Measure]
Slot = tuple[datetime, Measure]
Key = TypeVar("Key", Place, Slot)


def compared_days(
    heard: Iterable[Heard], aws: Mapping[Place, int], days: Sequence[date], source: Source = Source.VDM
) -> list[Row]:
    """Every domain, day and kind that either side knows of, before anybody asked why they differ."""
    wanted = frozenset(days)
    rows = list(heard)
    readings = [_by_day(rows, wanted, source, lambda row: row.happened), _by_day(rows, wanted, source, _when_sent)]
    ours = min(readings, key=lambda reading: _misfit(reading, aws))
    places = sorted(ours.keys() | {place for place in aws if place[1] in wanted})
    return [_row(place, ours.get(place, NOTHING), aws.get(place, 0)) for place in places]


def compared_quarters(
    heard: Iterable[Heard], points: Mapping[Slot, int], since: datetime, until: datetime
) -> tuple[list[Row], datetime | None]:
    """Every day and kind of the account, with the quarters in which something is missing; and the first heard quarter.

    Only quarters that begin in [since, until) are compared, none before the first heard one has ended.
    """
    ours: dict[Slot, Count] = {}
    for row in heard:
        for measure, count in counted(row, Source.STATISTICS):
            ours[row.happened, measure] = ours.get((row.happened, measure), NOTHING) + count
    first = min((slot for slot, _ in ours), default=None)
    ending = {(slot - QUARTER, measure): count for (slot, measure), count in points.items()}
    theirs = min((points, ending), key=lambda reading: _misfit(ours, reading))
    slots = sorted({slot for slot, _ in ours.keys() | theirs.keys() if since <= slot < until})
    rows = []
    for day in sorted({slot.date() for slot in slots}):
        of_day = [slot for slot in slots if slot.date() == day]
        rows += [_day_of_quarters(day, measure, of_day, ours, theirs) for measure in MEASURES[Source.STATISTICS]]
    return [row for row in rows if row.ours or row.aws or row.doubtful], first


def explained(row: Row, known: Circumstances) -> Row:
    """The row with what is thought of it, and why."""
    if row.missing == 0:
        return row
    state, reason = _thought(row, known)
    return structs.replace(row, missing=max(0, row.missing), state=state, reason=reason)


def _thought(row: Row, known: Circumstances) -> tuple[State, Reason]:
    if row.missing < 0:
        return State.NOTE, Reason.MORE
    if known.begins is None or row.day <= known.begins:
        return State.NOTE, Reason.BEGINNING
    kinds = known.wired.get(row.domain) if row.domain else None
    if row.domain and kinds is None:
        return State.MISSING, Reason.UNHEARD
    if kinds is not None and EVENTS[row.kind] not in kinds and row.ours == 0:
        # To leave the many sends and deliveries out is a choice that people make.
        chosen = row.kind in {Measure.SEND, Measure.DELIVERY}
        return (State.NOTE if chosen else State.MISSING), Reason.UNWIRED
    return State.MISSING, Reason.QUARANTINED if known.quarantined.get(row.day) else Reason.LOST


def _when_sent(row: Heard) -> datetime:
    return row.sent


def _by_day(
    heard: Iterable[Heard], days: Collection[date], source: Source, when: Callable[[Heard], datetime]
) -> dict[Place, Count]:
    found: dict[Place, Count] = {}
    for row in heard:
        day = when(row).date()
        if day in days:
            for measure, count in counted(row, source):
                place = row.domain, day, measure
                found[place] = found.get(place, NOTHING) + count
    return found


def _misfit(ours: Mapping[Key, Count], aws: Mapping[Key, int]) -> int:
    return sum(abs(ours.get(key, NOTHING).lacking(aws.get(key, 0))) for key in ours.keys() | aws.keys())


def _row(place: Place, count: Count, aws: int, spans: tuple[Span, ...] = (), missing: int | None = None) -> Row:
    domain, day, measure = place
    lacking = count.lacking(aws) if missing is None else missing
    doubtful = count.high - count.low
    return Row(day, domain or None, measure, count.low, doubtful, count.left_out, aws, lacking, spans=spans)


def _day_of_quarters(
    day: date, measure: Measure, slots: Sequence[datetime], ours: Mapping[Slot, Count], theirs: Mapping[Slot, int]
) -> Row:
    lacking = evened({slot: _lacking((slot, measure), ours, theirs) for slot in slots})
    spans = joined(lacking)
    total = sum((ours.get((slot, measure), NOTHING) for slot in slots), NOTHING)
    aws = sum(theirs.get((slot, measure), 0) for slot in slots)
    missing = sum(span.missing for span in spans) or min(0, sum(lacking.values()))
    return _row(("", day, measure), total, aws, spans, missing)


def _lacking(slot: Slot, ours: Mapping[Slot, Count], theirs: Mapping[Slot, int]) -> int:
    return ours.get(slot, NOTHING).lacking(theirs.get(slot, 0))


def evened(lacking: Mapping[datetime, int]) -> dict[datetime, int]:
    """What is lacking by quarter, without what a neighbour has too many of: the two clocks are not the same."""
    left = dict(lacking)
    for slot in sorted(left):
        after = slot + QUARTER
        here, there = left[slot], left.get(after, 0)
        if here * there < 0:
            moved = min(abs(here), abs(there))
            left[slot] -= moved if here > 0 else -moved
            left[after] -= moved if there > 0 else -moved
    return left


def joined(lacking: Mapping[datetime, int]) -> tuple[Span, ...]:
    """Quarters in a row in which something is missing, as one."""
    spans: list[Span] = []
    for slot in sorted(lacking):
        if lacking[slot] <= 0:
            continue
        if spans and spans[-1].last == slot:
            last = spans.pop()
            spans.append(Span(last.first, slot + QUARTER, last.missing + lacking[slot]))
        else:
            spans.append(Span(slot, slot + QUARTER, lacking[slot]))
    return tuple(spans)


def days_between(first: date, last: date) -> list[date]:
    """All days from the first to the last, both included; none if the last is before the first."""
    return [first + DAY * number for number in range((last - first).days + 1)]


def settled(day: date, now: datetime) -> bool:
    """Whether a difference of that day is no longer a matter of waiting."""
    return now >= datetime(day.year, day.month, day.day, tzinfo=now.tzinfo) + DAY + SETTLES
