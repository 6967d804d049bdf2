"""What is wrong with one endpoint, or beside the loop, does not keep the others waiting, and is told of once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.alerting import Plain, endpoint, pausing, prepare, write
from tests.integration.test_dispatching import await_that, dispatching
from tests.loopback import Server, answering
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.dispatching import Dispatcher
from webhook.errors import Unavailable

pytestmark = pytest.mark.mongo

Task = Callable[[], int]
NAMES = [f"ep_{number}" for number in range(7)]


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def known(db: Db) -> Endpoints:
    return Endpoints(db, Clock().now)


def delivered(db: Db, count: int) -> Callable[[], bool]:
    return lambda: db.deliveries.count_documents({"state": "delivered"}) == count


def spoil_rate(db: Db) -> None:
    db.endpoints.update_one({"_id": "ep_3"}, {"$set": {"rate": "fast"}})


def spoil_row(db: Db) -> None:
    db.deliveries.update_many({"endpoint": "ep_3"}, {"$unset": {"tries": ""}})


@pytest.mark.parametrize("spoil", [spoil_rate, spoil_row])
def test_a_defect_with_one_endpoint_is_that_ones_alone(
    db: Db, known: Endpoints, mongodb_uri: str, spoil: Callable[[Db], None]
) -> None:
    with Server(answering(204)) as receiver, capture_logs() as logs:
        for name in NAMES:
            known.add(endpoint(name, receiver.origin))
        write(db, pausing("a.example"), at=Clock().now())
        FanOut(db, Clock().now).fan_out()
        spoil(db)
        with dispatching(mongodb_uri):
            await_that(delivered(db, len(NAMES) - 1))
            write(db, pausing("b.example"), at=Clock().now())
            await_that(delivered(db, 2 * (len(NAMES) - 1)))
    assert set(db.deliveries.distinct("endpoint", {"state": "pending"})) == {"ep_3"}
    [told] = [line for line in logs if line["event"] == "endpoint_set_aside"]
    assert (told["endpoint"], told["log_level"], told["seconds"]) == ("ep_3", "error", 60.0)


@contextmanager
def beside(uri: str, fan_out: Task | None = None, review: Task | None = None) -> Iterator[None]:
    """A dispatcher of which the outbox or the review does as it is told."""
    db, clock = connect(uri, patience=30), Clock()

    class Outbox(FanOut):
        def fan_out(self) -> int:
            return fan_out() if fan_out else super().fan_out()

    class Reviewed(Endpoints):
        def review(self) -> int:
            return review() if review else super().review()

    endpoints = Reviewed(db, clock.now)
    dispatcher = Dispatcher(
        Outbox(db, clock.now), Deliveries(db, clock.now), endpoints, Plain(), clock, clock.jitter, threads=8
    )
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        thread.join()
        db.client.close()


def broken() -> int:
    raise KeyError("domain")


def away() -> int:
    raise Unavailable("MongoDB can't do it now")


def test_a_fan_out_that_hangs_or_fails_does_not_keep_deliveries_waiting(
    db: Db, known: Endpoints, mongodb_uri: str
) -> None:
    over = threading.Event()

    def hang() -> int:
        over.wait(30)
        return 0

    with Server(answering(204)) as receiver:
        known.add(endpoint("ep_1", receiver.origin))
        for number, fan_out in enumerate((broken, away, hang)):
            write(db, pausing("a.example"), at=Clock().now())
            FanOut(db, Clock().now).fan_out()
            with beside(mongodb_uri, fan_out=fan_out):
                await_that(delivered(db, number + 1))
                over.set()


def test_a_review_that_fails_does_not_keep_anything_waiting(db: Db, known: Endpoints, mongodb_uri: str) -> None:
    with Server(answering(204)) as receiver, beside(mongodb_uri, review=broken):
        known.add(endpoint("ep_1", receiver.origin))
        write(db, pausing("a.example"), at=Clock().now())
        await_that(delivered(db, 1))


def test_what_waits_for_an_endpoint_that_is_gone_is_struck_off(db: Db, known: Endpoints, mongodb_uri: str) -> None:
    known.add(endpoint("ep_gone"))
    write(db, pausing("a.example"), at=Clock().now())
    FanOut(db, Clock().now).fan_out()
    db.endpoints.delete_one({"_id": "ep_gone"})
    with dispatching(mongodb_uri):
        await_that(lambda: db.deliveries.count_documents({}) == 0)


def test_an_endpoint_is_left_alone_when_it_asks_for_that(db: Db, known: Endpoints, mongodb_uri: str) -> None:
    with Server(answering(429, **{"Retry-After": "3600"})) as receiver, Server(answering(204)) as well:
        known.add(endpoint("ep_1", receiver.origin))
        known.add(endpoint("ep_well", well.origin))
        with dispatching(mongodb_uri):
            write(db, pausing("0.example"), at=Clock().now())
            await_that(lambda: known.get("ep_1").health.not_before is not None)
            for number in range(1, 10):
                write(db, pausing(f"{number}.example"), at=Clock().now())
            await_that(delivered(db, 10))
    assert len(receiver.asked) == 1
    until = known.get("ep_1").health.not_before
    assert until is not None
    assert until > Clock().now() + timedelta(minutes=55)
