"""Who does what for a live trial: the roles that adapters play."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from webhook.domain.findings import Finding
from webhook.domain.live import Counted, Sender
from webhook.domain.mail import Kind
from webhook.domain.ses import ListedPage, Outgoing
from webhook.domain.wiring import Identity


class Ses(Protocol):
    """SES in one region; every method raises AwsError."""

    @property
    def region(self) -> str:
        """The region that is asked."""
        ...

    def list_identities(self) -> ListedPage:
        """The first of the domain identities; also raises Limited."""
        ...

    def send(self, mail: Outgoing) -> str:
        """Sends it, and gives its SES message id."""
        ...


class Records(Protocol):
    """What is known here. Every method raises Unavailable."""

    def verified(self) -> str | None:
        """The first domain that may send and is not paused."""
        ...

    def registered(self, domain: str) -> Mapping[str, str]:
        """What is known of its identity: `configurationSet`, `tenant`; empty if it is not registered."""
        ...

    def facts(self, mails: Collection[str]) -> Mapping[str, Sequence[tuple[Kind, datetime]]]:
        """What befell these mails, by message id; one that nothing was heard of is left out."""
        ...

    def set_aside(self, mail: str, since: datetime) -> Sequence[str]:
        """Why messages about this mail are in quarantine: reason and detail."""
        ...

    def tells(self, mail: str) -> bool:
        """Whether the API would tell its story."""
        ...

    def knock(self) -> str:
        """Gives the worker something to do that changes nothing; its id."""
        ...

    def answered(self, knock: str) -> bool:
        """Whether the worker did it."""
        ...

    def withdraw(self, knock: str) -> None:
        """Takes it back if the worker did not."""
        ...


class Chain(Protocol):
    """Looks at the links between SES and here; what can't be read is told or left out, never raised."""

    def identity(self, name: str) -> tuple[Identity | None, bool]:
        """The identity as SES has it, and whether SES could be asked."""
        ...

    def buried(self) -> Mapping[str, int]:
        """How many messages about lie in each dead-letter queue of ours."""
        ...

    def answers(self) -> Mapping[str, int] | None:
        """How often this service has answered with which word; None if it does not tell."""
        ...

    def counted(self, since: datetime) -> Counted | None:
        """What CloudWatch has counted at our topics since then."""
        ...

    def findings(self, sender: Sender, tell: Callable[[str], None]) -> Sequence[Finding]:
        """All that is not as it should be on the way of this sender's mail; tells of its progress, line by line."""
        ...


class Reserve(Protocol):
    """Takes a slot of a rate that all processes share."""

    def __call__(
        self, bucket: str, rate: float, *, burst: float = ..., patience: float = ..., count: int = ...
    ) -> float:
        """Seconds to wait; raises Limited if that were more than `patience`."""
        ...


class Timing(Protocol):
    """The clock."""

    def now(self) -> datetime:
        """The present moment."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits that long."""
        ...

    def entropy(self, size: int) -> bytes:
        """So many bytes that nobody can guess."""
        ...
