"""A clock that stands still until it is told."""

import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


class SimulatedClock:
    """Gives the same moment until it is advanced; threads may share it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        return self.now().timestamp()

    def advance(self, seconds: float = 0, **more: float) -> datetime:
        """Lets time pass: `advance(90)`, `advance(hours=72)`; gives the new moment."""
        with self._lock:
            self._now += timedelta(seconds=seconds, **more)
            return self._now

    def sleep(self, seconds: float) -> None:
        """A `pause` that takes no time but the clock's own; what was slept is written down."""
        self.slept.append(seconds)
        self.advance(seconds)

    def jitter(self) -> float:
        return 0.5
