"""How attempts went is counted by endpoint, and forgotten with it."""

from datetime import timedelta

import pytest

from tests.alerting import Watch, endpoint, pausing, prepare, write
from tests.integration.test_dispatching import free
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.mongo.tallies import WITHIN, Tally
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.endpoints import Kind

pytestmark = pytest.mark.mongo


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


@pytest.fixture
def deliveries(db: Db, watch: Watch, known: Endpoints) -> Deliveries:
    known.add(endpoint("ep_1"))
    known.add(endpoint("ep_2", kind=Kind.SLACK))
    for number in range(6):
        write(db, pausing(f"{number}.example"), at=watch.at)
    FanOut(db, watch.now).fan_out()
    return Deliveries(db, watch.now)


def attempts(claims: list[Claim], watch: Watch, *took: int) -> list[tuple[Claim, Attempt]]:
    """One for each claim, of so many milliseconds."""
    return [(claim, Attempt(1, watch.at, ms, 204)) for claim, ms in zip(claims, took, strict=True)]


def test_attempts_are_counted_by_outcome_and_duration(deliveries: Deliveries, watch: Watch) -> None:
    claims = list(deliveries.claim(endpoint("ep_1"), 6, free))
    assert deliveries.delivered_all(attempts(claims[:5], watch, 0, 100, 101, 15000, 15001)) == 5
    late = Attempt(1, watch.at, 2000, 500, "it answered 500")
    assert deliveries.failed(claims[5], late, watch.at + timedelta(seconds=5), gone=False)
    assert WITHIN == (0.1, 0.5, 2.0, 5.0, 15.0)
    assert deliveries.tallies() == [
        Tally("ep_1", "webhook", 5, 1, 32.202, (2, 1, 1, 0, 1, 1)),
        Tally("ep_2", "slack", 0, 0, 0.0, (0, 0, 0, 0, 0, 0)),
    ]


def test_they_leave_the_endpoint_as_it_is_and_go_with_it(
    deliveries: Deliveries, known: Endpoints, watch: Watch
) -> None:
    before = known.get("ep_1")
    assert deliveries.delivered_all(attempts(list(deliveries.claim(before, 2, free)), watch, 3, 4)) == 2
    assert known.get("ep_1") == before
    assert known.replace(before, endpoint("ep_1", types=("quota.*",)))
    assert [tally.taken for tally in deliveries.tallies()] == [2, 0]
    known.remove("ep_1")
    assert [tally.endpoint for tally in deliveries.tallies()] == ["ep_2"]


def test_one_that_was_removed_meanwhile_does_not_come_back(
    db: Db, deliveries: Deliveries, known: Endpoints, watch: Watch
) -> None:
    claims = list(deliveries.claim(endpoint("ep_1"), 1, free))
    known.remove("ep_1")
    assert deliveries.delivered_all(attempts(claims, watch, 3)) == 0
    assert [tally.endpoint for tally in deliveries.tallies()] == ["ep_2"]
    assert db.endpoints.count_documents({}) == 1
    assert db.tallies.count_documents({}) == 0
