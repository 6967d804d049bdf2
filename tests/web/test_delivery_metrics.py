"""What Prometheus is told of deliveries: by endpoint, as long as there is the endpoint."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.alerting import endpoint, pausing, write
from tests.telling import Teller
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.domain.deliveries import Attempt

pytestmark = pytest.mark.mongo

ABOUT = 'endpoint="ep_1",kind="webhook"'


def bucket(bound: str, count: float) -> str:
    return f'sentinel_delivery_seconds_bucket{{endpoint="ep_1",kind="webhook",le="{bound}"}} {count}'


def test_attempts_are_counted_and_timed_by_endpoint(stranger: FlaskClient, teller: Teller) -> None:
    db, now = teller.db, Clock().now
    known, deliveries = Endpoints(db, now), Deliveries(db, now)
    known.add(endpoint("ep_1"))
    write(db, *(pausing(f"{number}.example") for number in range(3)), at=now())
    FanOut(db, now).fan_out()
    *taken, failed = deliveries.claim(endpoint("ep_1"), 3, lambda _: None)
    deliveries.delivered_all([(claim, Attempt(1, now(), ms, 204)) for claim, ms in zip(taken, (40, 400), strict=True)])
    late = Attempt(1, now(), 20_000, None, "it did not answer")
    deliveries.failed(failed, late, now() + timedelta(seconds=5), gone=False)
    told = stranger.get("/metrics").text
    assert set(told.splitlines()) >= {
        f'sentinel_delivery_attempts_total{{{ABOUT},outcome="taken"}} 2.0',
        f'sentinel_delivery_attempts_total{{{ABOUT},outcome="failed"}} 1.0',
        bucket("0.1", 1.0),
        bucket("0.5", 2.0),
        bucket("15.0", 2.0),
        bucket("+Inf", 3.0),
        f"sentinel_delivery_seconds_count{{{ABOUT}}} 3.0",
        f"sentinel_delivery_seconds_sum{{{ABOUT}}} 20.44",
    }
    known.remove("ep_1")
    assert "ep_1" not in stranger.get("/metrics").text


def test_an_alert_of_an_unknown_type_is_shown(client: FlaskClient, teller: Teller) -> None:
    [alert] = write(teller.db, pausing("a.example"), at=Clock().now())
    teller.db.alerts.update_one({"_id": alert.id}, {"$set": {"type": "domain.dreamt"}})
    told = client.get("/api/alerts").json
    assert told is not None
    assert [one["type"] for one in told["items"]] == ["domain.dreamt"]
