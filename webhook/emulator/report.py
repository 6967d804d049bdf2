"""What became of everything that was posted."""

from collections import Counter
from threading import Lock

from webhook.emulator.courier import Delivery, Outcome

_EXAMPLES = 5


class Report:
    """Counts deliveries by outcome, and knows the keys of those that were acknowledged.

    Pass `add` to a courier. `acknowledged` holds one key per acknowledged post, in the order of settling (a key told
    twice is there twice); without `keep_keys` it stays empty, for very long runs.
    """

    def __init__(self, *, keep_keys: bool = True) -> None:
        self._lock = Lock()
        self._keep_keys = keep_keys
        self.outcomes: Counter[Outcome] = Counter()
        self.retried = 0
        self.acknowledged: list[str] = []
        self.examples: list[str] = []

    def add(self, delivery: Delivery) -> None:
        """Take note of a settled delivery."""
        with self._lock:
            self.outcomes[delivery.outcome] += 1
            self.retried += delivery.attempts - 1
            if delivery.outcome.lost:
                self._remember(delivery)
            elif self._keep_keys:
                self.acknowledged.append(delivery.post.key)

    @property
    def total(self) -> int:
        """How many posts are settled."""
        return self.outcomes.total()

    @property
    def lost(self) -> int:
        """How many the endpoint refused, or did not take in spite of all retries."""
        return sum(many for outcome, many in self.outcomes.items() if outcome.lost)

    def summary(self) -> dict[str, int]:
        """Every outcome with its number, the retries, and the total."""
        with self._lock:
            counts = {outcome.value: self.outcomes[outcome] for outcome in Outcome}
            return counts | {"retried": self.retried, "total": self.outcomes.total()}

    def _remember(self, delivery: Delivery) -> None:
        if len(self.examples) < _EXAMPLES:
            reply = delivery.reply
            said = f"{reply.status} {reply.text[:200]}" if reply.status else reply.text
            self.examples.append(f"{delivery.post.path}: {said.strip()}")
