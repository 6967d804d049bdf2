"""Group commit: a durable write costs milliseconds whatever its size, so the requests in flight share one."""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence

from webhook.domain.effects import Effects, Outcome
from webhook.errors import Contended, Unavailable
from webhook.logs import get_logger
from webhook.metrics import ISOLATED, observe_commit
from webhook.pipeline import quarantine
from webhook.ports import Clock, Store

Result = Outcome | Unavailable
#: Called on the committing thread, once for each message.
Done = Callable[[Result], None]

MAX_BATCH = 400
#: Facts and recipients in one batch: a few mails to thousands weigh as much as hundreds of the usual ones.
MAX_WEIGHT = 5000
#: Characters of a message to be kept that weigh as much as one fact.
LIGHT = 500
#: Contended tries that a batch may cost.
SPLITS = 16
#: Seconds that a batch may gather, at most: a commit costs about the same whether it holds 20 messages or 100.
LINGER = 0.02

log = get_logger(__name__)


class GroupCommit:
    """Collects the effects of all requests in flight and writes them in one transaction after the other.

    The queue is bounded: beyond `max_pending` messages the answer is `Unavailable` at once, so that SNS comes again
    later instead of waiting for nothing.
    """

    def __init__(self, store: Store, max_pending: int, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._max_pending = max_pending
        self._queue: deque[tuple[Effects, Done]] = deque()
        self._stopping = threading.Event()
        self._in_flight = 0
        self._wake = threading.Condition()
        self._process = 0
        self._thread = threading.Thread()

    def submit(self, effects: Effects, done: Done) -> None:
        """Has the effects written with the next batch; `done` hears of it when they are durable, or that they are not.

        Raises:
            Unavailable: too many are waiting already, or this process is stopping.
        """
        with self._wake:
            if self._stopping.is_set():
                raise Unavailable("this process is stopping", retry_after=1)
            if self._process != os.getpid():
                # Not before: a server may load the application and then fork, and threads stay behind.
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
                self._process = os.getpid()
            if len(self._queue) + self._in_flight >= self._max_pending:
                raise Unavailable(f"{self._max_pending} messages are waiting to be written (MAX_PENDING)")
            self._queue.append((effects, done))
            self._wake.notify()

    def close(self) -> None:
        """Writes what is queued, then stops."""
        with self._wake:
            self._stopping.set()
            self._wake.notify()
            started = self._process == os.getpid()
        if started:
            self._thread.join()

    def _run(self) -> None:
        rested_until = 0.0
        while self._wait_for_work():
            # Right after a commit: let more gather than came during it. After a pause there is nothing to wait for.
            self._stopping.wait(max(0.0, rested_until - self._clock.monotonic()))
            with self._wake:
                waiting = self._next_batch()
                self._in_flight = len(waiting)
            began = self._clock.monotonic()
            self._write(waiting)
            ended = self._clock.monotonic()
            rested_until = ended + min(1.5 * (ended - began), LINGER)

    def _next_batch(self) -> list[tuple[Effects, Done]]:
        """The oldest messages, as many as one transaction can hold without haste."""
        batch: list[tuple[Effects, Done]] = []
        weight = 0
        while self._queue and len(batch) < MAX_BATCH and weight < MAX_WEIGHT:
            batch.append(self._queue.popleft())
            mail = batch[-1][0].mail
            kept = batch[-1][0].quarantined
            weight += len(mail.facts) + len(mail.recipients) if mail else 1
            weight += len(kept.source.message) // LIGHT if kept else 0
        return batch

    def _wait_for_work(self) -> bool:
        """False when there is nothing left to do and nothing will come."""
        with self._wake:
            self._in_flight = 0
            while not self._queue and not self._stopping.is_set():
                self._wake.wait()
            return bool(self._queue)

    def _write(self, waiting: list[tuple[Effects, Done]]) -> None:
        try:
            results = commit_isolating(self._store, [effects for effects, _ in waiting])
        except (Unavailable, MemoryError) as error:
            # Those who queued up meanwhile would wait as long again for the same news.
            with self._wake:
                waiting += self._queue
                self._queue.clear()
            results = [error if isinstance(error, Unavailable) else Unavailable("out of memory")] * len(waiting)
        for (_, done), result in zip(waiting, results, strict=True):
            done(result)


def commit_isolating(store: Store, batch: Sequence[Effects], splits: list[int] | None = None) -> list[Result]:
    """Commits the batch. A message that breaks it is found by halving and goes to quarantine, alone.

    In the same way, one that somebody else's transaction stands in the way of is told to come again, alone; but since
    each try takes its time, the search ends after a few, and those not sorted out by then come again together.

    Raises:
        Unavailable: the database does not answer. What was committed by then stays, and telling it again does no harm.
    """
    try:
        with observe_commit(len(batch)):
            return list(store.commit(batch))
    except Contended as error:
        left = [SPLITS] if splits is None else splits
        left[0] -= 1
        return _by_halves(store, batch, left) if len(batch) > 1 and left[0] > 0 else [error] * len(batch)
    except (Unavailable, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the message that caused it is found and kept
        return _by_halves(store, batch, splits) if len(batch) > 1 else [_isolate(store, batch[0], error)]


def _by_halves(store: Store, batch: Sequence[Effects], splits: list[int] | None) -> list[Result]:
    middle = len(batch) // 2
    return commit_isolating(store, batch[:middle], splits) + commit_isolating(store, batch[middle:], splits)


def _isolate(store: Store, effects: Effects, error: Exception) -> Result:
    if effects.source is None or effects.quarantined:
        # Not even the quarantine takes it: that is our fault, not the message's.
        raise Unavailable(f"the database refuses to write: {error}") from error
    ISOLATED.inc()
    log.error("message_isolated", message_id=effects.source.message_id, error=str(error)[:300])
    kept = quarantine(effects.source, "cannot_be_stored", f"{type(error).__name__}: {error}")
    return commit_isolating(store, [kept])[0]
