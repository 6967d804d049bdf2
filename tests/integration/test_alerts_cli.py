"""`alerts` on a real MongoDB, with a receiver on this machine."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.alerting import pausing, prepare, write
from tests.loopback import Server, answering
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.sealing import Sealer
from webhook.cli import main
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import Alert
from webhook.domain.deliveries import Attempt

pytestmark = pytest.mark.mongo
Run = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC).replace(microsecond=0)
URL = "https://127.0.0.1:9/"


@pytest.fixture
def db(database: Db) -> Db:
    prepare(database)
    return database


@pytest.fixture
def run(mongodb_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `alerts`; gives its exit code and what it printed on standard output and standard error."""
    monkeypatch.setenv("MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    monkeypatch.setenv("ALERT_ALLOW_NETWORKS", "127.0.0.0/8")
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(("alerts", *arguments))
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


def told(run: Run, *arguments: str) -> Any:
    """What a command prints as JSON; it did what was asked."""
    code, out, err = run(*arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def happened(db: Db, domain: str | None = "example.com", at: datetime = NOW) -> Alert:
    """An alert that was handed to the endpoints there are."""
    [alert] = write(db, pausing(domain, at=at), at=at)
    FanOut(db, Clock().now).fan_out()
    return alert


def given_up(db: Db, endpoint: str) -> None:
    """What is due there fails for the last time."""
    deliveries = Deliveries(db, Clock().now)
    [claim] = deliveries.claim(Endpoints(db, Clock().now).get(endpoint), 1, lambda _: None)
    deliveries.failed(claim, Attempt(1, NOW, 12, 500, "it answered 500"), None, gone=True)


class TestEndpoints:
    def test_one_is_made_shown_and_removed(self, run: Run, db: Db) -> None:
        assert run("endpoints", "list")[:2] == (0, "Nobody is told yet.\n")
        given = ("--types", "domain.*, quota.*", "--domains", "Example.com", "--description", "billing")
        code, secret, err = run("endpoints", "add", URL, *given, "--owner", "acme")
        assert code == 0
        assert secret.startswith("whsec_")
        assert len(secret.split()) == 1
        assert "told this once" in err
        [item] = told(run, "endpoints", "list")["items"]
        assert item["id"] in err
        assert (item["types"], item["domains"], item["owner"]) == (["domain.*", "quota.*"], ["example.com"], "acme")
        assert told(run, "endpoints", "show", item["id"]) == item
        code, out, _ = run("endpoints", "show", item["id"])
        assert out.splitlines()[0] == f"active {item['id']}"
        assert "types        domain.*, quota.*" in out
        code, out, _ = run("endpoints", "list")
        assert out.splitlines()[1].split()[:5] == [item["id"], "active", "webhook", "domain.*,quota.*", "acme"]
        assert secret.strip() not in out
        assert run("endpoints", "remove", item["id"])[:2] == (0, f"{item['id']} removed\n")
        code, _, err = run("endpoints", "remove", item["id"])
        assert (code, len(err.splitlines())) == (1, 1)
        assert db.endpoints.count_documents({}) == 0

    def test_what_is_wrong_is_a_matter_of_usage(self, run: Run, db: Db) -> None:
        for given, word in ((("http://10.0.0.1/",), "url"), ((URL, "--types", "domain.pausd"), "types")):
            code, _, err = run("endpoints", "add", *given)
            assert code == 2
            assert word in err.splitlines()[-1]
        assert run("endpoints", "add", URL, "--kind", "pigeon")[0] == 2
        assert db.endpoints.count_documents({}) == 0

    def test_without_a_key_it_is_said_which(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SECRET_KEY")
        code, _, err = run("endpoints", "add", URL)
        assert code == 1
        assert err.startswith("SECRET_KEY")
        assert len(err.splitlines()) == 1

    def test_chat_has_no_secret(self, run: Run) -> None:
        code, out, _ = run("endpoints", "add", URL, "--kind", "slack")
        assert code == 0
        assert out.startswith("ep_")
        assert run("endpoints", "rotate-secret", out.strip())[0] == 2

    def test_a_new_secret_is_told_once(self, run: Run) -> None:
        made = told(run, "endpoints", "add", URL)
        assert run("endpoints", "rotate-secret", made["id"])[1].startswith("whsec_")
        again = told(run, "endpoints", "rotate-secret", made["id"])
        assert again["secret"] != made["secret"]
        assert again | {"secret": ""} == made | {"secret": ""}

    def test_of_a_key_pair_the_public_half_is_told(self, run: Run) -> None:
        code, out, err = run("endpoints", "add", URL, "--signing", "ed25519")
        assert (code, out.startswith("whpk_"), "is verified with" in err) == (0, True, True)
        [item] = told(run, "endpoints", "list")["items"]
        assert (item["signing"], item["publicKey"]) == ("ed25519", out.strip())
        assert out.strip() in run("endpoints", "show", item["id"])[1]
        again = told(run, "endpoints", "rotate-secret", item["id"])
        assert (again["signing"], "secret" in again, again["publicKey"] != out.strip()) == ("ed25519", False, True)
        assert run("endpoints", "rotate-secret", item["id"])[1].startswith("whpk_")
        code, _, err = run("endpoints", "add", URL, "--kind", "slack", "--signing", "ed25519")
        assert (code, "signing" in err.splitlines()[-1]) == (2, True)

    def test_a_secret_that_leaked_is_replaced_at_once(self, run: Run, db: Db) -> None:
        made = told(run, "endpoints", "add", URL)
        told(run, "endpoints", "rotate-secret", made["id"], "--overlap", "0s")
        [secret] = db.endpoints.find_one({"_id": made["id"]})["secrets"]
        assert Sealer(["k" * 32]).open(secret["sealed"]) != made["secret"]
        code, _, err = run("endpoints", "rotate-secret", made["id"], "--overlap", "soon")
        assert (code, "overlap" in err.splitlines()[-1]) == (2, True)

    @pytest.mark.parametrize(("status", "code", "word"), [(204, 0, "delivered"), (500, 1, "not delivered")])
    def test_it_is_tried_out(self, run: Run, status: int, code: int, word: str) -> None:
        with Server(answering(status)) as receiver:
            made = told(run, "endpoints", "add", receiver.origin)["id"]
            got, out, _ = run("endpoints", "test", made)
            said, as_json, _ = run("endpoints", "test", made, "--json")
        assert (got, said) == (code, code)
        assert out.startswith(f"{word} in ")
        assert str(status) in out
        assert json.loads(as_json)["status"] == status
        assert len(receiver.asked) == 2

    def test_a_disabled_one_is_enabled(self, run: Run, db: Db) -> None:
        made = told(run, "endpoints", "add", URL)["id"]
        happened(db)
        given_up(db, made)
        assert f"disabled (it answered 410: it is gone for good)  {'webhook'}" in run("endpoints", "list")[1]
        assert run("endpoints", "enable", made)[1].splitlines()[0] == f"active {made}"
        assert told(run, "endpoints", "enable", made)["state"] == "active"

    @pytest.mark.parametrize("group", [(), ("endpoints",)], ids=["alerts disable", "alerts endpoints disable"])
    def test_a_person_disables_and_enables_it(self, run: Run, db: Db, group: tuple[str, ...]) -> None:
        made = told(run, "endpoints", "add", URL)["id"]
        code, out, _ = run(*group, "disable", made, "--why", "moving house")
        assert code == 0
        who = db.audit.find_one({"action": "endpoint.disabled"})["who"]
        assert who.startswith("cli")
        assert out.splitlines()[0] == f"disabled {made}: disabled by {who}: moving house"
        assert f"disabled (disabled by {who}: moving house)" in run("endpoints", "list")[1]
        item = told(run, *group, "disable", made)
        assert (item["state"], item["why"]) == ("disabled", f"disabled by {who}: moving house")
        assert told(run, *group, "enable", made)["state"] == "active"
        assert {row["who"] for row in db.audit.find()} == {who}

    @pytest.mark.parametrize("group", [(), ("endpoints",)], ids=["alerts change", "alerts endpoints change"])
    def test_it_is_changed_as_far_as_is_said(self, run: Run, db: Db, group: tuple[str, ...]) -> None:
        made = told(run, "endpoints", "add", URL, "--domains", "a.example", "--description", "billing")
        given = ("--url", f"{URL}new", "--types", "domain.*, quota.*", "--rate", "5", "--format", "cloudevents")
        changed = told(run, *group, "change", made["id"], *given)
        assert (changed["url"], changed["types"]) == (f"{URL}new", ["domain.*", "quota.*"])
        assert (changed["rate"], changed["format"]) == (5.0, "cloudevents")
        assert (changed["domains"], changed["description"]) == (["a.example"], "billing")
        given = ("--domains", "", "--description", "", "--rate", "none")
        again = told(run, *group, "change", made["id"], *given)
        assert (again["domains"], again["description"], again["rate"]) == ([], "", None)
        assert again["types"] == changed["types"]
        assert run(*group, "change", made["id"], "--types", "*")[1].splitlines()[0] == f"active {made['id']}"
        assert db.audit.count_documents({"action": "endpoint.changed"}) == 3

    def test_a_change_that_is_none_or_wrong_is_a_matter_of_usage(self, run: Run, db: Db) -> None:
        made = told(run, "endpoints", "add", URL)["id"]
        for given, word in (
            ((), "--url, --types"),
            (("--url", "http://10.0.0.1/"), "url"),
            (("--rate", "0"), "rate"),
            (("--rate", "1e-300"), "rate"),
            (("--rate", "many"), "--rate"),
            (("--types", "domain.pausd"), "types"),
        ):
            code, _, err = run("change", made, *given)
            assert (code, word in err.splitlines()[-1]) == (2, True)
        assert db.audit.count_documents({"action": "endpoint.changed"}) == 0

    def test_the_address_of_a_chat_is_told_once(self, run: Run) -> None:
        url = "https://127.0.0.1:9/services/T000/verysecret9xQ"
        made = told(run, "endpoints", "add", url, "--kind", "slack")
        assert made["url"] == url
        for command in (("list",), ("list", "--json"), ("show", made["id"]), ("disable", made["id"])):
            out = run("endpoints", *command)[1]
            assert "https://127.0.0.1:9/…9xQ" in out
            assert "verysecret" not in out

    def test_what_came_before_is_told(self, run: Run, db: Db) -> None:
        happened(db, at=NOW - timedelta(hours=2))
        happened(db, at=NOW - timedelta(days=3))
        made = told(run, "endpoints", "add", URL)["id"]
        assert told(run, "endpoints", "replay", made, "--since", "1d")["alerts"] == 1
        assert run("endpoints", "replay", made, "--since", "0001-01-01")[:2] == (
            0,
            f"{made} gets again, in alerts: 2\n",
        )
        assert run("endpoints", "replay", made, "--since", "yesterday")[0] == 2
        assert len(told(run, "endpoints", "deliveries", made)["items"]) == 2

    @pytest.mark.parametrize("action", ["show", "remove", "enable", "disable", "rotate-secret", "test", "deliveries"])
    def test_one_that_is_not_there_is_named(self, run: Run, db: Db, action: str) -> None:
        del db
        code, _, err = run("endpoints", action, "ep_nobody")
        assert (code, err) == (1, "no alert endpoint 'ep_nobody'\n")


class TestANewKey:
    def test_all_is_encrypted_anew_and_then_the_old_key_may_go(
        self, run: Run, db: Db, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, new = "k" * 32, "n" * 32
        made = told(run, "endpoints", "add", URL)
        monkeypatch.setenv("SECRET_KEY", f"{new},{old}")
        assert run("reseal")[:2] == (0, "encrypted anew: 1; were already with the newest key: 0\n")
        monkeypatch.setenv("SECRET_KEY", new)
        assert told(run, "reseal") == {"success": True, "renewed": 0, "kept": 1, "unreadable": []}
        [secret] = db.endpoints.find_one({"_id": made["id"]})["secrets"]
        assert Sealer([new]).open(secret["sealed"]) == made["secret"]

    def test_what_no_key_opens_is_named(self, run: Run, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
        del db
        made = told(run, "endpoints", "add", URL)["id"]
        monkeypatch.setenv("SECRET_KEY", "n" * 32)
        code, out, err = run("reseal")
        assert (code, made in err, len(err.splitlines())) == (1, True, 1)
        assert out == "encrypted anew: 0; were already with the newest key: 0\n"
        code, out, _ = run("reseal", "--json")
        assert (code, json.loads(out)["unreadable"]) == (1, [made])

    def test_without_secrets_no_key_is_missed(self, run: Run, db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
        del db
        monkeypatch.delenv("SECRET_KEY")
        assert run("reseal")[0] == 0


class TestAlerts:
    def test_they_are_listed_and_narrowed_down(self, run: Run, db: Db) -> None:
        assert run("list")[:2] == (0, "There is no such alert.\n")
        first, second = happened(db), happened(db, None, NOW + timedelta(seconds=1))
        assert [one["id"] for one in told(run, "list")["items"]] == [second.id, first.id]
        code, out, _ = run("list", "--type", "domain.*", "--domain", "EXAMPLE.com")
        assert out.splitlines()[1].split()[-2:] == ["domain.paused", "example.com"]
        assert second.id not in out
        code, out, _ = run("list", "--limit", "1")
        assert out.splitlines()[-1] == "There is more: these are the newest 1 (--limit)."
        assert told(run, "list", "--limit", "1")["nextCursor"]
        code, _, err = run("list", "--type", "domain.pausd")
        assert code == 2
        assert "alerts types" in err

    def test_a_dead_letter_is_shown_and_told_again(self, run: Run, db: Db) -> None:
        made = told(run, "endpoints", "add", URL)["id"]
        alert = happened(db)
        given_up(db, made)
        [dead] = told(run, "endpoints", "deliveries", made, "--state", "dead")["items"]
        assert dead["alert"] == alert.id
        code, out, _ = run("endpoints", "deliveries", made)
        assert out.splitlines()[1].split()[:5] == [alert.id, made, "domain.paused", "example.com", "dead"]
        assert out.splitlines()[1].endswith("it answered 500")
        code, out, _ = run("show", alert.id)
        assert (code, made in out, '"why": "a test"' in out) == (0, True, True)
        assert told(run, "show", alert.id)["deliveries"] == [dead]
        assert run("redeliver", alert.id)[:2] == (0, f"{alert.id} is delivered again, to endpoints: 1\n")
        again = told(run, "redeliver", alert.id, "--endpoint", made)
        assert again == {"success": True, "id": alert.id, "deliveries": 1}
        assert run("endpoints", "deliveries", made, "--state", "dead")[1] == "There is no such delivery.\n"

    def test_what_was_for_nobody_is_not_told_again(self, run: Run, db: Db) -> None:
        alert = happened(db)
        code, out, err = run("redeliver", alert.id)
        assert (code, out, len(err.splitlines())) == (1, "", 1)
        assert run("redeliver", alert.id, "--endpoint", "ep_nobody")[::2] == (1, "no alert endpoint 'ep_nobody'\n")
        assert run("redeliver", "alt_nobody")[0] == run("show", "alt_nobody")[0] == 1

    def test_types_are_listed_with_their_schemas(self, run: Run) -> None:
        code, out, _ = run("types")
        assert code == 0
        assert [line.split()[0] for line in out.splitlines()[1:]] == list(AlertType)
        assert set(told(run, "types")["types"]) == set(AlertType)
