"""Every refusal of the API: one form, a code, and a hint that helps."""

import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.telling import Teller, payload
from tests.web.conftest import TOKENS
from webhook.config import Settings

pytestmark = pytest.mark.mongo
MEMBERS = {"type", "title", "status", "detail", "instance", "success", "hint", "code"}


def refusal(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem in a response, of which the form is checked."""
    assert response.status_code == status, response.data
    assert response.content_type == "application/problem+json"
    told: dict[str, Any] = response.json
    assert set(told) >= MEMBERS
    assert (told["status"], told["code"], told["success"], told["type"]) == (status, code, False, "about:blank")
    assert told["instance"] == response.request.path
    assert "Traceback" not in response.text
    assert told["detail"]
    assert told["hint"]
    return told


@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        (None, "token_missing", 'Bearer realm="ses-sentinel"'),
        ("", "token_missing", 'Bearer realm="ses-sentinel"'),
        ("Bearer", "token_missing", 'Bearer realm="ses-sentinel"'),
        ("Basic b3BzOnMzY3JldC10b2tlbg==", "token_missing", 'Bearer realm="ses-sentinel"'),
        ("Bearer wrong", "token_unknown", 'Bearer realm="ses-sentinel", error="invalid_token"'),
        ("Bearer ops:s3cret-token", "token_unknown", 'Bearer realm="ses-sentinel", error="invalid_token"'),
        ("Bearer s3cret-toke", "token_unknown", 'Bearer realm="ses-sentinel", error="invalid_token"'),
        ("Bearer schl\xfcssel", "token_unknown", 'Bearer realm="ses-sentinel", error="invalid_token"'),
    ],
)
def test_without_a_good_token_nobody_gets_in(
    stranger: FlaskClient, authorization: str | None, code: str, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = stranger.get("/api/email-domains", headers=headers)
    refusal(response, 401, code)
    assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("authorization", [f"Bearer {token}" for _, token in TOKENS] + ["bearer  s3cret-token "])
def test_every_good_token_gets_in(stranger: FlaskClient, authorization: str) -> None:
    assert stranger.get("/api/email-domains", headers={"Authorization": authorization}).status_code == 200


def test_with_no_token_configured_the_hint_says_how_to_set_one(open_client: Any, settings: Settings) -> None:
    response = open_client(replace(settings, api_tokens=())).get(
        "/api/email-domains", headers={"Authorization": "Bearer "}
    )
    assert "API_TOKENS" in refusal(response, 401, "no_tokens")["hint"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/email-domains"),
        ("GET", "/api/email-domains/example.com"),
        ("GET", "/api/email-domains/example.com/reputation"),
        ("GET", "/api/email-domains/example.com/events"),
        ("GET", "/api/mails/m1"),
        ("GET", "/api/quarantine"),
        ("GET", "/api/quarantine/x"),
        ("DELETE", "/api/quarantine/x"),
        ("POST", "/api/quarantine/x/replay"),
    ],
)
def test_every_route_wants_a_token(stranger: FlaskClient, method: str, path: str) -> None:
    refusal(stranger.open(path, method=method), 401, "token_missing")


@pytest.mark.parametrize(
    ("path", "parameter", "allowed"),
    [
        ("/api/email-domains?limit=0", "limit", "from 1 to 500"),
        ("/api/email-domains?limit=501", "limit", "from 1 to 500"),
        ("/api/email-domains?limit=ten", "limit", "from 1 to 500"),
        ("/api/email-domains?limit=-1", "limit", "from 1 to 500"),
        ("/api/email-domains?limit=%D9%A3", "limit", "from 1 to 500"),
        ("/api/email-domains?limit=1&limit=2", "limit", "once"),
        ("/api/email-domains?status=ill", "status", "healthy, warning, flagged, insufficient_data"),
        ("/api/email-domains?verification=maybe", "verification", "pending, success, failed"),
        ("/api/email-domains?q=%00", "q", "printable"),
        ("/api/email-domains?cursor=abc", "cursor", "nextCursor"),
        ("/api/email-domains?cursor=WyJhIiwiYiJd", "cursor", "nextCursor"),
        ("/api/email-domains?cursor=W3siJGd0IjoiIn1d", "cursor", "nextCursor"),
        ("/api/email-domains/example.com/events?kind=sneezed", "kind", "sent, delivered"),
        ("/api/email-domains/example.com/events?since=yesterday", "since", "2026-01-31"),
        ("/api/email-domains/example.com/events?since=2026-13-01", "since", "2026-01-31"),
        ("/api/email-domains/example.com/events?since=2026-01-31T12:00:00", "since", "2026-01-31"),
        ("/api/email-domains/example.com/events?since=999999d", "since", "2026-01-31"),
        ("/api/email-domains/example.com/events?cursor=W10", "cursor", "nextCursor"),
        ("/api/quarantine?cursor=W10", "cursor", "nextCursor"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_it_may_be(
    client: FlaskClient, teller: Teller, path: str, parameter: str, allowed: str
) -> None:
    teller.tell(payload("Send", "m1"))
    told = refusal(client.get(path), 400, "bad_parameter")
    assert told["parameter"] == parameter
    assert allowed in told["hint"]


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/api/email-domains?state=flagged", "state"),
        ("/api/email-domains?b=1&a=2", "a, b"),
        ("/api/email-domains/example.com?verbose=1", "verbose"),
        ("/api/email-domains/example.com/reputation?days=3", "days"),
        ("/api/email-domains/example.com/events?status=flagged", "status"),
        ("/api/mails/m1?x=", "x"),
        ("/api/quarantine?kind=x", "kind"),
        ("/api/quarantine/x?full=1", "full"),
    ],
)
def test_an_unknown_parameter_is_named(client: FlaskClient, path: str, named: str) -> None:
    told = refusal(client.get(path), 400, "unknown_parameter")
    assert told["parameter"] == named
    assert named in told["detail"]


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/api/email-domains/nowhere.example", "nowhere.example"),
        ("GET", "/api/email-domains/nowhere.example/reputation", "nowhere.example"),
        ("GET", "/api/email-domains/nowhere.example/events", "nowhere.example"),
        ("GET", "/api/mails/nothing", "nothing"),
        ("GET", "/api/quarantine/nothing", "nothing"),
        ("DELETE", "/api/quarantine/nothing", "nothing"),
        ("POST", "/api/quarantine/nothing/replay", "nothing"),
        ("GET", "/api/nonsense", "no such route"),
        ("GET", "/api/", "no such route"),
        ("GET", "/nonsense", "no such route"),
    ],
)
def test_what_is_not_there_is_named(client: FlaskClient, method: str, path: str, named: str) -> None:
    assert named in refusal(client.open(path, method=method), 404, "not_found")["detail"]


def test_an_unknown_route_of_the_api_is_a_problem_even_for_a_browser(client: FlaskClient) -> None:
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    refusal(client.get("/api/nonsense", headers=page), 404, "not_found")
    assert client.get("/nonsense", headers=page).content_type.startswith("text/html")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/email-domains/example.com", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/api/quarantine/x/replay", "OPTIONS, POST"),
        ("GET", "/webhooks/sns", "OPTIONS, POST"),
    ],
)
def test_another_method_is_answered_with_those_that_are_allowed(
    client: FlaskClient, method: str, path: str, allowed: str
) -> None:
    response = client.open(path, method=method)
    assert allowed in refusal(response, 405, "method_not_allowed")["hint"]
    assert response.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/email-domains"),
        ("GET", "/api/email-domains/example.com/reputation"),
        ("GET", "/api/email-domains/example.com/events"),
        ("GET", "/api/mails/m1"),
        ("POST", "/api/quarantine/x/replay"),
    ],
)
def test_without_its_database_it_is_unavailable_for_now(
    open_client: Any, settings: Settings, method: str, path: str
) -> None:
    client = open_client(replace(settings, mongodb_uri="mongodb://127.0.0.1:9/nowhere?replicaSet=rs0"))
    response = client.open(path, method=method, headers={"Authorization": f"Bearer {TOKENS[0][1]}"})
    told = refusal(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "20"
    assert "127.0.0.1" not in json.dumps(told)


def test_a_mistake_of_ours_is_told_without_its_traceback(client: FlaskClient, teller: Teller) -> None:
    teller.db.mails.insert_one({"_id": "broken", "domain": "example.com", "to": [], "facts": [["sent"]]})
    response = client.get("/api/mails/broken")
    refusal(response, 500, "internal_server_error")
    assert "unpack" not in response.text
