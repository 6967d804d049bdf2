"""The dispatcher: fans alerts out and delivers them. As many may run as you like, in any number of processes."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

from webhook.dispatching.courier import Courier
from webhook.dispatching.lanes import AT_ONE_ENDPOINT, THREADS, Lanes
from webhook.dispatching.ports import Deliveries, Destination, Endpoints, Outbox
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.endpoints import Endpoint, held_until, most_at_once
from webhook.errors import Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock

#: Seconds between two looks when nothing is under way. A tenth of what an alert may take in all.
POLL = 0.25
#: … and when deliveries end all the time: what ended meanwhile makes room in one go.
GATHER = 0.01
#: Seconds between two looks for endpoints that have been failing for long.
REVIEW_EVERY = 60.0
#: Seconds for which it is believed who the endpoints are.
BELIEVE = 1.0
#: Seconds to wait for a database that does not answer: at first, and at most.
RETRY, RETRY_MAX = 0.5, 15.0

log = get_logger(__name__)


class Dispatcher:
    """Runs until it is told to stop. Whatever it was doing when it died is done again when its claims run out."""

    def __init__(
        self,
        outbox: Outbox,
        deliveries: Deliveries,
        endpoints: Endpoints,
        destination: Destination,
        clock: Clock,
        chance: Callable[[], float],
        *,
        threads: int = THREADS,
    ) -> None:
        self._outbox = outbox
        self._deliveries = deliveries
        self._endpoints = endpoints
        self._clock = clock
        self._stopping = threading.Event()
        self._courier = Courier(deliveries, destination, clock, chance, self._stopping.wait)
        self._threads = threads
        self._lanes = Lanes(threads, min(AT_ONE_ENDPOINT, threads))
        self._wake = threading.Event()
        self._known: Mapping[str, Endpoint] = {}
        self._known_at = self._reviewed_at = float("-inf")

    def stop(self) -> None:
        """Ends `run` after the deliveries that are under way."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Works until `stop`. To be called on one thread; it starts those that deliver."""
        pause = RETRY
        with ThreadPoolExecutor(self._threads, "deliver") as pool:
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    self.step(pool)
                    pause = RETRY
                except Unavailable as error:
                    log.warning("dispatcher_waits", why=error.detail, seconds=pause)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, RETRY_MAX)
                    continue
                self._stopping.wait(GATHER)
                self._wake.wait(POLL)

    def step(self, pool: ThreadPoolExecutor) -> int:
        """Fans out what is new and begins what is due and has room; gives how many deliveries it began."""
        if self._outbox.fan_out():
            self._wake.set()
        self._review()
        waiting = self._deliveries.waiting()
        if not waiting:
            return 0
        endpoints = self._all_endpoints()
        return sum(self._begin(endpoints[one], pool) for one in self._lanes.in_turn(endpoints.keys() & set(waiting)))

    def _begin(self, endpoint: Endpoint, pool: ThreadPoolExecutor) -> int:
        now = self._clock.now()
        allowed = most_at_once(endpoint, now, timedelta(seconds=POLL))
        room = self._lanes.room(endpoint)
        most = room if allowed is None else min(room, allowed)
        if not most:
            return 0
        claims = self._deliveries.claim(endpoint, most, lambda count: held_until(endpoint, count, now))
        if claims:
            self._lanes.begin(endpoint, len(claims))
            if endpoint.rate or endpoint.health.broken:
                self._known_at = float("-inf")  # how long it is left alone now stands in the database
        for claim in claims:
            pool.submit(self._courier.carry, endpoint, claim).add_done_callback(partial(self._ended, claim))
        return len(claims)

    def _ended(self, claim: Claim, carried: Future[Attempt]) -> None:
        """Makes room again. A defect of ours is seen here; the claim then runs out, and the alert is tried again."""
        error = carried.exception()
        if error is None:
            attempt = carried.result()
            if attempt.error is not None:
                self._known_at = float("-inf")  # what the failure makes of the endpoint must be known before the next
            self._lanes.end(claim.endpoint, taken=attempt.error is None, ms=attempt.ms)
        else:
            log.error("delivery_broken", alert=claim.alert.id, endpoint=claim.endpoint, exc_info=error)
            self._lanes.end(claim.endpoint, taken=False, ms=0)
        self._wake.set()

    def _all_endpoints(self) -> Mapping[str, Endpoint]:
        now = self._clock.monotonic()
        if now - self._known_at >= BELIEVE:
            self._known = self._endpoints.enabled()
            self._known_at = now
            self._lanes.forget(self._known.keys())
        return self._known

    def _review(self) -> None:
        now = self._clock.monotonic()
        if now - self._reviewed_at >= REVIEW_EVERY:
            self._endpoints.review()
            self._reviewed_at = now
