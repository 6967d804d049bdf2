"""Whose turn it is: retries that have come due, then new posts at the pace that was asked for."""

import time
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from threading import Condition

import msgspec

from webhook.emulator.posts import Post
from webhook.emulator.topic import Signed


class Errand(msgspec.Struct, frozen=True):
    """The `attempt`-th attempt (from 1) at a post; it is signed once, at the first."""

    post: Post
    attempt: int = 1
    signed: Signed | None = None


class Schedule:
    """Shared by the threads of a courier: each takes an errand, then calls `again` or `settled` for it."""

    def __init__(self, rate: float | None = None) -> None:
        self._pause = 1 / rate if rate else 0.0
        self._changed = Condition()
        self._fresh: Iterator[Post] = iter(())
        self._exhausted = False
        self._fresh_due = 0.0
        self._retries: list[tuple[float, int, Errand]] = []
        self._ticket = count()
        self._in_hand = 0
        self._stopped = False

    def fill(self, posts: Iterable[Post]) -> None:
        """These posts come next."""
        with self._changed:
            self._fresh, self._exhausted, self._fresh_due = iter(posts), False, time.monotonic()

    def take(self) -> Errand | None:
        """The next errand as soon as it is due; None when all is settled or `stop` was called."""
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if errand := self._due(now):
                    self._in_hand += 1
                    return errand
                if self._exhausted and not self._retries and not self._in_hand:
                    self._changed.notify_all()
                    return None
                self._changed.wait(self._until_next(now))
            return None

    def again(self, errand: Errand, delay: float) -> None:
        """The errand failed, and is due again in `delay` seconds."""
        with self._changed:
            heappush(self._retries, (time.monotonic() + delay, next(self._ticket), errand))
            self._in_hand -= 1
            self._changed.notify()

    def settled(self) -> None:
        """An errand's fate is settled."""
        with self._changed:
            self._in_hand -= 1
            if not self._in_hand:
                self._changed.notify_all()

    def stop(self) -> None:
        """Whoever asks from now on gets None."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _due(self, now: float) -> Errand | None:
        if self._retries and self._retries[0][0] <= now:
            return heappop(self._retries)[2]
        if self._exhausted or self._fresh_due > now:
            return None
        post = next(self._fresh, None)
        if post is None:
            self._exhausted = True
            return None
        # Lateness is not made up for: after a stall the pace is the same, not a burst.
        self._fresh_due = max(self._fresh_due + self._pause, now - self._pause)
        return Errand(post)

    def _until_next(self, now: float) -> float | None:
        dues = [self._retries[0][0]] if self._retries else []
        if not self._exhausted:
            dues.append(self._fresh_due)
        return max(0.0, min(dues) - now) if dues else None
