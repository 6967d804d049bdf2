"""The commands that look and act, on a real MongoDB."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.integration.conftest import Run
from tests.signer import TOPIC
from tests.telling import NOW, Teller, ago, payload
from webhook.children import ROOT
from webhook.cli import COMMANDS, parser_of
from webhook.config import Settings

pytestmark = pytest.mark.mongo


@pytest.fixture
def teller(database: Database[dict[str, Any]], mongodb_uri: str) -> Teller:
    return Teller(database, Settings(mongodb_uri=mongodb_uri))


def columns(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


class TestDomains:
    def test_all_are_listed_with_their_numbers(self, run: Run, teller: Teller) -> None:
        teller.traffic("good.example", sent=1200)
        teller.traffic("bad.example", sent=400, bounces=21, complaints=1)
        teller.db.emaildomains.insert_one({"domain": "silent.example"})
        code, out, _ = run("domains")
        lines = out.splitlines()
        assert code == 0
        assert columns(lines[0]) == ["DOMAIN", "STATUS", "BOUNCES/SENT", "COMPLAINTS/SENT", "WINDOW", "SINCE"]
        assert columns(lines[1])[:5] == [
            "bad.example",
            "flagged (bounce, complaint)",
            "21/400 (5.25 %)",
            "1/400 (0.25 %)",
            "90 days",
        ]
        assert columns(lines[2])[:5] == ["good.example", "healthy", "0/1,200 (0.00 %)", "0/1,200 (0.00 %)", "1 day"]
        assert columns(lines[3])[:2] == ["silent.example", "insufficient_data (nothing heard yet)"]

    def test_a_status_narrows_it_down(self, run: Run, teller: Teller) -> None:
        teller.traffic("good.example", sent=100)
        assert "good.example" in run("domains", "--status", "healthy")[1]
        assert run("domains", "--status", "flagged")[:2] == (0, "No domain is flagged.\n")

    def test_json_is_that_of_the_api(self, run: Run, teller: Teller) -> None:
        teller.traffic("good.example", sent=100)
        told = json.loads(run("domains", "--json")[1])
        assert [item["domain"] for item in told["items"]] == ["good.example"]
        assert told["nextCursor"] is None
        one = json.loads(run("domains", "good.example", "--json")[1])
        assert one["reputation"]["sent"] == 100

    def test_one_is_explained(self, run: Run, teller: Teller) -> None:
        teller.traffic("bad.example", sent=400, bounces=21)
        code, out, _ = run("domains", "BAD.example")
        assert code == 0
        assert out.startswith(
            "flagged bad.example: 21 of 400 recipients bounced in the last day: 5.25 %, over the limit"
        )
        assert re.search(r"bounces +21/400 \(5\.25 %\) +3\.\d\d % to 7\.\d\d % +5 % +flagged", out)
        assert re.search(rf"{NOW.date()} +400 +0 +21 +0 +0", out)
        assert re.search(r"gmail\.com +400 +21/400 \(5\.25 %\) +0 +21 × 550 5\.1\.1", out)
        assert "insufficient_data → flagged" in out

    def test_an_unknown_one_is_named(self, run: Run) -> None:
        code, out, err = run("domains", "nowhere.example")
        assert (code, out) == (1, "")
        assert "nowhere.example" in err

    def test_nothing_heard_yet(self, run: Run) -> None:
        assert run("domains")[:2] == (0, "Nothing was heard of any domain yet.\n")


class TestEvents:
    @pytest.fixture(autouse=True)
    def _told(self, teller: Teller) -> None:
        teller.tell(*(payload("Send", f"m{number:02d}", at=ago(minutes=number)) for number in range(20)))
        teller.tell(payload("Bounce", "m05", at=ago(minutes=5)))

    def test_the_newest_come_first_and_the_rest_is_mentioned(self, run: Run) -> None:
        code, out, _ = run("events", "example.com", "--limit", "3")
        assert code == 0
        assert [columns(line)[3] for line in out.splitlines()[1:4]] == ["m00", "m01", "m02"]
        assert "There is more" in out

    def test_filters(self, run: Run) -> None:
        out = run("events", "example.com", "--kind", "bounced", "--recipient", "Ann@gmail.com", "--since", "1h")[1]
        assert len(out.splitlines()) == 2
        assert "Permanent · General · 550 5.1.1 · smtp; 550 5.1.1 no such user" in out
        assert run("events", "example.com", "--recipient", "x@y.z")[1] == "No such event at example.com.\n"

    def test_json(self, run: Run) -> None:
        told = json.loads(run("events", "example.com", "--limit", "21", "--json")[1])
        assert len(told["items"]) == 21
        assert told["nextCursor"] is None

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("--since", "yesterday"), "--since must be"),
            (("--kind", "sneezed"), "--kind"),
            (("--limit", "0"), "--limit"),
        ],
    )
    def test_a_wrong_argument_is_named(self, run: Run, arguments: tuple[str, ...], named: str) -> None:
        code, _, err = run("events", "example.com", *arguments)
        assert code == 2
        assert named in err

    def test_the_story_of_a_mail(self, run: Run) -> None:
        code, out, _ = run("mails", "m05")
        assert code == 0
        assert out.startswith("Mail m05 of example.com, sent ")
        assert [columns(line)[1] for line in out.splitlines()[3:]] == ["sent", "bounced"]
        assert json.loads(run("mails", "m05", "--json")[1])["messageId"] == "m05"
        assert run("mails", "nothing")[0] == 1

    def test_what_a_mail_server_answers_does_not_steer_the_terminal(self, run: Run, teller: Teller) -> None:
        recipients = [{"emailAddress": "ann@gmail.com", "diagnosticCode": "\x1b[2J\r550 gone"}]
        teller.tell(payload("Bounce", "evil", bouncedRecipients=recipients))
        assert "?[2J?550 gone" in run("mails", "evil")[1]


class TestQuarantine:
    def ids(self, run: Run) -> list[str]:
        return [item["id"] for item in json.loads(run("quarantine", "list", "--json")[1])["items"]]

    def test_list_and_show(self, run: Run, teller: Teller) -> None:
        assert run("quarantine", "list")[1] == "The quarantine is empty.\n"
        teller.tell("not json", "not json")
        (identity,) = self.ids(run)
        assert re.search(rf"{identity} .* not_json +2 ", run("quarantine", "list")[1])
        shown = run("quarantine", "show", identity)[1]
        assert "not_json" in shown
        assert shown.endswith("\nnot json\n")
        assert json.loads(run("quarantine", "show", identity, "--json")[1])["message"] == "not json"
        assert run("quarantine", "list", "--reason", "malformed")[1] == "Nothing is kept for 'malformed'.\n"

    def test_replay_of_all_says_what_stays_and_why(self, run: Run, teller: Teller) -> None:
        bounces = [payload("Bounce", f"m{number}") for number in range(3)]
        teller.tell(*bounces, endpoint="complaints")
        teller.tell("not json")
        code, out, err = run("quarantine", "replay", "--all")
        assert (code, out) == (1, "3 replayed, 1 not.\n")
        assert "still not understood (not_json)" in err
        assert len(self.ids(run)) == 1
        teller.post()
        assert teller.db.emaildomains.find_one({"domain": "example.com"})["reputation"]["bounces"] == 3  # type: ignore[index]

    def test_replay_of_one_reason_leaves_the_others(self, run: Run, teller: Teller) -> None:
        teller.tell(payload("Bounce", "m1"), endpoint="complaints")
        teller.tell("not json")
        assert run("quarantine", "replay", "--all", "--reason", "misrouted")[:2] == (0, "1 replayed, 0 not.\n")

    def test_replay_and_drop_by_id(self, run: Run, teller: Teller) -> None:
        teller.tell(payload("Bounce", "m1"), endpoint="complaints")
        (identity,) = self.ids(run)
        assert run("quarantine", "replay", identity)[:2] == (0, f"{identity} accepted\n1 replayed, 0 not.\n")
        teller.tell("not json")
        (identity,) = self.ids(run)
        assert run("quarantine", "drop", identity)[:2] == (0, f"{identity} dropped\n1 dropped.\n")
        code, _, err = run("quarantine", "drop", identity)
        assert code == 1
        assert identity in err

    @pytest.mark.parametrize("action", ["replay", "drop"])
    @pytest.mark.parametrize(
        "arguments", [(), ("x", "--all"), ("--reason", "malformed"), ("x", "--reason", "malformed")]
    )
    def test_nothing_happens_unless_it_is_clear_to_what(
        self, run: Run, action: str, arguments: tuple[str, ...]
    ) -> None:
        code, _, err = run("quarantine", action, *arguments)
        assert code == 2
        assert "--all" in err

    def test_dropping_all_drops_all(self, run: Run, teller: Teller) -> None:
        teller.tell(*(f"not json {number}" for number in range(501)))
        assert run("quarantine", "drop", "--all")[:2] == (0, "501 dropped.\n")
        assert self.ids(run) == []


class TestSubscriptions:
    def test_topics_and_wirings(self, run: Run, teller: Teller) -> None:
        assert run("subscriptions")[1] == "No subscription was confirmed here.\n"
        teller.subscribe(TOPIC, "confirmed")
        teller.tell(payload("Send", "m1"), payload("Bounce", "m1"))
        code, out, _ = run("subscriptions")
        assert code == 0
        assert re.search(rf"{TOPIC} +confirmed +20", out)
        assert re.search(r"set:main +Bounce, Send", out)
        told = json.loads(run("subscriptions", "--json")[1])
        assert told["items"][0]["state"] == "confirmed"
        assert told["wirings"] == [{"wiring": "set:main", "kinds": ["Bounce", "Send"]}]


class TestCheck:
    def test_all_is_well(self, run: Run, teller: Teller) -> None:
        teller.tell(*(payload(kind, "m1") for kind in ("Send", "Bounce", "Complaint")))
        teller.post()
        assert run("check")[:2] == (0, "Everything is set up as it should be.\n")

    def test_warnings_do_not_fail_it(self, run: Run, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SNS_TOPIC_ARNS", "")
        teller.tell(payload("Bounce", "m1", configuration_set="feedback"), "not json")
        teller.subscribe(TOPIC, "unsubscribed")
        teller.post()
        code, out, _ = run("check")
        assert code == 0
        assert [line[:14] for line in out.splitlines() if not line.startswith("  ")][:-1] == [
            "warning W101: ",
            "warning W301: ",
            "warning W401: ",
            "warning W402: ",
        ]
        assert "Fix: add DELIVERY (or SEND) to the matching event types of configuration set feedback." in out
        assert "not judged for it: example.com" in out
        assert out.endswith("0 errors, 4 warnings, 0 notes.\n")

    def test_a_database_out_of_reach_fails_it(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:9/?replicaSet=rs0&serverSelectionTimeoutMS=100")
        code, out, _ = run("check", "--json")
        told = json.loads(out)
        assert (code, told["ok"]) == (1, False)
        assert [(item["code"], item["severity"]) for item in told["items"]] == [("E201", "error")]

    def test_wrong_settings_fail_it(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PORT", "eighty")
        code, out, _ = run("check")
        assert code == 1
        assert "error E101: PORT must be a whole number" in out


def subcommands(parser: Any) -> dict[str, Any]:
    (action,) = [action for action in parser._actions if action.dest == "==SUPPRESS==" and action.choices]
    return dict(action.choices)


def test_every_command_is_registered_by_the_module_that_the_table_names() -> None:
    assert set(subcommands(parser_of(*COMMANDS.values()))) == set(COMMANDS)
    for command, module in COMMANDS.items():
        assert command in subcommands(parser_of(module))


def test_as_a_program_it_loads_only_what_it_needs(mongodb_uri: str, teller: Teller, tmp_path: Path) -> None:
    teller.traffic("good.example", sent=100)
    environment = {**os.environ, "MONGODB_URI": mongodb_uri, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-X", "importtime", "-m", "webhook", "domains"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "0/100 (0.00 %)" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "webhook.bootstrap" in loaded
    assert not loaded & {"boto3", "flask", "requests", "webhook.cli.serve"}


@pytest.mark.parametrize("arguments", [("--help",), ("domains", "--help"), ("quarantine", "replay", "--help")])
def test_help_is_everywhere(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, _ = run(*arguments)
    assert code == 0
    assert out.startswith("usage: python -m webhook")
