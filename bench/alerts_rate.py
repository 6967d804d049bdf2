"""How many alerts a second one dispatcher delivers to receivers that are well, beside bare loops of `requests.post`.

The dispatcher has read the alerts from an outbox, made a durable row for each delivery, signed it, and written down
what came of it; the loops keep nothing.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import requests

from bench.alerts_source import enrol, write_alerts
from bench.dispatcher import Way, dispatching, session
from bench.errors import BenchError
from bench.receivers import receiving
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.indexes import ensure_indexes

#: Deliveries a second that no dispatcher reaches: so many are prepared.
CEILING = 1600
#: Seconds between two lines of progress.
TELL_EVERY = 3.0
#: Threads of the bare loop that is a fair match.
THREADS = 64


@dataclass(frozen=True)
class Rate:
    """What one subject did: its name, how many deliveries, and in how many seconds."""

    subject: str
    deliveries: int
    seconds: float

    @property
    def a_second(self) -> float:
        """Deliveries a second."""
        return self.deliveries / self.seconds


@dataclass(frozen=True)
class Trial:
    """For how many seconds each subject is measured, how often in turn, and to how many receivers it delivers."""

    seconds: float
    rounds: int
    receivers: int


def compare(uri: str, trial: Trial, say: Callable[[str], None]) -> list[list[Rate]]:
    """The rates of all subjects, a list for each round. The receivers are another process, the same for all."""
    with receiving(("well",) * trial.receivers) as ports:
        return [_round(uri, trial, ports, number, say) for number in range(trial.rounds)]


def _round(uri: str, trial: Trial, ports: list[int], number: int, say: Callable[[str], None]) -> list[Rate]:
    loops = (
        ("`requests.post`, one thread", 1, requests.post),
        (f"`requests.Session`, {THREADS} threads", THREADS, None),
    )
    rates = [_dispatcher(uri.replace("?", f"_{number}?"), trial, ports, say)]
    for subject, threads, post in loops:
        say(f"{subject}: {trial.seconds:g} s")
        rates.append(_loop(subject, threads, post, trial, ports))
        say(f"  {rates[-1].a_second:,.0f} deliveries/s")
    return rates


def _dispatcher(uri: str, trial: Trial, ports: list[int], say: Callable[[str], None]) -> Rate:
    alerts = int(trial.seconds * CEILING / len(ports))
    db = connect(uri, patience=30)
    with db.client:
        ensure_indexes(db)
        enrol(db, {f"ep_{number:02}": port for number, port in enumerate(ports)})
        say(f"the dispatcher: writing {alerts:,} alerts for {len(ports)} endpoints")
        for first in range(0, alerts, 100):
            write_alerts(db, [f"{number}.example" for number in range(first, min(first + 100, alerts))])
        with dispatching(uri, 1, Way.SIGNED):
            while not (begun := _delivered(db)):
                time.sleep(0.01)
            return _measured(db, begun, alerts * len(ports), trial.seconds, say)


def _measured(db: Db, begun: int, all_of_them: int, seconds: float, say: Callable[[str], None]) -> Rate:
    """From the first deliveries that are written down until the time is over, or there is nothing left to deliver."""
    began = time.monotonic()
    done, passed = begun, 0.0
    while passed < seconds and done < all_of_them:
        time.sleep(min(TELL_EVERY, seconds - passed))
        done, passed = _delivered(db), time.monotonic() - began
        say(f"{done:>7,} delivered after {passed:4.1f} s, {(done - begun) / passed:,.0f} deliveries/s")
    if done >= all_of_them:
        raise BenchError(f"all {all_of_them:,} deliveries were made before the time was over: raise CEILING")
    return Rate("the dispatcher", done - begun, passed)


def _delivered(db: Db) -> int:
    return db.deliveries.count_documents({"state": "delivered"})


def _loop(
    subject: str, threads: int, post: Callable[..., requests.Response] | None, trial: Trial, ports: list[int]
) -> Rate:
    """Threads that only post, to the receivers in turn, a body like an alert's."""
    over = threading.Event()
    said = datetime.now(UTC).isoformat()

    def work(first: int) -> int:
        with session() as connections:
            for number in count():
                if over.is_set():
                    return number
                data = {
                    "sequence": 1,
                    "domain": f"{number}.example",
                    "by": "staff",
                    "who": "bench",
                    "why": "a benchmark",
                }
                told = (post or connections.post)(
                    f"http://127.0.0.1:{ports[(first + number) % len(ports)]}/",
                    json={"type": "domain.paused", "timestamp": said, "data": data},
                    headers={"webhook-id": f"alt_{first}_{number}", "webhook-attempt": "1"},
                    timeout=10,
                )
                told.raise_for_status()
        raise AssertionError

    with ThreadPoolExecutor(threads) as pool:
        began = time.monotonic()
        working = [pool.submit(work, first) for first in range(threads)]
        over.wait(trial.seconds)
        over.set()
        made = sum(one.result() for one in working)
        return Rate(subject, made, time.monotonic() - began)
