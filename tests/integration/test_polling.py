"""Messages from a queue, on a real MongoDB: counted once with those that come over HTTPS, or left where they are."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pymongo.database import Database

from tests.acceptance.posting import NOWHERE, envelope, trust
from tests.acceptance.serving import await_that
from tests.builders import bounce, by_notification, mail, send
from tests.fakes.aws import FakeAws
from tests.signer import TOPIC, as_timestamp
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.queues import SILENT, QueueLedger
from webhook.assembling.polling import poller
from webhook.bootstrap import journal
from webhook.config import Settings
from webhook.domain.queues import Figures
from webhook.polling import Poller
from webhook.web.app import create_app

pytestmark = pytest.mark.mongo


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with FakeAws() as fake:
        yield fake


class Queue:
    """The test's own look at a queue."""

    def __init__(self, aws: FakeAws, name: str = "ses-events") -> None:
        self._sqs = aws.client("sqs")
        self.url: str = self._sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]

    def put(self, *bodies: bytes | str) -> None:
        for text in bodies:
            self._sqs.send_message(QueueUrl=self.url, MessageBody=text.decode() if isinstance(text, bytes) else text)

    @property
    def depths(self) -> tuple[int, int]:
        """How many messages wait, and how many are out of sight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(told[names[0]]), int(told[names[1]])


@pytest.fixture
def queue(aws: FakeAws) -> Queue:
    return Queue(aws)


@pytest.fixture
def settings(mongodb_uri: str, aws: FakeAws, queue: Queue, database: Db, tmp_path: Path) -> Settings:
    ensure_indexes(database)
    trust(tmp_path / "certificates")
    return Settings(
        mongodb_uri=mongodb_uri,
        sns_topic_arns=(TOPIC,),
        sns_cert_dir=tmp_path / "certificates",
        sns_trusted_origins=(NOWHERE, aws.origin),
        log_level="error",
        aws_sdk_region=aws.region,
        aws_sdk_access_key_id="AKIAEXAMPLE",
        aws_sdk_secret_access_key="secret",
        aws_endpoint_url=aws.origin,
        sqs_queue_urls=(queue.url,),
    )


@contextmanager
def polling(database: Db, settings: Settings) -> Iterator[Poller]:
    """A poller at work, which must end in time; that it fails is seen by pytest."""
    made = poller(database, settings, Clock(), wait=1)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(30)
    assert not thread.is_alive()


def counted(database: Db, settings: Settings) -> dict[str, int]:
    """The counters of all domains and days together."""
    posting = journal(database, settings, Clock())
    while posting.post().entries:
        pass
    total: dict[str, int] = {}
    for row in database.counters.find():
        for name, count in row["n"].items():
            total[name] = total.get(name, 0) + count
    return {name: total.get(name, 0) for name in ("sent", "bounces", "complaints")}


def recent(identity: str) -> dict[str, Any]:
    """A mail of an hour ago."""
    return mail(identity, timestamp=as_timestamp(Clock().now() - timedelta(hours=1)))


def empty(queue: Queue) -> Callable[[], bool]:
    return lambda: queue.depths == (0, 0)


def test_the_same_happenings_over_https_and_from_the_queue_count_once(
    database: Db, settings: Settings, queue: Queue
) -> None:
    stories = [recent(f"mail-{number}") for number in range(30)]
    payloads = [send(of) for of in stories] + [bounce(of) for of in stories[:7]]
    bodies = [envelope(payload) for payload in payloads]
    queue.put(*bodies, *bodies[::3], *(envelope(by_notification(bounce(of))) for of in stories[:7]))
    with ExitStack() as stack:
        client = create_app(settings, stack).test_client()
        with polling(database, settings):
            for text in bodies[::2]:
                assert client.post("/webhooks/sns", data=text).status_code == 200
            await_that(empty(queue))
    assert counted(database, settings) == {"sent": 30, "bounces": 7, "complaints": 0}
    assert database.mails.count_documents({}) == 30


def test_what_can_not_be_taken_stays_in_the_queue_and_is_told_of(
    database: Db, settings: Settings, queue: Queue, aws: FakeAws
) -> None:
    stranger = "arn:aws:sns:eu-north-1:999999999999:theirs"
    queue.put(
        json.dumps(bounce(recent("raw"))),
        json.dumps({"detail-type": "Email Bounced", "source": "aws.ses", "detail": bounce(recent("direct"))}),
        envelope(bounce(recent("theirs")), TopicArn=stranger),
        "hello",
        envelope(bounce(recent("ours"))),
    )
    with structlog.testing.capture_logs() as lines, polling(database, settings):
        await_that(lambda: queue.depths == (0, 4))
        await_that(lambda: len(aws.asked("sqs", "ChangeMessageVisibilityBatch")) > 0)
    assert sorted(line["code"] for line in lines if line["event"] == "queue_message_rejected") == [
        "not_sns",
        "topic_not_allowed",
        "unsigned",
    ]
    held = [entry for asked in aws.asked("sqs", "ChangeMessageVisibilityBatch") for entry in asked["Entries"]]
    assert [entry["VisibilityTimeout"] for entry in held] == [900] * 4
    assert [document["_id"] for document in database.mails.find()] == ["ours"]
    with ExitStack() as stack:
        told = create_app(settings, stack).test_client().get("/metrics").text.splitlines()
    label = f'queue="{queue.url}"'
    for line in (
        f"sentinel_queue_received_total{{{label}}} 5.0",
        f"sentinel_queue_deleted_total{{{label}}} 1.0",
        f'sentinel_queue_rejected_total{{code="unsigned",{label}}} 2.0',
        f'sentinel_queue_rejected_total{{code="topic_not_allowed",{label}}} 1.0',
        f"sentinel_queue_oldest_seconds{{{label}}} 0.0",
    ):
        assert line in told


def test_what_is_not_understood_is_quarantined_and_deleted(database: Db, settings: Settings, queue: Queue) -> None:
    queue.put(envelope('{"surprise": 1}'))
    with polling(database, settings):
        await_that(empty(queue))
    assert [kept["reason"] for kept in database.quarantine.find()] == ["unknown_shape"]


def test_whatever_aws_refuses_everything_is_counted_once(
    database: Db, settings: Settings, queue: Queue, aws: FakeAws
) -> None:
    aws.fail_next("sqs", "GetQueueAttributes", "AccessDenied")
    aws.fail_next("sqs", "ReceiveMessage", "InternalError", 500, times=2)
    aws.reset_next("sqs", "DeleteMessageBatch", times=2, done=True)
    queue.put(*(envelope(send(recent(f"mail-{number}"))) for number in range(12)))
    with structlog.testing.capture_logs() as lines, polling(database, settings):
        await_that(empty(queue))
    assert counted(database, settings) == {"sent": 12, "bounces": 0, "complaints": 0}
    events = [line["event"] for line in lines]
    assert events.count("queue_unknown") == events.count("queue_unreachable") == 1


def test_a_worker_that_may_not_delete_counts_and_says_so(
    database: Db, settings: Settings, queue: Queue, aws: FakeAws
) -> None:
    aws.deny("sqs:DeleteMessage")
    queue.put(envelope(send(recent("mail-1"))))
    with structlog.testing.capture_logs() as lines, polling(database, settings):
        await_that(lambda: ("sqs", "DeleteMessageBatch") in aws.calls)
        aws.allow()
        await_that(empty(queue))
    [line] = [line for line in lines if line["event"] == "queue_not_deleted"]
    assert "sqs:DeleteMessage" in line["why"]
    assert counted(database, settings)["sent"] == 1


def test_two_workers_at_one_queue_count_everything_once(database: Db, settings: Settings, queue: Queue) -> None:
    queue.put(*(envelope(payload) for n in range(40) for payload in (send(recent(f"m{n}")), bounce(recent(f"m{n}")))))
    with polling(database, settings), polling(database, settings):
        await_that(empty(queue))
    assert counted(database, settings) == {"sent": 40, "bounces": 40, "complaints": 0}


# -- figures


def samples(ledger: QueueLedger, name: str) -> dict[str, float]:
    """By the last label."""
    return {key[-1][1]: value for key, value in ledger.gauges()[f"sentinel_queue_{name}"][1].items()}


def test_figures_of_several_workers_add_up(database: Database[dict[str, Any]]) -> None:
    now = Clock().now()
    one, two = (QueueLedger(database, lambda: now, worker) for worker in ("one", "two"))
    one.note("q", Figures(10, 8, {"unsigned": 2}, now - timedelta(seconds=3)))
    two.note("q", Figures(5, 5, {}, now - timedelta(seconds=7)))
    one.note("q", Figures(1, 1, {"unsigned": 1, "not_sns": 1}, now - timedelta(seconds=1)))
    assert samples(one, "received_total") == {"q": 16}
    assert samples(one, "deleted_total") == {"q": 14}
    assert samples(one, "rejected_total") == {"unsigned": 3, "not_sns": 1}
    assert samples(one, "oldest_seconds") == {"q": 7}
    two.note("q", Figures())
    assert samples(one, "oldest_seconds") == {"q": 1}


def test_a_worker_that_is_no_more_is_forgotten(database: Database[dict[str, Any]]) -> None:
    began = Clock().now()
    QueueLedger(database, lambda: began, "dead").note("q", Figures(1, oldest=began - timedelta(seconds=9)))
    later = QueueLedger(database, lambda: began + SILENT + timedelta(seconds=1), "alive")
    assert samples(later, "oldest_seconds") == {"q": 0}
    later.note("q", Figures(1))
    document = database.queues.find_one({"_id": "q"})
    assert document is not None
    assert document["underWay"] == []


def test_a_service_without_queues_has_no_figures_of_queues(database: Database[dict[str, Any]]) -> None:
    assert all(not samples for _, samples in QueueLedger(database, Clock().now).gauges().values())
