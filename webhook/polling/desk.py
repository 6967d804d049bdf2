"""A desk: all about one queue. Its clerks take messages; it keeps what they hold out of sight, and notes figures."""

import threading
from collections.abc import Callable

from webhook.domain.queues import Figures, Queue, Traits
from webhook.errors import AwsError, Unavailable
from webhook.logs import get_logger
from webhook.polling.clerk import RETRY, RETRY_MAX, Clerk, Office
from webhook.polling.crew import CREW, Complaints, Crew, Once
from webhook.polling.flight import Flight, Tally
from webhook.polling.ports import Commit, Inbox, Ledger, Reception
from webhook.ports import Clock

#: Seconds between two notes of the figures.
NOTE_EVERY = 5.0
#: Heartbeats in a lease; half of it passes before the first that does anything.
BEATS = 10

log = get_logger(__name__)


class Working(threading.Thread):
    """A thread that ends with the process, wherever it is: a long poll can't be cut short. `died`: by a defect."""

    def __init__(self, name: str, work: Callable[[], None], ended: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._ended = ended
        self.died = False

    def run(self) -> None:
        finished = False
        try:
            self._work()
            finished = True
        finally:
            self.died = not finished
            self._ended()


class Desk:
    """Takes messages of one queue until it is closed."""

    def __init__(
        self,
        queue: Queue,
        inbox: Inbox,
        reception: Reception,
        commit: Commit,
        ledger: Ledger,
        clock: Clock,
        *,
        crew: int = CREW,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._clock = clock
        self._stopping = threading.Event()
        flight = Flight(clock)
        self._office = Office(
            name=queue.name,
            inbox=inbox,
            reception=reception,
            commit=commit,
            crew=Crew(crew),
            flight=flight,
            tally=Tally(lambda: flight.oldest),
            pause=self._stopping.wait,
            complaints=Complaints(queue.name),
            rejections=Once(),
        )
        self._noted_at = float("-inf")
        self._noted: Figures | None = None
        self._threads: list[Working] = []

    def open(self, ended: Callable[[], None]) -> None:
        """Begins, in threads; `ended` is called when one of them ends, whatever the reason."""
        self._threads = [Working(f"queue-{self._queue.name}", lambda: self._work(ended), ended)]
        self._threads[0].start()

    @property
    def died(self) -> bool:
        """True if any of its threads ended by a defect of ours."""
        return any(thread.died for thread in self._threads)

    def close(self) -> None:
        """Takes nothing more; what is under way goes on."""
        self._stopping.set()
        self._office.crew.dismiss()

    def await_end(self, patience: float) -> None:
        """Waits until what was under way is done, then notes the figures. Who waits for messages is left behind."""
        began = self._clock.monotonic()
        if not self._office.flight.await_end(patience):
            log.warning("queue_left", queue=self._queue.name)
        for thread in self._threads:
            if thread is self._threads[0] or thread.died:  # what has died may still be telling why
                thread.join(max(0.0, patience - (self._clock.monotonic() - began)))
        self._note()
        self._office.inbox.close()

    def _work(self, ended: Callable[[], None]) -> None:
        lease = self._traits().lease
        if self._prepare():
            office = self._office
            for number in range(office.crew.most):
                clerk = Clerk(office, number, lease)
                self._threads.append(Working(f"queue-{self._queue.name}-{number}", clerk.run, ended))
                self._threads[-1].start()
            log.info("queue_polled", queue=self._queue.name, lease=lease)
        while not self._stopping.wait(lease / BEATS):
            self.beat(lease)

    def _traits(self) -> Traits:
        """What the queue is set to; if that can't be known, what queues usually are."""
        try:
            traits = self._office.inbox.traits()
        except AwsError as error:
            log.warning("queue_unknown", queue=self._queue.name, why=error.detail, hint=error.hint)
            return Traits()
        if not traits.redrives:
            log.info("queue_without_redrive", queue=self._queue.name)
        return traits

    def _prepare(self) -> bool:
        """Takes no message before it can be understood; False if the end comes first."""
        wait = RETRY
        while not self._stopping.is_set():
            try:
                self._office.reception.prepare()
            except Unavailable as error:
                self._office.complaints.say("queue_waits", error.detail)
                self._stopping.wait(wait)
                wait = min(wait * 2, RETRY_MAX)
            else:
                self._office.complaints.over("queue_waits")
                return True
        return False

    def beat(self, lease: int) -> None:
        """Keeps what takes long out of sight, and notes the figures every now and then."""
        office = self._office
        waning = office.flight.waning(lease)
        if waning:
            try:
                office.inbox.hold([(message, lease) for message in waning])
                office.flight.prolong(waning)
                office.complaints.over("queue_not_held")
            except AwsError as error:
                office.complaints.say("queue_not_held", error.detail, error.hint)
        if self._clock.monotonic() - self._noted_at >= NOTE_EVERY:
            self._note()

    def _note(self) -> None:
        figures = self._office.tally.figures()
        if figures == Figures() == self._noted:
            return
        try:
            self._ledger.note(self._queue.url, figures)
        except Unavailable:
            return  # they count on, and are noted when MongoDB is back
        self._office.tally.settle(figures)
        self._noted, self._noted_at = Figures(oldest=figures.oldest), self._clock.monotonic()
