"""What dispatching needs of the outside world, as roles."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from webhook.domain.alerts import Alert
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint

#: An endpoint; of so many deliveries that are ready, how many it is given, and until when it is left alone then.
Turn = tuple[Endpoint, Callable[[int], tuple[int, datetime | None]]]


class Outbox(Protocol):
    """Where alerts lie that were written with the change they tell of. Raises Unavailable."""

    def fan_out(self) -> int:
        """Makes a delivery for each endpoint that is to get an alert, for some of the alerts; gives their number."""


class Deliveries(Protocol):
    """Which alert is still to be delivered where. Raises Unavailable."""

    def waiting(self) -> Sequence[str]:
        """The ids of the endpoints for which something is due."""

    def claim_all(self, turns: Iterable[Turn]) -> Sequence[Claim]:
        """Takes due deliveries; each endpoint for which some are ready is asked how many it is given, in turn."""

    def delivered(self, claim: Claim, attempt: Attempt) -> bool:
        """Writes down that the alert was taken, and that the endpoint is well; False if the claim had run out."""

    def delivered_all(self, taken: Sequence[tuple[Claim, Attempt]]) -> int:
        """Writes down which alerts were taken, one at least, by endpoints that were well; gives how many it wrote."""

    def failed(
        self, claim: Claim, attempt: Attempt, retry_at: datetime | None, *, gone: bool, asked: float | None = None
    ) -> bool:
        """Writes down that it was not, and what that means for the endpoint; no `retry_at` makes it a dead letter.

        `asked` are the seconds for which the endpoint wants to be left alone, with all alerts.
        """

    def postponed(self, claim: Claim, attempt: Attempt, until: datetime) -> bool:
        """Writes down that we could not even try: that is no try, and nothing that the endpoint did."""

    def strike_off(self) -> int:
        """Removes what is still to be delivered to endpoints that are no more; gives how many deliveries."""


class Endpoints(Protocol):
    """Who is told. Raises Unavailable."""

    def enabled(self) -> Mapping[str, Endpoint]:
        """All that are not disabled and can be read, by id."""

    def review(self) -> int:
        """Warns of those that have been failing for long; gives how many."""


class Destination(Protocol):
    """The way to an endpoint."""

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """Delivers, once, within a time that is well below a claim's lease.

        Raises:
            DeliveryFailed: the endpoint did not take it.
            Limited: we are at our own limits, and it was not even asked.
        """
