"""Alerts and their endpoints through the API, on a real MongoDB, with receivers on this machine."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import jsonschema_rs
import pytest
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
from webhook.domain.endpoints import State
from webhook.web.api.endpoints import OURS

pytestmark = pytest.mark.mongo
Db = Database[dict[str, Any]]
Headers = dict[str, str]
URL = "https://127.0.0.1:9/alerts"
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

    def test_headers_are_shown_without_their_values(self, client: FlaskClient) -> None:
        made = add(client, headers={"X-Key": "t0psecret"})
        assert made["headers"] == {"X-Key": "…"}
        assert "t0psecret" not in client.get(AT).text
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
        urls = {
            "sns": "arn:aws:sns:eu-north-1:123456789012:alerts",
            "sqs": "https://sqs.eu-north-1.amazonaws.com/123456789012/alerts",
            "eventbridge": "arn:aws:events:eu-north-1:123456789012:event-bus/default",
            "email": "mailto:operations@example.com",
        }
        refused = client.post(AT, json={"url": urls[kind], "kind": kind}, headers=acme)
        refusal(refused, 403, "kind_not_yours")
        assert database.endpoints.count_documents({}) == 0
        made = add(client, url=urls[kind], kind=kind, owner="acme")["id"]
        refusal(client.patch(f"{AT}/{made}", json={"url": urls[kind]}, headers=acme), 403, "kind_not_yours")
        assert client.get(f"{AT}/{made}", headers=acme).status_code == 200
        assert client.patch(f"{AT}/{made}", json={"description": "d"}).status_code == 200

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

    def test_telling_again_reaches_nobody_who_has_no_endpoint(
        self, client: FlaskClient, acme: Headers, database: Db
    ) -> None:
        made = add(client)["id"]
        [alert] = write(database, pausing(owner="acme", at=NOW), at=NOW)
        fan_out(database)
        fail(database, made, dead=True)
        refusal(client.post(f"/api/alerts/{alert.id}/redeliver", headers=acme), 409, "nothing_to_repeat")
        assert client.get(f"{AT}/{made}/deliveries").json["items"][0]["state"] == "dead"
