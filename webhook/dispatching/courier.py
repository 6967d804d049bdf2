"""The courier: one attempt to deliver one alert, and what is written down of it."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from webhook.dispatching.ports import Deliveries, Destination
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.delivery_errors import Answer, DeliveryFailed, cut
from webhook.domain.endpoints import Endpoint, State
from webhook.domain.retry import next_attempt
from webhook.errors import Limited, Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock

#: Seconds before each try to write down what came of it. After the last the claim runs out, and it is delivered again.
RESTS = (0.0, 0.5, 2.0, 5.0)

log = get_logger(__name__)


class Register:
    """Which alerts were taken by endpoints that are well, until all of it is written down in one go."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries
        self._taken: deque[tuple[Claim, Attempt]] = deque()

    def add(self, claim: Claim, attempt: Attempt) -> None:
        """The alert was taken; may be told from any thread."""
        self._taken.append((claim, attempt))

    def write(self) -> int:
        """Writes it down and gives how many; raises Unavailable, and then has it still. From one thread at a time."""
        taken = [self._taken.popleft() for _ in range(len(self._taken))]
        try:
            if taken:
                self._deliveries.delivered_all(taken)
        except Unavailable:
            self._taken.extendleft(reversed(taken))
            raise
        return len(taken)


class Courier:
    """Delivers what was claimed.

    What an endpoint that is well takes it tells the register; what changes an endpoint's health it writes down itself:
    that may have to wait for somebody else's transaction, and nobody else is to.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        register: Register,
        destination: Destination,
        clock: Clock,
        chance: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        self._deliveries = deliveries
        self._register = register
        self._destination = destination
        self._clock = clock
        self._chance = chance
        self._pause = pause

    def carry(self, endpoint: Endpoint, claim: Claim) -> Attempt:
        """Makes the attempt; what came of it is written down, or in the register."""
        began, at = self._clock.monotonic(), self._clock.now()
        answer = self._asked(endpoint, claim)
        ms = round((self._clock.monotonic() - began) * 1000)
        attempt = _attempt(claim, at, ms, answer)
        about = {"alert": claim.alert.id, "endpoint": claim.endpoint, "attempt": claim.attempt, "ms": ms}
        if isinstance(answer, Answer):
            log.info("alert_delivered", status=attempt.status, **about)
            if endpoint.state is State.ACTIVE:
                self._register.add(claim, attempt)
                return attempt
            outcome = partial(self._deliveries.delivered, claim, attempt)
        elif isinstance(answer, DeliveryFailed):
            log.info("alert_not_delivered", why=attempt.error, status=attempt.status, **about)
            outcome = partial(self._failed, claim, attempt, answer)
        else:
            log.warning("alert_postponed", why=attempt.error, **about)
            until = self._clock.now() + timedelta(seconds=answer.retry_after)
            outcome = partial(self._deliveries.postponed, claim, attempt, until)
        self._write(claim, outcome)
        return attempt

    def _asked(self, endpoint: Endpoint, claim: Claim) -> Answer | DeliveryFailed | Limited:
        try:
            return self._destination.deliver(endpoint, claim.alert, claim.attempt)
        except (DeliveryFailed, Limited) as failure:
            return failure

    def _failed(self, claim: Claim, attempt: Attempt, failure: DeliveryFailed) -> bool:
        retry_at = next_attempt(claim.tries, self._clock.now(), self._chance(), failure.retry_after)
        return self._deliveries.failed(claim, attempt, retry_at, gone=failure.permanent, asked=failure.retry_after)

    def _write(self, claim: Claim, outcome: Callable[[], bool]) -> None:
        for rest in RESTS:
            self._pause(rest)
            try:
                outcome()
            except Unavailable as error:
                log.warning("outcome_not_written", alert=claim.alert.id, endpoint=claim.endpoint, why=error.detail)
            else:
                return


def _attempt(claim: Claim, at: datetime, ms: int, answer: Answer | DeliveryFailed | Limited) -> Attempt:
    """What is kept of it."""
    if isinstance(answer, Limited):
        return Attempt(claim.attempt, at, ms, None, answer.detail)
    error = answer.detail if isinstance(answer, DeliveryFailed) else None
    return Attempt(claim.attempt, at, ms, answer.status, error, cut(answer.body_cut))
