"""Alerts and their endpoints through the API, on a real MongoDB, with receivers on this machine."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import jsonschema_rs
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.alerting import pausing, write
from tests.loopback import Server, answering
from tests.telling import NOW, Teller
from tests.web.test_problems import refusal
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.config import Settings
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import body_of
from webhook.domain.deliveries import Attempt
from webhook.domain.endpoints import OURS, State

pytestmark = pytest.mark.mongo
Db = Database[dict[str, Any]]
Headers = dict[str, str]
URL = "https://127.0.0.1:9/alerts"
#: As a chat makes them; whoever knows it may post there.
CHANNEL = "https://127.0.0.1:9/services/T000/B000/verysecret9xQ"
CHANNEL_SHOWN = "https://127.0.0.1:9/…9xQ"
OUR_URLS = {
    "sns": "arn:aws:sns:eu-north-1:123456789012:alerts",
    "sqs": "https://sqs.eu-north-1.amazonaws.com/123456789012/alerts",
    "eventbridge": "arn:aws:events:eu-north-1:123456789012:event-bus/default",
    "email": "mailto:operations@example.com",
}
AT = "/api/alert-endpoints"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    networks = (ip_network("127.0.0.0/8"),)
    return replace(settings, secret_key=("k" * 32,), alert_allow_networks=networks, alert_email_from="a@example.com")


@pytest.fixture(autouse=True)
def _indexed(teller: Teller) -> None:
    """The database as it is when the service starts."""


def add(client: FlaskClient, bearer: Headers | None = None, **given: Any) -> dict[str, Any]:
    response = client.post(AT, json={"url": URL, **given}, headers=bearer)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json
    return told


def fan_out(database: Db) -> None:
    while FanOut(database, Clock().now).fan_out():
        pass


def fail(database: Db, endpoint: str, *, gone: bool = False, dead: bool = False) -> None:
    """One attempt to deliver what is due there, which fails."""
    now = Clock().now()
    deliveries = Deliveries(database, Clock().now)
    [claim] = deliveries.claim(Endpoints(database, Clock().now).get(endpoint), 1, lambda _: None)
    attempt = Attempt(claim.attempt, now, 12, 500, "it answered 500", "oh no")
    deliveries.failed(claim, attempt, None if dead else now + timedelta(hours=1), gone=gone)


class TestMaking:
    def test_the_secret_is_told_once_and_the_rest_as_in_the_list(self, client: FlaskClient) -> None:
        given = {"types": ["domain.*"], "domains": ["Example.com"], "description": "d", "rate": 5, "owner": "acme"}
        made = add(client, **given)
        secret = made.pop("secret")
        assert secret.startswith("whsec_")
        assert (made["kind"], made["state"], made["types"]) == ("webhook", "active", ["domain.*"])
        assert (made["domains"], made["description"], made["rate"]) == (["example.com"], "d", 5.0)
        assert (made["owner"], made["format"]) == ("acme", "standard")
        listed = client.get(AT)
        assert listed.json == {"items": [client.get(f"{AT}/{made['id']}").json], "nextCursor": None}
        assert listed.json["items"][0].keys() == made.keys()
        assert "whsec" not in listed.text

    def test_what_is_left_out_is_everything(self, client: FlaskClient) -> None:
        made = add(client)
        assert (made["types"], made["domains"], made["owner"], made["rate"]) == (["*"], [], None, None)

    def test_headers_are_shown_without_their_values(self, client: FlaskClient, database: Db) -> None:
        made = add(client, headers={"X-Key": "t0psecret"})
        assert made["headers"] == {"X-Key": "…"}
        assert "t0psecret" not in client.get(AT).text + repr(list(database.endpoints.find()))
        # Whoever sends back what was read must not lose what was hidden.
        told = refusal(client.patch(f"{AT}/{made['id']}", json={"headers": made["headers"]}), 400, "bad_parameter")
        assert told["parameter"] == "headers"

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            pytest.param({}, "url", id="no url"),
            pytest.param({"url": "http://10.0.0.1/"}, "url", id="a private address"),
            pytest.param({"url": "https://user:word@example.com/"}, "url", id="a user in the url"),
            pytest.param({"url": URL, "kind": "pigeon"}, "kind", id="an unknown kind"),
            pytest.param({"url": URL, "types": ["domain.nothing"]}, "types", id="a type that is none"),
            pytest.param({"url": URL, "types": []}, "types", id="no types"),
            pytest.param({"url": URL, "types": "domain.*"}, "types", id="types that are no list"),
            pytest.param({"url": URL, "domains": ["no domain"]}, "domains", id="a domain that is none"),
            pytest.param({"url": URL, "rate": 0}, "rate", id="no rate"),
            pytest.param({"url": URL, "rate": 1e-300}, "rate", id="one in all of time"),
            pytest.param({"url": URL, "signing": "rsa"}, "signing", id="an unknown way to sign"),
            pytest.param({"url": URL, "format": "xml"}, "format", id="an unknown format"),
            pytest.param({"url": URL, "headers": {"webhook-id": "1"}}, "headers", id="a header of the delivery's own"),
            pytest.param({"url": URL, "owner": "a b"}, "owner", id="an owner that is none"),
            pytest.param({"url": URL, "state": "active"}, "state", id="an unknown field"),
            pytest.param({"url": "arn:aws:sqs:x", "kind": "sns"}, "url", id="no topic"),
        ],
    )
    def test_what_is_wrong_is_named(self, client: FlaskClient, database: Db, given: dict[str, Any], field: str) -> None:
        told = refusal(client.post(AT, json=given), 400, "bad_parameter")
        assert told["parameter"] == field
        assert database.endpoints.count_documents({}) == 0

    def test_without_a_key_nothing_is_made(self, open_client: Any, settings: Settings, client: FlaskClient) -> None:
        keyless: FlaskClient = open_client(replace(settings, secret_key=()))
        keyless.environ_base.update(client.environ_base)
        told = refusal(keyless.post(AT, json={"url": URL}), 503, "misconfigured")
        assert "SECRET_KEY" in told["detail"]
        assert keyless.get(AT).json["items"] == []
        made = add(client)["id"]
        refusal(keyless.post(f"{AT}/{made}/rotate-secret"), 503, "misconfigured")
        refusal(keyless.patch(f"{AT}/{made}", json={"headers": {"X-Key": "x"}}), 503, "misconfigured")
        assert "SECRET_KEY" in keyless.post(f"{AT}/{made}/test").json["error"]

    def test_a_repeated_answer_keeps_no_secret(self, client: FlaskClient, database: Db) -> None:
        key = {"Idempotency-Key": "once"}
        first, again = (client.post(AT, json={"url": URL}, headers=key) for _ in range(2))
        assert again.headers["Idempotency-Replayed"] == "true"
        secret = first.json["secret"]
        assert again.json == {name: value for name, value in first.json.items() if name != "secret"}
        path = f"{AT}/{first.json['id']}/rotate-secret"
        rotated, once_more = (client.post(path, headers={"Idempotency-Key": "twice"}) for _ in range(2))
        assert "secret" not in once_more.json
        kept = repr([list(database[name].find()) for name in database.list_collection_names()])
        assert first.json["id"] in kept
        assert secret not in kept
        assert rotated.json["secret"] not in kept


class TestChanging:
    def test_what_is_left_out_stays(self, client: FlaskClient) -> None:
        made = add(client, rate=5, description="d")
        changed = client.patch(f"{AT}/{made['id']}", json={"types": ["domain.paused"], "rate": None})
        assert changed.status_code == 200
        expected = {**made, "types": ["domain.paused"], "rate": None}
        del expected["secret"]
        assert changed.json == expected
        assert client.get(f"{AT}/{made['id']}").json == expected

    def test_what_is_wrong_changes_nothing(self, client: FlaskClient) -> None:
        path = f"{AT}/{add(client)['id']}"
        before = client.get(path).json
        for given, field in (
            ({"url": "http://10.0.0.1/"}, "url"),
            ({"kind": "slack"}, "kind"),
            ({"owner": "a"}, "owner"),
        ):
            assert refusal(client.patch(path, json=given), 400, "bad_parameter")["parameter"] == field
        assert client.get(path).json == before

    def test_removed_it_is_gone_with_what_waited(self, client: FlaskClient, database: Db) -> None:
        made = add(client)["id"]
        write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        assert client.delete(f"{AT}/{made}").json == {"success": True, "id": made}
        refusal(client.get(f"{AT}/{made}"), 404, "not_found")
        refusal(client.delete(f"{AT}/{made}"), 404, "not_found")
        assert database.deliveries.count_documents({"state": "pending"}) == 0

    def test_a_disabled_one_is_enabled(self, client: FlaskClient, database: Db) -> None:
        path = f"{AT}/{(made := add(client)['id'])}"
        write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        fail(database, made, gone=True)
        told = client.get(path).json
        assert (told["state"], told["failures"]) == ("disabled", 1)
        assert "410" in told["why"]
        assert told["disabled"]["why"] == told["why"]
        assert client.get(AT).json["items"] == [told]
        enabled = client.post(f"{path}/enable")
        assert (enabled.status_code, enabled.json["state"], enabled.json["disabled"]) == (200, "active", None)

    def test_a_person_disables_it(self, client: FlaskClient, database: Db) -> None:
        path = f"{AT}/{(made := add(client)['id'])}"
        write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        told = client.post(f"{path}/disable", json={"why": "moving house"})
        assert (told.status_code, told.json["state"]) == (200, "disabled")
        assert told.json["why"] == told.json["disabled"]["why"] == "disabled by ops: moving house"
        assert told.json["disabled"]["at"]
        assert client.get(path).json == told.json
        # Again, for another reason or none, it stays as it is; what waits is kept, what comes is not for it.
        assert client.post(f"{path}/disable").json == client.post(f"{path}/disable", json={}).json == told.json
        write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        assert [row["state"] for row in client.get(f"{path}/deliveries").json["items"]] == ["pending"]
        assert database.alerts.count_documents({"type": "endpoint.disabled"}) == 0
        assert client.post(f"{path}/enable").json["state"] == "active"
        assert [row["endpoint"]["id"] for row in database.audit.find({"action": "endpoint.disabled"})] == [made]

    def test_without_a_reason_it_is_told_who(self, client: FlaskClient) -> None:
        assert client.post(f"{AT}/{add(client)['id']}/disable").json["why"] == "disabled by ops"

    @pytest.mark.parametrize(
        ("body", "named"), [({"why": ""}, "why"), ({"why": 1}, "why"), ({"reason": "x"}, "reason")]
    )
    def test_a_reason_that_is_none_is_named(self, client: FlaskClient, body: dict[str, Any], named: str) -> None:
        path = f"{AT}/{add(client)['id']}"
        assert refusal(client.post(f"{path}/disable", json=body), 400, "bad_parameter")["parameter"] == named
        refusal(client.post(f"{path}/disable", data="why=x"), 415, "unsupported_media_type")
        assert client.get(path).json["state"] == "active"
        refusal(client.post(f"{AT}/ep_nobody/disable"), 404, "not_found")

    def test_whatever_is_done_is_told_by_the_audit_trail(self, client: FlaskClient, bearing: Any) -> None:
        made = add(client, bearing("maker"), description="billing")["id"]
        path = f"{AT}/{made}"
        client.patch(path, json={"types": ["domain.*"]})
        client.post(f"{path}/rotate-secret")
        client.post(f"{path}/disable", json={"why": "moving house"})
        client.post(f"{path}/enable")
        client.delete(path)
        trail = client.get("/api/audit")
        told = [(row["action"], row["who"]) for row in trail.json["items"] if row["action"].startswith("endpoint.")]
        assert told[::-1] == [
            ("endpoint.added", "maker"),
            ("endpoint.changed", "ops"),
            ("endpoint.secret_rotated", "ops"),
            ("endpoint.disabled", "ops"),
            ("endpoint.enabled", "ops"),
            ("endpoint.removed", "ops"),
        ]
        assert "whsec" not in trail.text


class TestChats:
    @pytest.mark.parametrize("kind", ["slack", "teams"])
    def test_the_address_is_told_once(self, client: FlaskClient, database: Db, bearing: Any, kind: str) -> None:
        made = add(client, url=CHANNEL, kind=kind)
        assert made["url"] == CHANNEL
        path, reader = f"{AT}/{made['id']}", bearing("reader", scopes="read")
        for response in (
            client.get(path, headers=reader),
            client.get(AT, headers=reader),
            client.patch(path, json={"description": "d"}),
            client.post(f"{path}/disable"),
            client.post(f"{path}/enable"),
            client.post(f"{path}/test"),
            client.get("/api/audit"),
        ):
            assert response.status_code == 200
            assert "verysecret" not in response.text
        assert client.get(path, headers=reader).json["url"] == CHANNEL_SHOWN
        assert database.endpoints.find_one({"_id": made["id"]})["url"] == CHANNEL

    def test_a_repeated_answer_does_not_tell_it(self, client: FlaskClient, database: Db) -> None:
        key = {"Idempotency-Key": "once"}
        first, again = (client.post(AT, json={"url": CHANNEL, "kind": "slack"}, headers=key) for _ in range(2))
        assert (first.json["url"], again.json["url"]) == (CHANNEL, CHANNEL_SHOWN)
        assert first.json | {"url": ""} == again.json | {"url": ""}
        assert "verysecret" not in repr(list(database.idempotency.find()))

    def test_what_is_shown_is_not_taken_for_it(self, client: FlaskClient, database: Db) -> None:
        made = add(client, url=CHANNEL, kind="slack")["id"]
        for url in (CHANNEL_SHOWN, "https://127.0.0.1:9/…"):
            told = refusal(client.patch(f"{AT}/{made}", json={"url": url}), 400, "bad_parameter")
            assert (told["parameter"], "leave it out" in told["hint"]) == ("url", True)
        assert database.endpoints.find_one({"_id": made})["url"] == CHANNEL


class TestTrying:
    def test_it_is_signed_with_the_secret_and_after_a_change_with_both(self, client: FlaskClient) -> None:
        with Server(answering(204)) as receiver:
            made = add(client, url=receiver.origin)
            told = client.post(f"{AT}/{made['id']}/test").json
            assert (told["delivered"], told["status"], told["error"]) == (True, 204, None)
            second = client.post(f"{AT}/{made['id']}/rotate-secret")
            assert second.status_code == 200
            assert {**made, "secret": ""} == {**second.json, "secret": ""}
            client.post(f"{AT}/{made['id']}/test")
        old, new = made["secret"], second.json["secret"]
        assert old != new
        once, twice = receiver.asked
        assert signatures(once) == {signed(once, old)}
        assert signatures(twice) == {signed(twice, old), signed(twice, new)}

    def test_headers_are_sent_as_they_were_given(self, client: FlaskClient) -> None:
        with Server(answering(204)) as receiver:
            made = add(client, url=receiver.origin, headers={"Authorization": "Bearer x"})
            assert client.post(f"{AT}/{made['id']}/test").json["delivered"]
        assert receiver.asked[0].headers["Authorization"] == "Bearer x"

    def test_with_a_key_pair_only_the_public_half_is_told_and_verifies(self, client: FlaskClient) -> None:
        with Server(answering(204)) as receiver:
            made = add(client, url=receiver.origin, signing="ed25519")
            client.post(f"{AT}/{made['id']}/test")
            second = client.post(f"{AT}/{made['id']}/rotate-secret")
            client.post(f"{AT}/{made['id']}/test")
            told = client.get(f"{AT}/{made['id']}").json
        assert "secret" not in made
        assert (made["signing"], made["publicKey"][:5]) == ("ed25519", "whpk_")
        assert told == second.json
        assert "whsk_" not in second.text
        once, twice = receiver.asked
        assert [verifies(once, key) for key in (made["publicKey"], told["publicKey"])] == [True, False]
        assert [verifies(twice, key) for key in (made["publicKey"], told["publicKey"])] == [True, True]

    def test_a_secret_that_leaked_signs_nothing_more(self, client: FlaskClient) -> None:
        with Server(answering(204)) as receiver:
            made = add(client, url=receiver.origin)
            path = f"{AT}/{made['id']}"
            secret = client.post(f"{path}/rotate-secret", json={"overlap": "0s"}).json["secret"]
            client.post(f"{path}/test")
        assert signatures(receiver.asked[0]) == {signed(receiver.asked[0], secret)}
        for wrong in ("soon", "8d", 7):
            told = refusal(client.post(f"{path}/rotate-secret", json={"overlap": wrong}), 400, "bad_parameter")
            assert told["parameter"] == "overlap"
        refusal(client.post(f"{path}/rotate-secret", data="overlap=0s"), 415, "unsupported_media_type")
        assert client.post(f"{path}/rotate-secret", json={}).status_code == 200

    def test_a_failure_is_told(self, client: FlaskClient) -> None:
        with Server(answering(500, b"oh no")) as receiver:
            made = add(client, url=receiver.origin)
            response = client.post(f"{AT}/{made['id']}/test")
        assert response.status_code == 200
        assert (response.json["delivered"], response.json["status"], response.json["body"]) == (False, 500, "oh no")
        assert client.get(f"{AT}/{made['id']}").json["state"] == "active"

    def test_what_is_not_signed_has_no_secret(self, client: FlaskClient) -> None:
        made = add(client, kind="slack")
        assert "secret" not in made
        told = refusal(client.post(f"{AT}/{made['id']}/rotate-secret"), 400, "bad_parameter")
        assert told["parameter"] == "kind"


def signatures(asked: Any) -> set[str]:
    return set(asked.headers["webhook-signature"].split(" "))


def verifies(asked: Any, public: str) -> bool:
    """By the rule of Standard Webhooks, written anew: does one of the signatures fit this key?"""
    text = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    for one in signatures(asked):
        with suppress(InvalidSignature):
            key.verify(base64.b64decode(one.removeprefix("v1a,")), text)
            return True
    return False


def signed(asked: Any, secret: str) -> str:
    """By the rule of Standard Webhooks, written anew."""
    text = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()


class TestTelling:
    def test_alerts_are_listed_and_narrowed_down(self, client: FlaskClient, database: Db) -> None:
        drafts = [pausing("a.example", at=NOW), pausing("b.example", at=NOW), pausing(None, at=NOW)]
        first, second, third = (
            write(database, draft, at=NOW + timedelta(seconds=n))[0] for n, draft in enumerate(drafts)
        )

        def ids(query: str = "") -> list[str]:
            return [item["id"] for item in client.get(f"/api/alerts{query}").json["items"]]

        assert ids() == [third.id, second.id, first.id]
        assert ids("?domain=B.example.") == [second.id]
        assert ids("?type=domain.*") == [second.id, first.id]
        assert ids("?type=quota.threshold_reached") == [third.id]
        assert ids("?type=domain.resumed") == ids("?domain=c.example") == []
        page = client.get("/api/alerts?limit=2").json
        assert ids(f"?limit=2&cursor={page['nextCursor']}") == [first.id]
        item = client.get("/api/alerts").json["items"][1]
        assert (item["type"], item["domain"], item["sequence"]) == ("domain.paused", "b.example", 1)
        assert item["data"] == second.data

    @pytest.mark.parametrize(
        ("query", "name"), [("type=domain.pausd", "type"), ("type=zebra*", "type"), ("cursor=x", "cursor")]
    )
    def test_a_slip_is_told(self, client: FlaskClient, query: str, name: str) -> None:
        assert refusal(client.get(f"/api/alerts?{query}"), 400, "bad_parameter")["parameter"] == name

    def test_one_comes_with_its_deliveries_and_their_attempts(self, client: FlaskClient, database: Db) -> None:
        made = add(client)["id"]
        [alert] = write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        fail(database, made)
        told = client.get(f"/api/alerts/{alert.id}").json
        [delivery] = told["deliveries"]
        assert (told["id"], delivery["endpoint"], delivery["state"]) == (alert.id, made, "pending")
        [attempt] = delivery["attempts"]
        assert (attempt["number"], attempt["status"], attempt["error"], attempt["body"]) == (
            1,
            500,
            "it answered 500",
            "oh no",
        )
        assert client.get(f"{AT}/{made}/deliveries").json == {"items": [delivery], "nextCursor": None}
        assert client.get(f"{AT}/{made}/deliveries?state=dead").json["items"] == []
        told = refusal(client.get(f"{AT}/{made}/deliveries?state=lost"), 400, "bad_parameter")
        assert "dead" in told["hint"]
        refusal(client.get("/api/alerts/alt_nobody"), 404, "not_found")

    def test_types_are_told_as_json_schemas_that_alerts_satisfy(self, client: FlaskClient, database: Db) -> None:
        known = client.get("/api/alerts/types").json["types"]
        assert set(known) == set(AlertType)
        [alert] = write(database, pausing(at=NOW), at=NOW)
        validator = jsonschema_rs.Draft202012Validator(known["domain.paused"])
        validator.validate(body_of(alert))
        assert not validator.is_valid({"type": "domain.paused"})


class TestOnceMore:
    def test_a_dead_letter_is_told_again(self, client: FlaskClient, database: Db) -> None:
        made, other = add(client)["id"], add(client, types=["domain.resumed"])["id"]
        [alert] = write(database, pausing(at=NOW), at=NOW)
        fan_out(database)
        fail(database, made, dead=True)
        path = f"/api/alerts/{alert.id}/redeliver"
        assert client.get(f"{AT}/{made}/deliveries?state=dead").json["items"]
        assert client.post(path).json == {"success": True, "id": alert.id, "deliveries": 1}
        assert client.get(f"{AT}/{made}/deliveries").json["items"][0]["state"] == "pending"
        refusal(client.post(f"{path}?endpoint={other}"), 409, "nothing_to_repeat")
        refusal(client.post(path, json={"endpoint": other}), 409, "nothing_to_repeat")
        refusal(client.post(f"{path}?endpoint=ep_nobody"), 404, "not_found")
        assert refusal(client.post(path, json={"endpiont": made}), 400, "bad_parameter")["parameter"] == "endpiont"
        assert client.post(path, json={"endpoint": made}).json["deliveries"] == 1
        assert client.post(path, json={}).json["deliveries"] == 1
        refusal(client.post("/api/alerts/alt_nobody/redeliver"), 404, "not_found")

    def test_a_new_endpoint_is_told_what_came_before(self, client: FlaskClient, database: Db) -> None:
        write(database, pausing(at=NOW), at=NOW - timedelta(hours=2))
        write(database, pausing(at=NOW), at=NOW - timedelta(days=2))
        fan_out(database)
        path = f"{AT}/{(made := add(client)['id'])}/replay"
        assert client.post(path, json={"since": "24h"}).json == {"success": True, "id": made, "alerts": 1}
        assert client.post(path, json={"since": "0001-01-01"}).json["alerts"] == 2
        assert len(client.get(f"{AT}/{made}/deliveries").json["items"]) == 2
        for wrong in ("yesterday", "", "2026-01-31T12:00:00", 7):
            assert refusal(client.post(path, json={"since": wrong}), 400, "bad_parameter")["parameter"] == "since"
        assert refusal(client.post(path, json={}), 400, "bad_parameter")["parameter"] == "since"


#: What can be done with an endpoint.
ACTIONS = [
    pytest.param("PATCH", "", {"description": "d"}, id="change"),
    pytest.param("DELETE", "", None, id="remove"),
    pytest.param("POST", "/rotate-secret", None, id="rotate-secret"),
    pytest.param("POST", "/test", None, id="test"),
    pytest.param("POST", "/replay", {"since": "24h"}, id="replay"),
    pytest.param("POST", "/enable", None, id="enable"),
    pytest.param("POST", "/disable", None, id="disable"),
]


class TestOwners:
    @pytest.fixture
    def acme(self, bearing: Callable[..., Headers]) -> Headers:
        return bearing("acme-token", "acme")

    def test_ones_endpoints_are_ones_own(self, client: FlaskClient, acme: Headers) -> None:
        made = add(client, acme)
        assert made["owner"] == "acme"
        refused = client.post(AT, json={"url": URL, "owner": "umbrella"}, headers=acme)
        assert refusal(refused, 400, "bad_parameter")["parameter"] == "owner"
        add(client, owner="umbrella")
        assert [one["id"] for one in client.get(AT, headers=acme).json["items"]] == [made["id"]]

    @pytest.mark.parametrize("kind", sorted(OURS))
    def test_our_credentials_are_not_theirs(self, client: FlaskClient, acme: Headers, database: Db, kind: str) -> None:
        refused = client.post(AT, json={"url": OUR_URLS[kind], "kind": kind}, headers=acme)
        refusal(refused, 403, "kind_not_yours")
        assert database.endpoints.count_documents({}) == 0
        made = add(client, url=OUR_URLS[kind], kind=kind, owner="acme")["id"]
        refusal(client.patch(f"{AT}/{made}", json={"url": OUR_URLS[kind]}, headers=acme), 403, "kind_not_yours")
        assert client.get(f"{AT}/{made}", headers=acme).status_code == 200
        assert client.patch(f"{AT}/{made}", json={"description": "d"}).status_code == 200

    @pytest.mark.parametrize("kind", sorted(OURS))
    @pytest.mark.parametrize(("method", "action", "body"), ACTIONS)
    def test_what_staff_lets_us_do_for_an_owner_is_staffs_to_have_done(
        self, client: FlaskClient, acme: Headers, database: Db, kind: str, method: str, action: str, body: Any
    ) -> None:
        made = add(client, url=OUR_URLS[kind], kind=kind, owner="acme")["id"]
        write(database, pausing(owner="acme", at=NOW), at=NOW)
        fan_out(database)
        before = [*database.endpoints.find(), *database.deliveries.find(), *database.audit.find()]
        refused = client.open(f"{AT}/{made}{action}", method=method, json=body, headers=acme)
        assert "operators" in refusal(refused, 403, "kind_not_yours")["hint"]
        assert [*database.endpoints.find(), *database.deliveries.find(), *database.audit.find()] == before
        for path in ("", "/deliveries"):
            assert client.get(f"{AT}/{made}{path}", headers=acme).status_code == 200

    def test_what_staff_made_for_an_owner_without_our_credentials_is_the_owners(
        self, client: FlaskClient, acme: Headers
    ) -> None:
        with Server(answering(204)) as receiver:
            path = f"{AT}/{add(client, url=receiver.origin, owner='acme')['id']}"
            assert client.post(f"{path}/test", headers=acme).json["delivered"]
        assert client.post(f"{path}/replay", json={"since": "24h"}, headers=acme).json["alerts"] == 0
        for action in ("disable", "enable", "rotate-secret"):
            assert client.post(f"{path}/{action}", headers=acme).status_code == 200
        assert client.patch(path, json={"description": "d"}, headers=acme).json["description"] == "d"
        assert client.delete(path, headers=acme).status_code == 200

    def test_the_values_of_staffs_headers_can_not_be_led_elsewhere(self, client: FlaskClient, acme: Headers) -> None:
        path = f"{AT}/{add(client, owner='acme', headers={'X-Key': 't0psecret'})['id']}"
        with Server(answering(204)) as thief:
            told = refusal(client.patch(path, json={"url": thief.origin}, headers=acme), 400, "bad_parameter")
            assert told["parameter"] == "headers"
            client.patch(path, json={"url": thief.origin, "headers": {}}, headers=acme)
            assert client.post(f"{path}/test", headers=acme).json["delivered"]
        assert "X-Key" not in thief.asked[0].headers

    def test_telling_again_reaches_ones_own_endpoints_only(
        self, client: FlaskClient, acme: Headers, database: Db
    ) -> None:
        own, all_of_them = add(client, acme)["id"], add(client)["id"]
        [alert] = write(database, pausing(owner="acme", at=NOW), at=NOW)
        fan_out(database)
        for endpoint in (own, all_of_them):
            fail(database, endpoint, dead=True)
        path = f"/api/alerts/{alert.id}/redeliver"
        refusal(client.post(f"{path}?endpoint={all_of_them}", headers=acme), 404, "not_found")
        assert client.post(path, headers=acme).json["deliveries"] == 1
        states = {row["endpoint"]: row["state"] for row in client.get(f"/api/alerts/{alert.id}").json["deliveries"]}
        assert states == {own: "pending", all_of_them: "dead"}
        assert [row["endpoint"] for row in client.get(f"/api/alerts/{alert.id}", headers=acme).json["deliveries"]] == [
            own
        ]
        assert Endpoints(database, Clock().now).get(own).state is State.FAILING

    def test_telling_again_does_not_use_our_credentials(self, client: FlaskClient, acme: Headers, database: Db) -> None:
        ours = add(client, url=OUR_URLS["sns"], kind="sns", owner="acme")["id"]
        own = add(client, acme)["id"]
        [alert] = write(database, pausing(owner="acme", at=NOW), at=NOW)
        fan_out(database)
        for endpoint in (ours, own):
            fail(database, endpoint, dead=True)
        path = f"/api/alerts/{alert.id}/redeliver"
        refusal(client.post(f"{path}?endpoint={ours}", headers=acme), 403, "kind_not_yours")
        assert client.post(path, headers=acme).json["deliveries"] == 1
        states = {row["endpoint"]: row["state"] for row in client.get(f"/api/alerts/{alert.id}").json["deliveries"]}
        assert states == {own: "pending", ours: "dead"}
        assert client.post(path).json["deliveries"] == 2

    def test_telling_again_reaches_nobody_who_has_no_endpoint(
        self, client: FlaskClient, acme: Headers, database: Db
    ) -> None:
        made = add(client)["id"]
        [alert] = write(database, pausing(owner="acme", at=NOW), at=NOW)
        fan_out(database)
        fail(database, made, dead=True)
        refusal(client.post(f"/api/alerts/{alert.id}/redeliver", headers=acme), 409, "nothing_to_repeat")
        assert client.get(f"{AT}/{made}/deliveries").json["items"][0]["state"] == "dead"
