"""A clerk: takes up to ten messages from a queue, has them written, deletes them, and takes the next ones."""

import queue
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import Envelope
from webhook.domain.queues import QueuedMessage, put_back_for, rejected_for
from webhook.errors import AwsError, Rejected, Unavailable
from webhook.groupcommit import Result
from webhook.logs import get_logger, mask_text
from webhook.polling.crew import Complaints, Crew, Once
from webhook.polling.flight import Flight, Tally
from webhook.polling.ports import Commit, Inbox, Pause, Reception

#: Seconds to wait after a failure: at first, and at most for MongoDB (which holds up what is taken) and for AWS.
RETRY, RETRY_MAX, AWS_MAX = 0.5, 15.0, 120.0
#: Seconds that a commit may take, a full queue before it included; it is told of much sooner.
LONGEST_COMMIT = 60.0
#: How often deleting is tried; what is left then comes again, and tells nothing new.
DELETE_TRIES = 5

log = get_logger(__name__)


@dataclass(frozen=True)
class Office:
    """What the clerks of one queue share. `pause` waits, but not beyond the end."""

    name: str
    inbox: Inbox
    reception: Reception
    commit: Commit
    crew: Crew
    flight: Flight
    tally: Tally
    pause: Pause
    complaints: Complaints
    rejections: Once

    @property
    def closing(self) -> bool:
        """True when the end has come."""
        return self.pause(0)


class Clerk:
    """One of those who take messages; runs in a thread of its own, which may end anywhere."""

    def __init__(self, office: Office, number: int, lease: int) -> None:
        self._office = office
        self._number = number
        self._lease = lease
        self._wait = RETRY

    def run(self) -> None:
        """Works whenever it is wanted, until the end."""
        while self._office.crew.await_turn(self._number):
            messages = self._receive()
            if not messages:
                continue
            if self._office.closing:
                self._let_go(messages)
            elif self.deal_with(messages):
                self._wait = RETRY
            else:
                self._back_off(RETRY_MAX)

    def _receive(self) -> Sequence[QueuedMessage]:
        office = self._office
        try:
            messages = office.inbox.receive(self._lease)
        except AwsError as error:
            if not office.closing:
                office.complaints.say("queue_unreachable", error.detail, error.hint)
                office.crew.took(self._number, 0)
                self._back_off(AWS_MAX)
            return ()
        if not messages:
            self._wait = RETRY
        office.complaints.over("queue_unreachable")
        office.crew.took(self._number, len(messages))
        return messages

    def _back_off(self, most: float) -> None:
        self._office.pause(min(self._wait, most))
        self._wait = min(self._wait * 2, most)

    def deal_with(self, messages: Sequence[QueuedMessage]) -> bool:
        """Has them written and deletes them; False if none of them could be understood just now."""
        office = self._office
        office.flight.begin(messages)
        office.tally.add(received=len(messages))
        try:
            told = Counter[str]()
            understood, back = self._understand(messages, told)
            office.flight.end(message for message, _ in back)
            self._hold(back)
            self._write(understood, told)
        finally:
            office.flight.end(messages)
        log.info("queue_messages", queue=office.name, messages=len(messages), outcomes=dict(told))
        return told["unavailable"] < len(messages)

    # -- understanding

    def _understand(
        self, messages: Sequence[QueuedMessage], told: Counter[str]
    ) -> tuple[list[tuple[QueuedMessage, Effects]], list[tuple[QueuedMessage, int]]]:
        """What they change; and those that are left to the queue, with the seconds for which."""
        understood, back = [], []
        for message in messages:
            try:
                understood.append((message, self._effects(message)))
            except Rejected as error:
                told[error.code] += 1
                self._note_rejection(message, error)
                back.append((message, rejected_for(message.receives)))
            except Unavailable as error:
                told["unavailable"] += 1
                self._office.complaints.say("queue_message_put_back", error.detail)
                back.append((message, put_back_for(message.receives)))
        if understood and not told["unavailable"]:
            self._office.complaints.over("queue_message_put_back")
        return understood, back

    def _effects(self, message: QueuedMessage) -> Effects:
        envelope = Envelope.from_bytes(message.body.encode(errors="surrogatepass"))
        self._office.reception.verify(envelope)
        return self._office.reception.effects(envelope)

    def _note_rejection(self, message: QueuedMessage, error: Rejected) -> None:
        self._office.tally.add(rejected=error.code)
        if self._office.rejections.first(error.code):
            told = {"queue": self._office.name, "code": error.code, "why": mask_text(error.detail)}
            log.warning("queue_message_rejected", **told, sqs_message_id=message.id)

    # -- writing

    def _write(self, waiting: list[tuple[QueuedMessage, Effects]], told: Counter[str]) -> None:
        """Until they are durable, and deleted; while MongoDB is away they are held, so that no redrive takes them."""
        office, wait = self._office, RETRY
        while waiting:
            results = written_together(office.commit, [effects for _, effects in waiting])
            done = [(one, result) for one, result in zip(waiting, results, strict=True) if isinstance(result, Outcome)]
            told.update(result.value for _, result in done)
            self._delete([message for (message, _), _ in done])
            failed = next((result for result in results if isinstance(result, Unavailable)), None)
            if failed is None:
                office.complaints.over("queue_waits")
                return
            office.complaints.say("queue_waits", failed.detail)
            waiting = [one for one, result in zip(waiting, results, strict=True) if isinstance(result, Unavailable)]
            if office.pause(wait):
                told["left"] += len(waiting)
                self._let_go([message for message, _ in waiting])
                return
            wait = min(wait * 2, RETRY_MAX)

    def _delete(self, messages: Sequence[QueuedMessage]) -> None:
        """Once they are durable. At the end of its tries it leaves them: what comes again changes nothing."""
        office, left, wait = self._office, messages, RETRY / 2
        for _ in range(DELETE_TRIES):
            if not left:
                break
            try:
                left = office.inbox.delete(left)
                office.complaints.over("queue_not_deleted")
            except AwsError as error:
                office.complaints.say("queue_not_deleted", error.detail, error.hint)
            if left and office.pause(wait):
                break
            wait *= 2
        office.tally.add(deleted=len(messages) - len(left))
        office.flight.end(messages)

    def _hold(self, holds: Sequence[tuple[QueuedMessage, int]]) -> None:
        """Should it fail, they come back when their lease is over."""
        if holds:
            try:
                self._office.inbox.hold(holds)
            except AwsError as error:
                self._office.complaints.say("queue_not_held", error.detail, error.hint)

    def _let_go(self, messages: Sequence[QueuedMessage]) -> None:
        """Somebody else may have them at once."""
        self._office.flight.end(messages)
        self._hold([(message, 0) for message in messages])


def written_together(commit: Commit, batch: Sequence[Effects]) -> list[Result]:
    """Has the effects written and waits for all of them; what changes nothing need not be written."""
    told: queue.SimpleQueue[tuple[int, Result]] = queue.SimpleQueue()
    results: list[Result] = [Unavailable("the commit takes too long")] * len(batch)
    for place, effects in enumerate(batch):
        if effects.empty:
            told.put((place, Outcome.IGNORED))
            continue
        try:
            commit.submit(effects, partial(_tell, told, place))
        except Unavailable as error:
            told.put((place, error))
    with suppress(queue.Empty):
        for _ in batch:
            place, result = told.get(timeout=LONGEST_COMMIT)
            results[place] = result
    return results


def _tell(told: "queue.SimpleQueue[tuple[int, Result]]", place: int, result: Result) -> None:
    told.put((place, result))
