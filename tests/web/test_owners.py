"""Two owners on every route there is: neither sees nor touches what is the other's, nor learns that it exists."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.alerting import endpoint
from tests.telling import NOW, Teller, payload
from webhook.adapters.mongo.deliveries import delivery_document
from webhook.adapters.mongo.endpoints import endpoint_document
from webhook.adapters.mongo.outbox import alert_document
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import Alert
from webhook.domain.tokens import ALL_SCOPES, Scope
from webhook.web.api import OPERATIONS

pytestmark = pytest.mark.mongo
Headers = dict[str, str]

OWN, FOREIGN, UNKNOWN = "owned.example", "rival.example", "ghost.example"
#: What stands in a path for one of one's own, of somebody else's, and of nobody's; all equally long.
NAMES = {
    "domain": (OWN, FOREIGN, UNKNOWN),
    "mail_id": ("mail-own", "mail-his", "mail-not"),
    "identity": ("a" * 32, "b" * 32, "c" * 32),
}
#: A good body of each route that takes one, for a domain.
BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "add_email_domain": lambda domain: {"domain": domain},
    "change_email_domain": lambda _: {"maxAccounts": 7},
    "pause": lambda _: {"why": "asked for"},
    "resume": lambda _: {"why": "asked for"},
    "send": lambda domain: {"from": f"shop@{domain}", "to": ["ann@example.net"], "subject": "s", "text": "t"},
    "suppress": lambda domain: {"address": "new@example.net", "reason": "manual", "domain": domain},
    "check": lambda domain: {"addresses": ["kept@example.net"], "domain": domain},
    "add_alert_endpoint": lambda domain: {"url": "https://192.0.2.1/", "domains": [domain]},
    "change_alert_endpoint": lambda _: {"description": "another"},
    "replay_alerts": lambda _: {"since": "24h"},
}
#: Lists that are of one's own domains only, and what is of all owners.
LISTS = {"email_domains", "suppressions", "alerts", "alert_endpoints", "costs", "gaps", "shares"}
OF_ALL = {"quarantine", "quarantined", "drop", "replay", "audit"}
OPEN = {"openapi", "docs"}
#: Nobody's: what the account of all may send, and what alerts look like.
SHARED = {"quota", "account", "alert_types", "readings"}
#: The domain is in the body.
IN_BODY = {"add_email_domain", "suppress", "check"}
#: What is made for oneself, whatever domains it names: it gets nothing of what is another's.
OF_ONESELF = {"add_alert_endpoint"}


#: Routes of alerts that only look.
READ = ("alert", "alert_endpoint", "alert_deliveries")
AT = "/api/alert-endpoints"


def routes(app: Any) -> Iterator[tuple[str, str, str]]:
    """Name, method and path of every route of the API."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api"):
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield rule.endpoint.removeprefix("api."), method, rule.rule


def path_of(rule: str, which: int) -> str:
    for name, values in NAMES.items():
        rule = rule.replace(f"<{name}>", values[which])
    return rule


@pytest.fixture(autouse=True)
def _two_owners(database: Database[dict[str, Any]], teller: Teller) -> None:
    """Each has a domain with a mail, an entry on the suppression list, an endpoint, and an alert that is for it.

    One message is in quarantine.
    """
    for domain, owner, mail, entry in zip(
        (OWN, FOREIGN), ("acme", "umbrella"), NAMES["mail_id"], NAMES["identity"], strict=False
    ):
        aws = {"registered": True, "verificationStatus": "success", "verifiedForSending": True, "dkimRecords": []}
        database.emaildomains.insert_one(
            {"domain": domain, "owner": owner, "createdAt": NOW, "maxAccounts": 5, "awsSes": aws}
        )
        teller.tell(payload("Send", mail, domain=domain))
        place = {"address": "kept@example.net", "key": "kept@example.net", "scope": "domain", "domain": domain}
        told = {"reason": "manual", "source": {"by": owner}, "expiresAt": None, "note": None, "causes": []}
        database.suppressions.insert_one({"_id": entry, **place, "owner": None, **told, "createdAt": NOW})
        row = {"domain": domain, "at": NOW, "aspect": "identity", "from": "pending", "to": "success"}
        database.verifications.insert_one({**row, "cause": {"kind": "poll", "detail": ""}})
        told = Alert(entry, AlertType.PAUSED, NOW, domain, owner, 1, {"domain": domain, "owner": owner})
        database.alerts.insert_one(alert_document(told, NOW) | {"fanned": True})
        receiver = endpoint(entry, f"https://{domain}/alerts", owner=owner)
        database.endpoints.insert_one(endpoint_document(receiver))
        database.deliveries.insert_one(delivery_document(alert_document(told, NOW), entry, NOW))
    teller.tell("not json")
    teller.post()


@pytest.fixture
def acme(bearing: Callable[..., Headers]) -> Headers:
    return bearing("acme-token", "acme")


def everything_of(database: Database[dict[str, Any]], word: str) -> list[Any]:
    """Every document that has this word in it."""
    names = sorted(set(database.list_collection_names()) - {"tokens"})
    return [document for name in names for document in database[name].find().sort("_id") if word in repr(document)]


def test_every_route_is_probed(stranger: FlaskClient) -> None:
    names = {name for name, _, _ in routes(stranger.application)}
    assert names == {name.removeprefix("api.") for name in OPERATIONS}
    by_path = {name for name, _, rule in routes(stranger.application) if any(f"<{one}>" in rule for one in NAMES)}
    assert names == by_path | LISTS | OF_ALL | OPEN | SHARED | IN_BODY | OF_ONESELF
    bodies = {name for name in names if OPERATIONS[f"api.{name}"].body is not None}
    assert bodies == set(BODIES)


def test_what_is_anothers_is_answered_like_what_is_nobodys(
    stranger: FlaskClient, acme: Headers, database: Database[dict[str, Any]]
) -> None:
    before = everything_of(database, FOREIGN)
    for name, method, rule in routes(stranger.application):
        if name in OF_ALL | OPEN | SHARED | LISTS | OF_ONESELF | {"add_email_domain"}:
            continue
        answers = []
        for which, domain in ((1, FOREIGN), (2, UNKNOWN)):
            body = BODIES[name](domain) if name in BODIES else None
            response = stranger.open(path_of(rule, which), method=method, json=body, headers=acme)
            text = response.text
            for values in NAMES.values():
                text = text.replace(values[which], "X")
            headers = {key: value for key, value in response.headers if key != "Date"}
            answers.append((response.status_code, text, headers))
        assert answers[0] == answers[1], name
        assert answers[0][0] == 404, name
    assert everything_of(database, FOREIGN) == before


def test_lists_tell_of_ones_own_only(stranger: FlaskClient, acme: Headers) -> None:
    for path in ("/api/email-domains", "/api/email-domains?q=example", "/api/suppressions", "/api/alerts", AT):
        response = stranger.get(path, headers=acme)
        assert response.status_code == 200
        assert OWN in response.text
        assert FOREIGN not in response.text
        assert "umbrella" not in response.text
    for path in ("/api/suppressions", "/api/alerts", AT, f"{AT}/{'a' * 32}/deliveries"):
        [one] = stranger.get(path, headers=acme).json["items"]
        assert "a" * 32 in (one.get("id"), one.get("endpoint"))
    for domain in (FOREIGN, UNKNOWN):
        assert stranger.get(f"/api/suppressions?domain={domain}", headers=acme).status_code == 404
        assert stranger.get(f"/api/alerts?domain={domain}", headers=acme).json == {"items": [], "nextCursor": None}


def test_what_is_of_all_owners_is_for_those_without_one(
    stranger: FlaskClient, bearing: Callable[..., Headers], database: Database[dict[str, Any]]
) -> None:
    headers = bearing("admin-of-acme", "acme")
    database.tokens.update_one({"_id": "admin-of-acme"}, {"$push": {"scopes": "admin"}})
    for name, method, rule in routes(stranger.application):
        if name in OF_ALL:
            response = stranger.open(path_of(rule, 0), method=method, headers=headers)
            assert (response.status_code, response.json["code"]) == (403, "owner_bound"), name


def test_ones_own_is_reached(stranger: FlaskClient, acme: Headers) -> None:
    for name in ("email_domain", "reputation", "events", "zone", "verifications", "mail", *READ):
        operation = OPERATIONS[f"api.{name}"]
        response = stranger.open(f"/api{path_of(operation.rule, 0)}", headers=acme)
        assert response.status_code == 200, name
    for name in SHARED:
        assert stranger.get(f"/api{OPERATIONS[f'api.{name}'].rule}", headers=acme).status_code == 200
    assert stranger.delete(f"/api/suppressions/{'a' * 32}", headers=acme).status_code == 200


def test_ones_own_endpoint_is_led_and_told_by_oneself(stranger: FlaskClient, acme: Headers) -> None:
    own = "a" * 32
    for name in ("change_alert_endpoint", "replay_alerts", "redeliver", "enable_alert_endpoint"):
        operation = OPERATIONS[f"api.{name}"]
        body = BODIES[name](OWN) if name in BODIES else None
        response = stranger.open(f"/api{path_of(operation.rule, 0)}", method=operation.method, json=body, headers=acme)
        assert response.status_code == 200, name
    # Whoever names another's domain hears of it no more than before.
    domains = {"domains": [FOREIGN]}
    assert stranger.patch(f"{AT}/{own}", json=domains, headers=acme).status_code == 200
    replayed = stranger.post(f"{AT}/{own}/replay", json={"since": "0001-01-01"}, headers=acme)
    assert replayed.json == {"success": True, "id": own, "alerts": 0}
    assert stranger.delete(f"{AT}/{own}", headers=acme).status_code == 200


def test_a_domain_is_added_for_oneself_only(
    stranger: FlaskClient, acme: Headers, database: Database[dict[str, Any]]
) -> None:
    refused = stranger.post("/api/email-domains", json={"domain": "new.example", "owner": "umbrella"}, headers=acme)
    assert (refused.status_code, refused.json["parameter"]) == (400, "owner")
    assert stranger.post("/api/email-domains", json={"domain": "new.example"}, headers=acme).status_code == 201
    assert (database.emaildomains.find_one({"domain": "new.example"}) or {})["owner"] == "acme"


@pytest.mark.parametrize("domain", [FOREIGN, f"mail.{FOREIGN}", f"a.b.{FOREIGN}"])
def test_a_domain_of_anothers_is_not_available(
    stranger: FlaskClient, acme: Headers, database: Database[dict[str, Any]], domain: str
) -> None:
    before = everything_of(database, FOREIGN)
    response = stranger.post("/api/email-domains", json={"domain": domain}, headers=acme)
    assert (response.status_code, response.json["code"]) == (409, "domain_taken")
    assert "umbrella" not in response.text
    assert everything_of(database, FOREIGN) == before


def test_a_domain_is_not_given_away(stranger: FlaskClient, acme: Headers, database: Database[dict[str, Any]]) -> None:
    for owner in ("umbrella", None):
        response = stranger.patch(f"/api/email-domains/{OWN}", json={"owner": owner}, headers=acme)
        assert (response.status_code, response.json["parameter"]) == (400, "owner")
    assert (database.emaildomains.find_one({"domain": OWN}) or {})["owner"] == "acme"


def test_every_route_wants_its_scope_and_no_other_will_do(
    stranger: FlaskClient, bearing: Callable[..., Headers]
) -> None:
    lacking = {scope: bearing(f"all-but-{scope}", scopes=",".join(ALL_SCOPES - {scope})) for scope in Scope}
    for name, method, rule in routes(stranger.application):
        if name in OPEN:
            continue
        scope = OPERATIONS[f"api.{name}"].scope
        assert scope is not None
        body = BODIES[name](OWN) if name in BODIES else None
        response = stranger.open(path_of(rule, 0), method=method, json=body, headers=lacking[scope])
        assert (response.status_code, response.json["code"]) == (403, "scope_missing"), name
        assert f"scope {scope}" in response.json["detail"]


def test_reading_wants_read_and_writing_something_else() -> None:
    for operation in OPERATIONS.values():
        if operation.scope is Scope.READ:
            assert operation.method == "GET" or operation.rule.endswith("/check")
        if operation.scope in (Scope.WRITE, Scope.SEND):
            assert operation.method != "GET"


def test_every_route_but_the_documentation_wants_a_token(stranger: FlaskClient) -> None:
    for name, method, rule in routes(stranger.application):
        response = stranger.open(path_of(rule, 0), method=method)
        assert response.status_code == (200 if name in OPEN else 401), name
