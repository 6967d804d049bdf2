"""What a message is to change, as values: handlers return them, one commit carries them out."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from webhook.domain.mail import Fact, Mail, Told


class Hint(Struct, frozen=True, gc=False):
    """AWS says that something about an identity changed: a reason to look, never the truth itself."""

    id: str
    kind: str
    domain: str
    at: datetime
    detail: str


class Effect(Struct, frozen=True, gc=False):
    """What one event means: facts about its mail, or a hint. Both may be empty."""

    facts: tuple[tuple[Fact, Told], ...] = ()
    hint: Hint | None = None


class Source(Struct, frozen=True, gc=False):
    """Which SNS message something came in: for the record and for replay, never an identity."""

    topic_arn: str
    message_id: str
    message: str
    endpoint: str = ""


class Quarantined(Struct, frozen=True, gc=False):
    """An authentic message that was not understood, whole, with why. `id` is its content's, not its delivery's."""

    id: str
    reason: str
    detail: str
    source: Source


class Subscription(Struct, frozen=True, gc=False):
    """A topic that was confirmed, or that somebody unsubscribed."""

    topic_arn: str
    state: str
    arn: str
    message_id: str


class Effects(Struct, frozen=True, gc=False):
    """All that one message changes. `kind` is AWS's word for it; with the mail's wirings it tells what is wired.

    `replayed` is the quarantined message that this one came from; it is struck off in the same commit.
    """

    kind: str = ""
    mail: Mail | None = None
    hints: tuple[Hint, ...] = ()
    quarantined: Quarantined | None = None
    subscription: Subscription | None = None
    source: Source | None = None
    replayed: str = ""

    @property
    def empty(self) -> bool:
        """True if there is nothing to commit."""
        return not (self.mail or self.hints or self.quarantined or self.subscription or self.replayed)


class Outcome(StrEnum):
    """What became of a message, as the sender is told."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    CONFIRMED = "confirmed"
    IGNORED = "ignored"
