"""Two owners on every route there is: neither sees nor touches what is the other's, nor learns that it exists."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.telling import NOW, Teller, payload
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
}
#: Lists that are of one's own domains only, and what is of all owners.
LISTS = {"email_domains", "suppressions"}
OF_ALL = {"quarantine", "quarantined", "drop", "replay", "audit"}
OPEN = {"openapi", "docs"}
#: Neither is anybody's: what the account of all may send.
SHARED = {"quota", "account"}
#: The domain is in the body.
IN_BODY = {"add_email_domain", "suppress", "check"}


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
    """Each has a domain with a mail and an entry on the suppression list; one message is in quarantine."""
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
    assert names == by_path | LISTS | OF_ALL | OPEN | SHARED | IN_BODY
    bodies = {name for name in names if OPERATIONS[f"api.{name}"].body is not None}
    assert bodies == set(BODIES)


def test_what_is_anothers_is_answered_like_what_is_nobodys(
    stranger: FlaskClient, acme: Headers, database: Database[dict[str, Any]]
) -> None:
    before = everything_of(database, FOREIGN)
    for name, method, rule in routes(stranger.application):
        if name in OF_ALL | OPEN | SHARED | LISTS | {"add_email_domain"}:
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
    for path in ("/api/email-domains", "/api/email-domains?q=example", "/api/suppressions"):
        response = stranger.get(path, headers=acme)
        assert response.status_code == 200
        assert OWN in response.text
        assert FOREIGN not in response.text
        assert "umbrella" not in response.text
    assert [one["id"] for one in stranger.get("/api/suppressions", headers=acme).json["items"]] == ["a" * 32]
    for domain in (FOREIGN, UNKNOWN):
        assert stranger.get(f"/api/suppressions?domain={domain}", headers=acme).status_code == 404


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
    for name in ("email_domain", "reputation", "events", "zone", "verifications", "mail"):
        operation = OPERATIONS[f"api.{name}"]
        response = stranger.open(f"/api{path_of(operation.rule, 0)}", headers=acme)
        assert response.status_code == 200, name
    for name in SHARED:
        assert stranger.get(f"/api{OPERATIONS[f'api.{name}'].rule}", headers=acme).status_code == 200
    assert stranger.delete(f"/api/suppressions/{'a' * 32}", headers=acme).status_code == 200


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
