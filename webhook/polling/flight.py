"""What was taken from a queue and is not dealt with yet, and how many messages were by now."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from webhook.domain.queues import Figures, QueuedMessage
from webhook.ports import Clock


class _Held(Struct):
    """`since` when we have it; `held` when it was last made ours for a lease, in monotonic seconds."""

    message: QueuedMessage
    since: datetime
    held: float


class Flight:
    """Messages under way; shared by threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._landed = threading.Condition()

    def begin(self, messages: Iterable[QueuedMessage]) -> None:
        """They were just taken."""
        since, held = self._clock.now(), self._clock.monotonic()
        with self._landed:
            self._held.update((one.receipt, _Held(one, since, held)) for one in messages)

    def end(self, messages: Iterable[QueuedMessage]) -> None:
        """They are dealt with, or no longer ours."""
        with self._landed:
            for one in messages:
                self._held.pop(one.receipt, None)
            self._landed.notify_all()

    def waning(self, lease: float) -> Sequence[QueuedMessage]:
        """Those whose lease is half over."""
        until = self._clock.monotonic() - lease / 2
        with self._landed:
            return [one.message for one in self._held.values() if one.held <= until]

    def prolong(self, messages: Iterable[QueuedMessage]) -> None:
        """Their lease begins anew."""
        now = self._clock.monotonic()
        with self._landed:
            for one in messages:
                if one.receipt in self._held:
                    self._held[one.receipt].held = now

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest is under way."""
        with self._landed:
            return min((one.since for one in self._held.values()), default=None)

    def await_end(self, patience: float) -> bool:
        """Waits until nothing is under way, at most so many seconds; True if so."""
        with self._landed:
            return self._landed.wait_for(lambda: not self._held, patience)


class Tally:
    """Counts what is done with a queue's messages; shared by threads."""

    def __init__(self, oldest: Callable[[], datetime | None]) -> None:
        self._oldest = oldest
        self._lock = threading.Lock()
        self._received = self._deleted = 0
        self._rejected = Counter[str]()

    def add(self, *, received: int = 0, deleted: int = 0, rejected: str = "") -> None:
        """So many more; `rejected` is the code of one."""
        with self._lock:
            self._received += received
            self._deleted += deleted
            if rejected:
                self._rejected[rejected] += 1

    def figures(self) -> Figures:
        """What was counted since `settle`."""
        oldest = self._oldest()
        with self._lock:
            return Figures(self._received, self._deleted, dict(self._rejected), oldest)

    def settle(self, noted: Figures) -> None:
        """These were noted: they count no more."""
        with self._lock:
            self._received -= noted.received
            self._deleted -= noted.deleted
            self._rejected.subtract(noted.rejected)
            self._rejected += Counter()
