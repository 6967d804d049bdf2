"""A whole comparison while a person watches, and one that only says what would be done."""

from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from webhook.domain.address import plain
from webhook.domain.suppression_sync import can_enter
from webhook.domain.sync_state import Phase, State
from webhook.errors import Limited
from webhook.syncing.ports import Book, Survey, TheirList
from webhook.syncing.synchronizer import LEASE, Pace, Synchronizer

#: How often in a row SES may fail for reasons that pass.
TRIES = 5


class Run:
    """Compares all of both lists and does all that is due; other processes that are at it too only help."""

    def __init__(
        self,
        synchronizer: Synchronizer,
        book: Book,
        now: Callable[[], datetime],
        pause: Callable[[float], None],
    ) -> None:
        self._synchronizer = synchronizer
        self._book = book
        self._now = now
        self._pause = pause

    def __call__(self, *, accepts: bool = False) -> Iterator[State]:
        """The state after each step, until all is done or can't be done now (`problems`); raises Unavailable."""
        yield self._demand(accepts)
        tries = 0
        while True:
            pace = self._step()
            state = self._book.peek()
            yield state
            if pace is Pace.WORKED:
                tries = 0
                continue
            if pace is Pace.BUSY:
                self._pause(0.5)
                continue
            if self._waits(state) and tries < TRIES:
                tries += 1
                continue
            return

    def _demand(self, accepts: bool) -> State:
        """A full comparison begins with the next step, whoever makes it."""
        while True:
            now = self._now()
            if self._book.take(now, now + LEASE) is not None:
                state = self._book.update(
                    phase=Phase.REST, full_at=None, retry_at=None, writes_at=None, problems={}, accepts=accepts
                )
                self._book.release()
                return state
            self._pause(0.5)

    def _step(self) -> Pace:
        try:
            return self._synchronizer.step()
        except Limited as error:
            self._pause(error.retry_after)
            return Pace.WORKED

    def _waits(self, state: State) -> bool:
        """Waits for the end of a trouble that passes; False if there is none, or not such a one."""
        now = self._now()
        if state.retry_at is None or state.retry_at <= now or not state.problems.get("calls", {}).get("retryable"):
            return False
        self._pause((state.retry_at - now).total_seconds())
        return True


class Rehearsed(Struct, frozen=True):
    """What a comparison would do, after so many addresses of SES's list."""

    listed: int = 0
    added: int = 0
    removed: int = 0
    put: int = 0
    deleted: int = 0


def rehearsed(theirs: TheirList, survey: Survey, now: datetime, *, writes: bool) -> Iterator[Rehearsed]:
    """What would be done, a page for each step; nothing is written. Raises AwsError, Limited, Unavailable."""
    # Whole addresses of a long list would take ten times as much.
    seen, keys = set[int](), set[int]()
    listed = added = 0
    token: str | None = None
    while True:
        page, token = theirs.page(None, token)
        known = [one for one in page if can_enter(one)]
        listed += len(known)
        added += survey.news(known)
        seen.update(hash(one.address) for one in known)
        keys.update(hash(plain(one.address)) for one in known)
        yield Rehearsed(listed, added)
        if not token:
            break
    removed = survey.lacking(seen)
    put = survey.to_put(keys, now) if writes else 0
    deleted = survey.to_delete(now) if writes else 0
    yield Rehearsed(listed, added, removed, put, deleted)
