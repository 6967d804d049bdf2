"""One reading of the account for each quarter of an hour: what it costs, and what it says where AWS does not tell."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.fakes.aws import FakeAws
from tests.withheld import settings_for
from webhook.account import Account
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.oversight import Oversight, oversight
from webhook.platform import ses_api

pytestmark = pytest.mark.mongo


class Ticking(Clock):
    """The system's clock, some time ahead."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    with FakeAws() as fake:
        yield fake


@pytest.fixture
def seen(database: Database[dict[str, Any]], mongodb_uri: str, aws: FakeAws, clock: Ticking) -> Iterator[Oversight]:
    ensure_indexes(database)
    settings = settings_for(aws, mongodb_uri)
    ses = ses_api(database, settings, clock)
    made = oversight(database, settings, clock, Account(ses, Accounts(database), clock.now))
    yield made
    made.close()
    ses.close()


def put_rates(aws: FakeAws, at: datetime, bounces: float, complaints: float) -> None:
    data = [
        {"MetricName": f"Reputation.{name}", "Timestamp": at, "Value": value}
        for name, value in (("BounceRate", bounces), ("ComplaintRate", complaints))
    ]
    aws.client("cloudwatch").put_metric_data(Namespace="AWS/SES", MetricData=data)


def test_a_reading_holds_the_newest_rates_and_the_standing(seen: Oversight, aws: FakeAws, clock: Ticking) -> None:
    put_rates(aws, clock.now() - timedelta(hours=3), 0.04, 0.002)
    put_rates(aws, clock.now() - timedelta(hours=1), 0.03, 0.001)
    assert not seen.watch.work()
    reading = seen.readings.newest()
    assert reading is not None
    assert (reading["bounceRate"], reading["complaintRate"]) == (0.03, 0.001)
    assert (reading["enforcementStatus"], reading["sendingEnabled"], reading["region"]) == (
        "HEALTHY",
        True,
        "eu-north-1",
    )
    assert reading["max24HourSend"] == 50_000.0
    assert reading["problem"] is None


def test_there_is_one_for_each_quarter_however_often_it_is_asked(seen: Oversight, aws: FakeAws, clock: Ticking) -> None:
    minute = clock.now().minute
    clock.ahead = timedelta(minutes=(15 - minute % 15) % 15)
    for _ in range(5):
        seen.watch.work()
    clock.ahead += timedelta(minutes=15)
    for _ in range(5):
        seen.watch.work()
    assert len(seen.readings.find().items) == 2
    assert aws.calls.count(("cloudwatch", "GetMetricData")) == 2
    assert aws.calls.count(("sesv2", "GetAccount")) == 2


def test_no_mail_no_rates(seen: Oversight) -> None:
    seen.watch.work()
    reading = seen.readings.newest()
    assert reading is not None
    assert (reading["bounceRate"], reading["problem"]) == (None, None)


def test_what_aws_does_not_tell_is_named(seen: Oversight, aws: FakeAws) -> None:
    aws.deny("cloudwatch:GetMetricData")
    seen.watch.work()
    reading = seen.readings.newest()
    assert reading is not None
    assert reading["problem"]["code"] == "aws_access_denied"
    assert reading["enforcementStatus"] == "HEALTHY"
