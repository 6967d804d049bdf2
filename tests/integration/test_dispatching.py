"""Deliveries on a real MongoDB to real HTTP servers: claims, order, retries, breakers, and who is told of failures."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.alerting import START, Plain, Watch, endpoint, pausing, prepare, write
from tests.loopback import Server, answering
from tests.unit.test_alerts import bounce, effects_of, mail
from webhook.adapters.clock import Clock
from webhook.adapters.mongo import due
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.dispatching import Dispatcher
from webhook.dispatching.courier import Courier, Register
from webhook.dispatching.lanes import AT_ONE_ENDPOINT, THREADS, Lanes
from webhook.domain.alerts import befallen
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.delivery_errors import Answer, DeliveryFailed
from webhook.domain.endpoints import BREAKS_AFTER, Endpoint, Health, State, held_until, most_at_once
from webhook.domain.retry import ATTEMPTS, GAPS
from webhook.errors import Limited, NotFound

pytestmark = pytest.mark.mongo

MINUTE = timedelta(minutes=1)


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def deliveries(db: Db, watch: Watch) -> Deliveries:
    return Deliveries(db, watch.now)


@pytest.fixture
def known(db: Db, watch: Watch) -> Endpoints:
    return Endpoints(db, watch.now)


def free(_count: int) -> None:
    """The endpoint is not held back."""


def told(db: Db, watch: Watch, *domains: str | None) -> None:
    """Alerts about these domains, one transaction each, fanned out."""
    for domain in domains:
        write(db, pausing(domain), at=watch.at)
    FanOut(db, watch.now).fan_out()


def about(claims: Any) -> list[tuple[str | None, int | None]]:
    return [(claim.alert.domain, claim.alert.sequence) for claim in claims]


def fails(deliveries: Deliveries, claim: Claim, watch: Watch, *, wait: float | None = 5.0, gone: bool = False) -> bool:
    retry_at = None if wait is None else watch.at + timedelta(seconds=wait)
    return deliveries.failed(claim, Attempt(claim.attempt, watch.at, 9, 500, "it answered 500"), retry_at, gone=gone)


def succeeds(deliveries: Deliveries, claim: Claim, watch: Watch) -> bool:
    return deliveries.delivered(claim, Attempt(claim.attempt, watch.at, 9, 204))


# -- claims


def test_of_many_workers_one_gets_a_delivery(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, *(f"{number}.example" for number in range(100)))
    claimed: list[tuple[str, int]] = []

    def work() -> None:
        own = Deliveries(db, watch.now)
        while claims := own.claim(endpoint("ep_1"), 7, free):
            claimed.extend((claim.delivery, claim.attempt) for claim in claims)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 100


def test_the_claim_of_a_worker_that_died_runs_out_and_what_it_still_says_changes_nothing(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    [first] = deliveries.claim(endpoint("ep_1"), 5, free)
    watch.go(seconds=59)
    assert (deliveries.waiting(), deliveries.claim(endpoint("ep_1"), 5, free)) == ([], ())
    watch.go(seconds=1)
    assert deliveries.waiting() == ["ep_1"]
    [second] = deliveries.claim(endpoint("ep_1"), 5, free)
    assert (first.attempt, second.attempt, second.alert.id) == (1, 2, first.alert.id)
    assert not succeeds(deliveries, first, watch)
    assert not fails(deliveries, first, watch)
    assert known.get("ep_1").state is State.ACTIVE
    assert succeeds(deliveries, second, watch)


def test_a_worker_that_always_dies_does_not_try_for_ever(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    for attempt in range(1, ATTEMPTS + 1):
        assert [claim.attempt for claim in deliveries.claim(endpoint("ep_1"), 5, free)] == [attempt]
        watch.go(minutes=1)
    assert deliveries.claim(endpoint("ep_1"), 5, free) == []
    [dead] = Alerts(db).deliveries_of("ep_1", state="dead").items
    assert "did not come back" in dead["attempts"][-1]["error"]


def test_claims_for_several_endpoints_are_one_write_and_each_knows_what_the_one_before_took(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    for name in ("ep_1", "ep_2", "ep_3"):
        known.add(endpoint(name))
    told(db, watch, *(f"{number}.example" for number in range(4)))
    left = 6

    def turns() -> Iterator[Any]:
        def take(ready: int) -> tuple[int, None]:
            nonlocal left
            count = min(ready, left)
            left -= count
            return count, None

        for name in ("ep_1", "ep_2", "ep_3"):
            yield endpoint(name), take

    claims = deliveries.claim_all(turns())
    assert [claim.endpoint for claim in claims] == ["ep_1"] * 4 + ["ep_2"] * 2
    assert {(claim.attempt, claim.tries) for claim in claims} == {(1, 1)}
    assert deliveries.delivered_all([(claim, Attempt(1, watch.at, 9, 204)) for claim in claims]) == 6
    assert deliveries.waiting() == ["ep_2", "ep_3"]


def test_many_workers_who_claim_for_many_endpoints_share_the_deliveries(db: Db, watch: Watch, known: Endpoints) -> None:
    names = [f"ep_{number}" for number in range(4)]
    for name in names:
        known.add(endpoint(name))
    told(db, watch, *(f"{number}.example" for number in range(50)))
    claimed: list[tuple[str, int]] = []

    def work() -> None:
        own = Deliveries(db, watch.now)
        while own.waiting():
            claims = own.claim_all([(endpoint(name), lambda ready: (min(ready, 7), None)) for name in names])
            claimed.extend((claim.delivery, claim.attempt) for claim in claims)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 200


# -- order


def test_the_next_alert_of_a_domain_waits_during_the_first_attempts_and_no_longer(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    known.add(endpoint("ep_2"))
    told(db, watch, "a.example", "a.example", "b.example", None, None)
    claimed = deliveries.claim(endpoint("ep_1"), 9, free)
    # What is about no domain has no order.
    assert set(about(claimed)) == {("a.example", 1), ("b.example", 1), (None, 1), (None, 2)}
    claims = {claim.alert.domain: claim for claim in claimed}
    # Another endpoint has nothing to do with it.
    assert set(about(deliveries.claim(endpoint("ep_2"), 9, free))) == set(about(claimed))
    assert fails(deliveries, claims["a.example"], watch)
    assert deliveries.claim(endpoint("ep_1"), 9, free) == ()
    watch.go(seconds=5)
    [again] = deliveries.claim(endpoint("ep_1"), 9, free)
    assert (again.alert.sequence, again.attempt) == (1, 2)
    assert fails(deliveries, again, watch, wait=300)
    # Now the first one waits for minutes, and the second overtakes it.
    assert about(deliveries.claim(endpoint("ep_1"), 9, free)) == [("a.example", 2)]


def test_a_success_lets_the_next_one_go(db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, *["a.example"] * 4)
    for sequence in (1, 2, 3, 4):
        [claim] = deliveries.claim(endpoint("ep_1"), 9, free)
        assert claim.alert.sequence == sequence
        assert succeeds(deliveries, claim, watch)


def test_a_flood_about_one_domain_does_not_keep_the_others_waiting(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    write(db, *[pausing("a.example")] * 450)
    while FanOut(db, watch.now).fan_out():
        pass
    watch.go(seconds=1)
    told(db, watch, "z.example")
    assert about(deliveries.claim(endpoint("ep_1"), 9, free)) == [("a.example", 1), ("z.example", 1)]


def test_a_second_attempt_is_found_behind_a_backlog_that_waits_for_it(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    write(db, *(pausing(f"{number % 3}.example") for number in range(600)))
    while FanOut(db, watch.now).fan_out():
        pass
    for claim in deliveries.claim(endpoint("ep_1"), 9, free):
        fails(deliveries, claim, watch)
    assert deliveries.claim(endpoint("ep_1"), 9, free) == ()
    watch.go(seconds=5)
    assert {(claim.alert.sequence, claim.attempt) for claim in deliveries.claim(endpoint("ep_1"), 9, free)} == {(1, 2)}


def test_what_waits_for_nobody_is_claimed_once_beside_a_flood_that_waits(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, None, *["flood.example"] * 3)
    write(db, *(pausing("flood.example") for _ in range(500)), at=watch.at)
    while FanOut(db, watch.now).fan_out():
        pass
    claims = deliveries.claim(endpoint("ep_1"), 8, free)
    assert sorted(about(claims), key=str) == [("flood.example", 1), (None, 1)]


def test_single_bounces_do_not_wait_for_one_another(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1", types=("email.*",)))
    mails = [effects_of(bounce(mail(f"mail-{number}"))).mail for number in range(5)]
    write(db, *(draft for one in mails if one for draft in befallen(None, one)))
    FanOut(db, watch.now).fan_out()
    assert len(deliveries.claim(endpoint("ep_1"), 9, free)) == 5


# -- what an endpoint does


def test_an_endpoint_that_takes_nothing_is_warned_of_then_disabled_and_the_others_hear_of_both(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_dead", owner="acme", description="the old one"))
    known.add(endpoint("ep_well"))
    known.add(endpoint("ep_other", owner="acme"))
    write(db, pausing("a.example", "acme"))
    FanOut(db, watch.now).fan_out()
    for _ in range(6):
        for claim in deliveries.claim(known.get("ep_dead"), 9, free):
            fails(deliveries, claim, watch, wait=3600)
        watch.go(days=1)
    endpoint_now = known.get("ep_dead")
    assert (endpoint_now.state, endpoint_now.health.failures) == (State.DISABLED, 6)
    assert "took nothing for 5 days" in (endpoint_now.health.why or "")
    assert known.enabled().keys() == {"ep_well", "ep_other"}
    FanOut(db, watch.now).fan_out()
    found = {(row["type"], row["endpoint"]) for row in db.deliveries.find({"domain": None})}
    assert found == {(kind, to) for kind in ("endpoint.failing", "endpoint.disabled") for to in ("ep_well", "ep_other")}
    [disabled] = Alerts(db).find(kind="endpoint.disabled").items
    assert disabled["data"]["endpoint"] == {"id": "ep_dead", "kind": "webhook", "description": "the old one"}
    # A person enables it, and what waits is delivered at once.
    assert known.enable("ep_dead").state is State.ACTIVE
    assert [claim.attempt for claim in deliveries.claim(known.get("ep_dead"), 9, free)] == [7]


def test_time_alone_warns_of_an_endpoint_that_is_failing_once(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    [claim] = deliveries.claim(endpoint("ep_1"), 9, free)
    fails(deliveries, claim, watch)
    assert known.review() == 0
    watch.go(days=3)
    assert [known.review(), known.review()] == [1, 0]
    assert db.alerts.count_documents({"type": "endpoint.failing"}) == 1


def test_failures_at_the_same_time_are_all_counted(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, *(f"{number}.example" for number in range(12)))
    claims = deliveries.claim(endpoint("ep_1"), 12, free)
    threads = [threading.Thread(target=fails, args=(deliveries, claim, watch)) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known.get("ep_1").health.failures == 12


def test_one_probe_at_a_time_in_all_processes_together(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    broken = endpoint("ep_1", health=Health(State.FAILING, BREAKS_AFTER, START))
    known.add(broken)
    told(db, watch, "a.example", "b.example")

    def probe(count: int) -> Any:
        return held_until(broken, count, watch.at)

    # Both of two processes have read the same health.
    assert len(deliveries.claim(broken, 1, probe)) == 1
    assert Deliveries(db, watch.now).claim(broken, 1, probe) == ()
    now = known.get("ep_1")
    assert most_at_once(now, watch.at, MINUTE) == 0
    watch.go(minutes=1)
    assert most_at_once(now, watch.at, MINUTE) == 1


def test_what_waits_for_a_disabled_endpoint_does_not_count_as_late(
    db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries
) -> None:
    known.add(endpoint("ep_1"))
    assert deliveries.gauges()["sentinel_alerts_oldest_pending_seconds"][1] == 0
    write(db, pausing())
    watch.go(seconds=7)
    assert deliveries.gauges()["sentinel_alerts_oldest_pending_seconds"][1] == 7
    FanOut(db, watch.now).fan_out()
    watch.go(seconds=5)
    gauges = deliveries.gauges()
    assert gauges["sentinel_alerts_oldest_pending_seconds"][1] == 5
    assert gauges["sentinel_deliveries_pending"][1] == 1
    known.disable("ep_1", "no longer needed")
    assert deliveries.gauges()["sentinel_alerts_oldest_pending_seconds"][1] == 0


def test_a_removed_endpoint_gets_nothing_more(db: Db, watch: Watch, known: Endpoints, deliveries: Deliveries) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    known.remove("ep_1")
    assert deliveries.waiting() == []
    for gone in (known.get, known.remove, known.enable):
        with pytest.raises(NotFound):
            gone("ep_1")


DOMAINS = [f"{number}.example" for number in range(9)]
PLANS = [
    pytest.param(due.first_of_endpoints(), 1, id="of each endpoint"),
    pytest.param(due.first_of_domains("ep_1", DOMAINS), 1, id="of each domain"),
    pytest.param(
        [
            *due.first_of_domains("ep_1", DOMAINS),
            {"$unionWith": {"coll": "deliveries", "pipeline": due.first_of_domains("ep_2", DOMAINS)}},
        ],
        2,
        id="of each domain at several endpoints",
    ),
]


@pytest.mark.parametrize(("pipeline", "scans"), PLANS)
def test_the_first_row_is_found_without_reading_the_others(
    db: Db, watch: Watch, known: Endpoints, pipeline: list[dict[str, Any]], scans: int
) -> None:
    for number in range(3):
        known.add(endpoint(f"ep_{number}"))
    told(db, watch, *(f"{number % 20}.example" for number in range(100)))
    asked = {"aggregate": "deliveries", "pipeline": pipeline, "cursor": {}}
    plan = json.dumps(db.command("explain", asked, verbosity="queryPlanner"), default=str)
    assert plan.count('"DISTINCT_SCAN"') >= scans


# -- one attempt


class Said:
    """A destination that does as it is told."""

    def __init__(self, *answers: Answer | DeliveryFailed | Limited) -> None:
        self.answers = list(answers)

    def deliver(self, _endpoint: Endpoint, _alert: Any, _attempt: int) -> Answer:
        answer = self.answers.pop(0)
        if isinstance(answer, Answer):
            return answer
        raise answer


def carry(db: Db, watch: Watch, answer: Answer | DeliveryFailed | Limited) -> dict[str, Any]:
    """The delivery after an attempt that came to this."""
    deliveries = Deliveries(db, watch.now)
    [claim] = deliveries.claim(endpoint("ep_1"), 1, free)
    register = Register(deliveries)
    courier = Courier(deliveries, register, Said(answer), watch, lambda: 0.5, lambda _: None)
    courier.carry(Endpoints(db, watch.now).get("ep_1"), claim)
    register.write()
    found = db.deliveries.find_one({"_id": claim.delivery})
    assert found is not None
    return found


def test_attempts_are_kept_with_what_came_back(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    row = carry(db, watch, DeliveryFailed(False, "it answered 503", 503, 60.0, body_cut="x" * 5000))
    assert (row["state"], row["due"] - watch.at) == ("pending", timedelta(seconds=60))
    [kept] = row["attempts"]
    assert (kept["number"], kept["status"], kept["error"], len(kept["body"])) == (1, 503, "it answered 503", 1024)
    watch.go(seconds=60)
    row = carry(db, watch, Answer(200, body_cut="thanks"))
    assert (row["state"], [attempt["number"] for attempt in row["attempts"]]) == ("delivered", [1, 2])
    assert "due" not in row
    assert known.get("ep_1").state is State.ACTIVE


def test_the_whole_schedule_ends_in_a_dead_letter(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    for made in range(1, ATTEMPTS):
        row = carry(db, watch, DeliveryFailed(False, "it answered 500", 500))
        assert (row["due"] - watch.at).total_seconds() == GAPS[made]
        watch.at = row["due"]
    assert carry(db, watch, DeliveryFailed(False, "it answered 500", 500))["state"] == "dead"
    assert [one["sequence"] for one in Alerts(db).deliveries_of("ep_1", state="dead").items] == [1]


def test_410_disables_at_once(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    assert carry(db, watch, DeliveryFailed(True, "it answered 410", 410))["state"] == "pending"
    assert known.get("ep_1").health.why == "it answered 410: it is gone for good"


def test_who_asks_to_be_left_alone_is_with_all_alerts(db: Db, watch: Watch, known: Endpoints) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example", "b.example")
    for _ in range(2):
        carry(db, watch, DeliveryFailed(False, "it answered 429", 429, 3600.0))
        carry(db, watch, DeliveryFailed(False, "it answered 500", 500))
        asked = known.get("ep_1")
        assert asked.health.not_before == watch.at + timedelta(hours=1)
        assert most_at_once(asked, watch.at + timedelta(minutes=59), MINUTE) == 0
        assert most_at_once(asked, watch.at + timedelta(minutes=60), MINUTE) is None
        watch.go(hours=1)


def test_what_we_could_not_even_try_is_no_try_and_not_the_endpoints_fault(
    db: Db, watch: Watch, known: Endpoints
) -> None:
    known.add(endpoint("ep_1"))
    told(db, watch, "a.example")
    for number in range(ATTEMPTS + 2):
        row = carry(db, watch, Limited("so many names are being looked up that it has to wait", 10.0))
        assert (row["state"], row["tries"], row["attempt"]) == ("pending", 0, number + 1)
        assert row["due"] == watch.at + timedelta(seconds=10)
        watch.go(seconds=10)
    assert known.get("ep_1").state is State.ACTIVE
    assert [one["number"] for one in row["attempts"]] == list(range(1, ATTEMPTS + 3))
    assert row["attempts"][-1]["error"] == "so many names are being looked up that it has to wait"
    assert carry(db, watch, Answer(204))["state"] == "delivered"


# -- the whole, over HTTP


@contextmanager
def dispatching(uri: str, **options: Any) -> Iterator[Db]:
    """A dispatcher that runs, with connections of its own."""
    db, clock = connect(uri, patience=30), Clock()
    dispatcher = Dispatcher(
        FanOut(db, clock.now),
        Deliveries(db, clock.now),
        Endpoints(db, clock.now),
        Plain(),
        clock,
        clock.jitter,
        **options,
    )
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield db
    finally:
        dispatcher.stop()
        thread.join()
        db.client.close()


def await_that(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        threading.Event().wait(0.05)
    pytest.fail("it never came true")


def test_an_alert_arrives_with_its_id_and_number(db: Db, mongodb_uri: str, known: Endpoints) -> None:
    with Server(answering(204)) as receiver, dispatching(mongodb_uri):
        known.add(endpoint("ep_1", receiver.origin))
        [alert] = write(db, pausing("a.example"), at=Clock().now())
        await_that(lambda: db.deliveries.count_documents({"state": "delivered"}) == 1)
    [asked] = receiver.asked
    assert asked.headers["webhook-id"] == alert.id
    assert b'"type": "domain.paused"' in asked.body
    assert b'"sequence": 1' in asked.body


def test_dead_and_hanging_endpoints_delay_nobody(db: Db, mongodb_uri: str, known: Endpoints) -> None:
    release = threading.Event()

    def hang(_request: BaseHTTPRequestHandler) -> None:
        release.wait(30)

    count = 40
    with Server(hang) as hanging, Server(answering(500)) as broken, Server(answering(204)) as well:
        for server in (hanging, broken, well):
            server.http.socket.listen(128)  # its own queue is so short that connections would be dropped
        for number in range(12):
            known.add(endpoint(f"ep_hanging_{number}", hanging.origin))
        known.add(endpoint("ep_broken", broken.origin))
        known.add(endpoint("ep_nobody", "http://127.0.0.1:9/"))
        known.add(endpoint("ep_well", well.origin))
        write(db, *(pausing(f"{number}.example") for number in range(count)), at=Clock().now())
        with dispatching(mongodb_uri):
            await_that(lambda: db.deliveries.count_documents({"endpoint": "ep_well", "state": "delivered"}) == count)
            # After some failures only probes get through to those that do not work.
            await_that(lambda: (found := known.get("ep_broken").health).broken and found.not_before is not None)
            release.set()
    assert {asked.headers["webhook-id"] for asked in well.asked} == {
        alert["_id"] for alert in db.alerts.find({"domain": {"$ne": None}})
    }
    assert len(broken.asked) <= BREAKS_AFTER + 1


def test_alerts_of_a_domain_arrive_in_their_order(db: Db, mongodb_uri: str, known: Endpoints) -> None:
    with Server(answering(204)) as receiver:
        known.add(endpoint("ep_1", receiver.origin))
        for _ in range(5):
            write(db, *(pausing(f"{number}.example") for number in range(4)), at=Clock().now())
        with dispatching(mongodb_uri), dispatching(mongodb_uri):
            await_that(lambda: db.deliveries.count_documents({"state": "delivered"}) == 20)
    order = {alert["_id"]: (alert["domain"], alert["sequence"]) for alert in db.alerts.find()}
    arrived = [order[asked.headers["webhook-id"]] for asked in receiver.asked]
    for domain in {name for name, _ in arrived}:
        assert [number for name, number in arrived if name == domain] == [1, 2, 3, 4, 5]


# -- lanes


def test_who_fails_never_takes_the_lanes_of_the_new_nor_these_those_of_the_trusted() -> None:
    lanes = Lanes()
    for number in range(2 * THREADS):
        failing = endpoint(f"ep_failing_{number}", health=Health(State.FAILING, 1))
        lanes.begin(failing, lanes.room(failing))
    assert lanes.under_way == THREADS // 2
    for number in range(2 * THREADS):
        new = endpoint(f"ep_new_{number}")
        lanes.begin(new, lanes.room(new))
    assert lanes.under_way == THREADS * 3 // 4
    lanes.end("ep_new_0", taken=True, ms=5)
    well = endpoint("ep_new_0")
    assert lanes.room(well) == AT_ONE_ENDPOINT
    lanes.begin(well, AT_ONE_ENDPOINT)
    assert lanes.room(well) == 0
    for _ in range(AT_ONE_ENDPOINT):
        lanes.end("ep_new_0", taken=True, ms=5000)
    assert lanes.room(well) == 0  # it has become slow, and the half for the slow is taken


def test_trusted_ones_that_turn_slow_together_leave_lanes_for_others() -> None:
    lanes = Lanes()
    slow = [endpoint(f"ep_slow_{number}") for number in range(24)]
    well = [endpoint(f"ep_well_{number}") for number in range(24)]
    for one in (*slow, *well):
        lanes.begin(one, 1)
        lanes.end(one.id, taken=True, ms=5)
    for one in slow:  # they take all they are given, and never come back
        lanes.begin(one, lanes.room(one))
    assert lanes.under_way == 24 * AT_ONE_ENDPOINT
    for one in well:
        assert lanes.room(one) >= 1
        lanes.begin(one, 1)
    assert lanes.room(well[0]) > 1


def test_the_last_lanes_are_shared() -> None:
    lanes = Lanes(10)
    for name in ("ep_1", "ep_2", "ep_3", "ep_4"):
        lanes.begin(endpoint(name), 1)
        lanes.end(name, taken=True, ms=5)
    rooms = []
    for name in ("ep_1", "ep_2", "ep_3", "ep_4"):
        rooms.append(lanes.room(endpoint(name)))
        lanes.begin(endpoint(name), rooms[-1])
    assert rooms == [5, 2, 1, 1]
    assert (lanes.room(endpoint("ep_1")), lanes.under_way) == (0, 9)


def test_what_did_not_begin_after_all_makes_room_again() -> None:
    lanes = Lanes()
    for _ in range(2):
        lanes.begin(endpoint("ep_1"), 1)
        assert lanes.room(endpoint("ep_1")) == 0
        lanes.give_back("ep_1", 1)
    assert (lanes.room(endpoint("ep_1")), lanes.under_way) == (1, 0)


def test_endpoints_take_turns() -> None:
    lanes = Lanes()
    for identity in ("ep_b", "ep_a"):
        lanes.begin(endpoint(identity), 1)
        lanes.end(identity, taken=True, ms=1)
    assert lanes.in_turn(["ep_a", "ep_new", "ep_b"]) == ["ep_new", "ep_b", "ep_a"]
    lanes.forget({"ep_a"})
    assert lanes.in_turn(["ep_a", "ep_b"]) == ["ep_b", "ep_a"]
