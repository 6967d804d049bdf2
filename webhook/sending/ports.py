"""What sending needs of the outside world, as roles."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from webhook.domain.sending import Sending
from webhook.domain.ses import Outgoing


class Ledger(Protocol):
    """Keeps track of mails on their way. Every method raises Unavailable if the database does not answer."""

    def domain(self, name: str, sender: str, owner: str | None) -> tuple[Mapping[str, Any] | None, str]:
        """The domain's document, None if `owner` may not see it; and a domain added by itself nearer to `sender`."""

    def new_id(self) -> str:
        """An id that nothing else has."""

    def find(self, identity: str) -> Sending | None:
        """What is known of a sending."""

    def begin(self, sending: Sending) -> bool:
        """Writes it down; False if that id is on its way, or went, or may have gone."""

    def took(self, sending: Sending) -> None:
        """SES took it."""

    def booked(self, sending: Sending) -> None:
        """Its mail is stored."""

    def refused(self, sending: Sending, code: str) -> None:
        """It was certainly not sent."""

    def unknown(self, sending: Sending, code: str) -> None:
        """Nobody knows whether it was sent."""

    def lost(self, before: datetime) -> Collection[Sending]:
        """Some that were handed over before then, of which nothing was heard since."""

    def unbooked(self, before: datetime) -> Collection[Sending]:
        """Some that SES took before then, whose mail is not stored."""


class Mailer(Protocol):
    """Amazon SES."""

    def send(self, mail: Outgoing) -> str:
        """Sends it and gives its SES message id; raises AwsError."""


class Account(Protocol):
    """The SES account."""

    def quota(self) -> Mapping[str, Any]:
        """`region`, `remaining` (of 24 hours), `max24HourSend` and `maxSendRate`; None is unlimited. AwsError."""


class Suppressions(Protocol):
    """Addresses that nothing is sent to."""

    def check(
        self, addresses: Collection[str], domain: str | None = None, owner: str | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Those that are suppressed, with the reason; raises Unavailable, and then nothing may be sent."""


class Reserve(Protocol):
    """Takes a slot of a rate that all processes share."""

    def __call__(
        self, bucket: str, rate: float, *, burst: float = ..., patience: float = ..., count: int = ...
    ) -> float:
        """Seconds to wait; raises Limited if that were more than `patience`."""
