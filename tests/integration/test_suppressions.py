"""The suppression list on a real MongoDB: fed by commits, changed by persons, asked before sending."""

import csv
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests import builders
from tests.builders import NOW, RETENTION, effects_of
from tests.integration.conftest import Run
from webhook.adapters.mongo.audit import AuditTrail
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.suppressing import write_changes
from webhook.adapters.mongo.suppressions import Suppressions, of_address
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.reputation import Policy
from webhook.domain.suppression import LIFETIME, NewEntry, Reason, changes
from webhook.errors import Invalid, NotFound, Unavailable
from webhook.paging import BadCursor

pytestmark = pytest.mark.mongo
ANN, BOB = "ann@gmail.com", "bob@web.de"
POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 1, 90)
BOUNCED_AT = datetime(2026, 3, 10, 9, 0, 5, tzinfo=UTC)


@pytest.fixture
def db(database: Db) -> Db:
    ensure_indexes(database)
    for name, index in (("mails", "expires_1"), ("suppressions", "expiresAt_1")):
        # MongoDB would take out what is over by today's clock, not by that of these tests.
        if index in database[name].index_information():
            database[name].drop_index(index)
    database.emaildomains.insert_many(
        [
            {"domain": "example.com", "owner": "acme"},
            {"domain": "acme.example", "owner": "acme"},
            {"domain": "other.example", "owner": "other"},
            {"domain": "nobody.example"},
        ]
    )
    return database


class Told:
    """Takes messages the way they come in: committed, and posted from the journal."""

    def __init__(self, db: Db) -> None:
        self._store = MongoStore(db, RETENTION, lambda: NOW)
        self._journal = Journal(db, Judge(db, POLICY), lambda: NOW)

    def __call__(self, *payloads: dict[str, Any]) -> None:
        self.commit(*payloads)
        self.post()

    def commit(self, *payloads: dict[str, Any]) -> None:
        self._store.commit([effects_of(payload) for payload in payloads])

    def post(self, limit: int = 1000) -> None:
        while self._journal.post(limit).entries:
            pass


@pytest.fixture
def tell(db: Db) -> Told:
    return Told(db)


@pytest.fixture
def suppressions(db: Db) -> Suppressions:
    return Suppressions(db, lambda: NOW)


def items(suppressions: Suppressions, **asked: Any) -> list[dict[str, Any]]:
    return suppressions.find(**asked).items


# -- fed by commits


def test_a_commit_puts_bounces_and_complaints_on_the_list(tell: Told, suppressions: Suppressions) -> None:
    tell(
        builders.bounce(builders.mail("m1", ANN)),
        builders.complaint(builders.mail("m2", BOB)),
        builders.bounce(builders.mail("m3", "cy@gmail.com"), subtype="NoEmail"),
        builders.bounce(builders.mail("m4", "bounce@simulator.amazonses.com")),
        builders.delivery(builders.mail("m5", "dan@gmail.com")),
    )
    told = {item["address"]: item for item in items(suppressions)}
    assert {address: (item["reason"], item["scope"], item["domain"]) for address, item in told.items()} == {
        ANN: ("bounce", "domain", "example.com"),
        BOB: ("complaint", "domain", "example.com"),
        "cy@gmail.com": ("bounce", "account", None),
    }
    assert told[ANN]["expiresAt"] == BOUNCED_AT + timedelta(days=180)
    assert told[BOB]["expiresAt"] is None
    assert told[BOB]["source"] == {"mail": "m2", "event": "complained", "feedbackId": "feedback-1"}


def test_a_second_telling_changes_nothing(db: Db, tell: Told) -> None:
    news = [builders.bounce(), builders.complaint(), builders.by_notification(builders.bounce())]
    tell(*news)
    before = list(db.suppressions.find())
    for payload in news:
        tell(payload)
    assert list(db.suppressions.find()) == before


def test_a_complaint_that_is_taken_back_leaves_the_list(tell: Told, suppressions: Suppressions) -> None:
    back = builders.complaint(feedback_id="back", complaintFeedbackType="not-spam")
    tell(builders.complaint())
    assert len(items(suppressions)) == 1
    tell(back)
    assert items(suppressions) == []
    tell(builders.complaint())
    assert items(suppressions) == []


def test_taken_back_before_it_was_told_it_never_stands(tell: Told, suppressions: Suppressions) -> None:
    tell(builders.complaint(feedback_id="back", complaintFeedbackType="not-spam"))
    tell(builders.complaint())
    assert items(suppressions) == []


@pytest.mark.parametrize("limit", [1, 1000], ids=["one by one", "together"])
def test_what_two_processes_told_may_be_posted_in_the_wrong_order(
    db: Db, tell: Told, suppressions: Suppressions, limit: int
) -> None:
    early = builders.bounce(builders.mail("m2", BOB))
    early["bounce"] = early["bounce"] | {"timestamp": "2026-03-10T09:00:01.000Z"}
    for payload in (
        builders.complaint(builders.mail("m1", ANN)),
        builders.bounce(builders.mail("m2", BOB)),
        early,
        builders.complaint(builders.mail("m1", ANN), "back", complaintFeedbackType="not-spam"),
    ):
        tell.commit(payload)
    # The ids that order the journal are made by the processes, whose clocks and counters differ.
    entries = list(db.journal.find().sort("_id", 1))
    db.journal.delete_many({})
    turned = zip(reversed(entries), [entry["_id"] for entry in entries], strict=True)
    db.journal.insert_many([entry | {"_id": identity} for entry, identity in turned])
    tell.post(limit)
    expected = BOUNCED_AT - timedelta(seconds=4) + timedelta(days=180)
    assert [(item["address"], item["expiresAt"]) for item in items(suppressions)] == [(BOB, expected)]


def test_only_mails_that_are_told_of_again_after_they_were_adverse_are_asked_for_once_more(db: Db, tell: Told) -> None:
    """A bounce is nearly always the last that is heard of a mail; to read each again would double what it costs."""
    once, after_its_send, again, in_one_batch = (builders.mail(f"m{number}", ANN) for number in range(4))
    tell(builders.send(after_its_send))
    tell(
        builders.bounce(once),
        builders.bounce(after_its_send),
        builders.bounce(again),
        builders.bounce(in_one_batch),
        builders.complaint(in_one_batch),
    )
    tell(builders.delivery(again))
    tell(builders.send(again))
    assert [mail["retold"] for mail in db.mails.find({"retold": {"$exists": True}})] == ["m2"]


def test_what_a_person_removed_comes_back_by_another_mail_only(tell: Told, suppressions: Suppressions) -> None:
    tell(builders.bounce(builders.mail("m1", ANN)))
    suppressions.remove(items(suppressions)[0]["id"], "ops")
    tell(builders.bounce(builders.mail("m1", ANN)))
    tell(builders.by_notification(builders.bounce(builders.mail("m1", ANN))))
    assert items(suppressions) == []
    tell(builders.bounce(builders.mail("m2", ANN)))
    assert [item["source"]["mail"] for item in items(suppressions)] == ["m2"]


def test_what_a_person_entered_outlives_a_complaint_that_is_taken_back(tell: Told, suppressions: Suppressions) -> None:
    suppressions.add(NewEntry(address=ANN, domain="example.com", note="asked by phone"), "ops")
    tell(builders.complaint())
    assert [item["reason"] for item in items(suppressions)] == ["complaint"]
    tell(builders.complaint(feedback_id="back", complaintFeedbackType="not-spam"))
    assert [(item["reason"], item["note"]) for item in items(suppressions)] == [("manual", "asked by phone")]


def test_nothing_is_asked_of_the_database_where_there_is_no_news(db: Db) -> None:
    with db.client.start_session() as session:
        session.end_session()
        # An ended session would refuse any operation.
        assert write_changes(db, changes(), session, NOW) == {"created": 0, "changed": 0, "removed": 0}


def test_processes_that_commit_at_once_lose_no_cause(db: Db, tell: Told, suppressions: Suppressions) -> None:
    news = [effects_of(builders.bounce(builders.mail(f"m{number}", ANN, BOB))) for number in range(12)]

    def commit(mine: list[Any]) -> None:
        own = MongoStore(db, RETENTION, lambda: NOW)
        for effects in mine:
            while True:
                try:
                    own.commit([effects])
                    break
                except Unavailable:
                    continue

    threads = [threading.Thread(target=commit, args=(news[start::2],)) for start in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell.post()
    assert len(items(suppressions)) == 2
    for document in db.suppressions.find():
        assert {cause["mail"] for cause in document["causes"]} == {f"m{number}" for number in range(12)}


# -- changed by persons


def test_an_entry_has_its_fields_and_entering_it_again_is_the_same(db: Db, suppressions: Suppressions) -> None:
    until = NOW + timedelta(days=9)
    new = NewEntry(address="Ann@Gmail.com", reason="unsubscribe", owner="acme", expires_at=until, note="by phone")
    made = suppressions.add(new, "ops")
    assert made == {
        "id": made["id"],
        "address": "Ann@Gmail.com",
        "scope": "owner",
        "domain": None,
        "owner": "acme",
        "reason": "unsubscribe",
        "source": {"by": "ops"},
        "createdAt": NOW,
        "expiresAt": until,
        "note": "by phone",
    }
    assert suppressions.add(new, "dev") == made
    assert suppressions.get(made["id"]) == made
    assert [row["action"] for row in AuditTrail(db).find().items] == ["suppression.added"]


def test_changes_by_persons_stand_in_the_audit_trail_without_the_address(db: Db, suppressions: Suppressions) -> None:
    made = suppressions.add(NewEntry(address=ANN, domain="example.com", note="angry"), "ops")
    suppressions.remove(made["id"], "dev", why="he changed his mind")
    removed, added = AuditTrail(db).find(domain="example.com").items
    assert (added["action"], added["who"], added["why"]) == ("suppression.added", "ops", "angry")
    assert (removed["action"], removed["who"], removed["why"]) == ("suppression.removed", "dev", "he changed his mind")
    assert removed["entry"] == {
        "id": made["id"],
        "scope": "domain",
        "reason": "manual",
        "source": {"by": "ops"},
    }
    assert ANN not in str([added, removed])


def test_what_is_not_there_can_be_neither_told_nor_removed(suppressions: Suppressions) -> None:
    for ask in (suppressions.get, lambda identity: suppressions.remove(identity, "ops")):
        with pytest.raises(NotFound, match="no entry 'x'"):
            ask("x")


def test_what_is_over_is_on_the_list_no_more(db: Db, suppressions: Suppressions) -> None:
    made = suppressions.add(NewEntry(address=ANN, expires_at=NOW + timedelta(days=1)), "ops")
    later = Suppressions(db, lambda: NOW + timedelta(days=1))
    assert later.find().items == []
    assert later.check([ANN]) == {}
    with pytest.raises(NotFound):
        later.get(made["id"])


# -- asked


def test_addresses_are_found_in_any_case_and_lists_are_told_page_by_page(db: Db) -> None:
    for number in range(5):
        at = NOW + timedelta(seconds=number // 2)
        Suppressions(db, lambda at=at: at).add(NewEntry(address=f"Reader{number}@example.com"), "ops")
    suppressions = Suppressions(db, lambda: NOW)
    assert len(items(suppressions, address="READER3@Example.com")) == 1
    told, cursor = [], ""
    while cursor is not None:
        page = suppressions.find(cursor=cursor, limit=2)
        told += [item["address"] for item in page.items]
        cursor = page.next_cursor
    assert len(told) == 5
    assert told[0] == "Reader4@example.com"
    assert {*told[1:3]} == {"Reader2@example.com", "Reader3@example.com"}
    with pytest.raises(BadCursor):
        suppressions.find(cursor="x")


def test_an_address_is_found_at_all_places_without_reading_other_entries(db: Db, suppressions: Suppressions) -> None:
    suppressions.load([NewEntry(address=f"reader{number}@example.com") for number in range(50)], "ops")
    suppressions.add(NewEntry(address="reader7@example.com", domain="example.com"), "ops")
    assert {item["scope"] for item in items(suppressions, address="Reader7@example.com")} == {"account", "domain"}
    asked = {"find": "suppressions", "filter": of_address("reader7@example.com")}
    stats = db.command("explain", asked, verbosity="executionStats")["executionStats"]
    assert (stats["nReturned"], stats["totalDocsExamined"]) == (2, 2)


@pytest.fixture
def populated(suppressions: Suppressions) -> Suppressions:
    suppressions.add(NewEntry(address="all@gmail.com"), "ops")
    suppressions.add(NewEntry(address="acme@gmail.com", owner="acme"), "ops")
    suppressions.add(NewEntry(address="other@gmail.com", owner="other"), "ops")
    suppressions.add(NewEntry(address="here@gmail.com", domain="example.com"), "ops")
    suppressions.add(NewEntry(address="there@gmail.com", domain="other.example"), "ops")
    return suppressions


EVERYONE = ["all@gmail.com", "acme@gmail.com", "other@gmail.com", "here@gmail.com", "there@gmail.com"]
COVERED = [
    pytest.param(None, None, {"all"}, id="no domain: only what holds for everybody"),
    pytest.param("example.com", None, {"all", "acme", "here"}, id="a domain, and its owner's"),
    pytest.param("acme.example", None, {"all", "acme"}, id="another domain of that owner's"),
    pytest.param("other.example", None, {"all", "other", "there"}, id="another owner's"),
    pytest.param("nobody.example", None, {"all"}, id="a domain of nobody's"),
    pytest.param("unheard.example", None, {"all"}, id="a domain nobody heard of"),
    pytest.param("Example.COM.", "acme", {"all", "acme", "here"}, id="asked by the owner"),
    pytest.param(None, "acme", {"all", "acme"}, id="asked by the owner of no domain in particular"),
]


@pytest.mark.parametrize(("domain", "owner", "names"), COVERED)
def test_an_address_is_held_back_from_whom_its_entry_covers(
    populated: Suppressions, domain: str | None, owner: str | None, names: set[str]
) -> None:
    assert {address.partition("@")[0] for address in populated.check(EVERYONE, domain, owner)} == names


def test_a_check_tells_reason_scope_and_end_under_the_address_as_it_was_asked(populated: Suppressions) -> None:
    told = populated.check(["Here@Gmail.com", "Ann <HERE@gmail.com>", "free@gmail.com"], "example.com")
    one = {"reason": "manual", "scope": "domain", "expiresAt": None}
    assert told == {"Here@Gmail.com": one, "Ann <HERE@gmail.com>": one}


def test_of_several_entries_the_nearest_is_told(suppressions: Suppressions) -> None:
    for place in ({}, {"owner": "acme"}, {"domain": "example.com"}):
        suppressions.add(NewEntry(address=ANN, **place), "ops")
    assert suppressions.check([ANN], "example.com")[ANN]["scope"] == "domain"
    assert suppressions.check([ANN], "acme.example")[ANN]["scope"] == "owner"
    assert suppressions.check([ANN], "other.example")[ANN]["scope"] == "account"


def test_an_owner_sees_and_touches_his_own_alone(populated: Suppressions) -> None:
    assert {item["address"] for item in items(populated, owner="acme")} == {"acme@gmail.com", "here@gmail.com"}
    assert {item["address"] for item in items(populated, owner="acme", domain="example.com")} == {"here@gmail.com"}
    for item in items(populated):
        if item["address"] not in ("acme@gmail.com", "here@gmail.com"):
            with pytest.raises(NotFound):
                populated.get(item["id"], "acme")
            with pytest.raises(NotFound):
                populated.remove(item["id"], "acme-key", "acme")
    for ask in (
        lambda: populated.find(domain="other.example", owner="acme"),
        lambda: populated.check([ANN], "other.example", "acme"),
        lambda: populated.add(NewEntry(address=ANN, domain="other.example"), "acme-key", "acme"),
        lambda: populated.add(NewEntry(address=ANN, domain="unheard.example"), "acme-key", "acme"),
    ):
        with pytest.raises(NotFound, match=r"no domain '(other|unheard)\.example'"):
            ask()
    with pytest.raises(Invalid) as caught:
        populated.add(NewEntry(address=ANN, owner="other"), "acme-key", "acme")
    assert caught.value.field == "owner"
    assert len(items(populated)) == 5


def test_what_an_owner_enters_without_a_domain_is_for_his_domains(suppressions: Suppressions) -> None:
    made = suppressions.add(NewEntry(address=ANN), "acme-key", "acme")
    assert (made["scope"], made["owner"]) == ("owner", "acme")
    assert suppressions.check([ANN], "other.example") == {}


def test_too_many_addresses_at_once_are_refused(suppressions: Suppressions) -> None:
    with pytest.raises(Invalid, match="at most 1,000"):
        suppressions.check(f"reader{number}@gmail.com" for number in range(1001))


def test_without_the_database_there_is_no_answer_and_so_no_mail() -> None:
    nowhere = connect("mongodb://127.0.0.1:9/test?directConnection=true", patience=0.2)
    try:
        with pytest.raises(Unavailable):
            Suppressions(nowhere, lambda: NOW).check([ANN], "example.com")
    finally:
        nowhere.client.close()


# -- many at once


def test_loading_again_changes_nothing_and_a_dry_run_nothing_at_all(db: Db, suppressions: Suppressions) -> None:
    entries = [NewEntry(address=f"reader{number}@example.com", reason="bounce") for number in range(20)]
    entries.append(NewEntry(address="READER0@example.com", reason="bounce"))
    assert suppressions.load(entries, "ops", dry_run=True) == {"created": 20, "changed": 0, "already": 1}
    assert list(db.suppressions.find()) == []
    assert suppressions.load(entries, "ops") == {"created": 20, "changed": 0, "already": 1}
    assert suppressions.load(entries, "ops") == {"created": 0, "changed": 0, "already": 21}
    assert [row["numbers"] for row in AuditTrail(db).find().items] == [{"created": 20, "changed": 0}]
    assert Suppressions(db, lambda: NOW + timedelta(days=3650)).check(["reader0@example.com"])


def test_one_wrong_entry_keeps_all_out(db: Db, suppressions: Suppressions) -> None:
    with pytest.raises(Invalid):
        suppressions.load([NewEntry(address=ANN), NewEntry(address="nobody")], "ops")
    assert list(db.suppressions.find()) == []


def test_the_lifetimes_are_those_of_the_page() -> None:
    assert {reason: lifetime.days if lifetime else None for reason, lifetime in LIFETIME.items()} == {
        Reason.BOUNCE: 180,
        Reason.COMPLAINT: None,
        Reason.UNSUBSCRIBE: None,
        Reason.MANUAL: None,
    }


# -- the command


def addresses(run: Run) -> set[str]:
    return {item["address"] for item in json.loads(run("suppressions", "list", "--json")[1])["items"]}


@pytest.mark.usefixtures("db")
def test_the_command_adds_lists_checks_and_removes(run: Run) -> None:
    assert run("suppressions", "list")[:2] == (0, "Nothing is suppressed.\n")
    code, out, _ = run("suppressions", "add", ANN, "--domain", "example.com", "--note", "by phone", "--json")
    made = json.loads(out)
    assert (code, made["scope"], made["note"]) == (0, "domain", "by phone")
    assert made["source"]["by"].startswith("cli")
    assert ANN in run("suppressions", "list")[1]
    assert ANN not in run("suppressions", "list", "--domain", "acme.example")[1]
    code, out, _ = run("suppressions", "check", ANN, BOB, "--domain", "example.com")
    assert (code, out) == (0, f"{ANN}: manual, for domain\n{BOB}: not suppressed for mail of example.com\n")
    code, out, _ = run("suppressions", "check", ANN, BOB)
    elsewhere = f"{ANN}: not suppressed for everybody; suppressed for mail of example.com (manual)\n"
    assert (code, out) == (0, f"{elsewhere}{BOB}: not suppressed for everybody\n")
    told = json.loads(run("suppressions", "check", ANN, BOB, "--json")[1])
    assert (told["suppressed"], list(told["elsewhere"])) == ({}, [ANN])
    assert run("suppressions", "remove", made["id"], "--why", "asked for")[:2] == (0, f"{made['id']} removed\n")
    code, _, err = run("suppressions", "remove", made["id"])
    assert (code, err) == (1, f"no entry '{made['id']}' on the suppression list\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ann"], "address must be one bare address like ann@example.com"),
        ([ANN, "--until", "soon"], "--until must be in the future: 2026-01-31, 2026-01-31T12:00:00Z, or a time from"),
        ([ANN, "--until", "2020-01-01"], "--until must be in the future: 2026-01-31"),
        ([ANN, "--until", "0d"], "--until must be in the future: 2026-01-31"),
        ([ANN, "--domain", "example.com", "--owner", "acme"], "owner must be left out where a domain is given"),
    ],
)
@pytest.mark.usefixtures("db")
def test_a_wrong_argument_is_told_in_one_line(run: Run, arguments: list[str], told: str) -> None:
    code, out, err = run("suppressions", "add", *arguments)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.usefixtures("db")
def test_an_unknown_domain_is_told_and_nothing_is_entered(run: Run) -> None:
    for action in ("add", "check"):
        code, out, err = run("suppressions", action, ANN, "--domain", "exmaple.com")
        assert (code, out) == (1, "")
        assert err == "no domain 'exmaple.com' is known here: `python -m webhook domains` lists those that are\n"
    assert addresses(run) == set()


def test_until_takes_a_time_from_now(run: Run) -> None:
    code, out, _ = run("suppressions", "add", ANN, "--until", "7d", "--json")
    until = datetime.fromisoformat(json.loads(out)["expiresAt"])
    assert code == 0
    assert timedelta(days=6) < until - datetime.now(UTC) <= timedelta(days=7)


FILE = """address,reason,scope,domain,owner,expiresAt,note
ann@gmail.com,bounce,domain,example.com,,,
Bob@web.de,,,,acme,2099-01-31T12:00:00Z,"a note, with a comma"

cy@gmail.com,complaint,account,,,,
nobody,,,,,,
dan@gmail.com,,owner,example.com,,,
eve@gmail.com,,,,,2001-01-01,
eve@gmail.com,,,,,,,too much
"""


def test_a_file_is_read_row_by_row_and_what_is_wrong_is_told_by_its_row(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(FILE)
    code, out, err = run("suppressions", "import", "list.csv", "--dry-run")
    assert (code, out) == (1, "3 created, 0 changed, 0 already, 4 refused; nothing was written.\n")
    assert addresses(run) == set()
    assert err.splitlines() == [
        "row 6: address must be one bare address like ann@example.com",
        "row 7: scope is 'owner', but the row is for example.com",
        "row 8: expiresAt must be a moment in the future, with its offset from UTC",
        "row 9: row has more cells than the heading: 'too much'",
    ]
    assert run("suppressions", "import", "list.csv")[1] == "3 created, 0 changed, 0 already, 4 refused.\n"
    assert run("suppressions", "import", "list.csv")[1] == "0 created, 0 changed, 3 already, 4 refused.\n"
    assert addresses(run) == {ANN, "Bob@web.de", "cy@gmail.com"}


def test_sess_own_export_is_taken(run: Run, tmp_path: Path) -> None:
    rows = "EmailAddress,Reason,LastUpdateTime\nann@gmail.com,BOUNCE,2025-11-02T10:00:00Z\nbob@web.de,COMPLAINT,\n"
    (tmp_path / "ses.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    code, out, err = run("suppressions", "import", "ses.csv", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"created": 2, "changed": 0, "already": 0, "refused": 0, "dryRun": False}
    told = {item["address"]: item for item in json.loads(run("suppressions", "list", "--json")[1])["items"]}
    assert {name: (item["reason"], item["scope"]) for name, item in told.items()} == {
        ANN: ("bounce", "account"),
        BOB: ("complaint", "account"),
    }
    assert told[ANN]["note"] == "on SES's list since 2025-11-02T10:00:00Z"


HEADINGS = [
    pytest.param("", id="an empty file"),
    pytest.param("ann@gmail.com,bounce\n", id="no heading"),
    pytest.param("address,domian\nann@gmail.com,example.com\n", id="a slip, which would hold for everybody"),
    pytest.param("address,address\n", id="twice the same"),
    pytest.param("reason\nbounce\n", id="no addresses"),
]


@pytest.mark.parametrize("text", HEADINGS)
def test_a_file_that_is_no_list_is_refused_whole(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    code, _, err = run("suppressions", "import", "list.csv")
    assert (code, addresses(run)) == (1, set())
    assert "the first row must name columns" in err


def test_a_file_that_is_not_there_or_not_text_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    code, _, err = run("suppressions", "import", "none.csv")
    assert (code, err) == (1, "none.csv can't be opened: No such file or directory\n")
    (tmp_path / "latin.csv").write_bytes(b"address\nann@gmail.com\n" + b"\xfc@gmail.com\n" * 3)
    code, _, err = run("suppressions", "import", "latin.csv")
    assert code == 1
    assert "save it as CSV in UTF-8" in err


def test_an_export_imports_into_the_same_list(run: Run, db: Db, tell: Told, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(FILE)
    run("suppressions", "import", "list.csv")
    tell(builders.complaint(builders.mail("m9", "fay@gmail.com")))
    code, out, _ = run("suppressions", "export")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, len(rows)) == (0, 4)
    assert run("suppressions", "export", "copy.csv")[2] == "4 entries written to copy.csv\n"
    assert (tmp_path / "copy.csv").read_text() == out
    db.suppressions.delete_many({})
    assert run("suppressions", "import", "copy.csv")[1] == "4 created, 0 changed, 0 already, 0 refused.\n"
    assert sorted(map(str, rows)) == sorted(map(str, csv.DictReader(io.StringIO(run("suppressions", "export")[1]))))


def test_a_long_import_tells_how_far_it_is(run: Run, db: Db, tmp_path: Path) -> None:
    rows = "".join(f"reader{number}@example.com\n" for number in range(10_500))
    (tmp_path / "long.csv").write_text(f"address\n{rows}")
    code, out, err = run("suppressions", "import", "long.csv")
    assert (code, out, err) == (0, "10,500 created, 0 changed, 0 already, 0 refused.\n", "10,000 rows so far\n")
    assert db.suppressions.count_documents({}) == 10_500
