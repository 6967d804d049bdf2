"""The courier: one attempt to deliver one alert, and what is written down of it."""

from collections.abc import Callable

from webhook.dispatching.ports import Deliveries, Destination
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.delivery_errors import Answer, DeliveryFailed, cut
from webhook.domain.endpoints import Endpoint
from webhook.domain.retry import next_attempt
from webhook.errors import Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock

#: Seconds before each try to write down what came of it. After the last the claim runs out, and it is delivered again.
RESTS = (0.0, 0.5, 2.0, 5.0)

log = get_logger(__name__)


class Courier:
    """Delivers what was claimed."""

    def __init__(
        self,
        deliveries: Deliveries,
        destination: Destination,
        clock: Clock,
        chance: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._deliveries = deliveries
        self._destination = destination
        self._clock = clock
        self._chance = chance
        self._pause = pause

    def carry(self, endpoint: Endpoint, claim: Claim) -> Attempt:
        """Makes the attempt and writes down what came of it."""
        began, at = self._clock.monotonic(), self._clock.now()
        answer: Answer | DeliveryFailed
        try:
            answer = self._destination.deliver(endpoint, claim.alert, claim.attempt)
        except DeliveryFailed as failure:
            answer = failure
        ms = round((self._clock.monotonic() - began) * 1000)
        error = answer.detail if isinstance(answer, DeliveryFailed) else None
        attempt = Attempt(claim.attempt, at, ms, answer.status, error, cut(answer.body_cut))
        about = {"alert": claim.alert.id, "endpoint": claim.endpoint, "attempt": claim.attempt, "ms": ms}
        if isinstance(answer, DeliveryFailed):
            log.info("alert_not_delivered", why=answer.detail, status=answer.status, **about)
        else:
            log.info("alert_delivered", status=answer.status, **about)
        self._write(claim, attempt, answer)
        return attempt

    def _write(self, claim: Claim, attempt: Attempt, answer: Answer | DeliveryFailed) -> None:
        for rest in RESTS:
            self._pause(rest)
            try:
                self._write_once(claim, attempt, answer)
            except Unavailable as error:
                log.warning("outcome_not_written", alert=claim.alert.id, endpoint=claim.endpoint, why=error.detail)
            else:
                return

    def _write_once(self, claim: Claim, attempt: Attempt, answer: Answer | DeliveryFailed) -> None:
        if isinstance(answer, DeliveryFailed):
            retry_at = next_attempt(claim.tries, self._clock.now(), self._chance(), answer.retry_after)
            self._deliveries.failed(claim, attempt, retry_at, gone=answer.permanent)
        else:
            self._deliveries.delivered(claim, attempt)
