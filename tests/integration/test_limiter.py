"""The shared rate on a real MongoDB, by a clock of the test's own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.limiter import SKEW, Limiter
from webhook.errors import Limited, Unavailable


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(database: Db, clock: Clock) -> Limiter:
    return Limiter(database, clock.now)


@pytest.fixture
def two_processes(mongodb_uri: str, clock: Clock) -> Iterator[list[Limiter]]:
    """Limiters that share nothing but the database."""
    databases = [connect(mongodb_uri, patience=30) for _ in range(2)]
    yield [Limiter(db, clock.now) for db in databases]
    for db in databases:
        db.client.close()


def taken(limiter: Limiter, **how: Any) -> bool:
    try:
        limiter.reserve("ses:api:eu-north-1", 2.0, **how)
    except Limited:
        return False
    return True


def test_who_does_not_wait_never_exceeds_the_rate_together(two_processes: list[Limiter], clock: Clock) -> None:
    begun = clock.now()
    went = 0
    with ThreadPoolExecutor(16) as threads:
        for step in (0.0, 0.3, 0.1, 0.1, 2.0, 0.5, 0.49, 0.02, 7.0, 0.25, 0.25):
            clock.move(step)
            went += sum(threads.map(taken, two_processes * 8))
            assert went <= 1 + 2.0 * (clock.now() - begun).total_seconds()
    assert went == 7


def test_slots_of_those_who_wait_are_evenly_apart(two_processes: list[Limiter]) -> None:
    def wait(limiter: Limiter) -> list[float]:
        return [limiter.reserve("ses:send:eu-north-1", 10.0, patience=60.0) for _ in range(10)]

    with ThreadPoolExecutor(16) as threads:
        waits = sorted(seconds for one in threads.map(wait, two_processes * 8) for seconds in one)
    assert len(waits) == 160
    assert waits[0] == 0.0
    assert all(later - earlier == pytest.approx(0.1, abs=1e-4) for earlier, later in pairwise(waits))


def test_a_burst_goes_at_once_and_then_the_rate_holds(limiter: Limiter, clock: Clock) -> None:
    assert [taken(limiter, burst=3) for _ in range(4)] == [True, True, True, False]
    clock.move(0.5)
    assert [taken(limiter, burst=3) for _ in range(2)] == [True, False]
    clock.move(3600)
    assert [taken(limiter, burst=3) for _ in range(4)] == [True, True, True, False]


def test_too_little_patience_takes_nothing_and_says_when(limiter: Limiter) -> None:
    assert limiter.reserve("b", 0.5, count=3) == 0.0
    for _ in range(3):
        with pytest.raises(Limited) as refused:
            limiter.reserve("b", 0.5, patience=5.9)
        assert refused.value.retry_after == pytest.approx(6.0, abs=1e-4)
        assert refused.value.detail == (
            "0.5 per second are allowed, and all of the next 6.0 seconds are taken: come again then"
        )
    assert limiter.reserve("b", 0.5, patience=6.1) == pytest.approx(6.0, abs=1e-4)


def test_more_than_the_burst_goes_when_nothing_is_owed(limiter: Limiter, clock: Clock) -> None:
    assert taken(limiter, count=50)
    assert not taken(limiter, patience=24.9)
    clock.move(25)
    assert taken(limiter, count=50)


def test_buckets_know_nothing_of_each_other(limiter: Limiter) -> None:
    assert limiter.reserve("ses:api:eu-north-1", 1.0) == 0.0
    assert limiter.reserve("ses:api:us-east-1", 1.0) == 0.0


@pytest.mark.parametrize("back", [SKEW + 1, 3600, 400 * 86_400])
def test_a_clock_that_was_set_back_keeps_what_is_owed_and_no_more(limiter: Limiter, clock: Clock, back: float) -> None:
    limiter.reserve("b", 1.0, count=3)
    clock.move(-back)
    assert limiter.reserve("b", 1.0, patience=10) == pytest.approx(3.0, abs=1e-4)
    clock.move(4.001)
    assert limiter.reserve("b", 1.0) == 0.0


def test_a_clock_set_forward_and_back_again_does_not_stop_anybody(limiter: Limiter, clock: Clock) -> None:
    clock.move(86_400)
    limiter.reserve("b", 1.0)
    clock.move(-86_400)
    assert limiter.reserve("b", 1.0, patience=2) == pytest.approx(1.0, abs=1e-4)


def test_hosts_whose_clocks_differ_a_little_gain_nothing_by_it(database: Db, clock: Clock) -> None:
    behind = Limiter(database, lambda: clock.now() - timedelta(seconds=5))
    ahead = Limiter(database, clock.now)
    begun = clock.now()
    went = 0
    for _ in range(40):
        clock.move(0.1)
        went += taken(ahead) + taken(behind)
        assert went <= 1 + 2.0 * (clock.now() - begun).total_seconds()
    assert went == 8


def test_the_rate_may_change_while_it_is_used(limiter: Limiter, clock: Clock) -> None:
    limiter.reserve("b", 1.0)
    clock.move(1.001)
    assert limiter.reserve("b", 100.0) == 0.0
    assert limiter.reserve("b", 100.0, patience=1) == pytest.approx(0.01, abs=1e-4)


@pytest.mark.parametrize(("rate", "count"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0)])
def test_a_rate_that_allows_nothing_is_the_callers_mistake(limiter: Limiter, rate: float, count: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        limiter.reserve("b", rate, count=count)


def test_a_database_that_is_away_is_said_to_be() -> None:
    db = connect("mongodb://127.0.0.1:9/x?directConnection=true", patience=0.2)
    try:
        with pytest.raises(Unavailable):
            Limiter(db, lambda: datetime(2026, 1, 1, tzinfo=UTC)).reserve("b", 1.0)
    finally:
        db.client.close()


def test_the_bucket_is_one_small_document(database: Db, limiter: Limiter) -> None:
    for _ in range(5):
        limiter.reserve("b", 1.0, patience=60)
    [stored] = database.limits.find()
    assert set(stored) == {"_id", "at", "tat", "wait"}
