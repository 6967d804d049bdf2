"""Alerts come into being with the change they tell of, and become deliveries exactly once."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.alerting import START, Watch, endpoint, pausing, prepare, write
from tests.builders import bounce, effects_of, mail
from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.domain.alerts import Draft, befallen
from webhook.domain.deliveries import Attempt
from webhook.domain.endpoints import Health, State
from webhook.errors import NotFound

pytestmark = pytest.mark.mongo


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
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


def rows(db: Db) -> set[tuple[str, str]]:
    """Type of alert and endpoint of every delivery."""
    return {(row["type"], row["endpoint"]) for row in db.deliveries.find()}


def bounces(domain: str, count: int = 1) -> list[Draft]:
    told = []
    for number in range(count):
        news = effects_of(bounce(mail(f"mail-{domain}-{number}", domain=domain))).mail
        assert news is not None
        told += befallen(None, news)
    return told


class Undone(Exception):
    """The change does not come about."""


def test_an_alert_is_there_exactly_if_its_change_is(db: Db) -> None:
    def change(session: Any, domain: str, *, fails: bool) -> None:
        db.emaildomains.insert_one({"domain": domain}, session=session)
        outbox.write(db, [pausing(domain)], START, session)
        if fails:
            raise Undone

    for domain, fails in (("a.example", False), ("undone.example", True), ("b.example", False)):
        with db.client.start_session() as session, suppress(Undone):
            session.with_transaction(lambda one, domain=domain, fails=fails: change(one, domain, fails=fails))
    assert {alert["domain"] for alert in db.alerts.find()} == {"a.example", "b.example"}
    assert db.alertsequences.find_one({"_id": "undone.example"}) is None


def test_numbers_rise_by_domain_without_gaps_also_from_many_threads(db: Db) -> None:
    def some() -> None:
        for _ in range(10):
            write(db, pausing("a.example"), pausing("b.example"), pausing("a.example"), pausing(None))

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for domain, count in (("a.example", 80), ("b.example", 40), (None, 40)):
        numbers = sorted(alert["sequence"] for alert in db.alerts.find({"domain": domain}))
        assert numbers == list(range(1, count + 1))
    assert all(alert["data"]["sequence"] == alert["sequence"] for alert in db.alerts.find())


def test_ids_of_one_change_are_in_its_order(db: Db) -> None:
    written = write(db, *(pausing(f"{letter}.example") for letter in "abcdef"))
    assert [alert["domain"] for alert in db.alerts.find().sort("_id", 1)] == [alert.domain for alert in written]


def test_each_gets_what_it_asked_for_and_is_allowed(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    known.add(endpoint("ep_all"))
    known.add(endpoint("ep_acme", owner="acme"))
    known.add(endpoint("ep_quota", types=("quota.*",)))
    known.add(endpoint("ep_domain", domains=("b.example",)))
    known.add(endpoint("ep_off", health=Health(State.DISABLED)))
    write(db, pausing("a.example", "acme"), pausing("c.example"), pausing(None))
    assert fan_out.fan_out() == 3
    assert fan_out.fan_out() == 0
    found = {(row["domain"], row["endpoint"]) for row in db.deliveries.find()}
    assert found == {
        ("a.example", "ep_all"),
        ("a.example", "ep_acme"),
        ("c.example", "ep_all"),
        (None, "ep_all"),
        (None, "ep_quota"),
    }


def test_many_who_fan_out_at_once_make_each_delivery_once(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    for number in range(5):
        known.add(endpoint(f"ep_{number}"))
    write(db, *(pausing(f"{number}.example") for number in range(300)))

    def work() -> None:
        while fan_out.fan_out():
            pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.deliveries.count_documents({}) == 1500
    assert db.alerts.count_documents({"fanned": False}) == 0


def test_what_is_opt_in_gets_number_and_owner_when_it_is_fanned_out(db: Db, fan_out: FanOut, known: Endpoints) -> None:
    db.emaildomains.insert_one({"domain": "a.example", "owner": "acme"})
    known.add(endpoint("ep_all"))
    known.add(endpoint("ep_acme", types=("email.*",), owner="acme"))
    known.add(endpoint("ep_mail", types=("*", "email.bounced")))
    write(db, pausing("a.example"))
    write(db, *bounces("a.example"), *bounces("b.example"))
    fan_out.fan_out()
    told = {(row["domain"], row["sequence"], row["endpoint"]) for row in db.deliveries.find({"type": "email.bounced"})}
    assert told == {("a.example", 2, "ep_acme"), ("a.example", 2, "ep_mail"), ("b.example", 1, "ep_mail")}
    stored = db.alerts.find_one({"domain": "a.example", "type": "email.bounced"})
    assert stored is not None
    assert (stored["owner"], stored["data"]["sequence"]) == ("acme", 2)


def deliver_all(db: Db, watch: Watch, to: str) -> int:
    deliveries = Deliveries(db, watch.now)
    count = 0
    while claims := deliveries.claim(endpoint(to), 50, lambda _: None):
        for claim in claims:
            assert deliveries.delivered(claim, Attempt(claim.attempt, watch.at, 3, 204))
            count += 1
    return count


def test_a_replay_tells_an_endpoint_what_it_was_to_get_and_others_nothing(
    db: Db, fan_out: FanOut, known: Endpoints, watch: Watch
) -> None:
    known.add(endpoint("ep_old"))
    write(db, pausing("a.example"), at=START - timedelta(days=2))
    written = write(db, pausing("b.example"), pausing("b.example", "acme"), at=START)
    write(db, pausing("c.example"), at=START + timedelta(seconds=1))
    fan_out.fan_out()
    deliver_all(db, watch, "ep_old")
    new = endpoint("ep_new", domains=("a.example", "b.example"))
    known.add(new)
    assert fan_out.replay(new, START - timedelta(hours=1)) == 2
    assert {row["alert"] for row in db.deliveries.find({"endpoint": "ep_new"})} == {alert.id for alert in written}
    assert fan_out.replay(new, START - timedelta(days=3)) == 3
    assert db.deliveries.count_documents({"endpoint": "ep_new"}) == 3
    assert db.deliveries.count_documents({"endpoint": "ep_old", "state": "delivered"}) == 4
    # What was delivered is told again, under the same id and with the next attempt.
    assert deliver_all(db, watch, "ep_new") == 3
    assert fan_out.replay(new, START - timedelta(days=3)) == 3
    assert deliver_all(db, watch, "ep_new") == 3
    assert {row["attempt"] for row in db.deliveries.find({"endpoint": "ep_new"})} == {2}


def test_one_alert_is_told_again_to_all_or_to_one(db: Db, fan_out: FanOut, known: Endpoints, watch: Watch) -> None:
    known.add(endpoint("ep_1"))
    known.add(endpoint("ep_2"))
    [alert] = write(db, pausing())
    fan_out.fan_out()
    assert deliver_all(db, watch, "ep_1") + deliver_all(db, watch, "ep_2") == 2
    assert fan_out.redeliver(alert.id, "ep_1") == 1
    assert (deliver_all(db, watch, "ep_1"), deliver_all(db, watch, "ep_2")) == (1, 0)
    assert fan_out.redeliver(alert.id) == 2
    assert fan_out.redeliver("alt_none") == 0


def test_alerts_are_listed_newest_first_page_by_page(db: Db) -> None:
    for number in range(7):
        write(db, pausing(f"{number}.example", "acme" if number % 2 else None), at=START + timedelta(seconds=number))
    write(db, pausing(None), at=START + timedelta(minutes=1))
    alerts = Alerts(db)
    first = alerts.find(limit=5)
    second = alerts.find(limit=5, cursor=first.next_cursor or "")
    domains = [item["domain"] for item in (*first.items, *second.items)]
    assert domains == [None, *(f"{number}.example" for number in reversed(range(7)))]
    assert second.next_cursor is None
    assert [item["domain"] for item in alerts.find(owner="acme").items] == ["5.example", "3.example", "1.example"]
    assert len(alerts.find(kind="domain.*").items) == 7
    assert len(alerts.find(kind="quota.threshold_reached").items) == 1
    assert [item["domain"] for item in alerts.find(domain="4.example").items] == ["4.example"]


def test_an_alert_is_told_with_its_deliveries_an_owner_sees_his_own(
    db: Db, fan_out: FanOut, known: Endpoints, watch: Watch
) -> None:
    known.add(endpoint("ep_all"))
    known.add(endpoint("ep_acme", owner="acme"))
    [alert] = write(db, pausing("a.example", "acme"))
    fan_out.fan_out()
    deliver_all(db, watch, "ep_acme")
    alerts = Alerts(db)
    told = alerts.get(alert.id)
    assert {row["endpoint"]: row["state"] for row in told["deliveries"]} == {
        "ep_all": "pending",
        "ep_acme": "delivered",
    }
    assert [row["endpoint"] for row in alerts.get(alert.id, "acme")["deliveries"]] == ["ep_acme"]
    with pytest.raises(NotFound):
        alerts.get(alert.id, "other")
    [listed] = alerts.deliveries_of("ep_acme", state="delivered").items
    assert listed["attempts"][0]["status"] == 204
    assert alerts.deliveries_of("ep_acme", state="dead").items == []
