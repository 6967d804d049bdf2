"""The front door and the Flask route, each under its own real server, answer every message alike."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pymongo.database import Database

from tests.acceptance.posting import envelope, post, trust
from tests.builders import bounce, by_eventbridge, complaint, mail, send
from tests.signer import TOPIC, body, confirmation, signed
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.children import ROOT
from webhook.config import child_environment
from webhook.domain.envelope import MAX_BYTES
from webhook.supervisor import answers, free_port

DOORS = {
    "the front door": (),
    "WSGI threads": ("-k", "gthread", "--threads", "4"),
    "WSGI threads, loaded before the fork": ("-k", "gthread", "--threads", "4", "--preload"),
}


@pytest.fixture(scope="module", params=DOORS, ids=str)
def port(
    request: pytest.FixtureRequest, mongod_uri: str, mongo_client: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """Where a server of this kind listens, on a database of its own."""
    name = f"test_doors_{list(DOORS).index(request.param)}"
    database: Database[dict[str, Any]] = mongo_client[name]
    ensure_indexes(database)
    number = free_port()
    settings = {
        "PORT": str(number),
        "MONGODB_URI": mongod_uri.replace("/ses_sentinel?", f"/{name}?"),
        "WEB_CONCURRENCY": "1",
        "LOG_LEVEL": "error",
        **trust(tmp_path_factory.mktemp("certificates")),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", *DOORS[request.param], "wsgi:app"]
    with subprocess.Popen(command, env=child_environment(settings), cwd=ROOT) as server:
        try:
            for _ in range(600):
                if answers(number):
                    break
                assert server.poll() is None
                Event().wait(0.1)
            yield number
        finally:
            server.terminate()
    mongo_client.drop_database(name)


def of_now(mail_id: str) -> dict[str, Any]:
    return mail(mail_id, timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def test_news_is_accepted_and_the_same_again_is_a_duplicate(port: int) -> None:
    assert post(port, envelope(send(of_now("m"))))[::2] == (200, {"status": "accepted"})
    assert post(port, envelope(bounce(of_now("m"))))[::2] == (200, {"status": "accepted"})
    assert post(port, envelope(bounce(of_now("m"))))[::2] == (200, {"status": "duplicate"})


def test_what_aws_sends_to_try_the_topic_is_ignored(port: int) -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert post(port, envelope(text))[::2] == (200, {"status": "ignored"})


@pytest.mark.parametrize(
    ("payload", "path", "reason"),
    [
        ({"surprise": 1}, "/webhooks/sns", "unknown_shape"),
        ("nonsense", "/webhooks/sns", "not_json"),
        (bounce(), "/webhooks/sns", "mail_too_old"),
        (complaint(), "/webhooks/sns/bounces", "misrouted"),
        (by_eventbridge({}, "Sending Status Enabled"), "/webhooks/sns/complaints", "misrouted"),
    ],
)
def test_what_is_not_understood_is_kept(port: int, payload: Any, path: str, reason: str) -> None:
    status, _, told = post(port, envelope(payload), path)
    assert (status, told["status"], told["reason"]) == (200, "quarantined", reason)
    assert told["id"]


@pytest.mark.parametrize("path", ["/webhooks/sns/", "/webhooks/sns/bounces", "/webhooks/sns/bounces/"])
def test_every_way_to_write_an_endpoint(port: int, path: str) -> None:
    assert post(port, envelope(bounce(of_now(f"mail{path}"))), path)[::2] == (200, {"status": "accepted"})


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        pytest.param(b"", {}, 400, "not_sns", id="empty"),
        pytest.param(b"{}", {}, 400, "not_sns", id="an empty object"),
        pytest.param(b"[" * 100_000, {}, 400, "not_sns", id="deep"),
        pytest.param(b"x" * (MAX_BYTES + 1), {}, 413, "too_large", id="too large"),
        pytest.param(json.dumps(bounce()).encode(), {"x-amz-sns-rawdelivery": "true"}, 403, "unsigned", id="raw"),
        pytest.param(None, {"x-amz-sns-message-type": "SubscriptionConfirmation"}, 403, "type_mismatch", id="type"),
        pytest.param("tampered", {}, 403, "bad_signature", id="tampered"),
        pytest.param(TOPIC + "-of-a-stranger", {}, 403, "topic_not_allowed", id="a stranger's topic"),
    ],
)
def test_what_is_not_authentic_is_refused(
    port: int, content: bytes | str | None, headers: dict[str, str], status: int, code: str
) -> None:
    genuine = envelope(send(of_now("genuine")))
    if content is None:
        content = genuine
    elif content == "tampered":
        content = genuine.replace(b"shop@", b"evil@")
    elif isinstance(content, str):
        content = envelope(send(of_now("genuine")), TopicArn=content)
    answer = post(port, content, **headers)
    assert (answer[0], answer[2]["error"]) == (status, code)
    assert answer[2]["detail"]


def test_a_confirmation_that_can_not_be_carried_out_is_tried_again(port: int, tmp_path: Path) -> None:
    del tmp_path
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    where = "http://127.0.0.1:9/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
    url = f"http://127.0.0.1:9/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={confirmation()['Token']}"
    fields = confirmation(Timestamp=moment, SigningCertURL=where, SubscribeURL=url)
    status, headers, told = post(port, body(signed(fields)))
    assert (status, told["error"]) == (503, "unavailable")
    assert int({name.lower(): value for name, value in headers.items()}["retry-after"]) > 0


def test_an_unsubscription_is_noted_and_never_undone(port: int) -> None:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    where = "http://127.0.0.1:9/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
    fields = confirmation("UnsubscribeConfirmation", Timestamp=moment, SigningCertURL=where)
    assert post(port, body(signed(fields)))[::2] == (200, {"status": "accepted"})


def test_other_methods_and_paths_are_flasks(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for method, path, status in (
            ("GET", "/webhooks/sns", 405),
            ("POST", "/webhooks/sns/x", 404),
            ("GET", "/healthz", 200),
        ):
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            assert (method, path, answer.status) == (method, path, status)
    finally:
        connection.close()
