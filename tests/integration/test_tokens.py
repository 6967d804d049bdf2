"""Tokens on a real MongoDB, and at the command line."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from tests.integration.conftest import Run
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.tokens import Tokens
from webhook.domain.tokens import Bearer, Scope, digest_of
from webhook.errors import Conflict, NotFound
from webhook.tokens import Bearers, TokenDesk

pytestmark = pytest.mark.mongo
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def tokens(database: Database[dict[str, Any]]) -> Tokens:
    ensure_indexes(database)
    return Tokens(database)


@pytest.fixture
def desk(tokens: Tokens) -> TokenDesk:
    drawn = iter(range(1_000_000))
    return TokenDesk(tokens, lambda: NOW, lambda count: next(drawn).to_bytes(count, "big"))


class TestKeeping:
    def test_a_token_is_stored_as_its_digest(self, desk: TokenDesk, database: Database[dict[str, Any]]) -> None:
        token, _ = desk.create("shop", "acme", "read,send")
        assert database.tokens.find_one() == {
            "_id": "shop",
            "digest": digest_of(token),
            "owner": "acme",
            "scopes": ["read", "send"],
            "createdAt": NOW,
            "revokedAt": None,
        }

    def test_it_is_found_by_its_digest_until_it_is_revoked(self, desk: TokenDesk, tokens: Tokens) -> None:
        token, record = desk.create("shop", None, "read")
        assert tokens.find(digest_of(token)) == record
        assert tokens.any()
        desk.revoke("shop")
        assert tokens.find(digest_of(token)) is None
        assert not tokens.any()

    def test_all_are_told_by_name_with_what_became_of_them(self, desk: TokenDesk, tokens: Tokens) -> None:
        desk.create("shop", None, "read")
        desk.create("ann", "acme", "read")
        desk.revoke("shop")
        assert [(one.name, one.revoked_at) for one in tokens.all()] == [("ann", None), ("shop", NOW)]

    def test_a_name_is_used_once(self, desk: TokenDesk, tokens: Tokens) -> None:
        token, _ = desk.create("shop", None, "read")
        with pytest.raises(Conflict, match="another name"):
            desk.create("shop", "acme", "send")
        assert tokens.find(digest_of(token)) is not None
        assert len(tokens.all()) == 1

    def test_revoking_again_changes_nothing(self, desk: TokenDesk, tokens: Tokens) -> None:
        desk.create("shop", None, "read")
        desk.revoke("shop")
        assert tokens.revoke("shop", NOW + timedelta(days=1)).revoked_at == NOW

    def test_what_is_not_there_cannot_be_revoked(self, desk: TokenDesk) -> None:
        with pytest.raises(NotFound, match="'nobody'"):
            desk.revoke("nobody")

    def test_the_last_use_never_goes_back(self, desk: TokenDesk, tokens: Tokens) -> None:
        desk.create("shop", None, "read")
        tokens.note_use("shop", NOW + timedelta(hours=1))
        tokens.note_use("shop", NOW)
        assert tokens.all()[0].last_used_at == NOW + timedelta(hours=1)

    def test_each_change_is_audited_once(self, desk: TokenDesk, database: Database[dict[str, Any]]) -> None:
        desk.create("shop", "acme", "read,send")
        with pytest.raises(Conflict):
            desk.create("shop", None, "read")
        desk.revoke("shop")
        desk.revoke("shop")
        rows = list(database.audit.find({}, {"_id": 0, "action": 1, "owner": 1, "who": 1}).sort("_id"))
        assert rows == [
            {"action": "token.created", "who": "operator", "owner": "acme"},
            {"action": "token.revoked", "who": "operator", "owner": "acme"},
        ]

    def test_whoever_bears_it_is_known(self, desk: TokenDesk, tokens: Tokens) -> None:
        token, record = desk.create("shop", "acme", "read,send")
        seconds = iter(range(1000))
        bearers = Bearers([], tokens, lambda: NOW, lambda: float(next(seconds)))
        assert bearers.bearer(token) == Bearer("shop", record.digest, frozenset({Scope.READ, Scope.SEND}), "acme")
        assert tokens.all()[0].last_used_at == NOW


class TestCommand:
    @pytest.fixture
    def run(self, run: Run, tokens: Tokens) -> Run:
        del tokens  # it makes the indexes
        return lambda *arguments: run("tokens", *arguments)

    def test_a_token_is_printed_once_and_alone(self, run: Any, tokens: Tokens) -> None:
        code, out, _ = run("create", "shop", "--owner", "acme")
        assert code == 0
        assert out.startswith("sst_")
        (record,) = tokens.all()
        assert record.digest == digest_of(out.strip())
        assert (record.owner, record.scopes) == ("acme", {Scope.READ, Scope.WRITE, Scope.SEND})
        assert out.strip() not in run("list")[1] + run("list", "--json")[1]

    def test_json(self, run: Any) -> None:
        made = json.loads(run("create", "shop", "--scopes", "admin", "--json")[1])
        assert made["token"].startswith("sst_")
        assert (made["name"], made["owner"], made["scopes"], made["revokedAt"]) == ("shop", None, ["admin"], None)
        (listed,) = json.loads(run("list", "--json")[1])["items"]
        assert "token" not in listed
        assert "digest" not in listed
        assert json.loads(run("revoke", "shop", "--json")[1])["revokedAt"] is not None

    def test_they_are_listed(self, run: Any) -> None:
        assert "No token was made yet" in run("list")[1]
        run("create", "shop", "--owner", "acme", "--scopes", "read")
        run("create", "ops2")
        lines = run("list")[1].splitlines()
        assert lines[0].split() == ["NAME", "OWNER", "SCOPES", "CREATED", "LAST", "USED", "REVOKED"]
        assert lines[1].split()[:3] == ["ops2", "(all)", "read,write,send"]
        assert lines[2].split()[:3] == ["shop", "acme", "read"]

    def test_it_is_revoked_for_good(self, run: Any) -> None:
        run("create", "shop")
        code, out, _ = run("revoke", "shop")
        assert (code, out) == (0, "shop is revoked: within 5 seconds it lets nobody in any more.\n")
        assert run("create", "shop")[0] == 1

    @pytest.mark.parametrize(
        ("arguments", "code", "told"),
        [
            (("create", "a b"), 2, "name must be"),
            (("create", "shop", "--scopes", "everything"), 2, "scopes must list some of read, write, send, admin"),
            (("create", "shop", "--owner", "acme", "--scopes", "admin"), 2, "without an owner"),
            (("create", "ops"), 1, "API_TOKENS has a token named 'ops'"),
            (("revoke", "nobody"), 1, "no token is named 'nobody'"),
        ],
    )
    def test_what_goes_wrong_is_told(self, run: Any, arguments: tuple[str, ...], code: int, told: str) -> None:
        found, out, err = run(*arguments)
        assert (found, out) == (code, "")
        assert told in err
