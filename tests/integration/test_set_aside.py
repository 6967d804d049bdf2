"""Alerts of a type that this version does not know become dead letters, and nobody waits for them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.alerting import Watch, endpoint, pausing, prepare, write
from tests.integration.test_dispatching import await_that, dispatching, free
from tests.loopback import Server, answering
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.domain.endpoints import State

pytestmark = pytest.mark.mongo

UNKNOWN = "domain.dreamt"
WHY = "this version does not know alerts of type domain.dreamt: redeliver it with one that does"


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch(Clock().now().replace(microsecond=0))


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


def foreign(db: Db, watch: Watch, *domains: str) -> None:
    """Alerts as another version would write them, each with one of ours after it."""
    for domain in domains:
        [alert] = write(db, pausing(domain), at=watch.at)
        db.alerts.update_one({"_id": alert.id}, {"$set": {"type": UNKNOWN}})
        write(db, pausing(domain), at=watch.at)


def rows(db: Db, state: str) -> list[tuple[str, str, int]]:
    found = db.deliveries.find({"state": state}).sort([("endpoint", 1), ("sequence", 1)])
    return [(row["endpoint"], row["type"], row["sequence"]) for row in found]


def test_it_is_a_dead_letter_for_those_who_would_have_got_it(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_all"))
    known.add(endpoint("ep_domain", types=("domain.*",), domains=("a.example",)))
    known.add(endpoint("ep_other", types=("email.*",)))
    foreign(db, watch, "a.example")
    assert FanOut(db, watch.now).fan_out() == 2
    assert FanOut(db, watch.now).fan_out() == 0
    assert rows(db, "dead") == [("ep_all", UNKNOWN, 1), ("ep_domain", UNKNOWN, 1)]
    assert rows(db, "pending") == [("ep_all", "domain.paused", 2), ("ep_domain", "domain.paused", 2)]
    [dead] = Alerts(db).deliveries_of("ep_all", state="dead").items
    assert [attempt["error"] for attempt in dead["attempts"]] == [WHY]
    assert Deliveries(db, watch.now).gauges()["sentinel_deliveries_dead"][1] == 2


def test_once_a_version_knows_it_it_is_told_by_hand(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    foreign(db, watch, "a.example")
    FanOut(db, watch.now).fan_out()
    alert = db.deliveries.find_one({"state": "dead"})["alert"]  # type: ignore[index]
    for collection, name in ((db.alerts, "_id"), (db.deliveries, "alert")):
        collection.update_one({name: alert}, {"$set": {"type": "domain.paused"}})
    assert FanOut(db, watch.now).redeliver(alert) == 1
    told = [claim.alert.id for claim in Deliveries(db, watch.now).claim(endpoint("ep_1"), 5, free)]
    assert alert in told


def test_a_delivery_that_another_version_made_is_buried_and_the_next_one_goes(
    db: Db, watch: Watch, known: Endpoints
) -> None:
    known.add(endpoint("ep_1"))
    for domain in ("a.example", "b.example"):
        for _ in range(2):
            write(db, pausing(domain), at=watch.at)
    FanOut(db, watch.now).fan_out()
    for collection in (db.alerts, db.deliveries):
        collection.update_many({"sequence": 1}, {"$set": {"type": UNKNOWN}})
    deliveries = Deliveries(db, watch.now)
    assert deliveries.claim(endpoint("ep_1"), 5, free) == []
    assert rows(db, "dead") == [("ep_1", UNKNOWN, 1)] * 2
    claims = deliveries.claim(endpoint("ep_1"), 5, free)
    assert {(claim.alert.domain, claim.alert.sequence) for claim in claims} == {("a.example", 2), ("b.example", 2)}
    assert known.get("ep_1").state is State.ACTIVE


def test_a_replay_passes_it_by(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    foreign(db, watch, "a.example")
    FanOut(db, watch.now).fan_out()
    assert FanOut(db, watch.now).replay(endpoint("ep_1"), watch.at - timedelta(hours=1)) == 1


def test_a_dispatcher_delivers_all_the_others(db: Db, watch: Watch, known: Endpoints, mongodb_uri: str) -> None:
    with Server(answering(204)) as receiver:
        known.add(endpoint("ep_1", receiver.origin))
        foreign(db, watch, *(f"{number}.example" for number in range(10)))
        with dispatching(mongodb_uri):
            await_that(lambda: db.deliveries.count_documents({"state": "delivered"}) == 10)
    assert db.deliveries.count_documents({"state": "dead", "type": UNKNOWN}) == 10
    told: set[Any] = {asked.headers["webhook-id"] for asked in receiver.asked}
    assert told == {alert["_id"] for alert in db.alerts.find({"type": "domain.paused"})}
