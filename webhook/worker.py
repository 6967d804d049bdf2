"""The worker: posts the journal, judges dirty domains, slides windows. As many may run as you like; one suffices."""

import signal
import threading
from types import FrameType

from webhook.errors import Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock, Journal, Posting

#: Seconds between two looks at a journal that is empty.
REST = 0.25
#: … and at most, however long a posting took.
REST_MAX = 1.0
#: Seconds between two looks for windows that have to slide.
SLIDE_EVERY = 5.0
#: Seconds to wait for a database that does not answer: at first, and at most.
RETRY, RETRY_MAX = 0.5, 15.0

log = get_logger(__name__)


class Worker:
    """Runs until it is told to stop; whatever it was doing then is either done or not begun."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._stopping = threading.Event()
        self._slid_at = float("-inf")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Ends the loop after what is under way; a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Works until `stop`."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        log.info("worker_started")
        pause = RETRY
        while not self._stopping.is_set():
            try:
                rest = self.once()
                pause = RETRY
            except Unavailable as error:
                log.warning("worker_waits", why=error.detail, seconds=pause)
                rest, pause = pause, min(pause * 2, RETRY_MAX)
            except Exception:
                log.exception("worker_failed", seconds=pause)
                rest, pause = pause, min(pause * 2, RETRY_MAX)
            self._stopping.wait(rest)
        log.info("worker_stopped")

    def once(self) -> float:
        """Does what there is to do, and says how many seconds to rest.

        Under load it rests longer than it worked: acknowledging messages comes first, and a domain that was told of
        many times meanwhile is judged once.
        """
        began = self._clock.monotonic()
        posting = self._journal.post()
        report(posting)
        if began - self._slid_at >= SLIDE_EVERY:
            slid = self._journal.slide()
            report(slid)
            if not slid.domains:
                self._slid_at = began
        worked = self._clock.monotonic() - began
        return min(max(REST, 4 * worked), REST_MAX) if posting.entries > 1 else REST


def report(posting: Posting) -> None:
    """One line for each domain whose status changed."""
    for verdict in posting.flipped:
        log.info("domain_flipped", domain=verdict.domain, status=verdict.status.value, flags=list(verdict.flags))
