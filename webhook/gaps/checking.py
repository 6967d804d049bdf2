"""Finding gaps: a group of domains at a time, so that nothing else waits long for it."""

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct, structs

from webhook.domain.figures import DAY, QUARTER, Heard, Source
from webhook.domain.gaps import (
    UNFINISHED,
    Circumstances,
    Row,
    State,
    compared_days,
    compared_quarters,
    days_between,
    explained,
)
from webhook.domain.gaps_told import Findings, totals
from webhook.errors import AwsError, Limited, NotFound
from webhook.gaps.ports import Book, Figures, Hearing
from webhook.logs import get_logger

#: Domains in one step.
GROUP = 20
#: Days that are compared unless asked otherwise: AWS keeps quarters of an hour for two weeks.
DAYS = 14
#: How long the worker leaves it after an error that passes, and after one that a person must mend.
PASSES, MENDED = timedelta(minutes=10), timedelta(hours=6)

log = get_logger(__name__)


class Step(Struct, frozen=True):
    """How far a comparison is: domains done, of so many; `found` once it is complete."""

    done: int
    total: int
    found: Findings | None = None


#: Steps without findings, and then the findings.
Comparison = Generator[Step, None, Findings]


class Checker:
    """Compares AWS's figures with what was heard. `keeps` tells since when mails are kept completely."""

    def __init__(
        self, figures: Figures, hearing: Hearing, book: Book, keeps: Callable[[], date], now: Callable[[], datetime]
    ) -> None:
        self._figures = figures
        self._hearing = hearing
        self._book = book
        self._keeps = keeps
        self._now = now
        self._under_way: Iterator[Step] | None = None

    def run(self, since: date | None = None, domain: str | None = None) -> Iterator[Step]:
        """Compares step by step, and writes down what it finds; the last step has all of it.

        The days from `since` (two weeks ago without it) until yesterday are compared, of one domain or of all; the
        account's own figures, where there are none by domain, until an hour ago.

        Raises:
            NotFound: there is no such domain.
            AwsError, Limited, Unavailable: what was found by then is kept.
        """
        names = self._hearing.domains(domain)
        if domain and not names:
            raise NotFound(f"no domain {domain!r}: it was never registered, and no mail of it was heard of")
        today = self._now().date()
        first = max(since or today - DAY * DAYS, self._keeps())
        if self._figures.by_domain():
            complete = yield from self._by_domain(names, first, today - DAY)
        else:
            complete = yield from self._by_account(self._hearing.domains(), max(first, today - DAY * DAYS))
        if domain is None:
            self._book.finish(complete, full=since is None)
        yield Step(len(names), len(names), complete)

    def work(self) -> bool:
        """Compares once a day, a step at a time; True while it is under way. What AWS has against it is kept."""
        run, self._under_way = self._under_way, None
        if run is None:
            if not self._book.claim(self._now()):
                return False
            run = self.run()
        try:
            step = next(run, None)
        except (AwsError, Limited) as error:
            self._failed(error)
            return False
        if step is None:
            return False
        if step.found is not None and step.found.missing:
            log.warning("[AWS SES] counts_diverge", missing=step.found.missing, since=step.found.first)
        self._under_way = run
        return True

    def _failed(self, error: AwsError | Limited) -> None:
        told = {"code": "aws_throttled", "detail": error.detail, "hint": ""}
        passes = True
        if isinstance(error, AwsError):
            told, passes = {"code": error.code, "detail": error.detail, "hint": error.hint}, error.retryable
        log.warning("[AWS SES] counts_not_compared", code=told["code"], why=error.detail)
        self._book.failed(told, self._now() + (PASSES if passes else MENDED))

    def _by_domain(self, names: Sequence[str], first: date, last: date) -> Comparison:
        days, since, begins = days_between(first, last), datetime.combine(first, time(), UTC), self._hearing.begins()
        rows: list[Row] = []
        unknown: list[str] = []
        for start in range(0, len(names) if days else 0, GROUP):
            group = names[start : start + GROUP]
            aws, silent = self._figures.daily(group, first, last)
            answered = [name for name in group if name not in silent]
            heard = [row for row in self._hearing.by_day(group, since) if row.domain not in silent]
            found = compared_days(heard, {place: n for place, n in aws.items() if place[0] not in silent}, days)
            rows += self._thought(found, answered, days, since, begins)
            unknown += silent
            yield Step(min(start + GROUP, len(names)), len(names))
        return self._findings(Source.VDM, rows, days, names, tuple(unknown))

    def _by_account(self, names: Sequence[str], first: date) -> Comparison:
        points = self._figures.quarters()
        offset = _offset(slot for slot, _ in points)
        since = datetime.combine(first, time(), UTC) + offset
        heard: list[Heard] = []
        for start in range(0, len(names), GROUP):
            # An event that AWS booked into the first quarter may be told with a time just before it.
            heard += self._hearing.by_quarter(names[start : start + GROUP], since - QUARTER, offset)
            yield Step(min(start + GROUP, len(names)), len(names))
        until = self._now() - UNFINISHED - QUARTER
        begins = self._hearing.begins()
        found, heard_first = compared_quarters(heard, points, since, until)
        if begins is not None and heard_first is not None and begins >= first:
            # Of the first day here only what came after the first message is known.
            found, _ = compared_quarters(heard, points, max(since, heard_first + QUARTER), until)
            begins -= DAY
        days = days_between(first, max(until.date(), first))
        rows = self._thought(found, (), days, since, begins)
        return self._findings(Source.STATISTICS, rows, days)

    def _thought(
        self,
        found: Sequence[Row],
        domains: Sequence[str],
        days: Sequence[date],
        since: datetime,
        begins: date | None,
    ) -> list[Row]:
        """The rows with what is thought of them; what differs is written down."""
        known = Circumstances(begins)
        if any(row.missing for row in found):
            known = structs.replace(self._hearing.circumstances(domains, since), begins=begins)
        rows = [explained(row, known) for row in found]
        self._book.note([row for row in rows if row.state is not State.OK], domains, days, self._now())
        return rows

    def _findings(
        self,
        source: Source,
        rows: Sequence[Row],
        days: Sequence[date],
        names: Sequence[str] = (),
        unknown: tuple[str, ...] = (),
    ) -> Findings:
        unequal = tuple(sorted((row for row in rows if row.state is not State.OK), key=_order))
        return Findings(
            source=source,
            first=str(days[0]) if days else "",
            last=str(days[-1]) if days else "",
            at=self._now().replace(microsecond=0),
            domains=len(names),
            rows=unequal,
            totals=totals(source, rows),
            equal=len(rows) - len(unequal),
            unknown=unknown,
        )


def _order(row: Row) -> tuple[date, str, str]:
    return row.day, row.domain or "", row.kind.value


def _offset(slots: Iterator[datetime]) -> timedelta:
    """How long after the hour, or after a quarter of it, AWS's points lie."""
    first = next(slots, None)
    if first is None:
        return timedelta()
    return timedelta(minutes=first.minute % 15, seconds=first.second)
