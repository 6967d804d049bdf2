"""Draining dead-letter queues: what SNS could not deliver comes in by the same way as everything else."""

from collections import Counter
from collections.abc import Iterator, Sequence

from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import Envelope
from webhook.domain.queues import QueuedMessage
from webhook.errors import Rejected, Unavailable
from webhook.gaps.ports import DeadLetters, Inbox, Reception
from webhook.groupcommit import commit_isolating
from webhook.ports import Store

#: Seconds for which what was taken is ours: long enough that what is left lying does not come back meanwhile.
LEASE = 600
#: Looks in a row that find nothing before a queue is taken for empty: SQS does not ask all its servers each time.
EMPTY_LOOKS = 2


class Drained:
    """What a drain came to: messages that told something new, by domain and AWS's kind; and what else there was."""

    def __init__(self) -> None:
        self.queues = 0
        self.restored: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()

    @property
    def messages(self) -> int:
        """How many were looked at."""
        return self.outcomes.total() + self.rejected.total()


class Drainer:
    """Takes a batch, verifies, commits, deletes; what is not authentic stays in its queue."""

    def __init__(self, letters: DeadLetters, reception: Reception, store: Store) -> None:
        self._letters = letters
        self._reception = reception
        self._store = store

    def drain(self, drained: Drained) -> Iterator[Drained]:
        """Empties all queues, a batch for each step; what was deleted is committed, wherever this is cut off.

        Raises AwsError, and Unavailable if the database or a certificate's host does not answer.
        """
        for queue in self._letters.queues():
            drained.queues += 1
            yield from self._empty(self._letters.inbox(queue), drained)

    def _empty(self, inbox: Inbox, drained: Drained) -> Iterator[Drained]:
        left: set[str] = set()
        looks = 0
        while looks < EMPTY_LOOKS:
            messages = inbox.receive(LEASE)
            fresh = [message for message in messages if message.id not in left]
            looks = 0 if fresh else looks + 1
            if fresh:
                left |= self._take(inbox, fresh, drained)
                yield drained

    def _take(self, inbox: Inbox, messages: Sequence[QueuedMessage], drained: Drained) -> set[str]:
        """Commits what is authentic and deletes it; gives the ids of what stays."""
        good: list[tuple[QueuedMessage, Effects]] = []
        left: set[str] = set()
        for message in messages:
            try:
                envelope = Envelope.from_bytes(message.body.encode(errors="surrogatepass"))
                self._reception.verify(envelope)
                good.append((message, self._reception.effects(envelope)))
            except Rejected as error:
                drained.rejected[error.code] += 1
                left.add(message.id)
        if not good:
            return left
        done = []
        results = commit_isolating(self._store, [effects for _, effects in good])
        for (message, effects), outcome in zip(good, results, strict=True):
            if isinstance(outcome, Unavailable):
                raise outcome
            done.append(message)
            drained.outcomes[outcome.value] += 1
            if outcome is Outcome.ACCEPTED and effects.mail:
                drained.restored[effects.mail.domain, effects.kind] += 1
        # What SQS does not delete comes again, and tells nothing new.
        inbox.delete(done)
        return left | {message.id for message in done}
