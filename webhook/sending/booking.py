"""What SES took becomes a fact, at once or as soon as that can be written down."""

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from webhook.domain.sending import Sending
from webhook.errors import Unavailable
from webhook.groupcommit import commit_isolating
from webhook.logs import get_logger
from webhook.ports import Store
from webhook.sending.ports import Ledger

#: After that long, an answer of SES that nobody wrote down never will be.
LEASE = timedelta(seconds=60)
#: Seconds between two tries to write down what SES took.
RETRY = 2.0

log = get_logger(__name__)


class Booking:
    """Makes a fact of what SES took, so that a domain has its denominator whether or not SES tells of it.

    If the database fails just then, the mail was sent all the same: it is booked as soon as the database is back, by
    this process out of its memory; and if SES's answer could be written down, by any worker.
    """

    def __init__(
        self, ledger: Ledger, store: Store, now: Callable[[], datetime], pause: Callable[[float], None]
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._now = now
        self._pause = pause
        self._waiting: deque[Sending] = deque()
        self._starting = threading.Lock()
        self._thread = threading.Thread()

    def book(self, sent: Sending) -> None:
        """Books it, now or as soon as the database answers; never fails."""
        try:
            self._book(sent)
        except Unavailable as error:
            log.warning("[AWS SES] sent_but_not_booked", sending=sent.id, message_id=sent.message_id, why=error.detail)
            self._waiting.append(sent)
            self._keep_trying()

    def work(self) -> bool:
        """For the worker: books what others left, and marks what was lost; True if there was any."""
        before = self._now() - LEASE
        unbooked = self._ledger.unbooked(before)
        for sent in unbooked:
            self._book(sent)
        lost = self._ledger.lost(before)
        for sending in lost:
            self._ledger.unknown(sending, "no_answer_written")
            log.error("[AWS SES] send_outcome_unknown", sending=sending.id, domain=sending.domain, why="process_died")
        return bool(unbooked or lost)

    def close(self, patience: float = 5.0) -> None:
        """Waits a while for what is not booked yet."""
        if self._thread.is_alive():
            self._thread.join(patience)

    def _book(self, sent: Sending) -> None:
        self._ledger.took(sent)
        [outcome] = commit_isolating(self._store, [sent.effects])
        if isinstance(outcome, Unavailable):
            raise outcome
        self._ledger.booked(sent)

    def _keep_trying(self) -> None:
        with self._starting:
            if not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="booking", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._starting:
                if not self._waiting:
                    self._thread = threading.Thread()
                    return
            try:
                self._book(self._waiting[0])
                self._waiting.popleft()
            except Unavailable:
                self._pause(RETRY)
