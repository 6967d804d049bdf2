"""Keeping step, one small step at a time: at most one call of SES, and nothing that a crash could leave half done."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum

from webhook.domain.sync_state import Phase, State
from webhook.errors import AwsError, Conflict, Limited
from webhook.logs import get_logger
from webhook.syncing.ports import Book, TheirList
from webhook.syncing.rounds import Rounds
from webhook.syncing.writing import Writer

#: How long a step has it alone; and how long none is begun when there is nothing to do.
LEASE, REST = timedelta(minutes=2), timedelta(seconds=20)
#: How long SES is left alone after an error that passes, and after one that a person must mend.
PASSES, MENDED = timedelta(minutes=1), timedelta(hours=1)

log = get_logger(__name__)


class Pace(Enum):
    """What a step came to."""

    WORKED = "worked"
    IDLE = "idle"  #: there is nothing to do now
    BUSY = "busy"  #: another process is at it


class Synchronizer:
    """Keeps step. `writes`: ours is put into theirs too; `sandbox` tells whether SES forbids that to the account."""

    def __init__(
        self,
        theirs: TheirList,
        book: Book,
        now: Callable[[], datetime],
        *,
        writes: bool,
        sandbox: Callable[[], bool] = lambda: False,
    ) -> None:
        self._book = book
        self._now = now
        self._rounds = Rounds(theirs, book, writes=writes)
        self._writer = Writer(theirs, book, now, sandbox) if writes else None
        self._rest_until: datetime | None = None

    def work(self) -> bool:
        """Makes one step if one is due and SES is free to be asked; True if there may be more. A chore."""
        now = self._now()
        if self._rest_until is not None and now < self._rest_until:
            return False
        try:
            pace = self.step()
        except Limited:
            return False  # others want something of SES, and come first
        self._rest_until = now + REST if pace is Pace.IDLE else None
        return pace is Pace.WORKED

    def step(self) -> Pace:
        """Makes one step; what SES has against it is kept in the state. Raises Limited, Unavailable."""
        now = self._now()
        state = self._book.take(now, now + LEASE)
        if state is None:
            return Pace.BUSY
        try:
            return self._stepped(state, now)
        except Conflict:
            return Pace.BUSY
        except AwsError as error:
            self._failed(state, error)
            return Pace.IDLE
        finally:
            self._book.release()

    def _stepped(self, state: State, now: datetime) -> Pace:
        if state.retry_at is not None and now < state.retry_at:
            return Pace.IDLE
        compared = self._rounds.step(state, now)
        wrote = not compared and self._writer is not None and self._writer.step(state)
        if "calls" in state.problems and (wrote or (compared and state.phase is not Phase.REST)):
            problems = self._book.peek().problems
            self._book.update(problems={name: told for name, told in problems.items() if name != "calls"})
        return Pace.WORKED if compared or wrote else Pace.IDLE

    def _failed(self, state: State, error: AwsError) -> None:
        if state.problems.get("calls", {}).get("code") != error.code:
            log.warning("[AWS SES] suppressions_not_compared", code=error.code, why=error.detail)
        told = {"code": error.code, "detail": error.detail, "hint": error.hint, "retryable": error.retryable}
        after = max(PASSES, timedelta(seconds=error.retry_after)) if error.retryable else MENDED
        with suppress(Conflict):
            self._book.update(retry_at=self._now() + after, problems=state.problems | {"calls": told})
