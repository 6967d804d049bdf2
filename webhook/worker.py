"""The worker: posts the journal, judges dirty domains, slides windows. As many may run as you like; one suffices."""

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Protocol

from webhook.chores import Chores
from webhook.errors import SentinelError, Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock, Journal, Posting

#: Entries of the journal that one posting takes on.
ENTRIES = 1000
#: Seconds between two looks at a journal that is empty.
REST = 0.25
#: … and at most, however long a posting took.
REST_MAX = 1.5
#: … and if it falls behind, which many thousand domains at once can bring about.
BEHIND_MAX = 3.5
#: While messages come in it stops that many times longer than it worked, within one posting too; and seconds, at most.
BREATH, BREATH_MAX = 3.0, 0.05
#: Seconds between two looks for windows that have to slide.
SLIDE_EVERY = 5.0
#: Seconds to wait for a database that does not answer: at first, and at most.
RETRY, RETRY_MAX = 0.5, 15.0

log = get_logger(__name__)


class Companion(Protocol):
    """What works beside the worker, in a thread of its own, such as the dispatcher of alerts."""

    def run(self) -> None:
        """Works until `stop`."""

    def stop(self) -> None:
        """Ends `run` soon; may be called from anywhere."""


class Died(SentinelError):
    """A companion ended though nobody told it to: the whole process is to be started anew."""


class Worker:
    """Runs until it is told to stop; whatever it was doing then is either done or not begun."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        chores: Chores | None = None,
        companions: Sequence[Companion] = (),
        *,
        rests: bool = True,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._chores = chores
        self._companions = companions
        self._stopping = threading.Event()
        self._rests = rests
        self._slid_at = float("-inf")
        self._limit = ENTRIES
        self._breathed = self._breathed_at = 0.0

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Ends the loop after what is under way; a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Works until `stop`, or a signal to end; raises Died if a companion ended before."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker_started")
        if self._chores:
            self._chores.start()
        with ThreadPoolExecutor(len(self._companions) or 1, "companion") as pool:
            beside = [self._begin(companion, pool) for companion in self._companions]
            self.work()
            dead = next((one for one in beside if one.done()), None)
            for companion in self._companions:
                companion.stop()
            if self._chores:
                self._chores.stop()
        if dead is not None:
            raise Died("what works beside the worker ended: see the log above") from dead.exception()
        log.info("worker_stopped")

    def _begin(self, companion: Companion, pool: ThreadPoolExecutor) -> Future[None]:
        """Starts it; should it end before it is told to, so does the worker."""
        beside = pool.submit(companion.run)
        beside.add_done_callback(self._ended)
        return beside

    def _ended(self, beside: Future[None]) -> None:
        if not self._stopping.is_set():
            log.error("companion_died", exc_info=beside.exception())
            self.stop()

    def work(self) -> None:
        """The loop itself."""
        pause = RETRY
        while not self._stopping.is_set():
            rest = REST
            for task in (self.slide, self.post):
                try:
                    rest = task()
                    pause = RETRY
                except Unavailable as error:
                    log.warning("worker_waits", why=error.detail, seconds=pause)
                    rest, pause = pause, min(pause * 2, RETRY_MAX)
                except Exception:
                    log.exception("worker_failed", task=task.__name__, entries=self._limit)
                    rest = self._isolate() if task == self.post else RETRY
            self._stopping.wait(rest if self._rests else 0)

    def slide(self) -> float:
        """Judges domains whose window has to slide, every now and then; gives the seconds to rest."""
        now = self._clock.monotonic()
        if now - self._slid_at >= SLIDE_EVERY:
            slid = self._journal.slide()
            report(slid)
            if not slid.domains:
                self._slid_at = now
        return REST

    def post(self) -> float:
        """Posts and judges what there is, and gives the seconds to rest.

        Under load it rests longer than it worked: acknowledging messages comes first, and a domain that was told of
        many times meanwhile is judged once. What is left over is made up for when the load has gone.
        """
        began = self._breathed_at = self._clock.monotonic()
        self._breathed = 0.0
        posting = self._journal.post(self._limit, self._breathe)
        report(posting)
        self._limit = min(self._limit * 2, ENTRIES)
        worked = self._clock.monotonic() - began - self._breathed
        if posting.more:
            return min(6 * worked, BEHIND_MAX) if posting.busy else 0.0
        return min(max(REST, 6 * worked), REST_MAX) if posting.entries > 1 else REST

    def _breathe(self) -> None:
        """Waits for longer than it worked since the last time: in one piece its work would hold up acknowledgements."""
        began = self._clock.monotonic()
        if self._rests:
            self._stopping.wait(min(BREATH * (began - self._breathed_at), BREATH_MAX))
        self._breathed_at = self._clock.monotonic()
        self._breathed += self._breathed_at - began

    def _isolate(self) -> float:
        """After a failure: fewer entries at once, until the one that can't be posted is found and set aside."""
        if self._limit > 1:
            self._limit //= 2
        else:
            with suppress(Unavailable):
                log.error("journal_broken", entry=self._journal.set_aside())
        return RETRY


def report(posting: Posting) -> None:
    """One line for each domain whose status changed."""
    for verdict in posting.flipped:
        log.info("domain_flipped", domain=verdict.domain, status=verdict.status.value, flags=list(verdict.flags))
