"""What those are told who watch over the service."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.telling import Teller, payload
from webhook.config import Settings

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
