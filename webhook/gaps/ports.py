"""What finding and restoring need of the outside world, as roles."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from webhook.domain.effects import Effects
from webhook.domain.envelope import Envelope
from webhook.domain.figures import Heard
from webhook.domain.gaps import Circumstances, Place, Row, Slot
from webhook.domain.gaps_told import Findings
from webhook.domain.mail import Mail
from webhook.domain.queues import Queue, QueuedMessage
from webhook.domain.restoring import Listed


class Figures(Protocol):
    """AWS's own figures. Raises AwsError, Limited."""

    def by_domain(self) -> bool:
        """Whether there are figures by domain."""

    def daily(self, domains: Sequence[str], first: date, last: date) -> tuple[dict[Place, int], list[str]]:
        """What AWS counts of each domain, day and kind; and the domains it did not answer for."""

    def quarters(self) -> dict[Slot, int]:
        """What AWS counts of the account, by quarters of an hour, of the last two weeks."""


class Hearing(Protocol):
    """What was heard here. Raises Unavailable."""

    def domains(self, domain: str | None = None) -> list[str]:
        """All domains, or this one; none if it is not known."""

    def by_day(self, domains: Sequence[str], since: datetime) -> list[Heard]:
        """What was heard of them since then, by days."""

    def by_quarter(self, domains: Sequence[str], since: datetime, offset: timedelta) -> list[Heard]:
        """The same by quarters, which begin `offset` after the hour and so on."""

    def begins(self) -> date | None:
        """The day of the first mail that anything is known of."""

    def circumstances(self, domains: Sequence[str], since: datetime) -> Circumstances:
        """What else is known, but for the beginning, to tell why figures differ."""


class Book(Protocol):
    """Where gaps are written down. Raises Unavailable."""

    def claim(self, now: datetime) -> bool:
        """True if a comparison is due, and the caller is the one to make it."""

    def failed(self, error: Mapping[str, Any], until: datetime) -> None:
        """Keeps why there is none, and leaves it alone until then."""

    def note(self, rows: Sequence[Row], domains: Sequence[str], days: Sequence[date], now: datetime) -> None:
        """Keeps what differs of these domains (none: of the account) and days, and forgets what no longer does."""

    def finish(self, found: Findings, *, full: bool) -> None:
        """The comparison of all domains is complete; `full` if it was of all days, so that none is due for a while."""


class Inbox(Protocol):
    """A queue. Raises AwsError."""

    def receive(self, lease: int) -> Sequence[QueuedMessage]:
        """Up to ten messages, which nobody else gets for `lease` seconds."""

    def delete(self, messages: Sequence[QueuedMessage]) -> Sequence[QueuedMessage]:
        """Deletes them, at most ten; gives those that are left."""


class DeadLetters(Protocol):
    """The queues with what could not be delivered. Raises AwsError."""

    def queues(self) -> list[Queue]:
        """Those that may hold messages for us."""

    def inbox(self, queue: Queue) -> Inbox:
        """The way to what is in one."""


class Reception(Protocol):
    """The way in that every message takes."""

    def verify(self, envelope: Envelope) -> None:
        """Raises Rejected if it is not authentic, Unavailable."""

    def effects(self, envelope: Envelope, endpoint: str = "") -> Effects:
        """What it changes; raises Rejected, Unavailable."""


class SuppressionList(Protocol):
    """SES's own list. Raises AwsError, Limited."""

    def since(self, at: datetime) -> Iterator[Listed]:
        """Addresses that came on it since then."""

    def cause(self, address: str) -> tuple[str, str] | None:
        """The SES id of the mail and the feedback id; None if a person put it there."""


class Mails(Protocol):
    """Mails that are known. Raises Unavailable."""

    def recalls(self, entry: Listed) -> bool:
        """Whether what the entry says of its address was heard here, without asking which mail it was."""

    def mail(self, identity: str) -> Mail | None:
        """One, by its SES id."""


class Marks(Protocol):
    """Where restoring stopped. Raises Unavailable."""

    def mark(self, since: datetime, now: datetime) -> tuple[datetime, str] | None:
        """The last entry that an interrupted restoring of the list since then was done with: its time and address."""

    def advance(self, since: datetime, at: datetime, address: str, now: datetime) -> None:
        """Everything up to this entry is done."""

    def complete(self) -> None:
        """All of the list is done."""
