"""What dispatching needs of the outside world, as roles."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from webhook.domain.alerts import Alert
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint


class Outbox(Protocol):
    """Where alerts lie that were written with the change they tell of. Raises Unavailable."""

    def fan_out(self) -> int:
        """Makes a delivery for each endpoint that is to get an alert, for some of the alerts; gives their number."""


class Deliveries(Protocol):
    """Which alert is still to be delivered where. Raises Unavailable."""

    def waiting(self) -> Sequence[str]:
        """The ids of the endpoints for which something is due."""

    def claim(self, endpoint: Endpoint, most: int, hold: Callable[[int], datetime | None]) -> Sequence[Claim]:
        """Takes at most so many due deliveries; `hold` says until when the endpoint is then left alone."""

    def delivered(self, claim: Claim, attempt: Attempt) -> bool:
        """Writes down that the alert was taken; False if the claim had run out."""

    def failed(self, claim: Claim, attempt: Attempt, retry_at: datetime | None, *, gone: bool) -> bool:
        """Writes down that it was not, and what that means for the endpoint; no `retry_at` makes it a dead letter."""


class Endpoints(Protocol):
    """Who is told. Raises Unavailable."""

    def enabled(self) -> Mapping[str, Endpoint]:
        """All that are not disabled, by id."""

    def review(self) -> int:
        """Warns of those that have been failing for long; gives how many."""


class Destination(Protocol):
    """The way to an endpoint."""

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """Delivers, once, within a time that is well below a claim's lease; raises DeliveryFailed."""
