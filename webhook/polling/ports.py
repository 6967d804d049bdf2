"""What taking messages from a queue needs of the outside world, as roles."""

from collections.abc import Callable, Sequence
from typing import Protocol

from webhook.domain.effects import Effects
from webhook.domain.envelope import Envelope
from webhook.domain.queues import Figures, QueuedMessage, Traits
from webhook.groupcommit import Done


class Inbox(Protocol):
    """A queue. Every method raises AwsError."""

    def traits(self) -> Traits:
        """What the queue is set to."""

    def receive(self, lease: int) -> Sequence[QueuedMessage]:
        """Up to ten messages, which nobody else gets for `lease` seconds; may wait for them for a while."""

    def delete(self, messages: Sequence[QueuedMessage]) -> Sequence[QueuedMessage]:
        """Deletes them; gives those that are left, though another try may delete them."""

    def hold(self, holds: Sequence[tuple[QueuedMessage, int]]) -> None:
        """Keeps messages out of sight for so many seconds from now."""

    def close(self) -> None:
        """Ends the connections."""


class Reception(Protocol):
    """From an envelope to its effects; see `reception.Reception`."""

    def prepare(self) -> None:
        """Finds out what must be known before the first message; raises Unavailable."""

    def verify(self, envelope: Envelope) -> None:
        """Returns if it is authentic; raises Rejected or Unavailable."""

    def effects(self, envelope: Envelope) -> Effects:
        """What a verified message changes; raises Rejected or Unavailable."""


class Commit(Protocol):
    """Makes effects durable; see `groupcommit.GroupCommit`."""

    def submit(self, effects: Effects, done: Done) -> None:
        """`done` hears of it when they are durable, or that they are not; raises Unavailable."""

    def close(self) -> None:
        """Writes what is queued, then stops."""


class Ledger(Protocol):
    """Keeps figures where those who serve `/metrics` find them."""

    def note(self, queue: str, figures: Figures) -> None:
        """Adds what was done with the messages of the queue at this URL; raises Unavailable."""


#: Waits so many seconds, or until the end; True if that has come.
Pause = Callable[[float], bool]
