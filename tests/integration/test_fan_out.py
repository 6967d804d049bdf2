"""Fanning out, and telling again: as many alerts at once as there are rows to make, to those who are still there."""

from datetime import timedelta
from typing import Any

import pytest

from tests.alerting import START, Watch, endpoint, pausing, prepare, write
from tests.builders import bounce, effects_of, mail
from tests.integration.test_dispatching import about, fails, free, succeeds, told
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import ROWS_AT_ONCE, FanOut, _wanted_by
from webhook.adapters.mongo.outbox import KEPT
from webhook.domain.alerts import Draft, alert_id, befallen

pytestmark = pytest.mark.mongo

AGE, PENDING = "sentinel_alerts_oldest_pending_seconds", "sentinel_deliveries_pending"


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def fan_out(db: Db, watch: Watch) -> FanOut:
    return FanOut(db, watch.now)


@pytest.fixture
def deliveries(db: Db, watch: Watch) -> Deliveries:
    return Deliveries(db, watch.now)


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


def examined(db: Db, collection: str, query: Document, sort: dict[str, int], limit: int) -> int:
    """How many documents are read to find so many."""
    asked: dict[str, Any] = {"find": collection, "filter": query, "sort": sort, "limit": limit}
    explained = db.command("explain", asked, verbosity="executionStats")
    count: int = explained["executionStats"]["totalDocsExamined"]
    return count


# -- how much at once


def test_endpoints_that_get_none_of_it_do_not_make_it_slower(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    for number in range(100):
        known.add(endpoint(f"ep_{number}", owner=f"owner-{number}"))
    write(db, *(pausing(f"{number}.example", "owner-7") for number in range(150)))
    assert fan_out.fan_out() == 150
    assert db.deliveries.distinct("endpoint") == ["ep_7"]


def test_it_stops_after_some_hundred_rows_and_goes_on_where_it_stopped(
    db: Db, fan_out: FanOut, known: Endpoints
) -> None:
    for number in range(9):
        known.add(endpoint(f"ep_{number}", types=("*", "email.*")))
    write(db, *(draft for number in range(100) for draft in bounced(f"mail-{number}")))
    first = fan_out.fan_out()
    assert ROWS_AT_ONCE <= 9 * first < ROWS_AT_ONCE + 9
    assert fan_out.fan_out() == 100 - first
    assert fan_out.fan_out() == 0
    rows = list(db.deliveries.find({}, {"endpoint": 1, "sequence": 1}))
    assert {(row["endpoint"], row["sequence"]) for row in rows} == {
        (f"ep_{place}", number) for place in range(9) for number in range(1, 101)
    }
    assert len(rows) == 900


def bounced(name: str) -> list[Draft]:
    news = effects_of(bounce(mail(name, domain="a.example"))).mail
    assert news is not None
    return befallen(None, news)


def test_an_alert_for_very_many_is_fanned_out_whole(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    row = db.endpoints
    known.add(endpoint("ep_0"))
    [one] = row.find()
    row.insert_many([one | {"_id": f"ep_{number}"} for number in range(1, ROWS_AT_ONCE + 50)])
    write(db, pausing("a.example"), pausing("b.example"))
    assert [fan_out.fan_out() for _ in range(3)] == [1, 1, 0]
    assert db.deliveries.count_documents({}) == 2 * (ROWS_AT_ONCE + 50)


def test_an_endpoint_that_can_not_be_read_keeps_nobody_waiting(db: Db, watch: Watch, known: Endpoints) -> None:
    for name in ("ep_foreign", "ep_spoilt", "ep_well"):
        known.add(endpoint(name))
    db.endpoints.update_one({"_id": "ep_foreign"}, {"$set": {"kind": "pigeon", "format": "feathers"}})
    db.endpoints.update_one({"_id": "ep_spoilt"}, {"$unset": {"types": ""}})
    told(db, watch, "a.example")
    # What a kind that only another version knows is to get, that version will deliver.
    assert sorted(db.deliveries.distinct("endpoint")) == ["ep_foreign", "ep_well"]
    assert known.enabled().keys() == {"ep_well"}
    db.endpoints.update_many({}, {"$set": {"state": "failing", "failingSince": START}})
    watch.go(days=3)
    assert known.review() == 1


def test_the_oldest_that_are_not_fanned_out_are_found_at_once(db: Db) -> None:
    for number in range(6):
        write(db, *(pausing(f"{place}.example") for place in range(100)), at=START + timedelta(seconds=number))
    db.alerts.update_many({"expires": {"$lt": START + KEPT + timedelta(seconds=4)}}, {"$set": {"fanned": True}})
    write(db, pausing("z.example"), at=START)
    assert examined(db, "alerts", {"fanned": False}, {"_id": 1}, 20) == 20


def test_the_newest_of_an_owner_are_found_at_once(db: Db) -> None:
    write(db, pausing("a.example", "acme"), at=START - timedelta(days=1))
    write(db, *(pausing(f"{number}.example", "other") for number in range(300)))
    assert [item["domain"] for item in Alerts(db).find(owner="acme").items] == ["a.example"]
    assert examined(db, "alerts", {"owner": "acme"}, {"_id": -1}, 51) == 1


# -- once more


def test_a_replay_tells_the_alerts_of_a_domain_in_their_order(
    db: Db, watch: Watch, fan_out: FanOut, known: Endpoints, deliveries: Deliveries
) -> None:
    mine = endpoint("ep_1", domains=("a.example",))
    known.add(mine)
    told(db, watch, *["a.example"] * 3, "b.example")
    for _ in range(3):
        [claim] = deliveries.claim(mine, 9, free)
        succeeds(deliveries, claim, watch)
    assert fan_out.replay(mine, START - timedelta(hours=1)) == 3
    for sequence in (1, 2, 3):
        [claim] = deliveries.claim(mine, 9, free)
        assert (claim.alert.sequence, claim.attempt) == (sequence, 2)
        succeeds(deliveries, claim, watch)


def test_a_dead_letter_that_is_told_again_holds_up_the_next_one(
    db: Db, watch: Watch, fan_out: FanOut, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example", None)
    for claim in deliveries.claim(endpoint("ep_1"), 9, free):
        fails(deliveries, claim, watch, wait=None)
    told(db, watch, "a.example")
    for alert in db.alerts.find():
        if alert["type"] == "domain.paused" and alert["sequence"] == 1:
            assert fan_out.redeliver(alert["_id"]) == 1
    assert about(deliveries.claim(endpoint("ep_1"), 9, free)) == [("a.example", 1)]


def test_a_replay_reads_only_what_the_endpoint_asks_for(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    write(db, *(pausing(f"{number}.example", "other") for number in range(100)))
    write(db, pausing("a.example", "acme"), pausing("b.example", "acme"), pausing(None))
    while fan_out.fan_out():
        pass
    for name, fields, alerts in (
        ("ep_owner", {"owner": "acme"}, 2),
        ("ep_domain", {"domains": ("b.example",)}, 1),
        ("ep_both", {"owner": "other", "domains": ("b.example", "7.example")}, 1),
        ("ep_types", {"types": ("quota.*",)}, 1),
        ("ep_none", {"types": ("email.*",)}, 0),
        ("ep_all", {}, 103),
    ):
        known.add(endpoint(name, **fields))
        assert fan_out.replay(endpoint(name, **fields), START - timedelta(hours=1)) == alerts, name
        assert db.deliveries.count_documents({"endpoint": name}) == alerts


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"owner": "acme"}, id="owner"),
        pytest.param({"domains": ("a.example",)}, id="domains"),
        pytest.param({"types": ("quota.*",)}, id="types"),
    ],
)
def test_a_replay_finds_it_without_reading_what_others_ask_for(db: Db, fan_out: FanOut, fields: dict[str, Any]) -> None:
    write(db, *(pausing(f"{number}.example", "other") for number in range(400)))
    write(db, pausing("a.example", "acme"), pausing(None))
    while fan_out.fan_out():
        pass
    asking = endpoint("ep_1", **fields)
    query = {"_id": {"$gte": alert_id(START - timedelta(days=1), 0)}, "fanned": True, **_wanted_by(asking)}
    assert examined(db, "alerts", query, {"_id": 1}, 500) <= 2


def test_nothing_is_told_again_to_an_endpoint_that_was_removed(
    db: Db, watch: Watch, fan_out: FanOut, known: Endpoints, deliveries: Deliveries
) -> None:
    for name in ("ep_gone", "ep_well"):
        known.add(endpoint(name))
    told(db, watch, "a.example")
    for name in ("ep_gone", "ep_well"):
        [claim] = deliveries.claim(endpoint(name), 9, free)
        succeeds(deliveries, claim, watch)
    known.remove("ep_gone")
    [alert] = db.alerts.distinct("_id")
    assert fan_out.redeliver(alert) == 1
    assert fan_out.redeliver(alert, "ep_gone") == 0
    assert fan_out.replay(endpoint("ep_gone"), START - timedelta(hours=1)) == 0
    assert db.deliveries.count_documents({"endpoint": "ep_gone", "state": "pending"}) == 0


def test_what_was_made_while_its_endpoint_was_removed_counts_nowhere_and_is_struck_off(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    for name in ("ep_gone", "ep_well"):
        known.add(endpoint(name))
    told(db, watch, "a.example")
    db.endpoints.delete_one({"_id": "ep_gone"})
    watch.go(days=20)
    told(db, watch, "b.example")
    [first, _] = deliveries.claim(endpoint("ep_well"), 9, free)
    succeeds(deliveries, first, watch)
    gauges = deliveries.gauges()
    assert (gauges[AGE][1], gauges[PENDING][1]) == (0, 1)
    assert deliveries.strike_off() == 1
    assert deliveries.strike_off() == 0
    assert [row["endpoint"] for row in db.deliveries.find({"state": "pending"})] == ["ep_well"]


def test_telling_an_old_alert_again_does_not_make_it_late(
    db: Db, watch: Watch, fan_out: FanOut, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    [claim] = deliveries.claim(endpoint("ep_1"), 9, free)
    succeeds(deliveries, claim, watch)
    watch.go(days=20)
    fan_out.redeliver(claim.alert.id)
    watch.go(seconds=3)
    assert deliveries.gauges()[AGE][1] == 3


# -- alerts that are over


def test_a_delivery_is_kept_as_long_as_its_alert(db: Db, watch: Watch, fan_out: FanOut, known: Endpoints) -> None:
    told(db, watch, "a.example")
    watch.go(days=29)
    late = endpoint("ep_late")
    known.add(late)
    assert fan_out.replay(late, START - timedelta(hours=1)) == 1
    [row] = db.deliveries.find()
    assert row["expires"] == START + KEPT


@pytest.mark.parametrize("spoil", ["removed", "spoilt"])
def test_a_delivery_without_its_alert_is_over_at_once_and_the_next_one_goes(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries, spoil: str
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example", "a.example")
    if spoil == "removed":
        db.alerts.delete_one({"sequence": 1})
    else:
        db.alerts.update_one({"sequence": 1}, {"$unset": {"data": ""}})
    assert deliveries.claim(endpoint("ep_1"), 9, free) == []
    [dead] = Alerts(db).deliveries_of("ep_1", state="dead").items
    assert (dead["sequence"], "no longer there" in dead["attempts"][-1]["error"]) == (1, True)
    assert about(deliveries.claim(endpoint("ep_1"), 9, free)) == [("a.example", 2)]
