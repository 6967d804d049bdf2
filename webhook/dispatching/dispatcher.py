"""The dispatcher: fans alerts out and delivers them. As many may run as you like, in any number of processes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

from webhook.dispatching.beside import Beside
from webhook.dispatching.courier import RESTS, Courier, Register
from webhook.dispatching.lanes import AT_ONE_ENDPOINT, THREADS, Lanes
from webhook.dispatching.ports import Deliveries, Destination, Endpoints, Outbox, Turn
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.endpoints import Endpoint, held_until, most_at_once
from webhook.errors import Unavailable
from webhook.logs import get_logger
from webhook.ports import Clock

#: Seconds between two looks when nothing is under way. A tenth of what an alert may take in all.
POLL = 0.25
#: … and when deliveries end all the time: what ended meanwhile makes room in one go.
GATHER = 0.01
#: Seconds between two looks for endpoints that have been failing for long, and for what waits for one that is gone.
REVIEW_EVERY = 60.0
#: Seconds for which an endpoint is left alone with which we had a defect.
REST = 60.0
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
        self._deliveries = deliveries
        self._endpoints = endpoints
        self._clock = clock
        self._stopping = threading.Event()
        self._register = Register(deliveries)
        self._courier = Courier(deliveries, self._register, destination, clock, chance, self._stopping.wait)
        self._threads = threads
        self._lanes = Lanes(threads, min(AT_ONE_ENDPOINT, threads))
        self._wake = threading.Event()
        self._writing = Beside("register", self._register.write, self._wake.set, clock.monotonic)
        self._fanning = Beside("fan_out", outbox.fan_out, self._wake.set, clock.monotonic)
        self._reviewing = Beside("review", self._review, self._wake.set, clock.monotonic)
        self._known: Mapping[str, Endpoint] = {}
        self._known_at = self._reviewed_at = float("-inf")
        #: Endpoints with which we had a defect, and until when they are left alone.
        self._resting: dict[str, float] = {}

    def stop(self) -> None:
        """Ends `run` after the deliveries that are under way."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        """Works until `stop`. To be called on one thread; it starts those that deliver."""
        pause = RETRY
        with (
            ThreadPoolExecutor(3, "beside") as desk,
            ThreadPoolExecutor(self._threads, "deliver") as pool,
        ):
            while not self._stopping.is_set():
                self._wake.clear()
                try:
                    self.step(pool, desk)
                    pause = RETRY
                except Unavailable as error:
                    log.warning("dispatcher_waits", why=error.detail, seconds=pause)
                    self._stopping.wait(pause)
                    pause = min(pause * 2, RETRY_MAX)
                    continue
                self._stopping.wait(GATHER)
                self._wake.wait(POLL)
        self._write_the_last()

    def step(self, pool: ThreadPoolExecutor, desk: ThreadPoolExecutor) -> int:
        """Has what was taken written down and what is new fanned out, and begins what is due; gives how many."""
        now = self._clock.monotonic()
        self._writing.start(desk)
        self._fanning.start(desk)
        if now - self._reviewed_at >= REVIEW_EVERY:
            self._reviewed_at = now
            self._reviewing.start(desk)
        waiting = self._deliveries.waiting()
        if not waiting:
            return 0
        endpoints = self._all_endpoints()
        able = {name for name in endpoints.keys() & set(waiting) if now >= self._resting.get(name, now)}
        return self._begin(endpoints, self._lanes.in_turn(able), pool) if able else 0

    def _begin(self, endpoints: Mapping[str, Endpoint], names: Sequence[str], pool: ThreadPoolExecutor) -> int:
        """Begins what is due at these endpoints; gives how much.

        If that breaks it is done for either half of them, until the one stands alone that it breaks at: that one is
        left alone for a while, and told of once.
        """
        try:
            claims = self._claim(endpoints, names)
        except Unavailable:
            raise
        except Exception:
            if len(names) > 1:
                half = len(names) // 2
                return self._begin(endpoints, names[:half], pool) + self._begin(endpoints, names[half:], pool)
            [name] = names
            if name not in self._resting:
                log.exception("endpoint_set_aside", endpoint=name, seconds=REST)
            self._resting[name] = self._clock.monotonic() + REST
            return 0
        for claim in claims:
            carried = pool.submit(self._courier.carry, endpoints[claim.endpoint], claim)
            carried.add_done_callback(partial(self._ended, claim))
        return len(claims)

    def _claim(self, endpoints: Mapping[str, Endpoint], names: Sequence[str]) -> Sequence[Claim]:
        kept: Counter[str] = Counter()
        claims: Sequence[Claim] = ()
        try:
            claims = self._deliveries.claim_all(self._turns(map(endpoints.__getitem__, names), kept))
        finally:
            for endpoint, count in (kept - Counter(claim.endpoint for claim in claims)).items():
                self._lanes.give_back(endpoint, count)
        if any(endpoints[name].rate or endpoints[name].health.broken for name in kept):
            self._known_at = float("-inf")  # how long it is left alone now stands in the database
        return claims

    def _turns(self, endpoints: Iterable[Endpoint], kept: Counter[str]) -> Iterator[Turn]:
        """Whose turn it is, as long as there are lanes; those that are kept for somebody are noted in `kept`."""
        now = self._clock.now()

        def most(endpoint: Endpoint) -> int:
            room = self._lanes.room(endpoint)
            allowed = most_at_once(endpoint, now, timedelta(seconds=POLL))
            return room if allowed is None else min(room, allowed)

        def share(endpoint: Endpoint, ready: int) -> tuple[int, datetime | None]:
            count = min(ready, most(endpoint))
            if not count:
                return 0, None
            until = held_until(endpoint, count, now)
            self._lanes.begin(endpoint, count)
            kept[endpoint.id] += count
            return count, until

        return ((endpoint, partial(share, endpoint)) for endpoint in endpoints if most(endpoint))

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

    def _write_the_last(self) -> None:
        """What can't be written down is delivered again by somebody else."""
        for rest in RESTS:
            threading.Event().wait(rest)
            try:
                self._register.write()
            except Unavailable as error:
                log.warning("dispatcher_waits", why=error.detail)
            else:
                return

    def _all_endpoints(self) -> Mapping[str, Endpoint]:
        now = self._clock.monotonic()
        if now - self._known_at >= BELIEVE:
            self._known = self._endpoints.enabled()
            self._known_at = now
            self._lanes.forget(self._known.keys())
            self._resting = {name: until for name, until in self._resting.items() if name in self._known}
        return self._known

    def _review(self) -> int:
        return self._endpoints.review() + self._deliveries.strike_off()
