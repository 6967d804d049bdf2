"""What a destination is, and what it needs of the rest."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol

from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint

Now = Callable[[], datetime]
Unseal = Callable[[str], str]


class Reply(Protocol):
    """What a web server answered; header names in lower case."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def ms(self) -> int: ...


class Web(Protocol):
    """Who may be asked over HTTP, and asking."""

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if the address may not be asked."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the server answered; raises DeliveryFailed if it did not."""


class Mailer(Protocol):
    """Hands a mail over to whoever sends it."""

    def __call__(self, message: EmailMessage, sender: str, recipient: str) -> Answer:
        """The answer; raises DeliveryFailed if the mail was not taken."""


class Destination(Protocol):
    """One kind of endpoint."""

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if an endpoint of this kind can't have it."""

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int, /) -> Answer:
        """Tells it, once; raises DeliveryFailed if it was not taken."""
