"""What those are told who watch over the service."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from threading import Event, Semaphore
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.telling import Teller, payload
from webhook.config import Settings
from webhook.web.app import create_app
from webhook.web.door import FLASK_THREADS, Door

pytestmark = pytest.mark.mongo


def test_the_process_answers_without_a_token(stranger: FlaskClient) -> None:
    assert stranger.get("/healthz").json == {"status": "ok"}


def test_ready_means_that_the_database_answers(stranger: FlaskClient) -> None:
    assert stranger.get("/readyz").json == {
        "status": "ready",
        "checks": {"mongodb": "ok"},
        "journal": {"lagSeconds": 0.0},
        "warnings": {},
    }


def test_a_worker_that_lags_is_told_of_but_does_not_make_it_unready(stranger: FlaskClient, teller: Teller) -> None:
    teller.tell(payload("Send", "m1"))
    response = stranger.get("/readyz")
    assert response.status_code == 200
    assert isinstance(response.json["journal"]["lagSeconds"], float)
    assert teller.db.journal.count_documents({}) == 1


def test_no_topic_is_a_warning(open_client: Any, settings: Settings) -> None:
    response = open_client(replace(settings, sns_topic_arns=())).get("/readyz")
    assert response.status_code == 200
    assert response.json["warnings"] == {"sns_topics": "none allowed"}


def test_without_its_database_it_is_not_ready_but_alive(open_client: Any, settings: Settings) -> None:
    client = open_client(replace(settings, mongodb_uri="mongodb://127.0.0.1:9/nowhere?replicaSet=rs0"))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json["status"] == "not ready"
    assert "MongoDB" in response.json["checks"]["mongodb"]
    assert client.get("/healthz").status_code == 200
    assert "sentinel_database_up 0.0" in client.get("/metrics").text


def test_metrics_count_domains_and_quarantine(stranger: FlaskClient, teller: Teller) -> None:
    teller.traffic("flagged.example", sent=100, bounces=6)
    teller.traffic("few.example", sent=1)
    teller.tell("not json")
    told = stranger.get("/metrics").text.splitlines()
    for line in (
        "sentinel_domains_flagged 1.0",
        "sentinel_domains_insufficient_data 1.0",
        "sentinel_domains_healthy 0.0",
        "sentinel_quarantine_depth 1.0",
        "sentinel_judging_lag_seconds 0.0",
        "sentinel_database_up 1.0",
    ):
        assert line in told


async def asked(door: Door, path: str, method: str = "GET") -> tuple[int, bytes]:
    """What the front door answers."""
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        told.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"example.net")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 9),
    }
    await door(scope, receive, send)
    return told[0]["status"], b"".join(message.get("body", b"") for message in told[1:])


def test_those_who_watch_are_answered_while_every_thread_is_kept_waiting(settings: Settings, teller: Teller) -> None:
    del teller  # the database as it is when the service starts
    begun, over = Semaphore(0), Event()

    def wait() -> str:
        begun.release()
        over.wait(30)
        return "at last"

    async def crowd(door: Door) -> list[tuple[int, bytes]]:
        crowding = [asyncio.create_task(asked(door, "/wait")) for _ in range(FLASK_THREADS)]
        for _ in crowding:
            assert await asyncio.to_thread(begun.acquire, timeout=10)
        try:
            paths = ("/healthz", "/readyz", "/metrics")
            return [
                await asyncio.wait_for(asked(door, path, method), 10) for path in paths for method in ("GET", "HEAD")
            ]
        finally:
            over.set()
            assert {await one for one in crowding} == {(200, b"at last")}

    with ExitStack() as stack:
        app = create_app(settings, stack)
        app.add_url_rule("/wait", view_func=wait)
        answers = asyncio.run(crowd(Door(app)))
        flask = app.test_client()
        assert [status for status, _ in answers] == [200] * 6
        assert json.loads(answers[0][1]) == flask.get("/healthz").json == {"status": "ok"}
        assert json.loads(answers[2][1]).keys() == flask.get("/readyz").json.keys()
        assert b"sentinel_database_up 1.0" in answers[4][1]
