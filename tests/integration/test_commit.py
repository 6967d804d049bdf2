"""The commit and the journal on a real MongoDB."""

import json
import threading
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests.histories import TODAY, seeded_history
from tests.oracle import COUNTERS, Oracle
from tests.oracle import Policy as OraclePolicy
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.documents import counts_of
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.rebuild import Rebuilder
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.effects import Effects, Outcome, Source
from webhook.domain.reputation import Policy
from webhook.errors import Unavailable
from webhook.groupcommit import commit_isolating
from webhook.pipeline import accept

NOW = TODAY.replace(hour=23)
RETENTION = timedelta(days=30)
LIMITS = {
    "bounce_limit": Fraction(1, 20),
    "complaint_limit": Fraction(1, 1000),
    "warn_at": Fraction(8, 10),
    "min_sent": 20,
    "volume": 200,
    "min_days": 1,
    "max_days": 90,
}
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses"


def effects_of(payload: dict[str, Any]) -> Effects:
    return accept(Source(TOPIC, "id", json.dumps(payload)), NOW, RETENTION)


@pytest.fixture
def store(database: Db) -> MongoStore:
    ensure_indexes(database)
    return MongoStore(database, RETENTION, lambda: NOW)


@pytest.fixture
def judge(database: Db) -> Judge:
    return Judge(database, Policy(**LIMITS))


@pytest.fixture
def journal(database: Db, judge: Judge) -> Journal:
    return Journal(database, judge, lambda: NOW)


@pytest.fixture
def rebuilder(database: Db, judge: Judge, journal: Journal) -> Rebuilder:
    return Rebuilder(database, judge, journal, RETENTION, lambda: NOW)


def post_all(journal: Journal) -> None:
    while journal.post().entries:
        pass


def commit_all(store: MongoStore, messages: Iterable[dict[str, Any]], size: int = 50) -> list[Outcome]:
    waiting = [effects_of(message) for message in messages]
    outcomes: list[Outcome] = []
    for start in range(0, len(waiting), size):
        outcomes += store.commit(waiting[start : start + size])
    return outcomes


def counters(database: Db) -> dict[tuple[str, str], dict[str, int]]:
    rows = {(row["domain"], row["day"]): counts_of(row["n"]) for row in database.counters.find()}
    named = {place: {name: row.get(name, 0) for name in COUNTERS} for place, row in rows.items()}
    return {place: row for place, row in named.items() if any(row.values())}


def test_a_long_history_comes_to_the_oracles_counters_and_verdicts(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    messages = seeded_history(7, mails=1500)
    oracle = Oracle(OraclePolicy(**LIMITS))
    for message in messages:
        oracle.tell(message)
    commit_all(store, messages)
    post_all(journal)
    assert counters(database) == oracle.days()
    for stored in database.emaildomains.find():
        expected = oracle.verdict(stored["domain"], TODAY.date())
        reputation = stored["reputation"]
        assert {name: reputation[name] for name in ("status", "flags", "reason", "sent", "bounces", "complaints")} == {
            name: expected[name] for name in ("status", "flags", "reason", "sent", "bounces", "complaints")
        }
        assert reputation["window"]["days"] == expected["days"]
    findings = rebuilder.compare(NOW)
    assert findings.agree
    assert findings.mails == database.mails.count_documents({})


def test_committing_everything_again_changes_nothing(database: Db, store: MongoStore, journal: Journal) -> None:
    messages = seeded_history(8, mails=200)
    commit_all(store, messages)
    post_all(journal)
    before = counters(database), list(database.mails.find())
    again = commit_all(MongoStore(database, RETENTION, lambda: NOW), reversed(messages), size=30)
    assert set(again) == {Outcome.DUPLICATE}
    assert database.journal.count_documents({}) == 0
    assert (counters(database), list(database.mails.find())) == before


def test_processes_that_commit_the_same_mails_at_once_count_them_once(database: Db, journal: Journal) -> None:
    messages = seeded_history(9, mails=300)
    oracle = Oracle(OraclePolicy(**LIMITS))
    for message in messages:
        oracle.tell(message)

    def tell(turned: list[dict[str, Any]]) -> None:
        own = MongoStore(database, RETENTION, lambda: NOW)
        waiting = [effects_of(message) for message in turned]
        for start in range(0, len(waiting), 20):
            while True:
                try:
                    own.commit(waiting[start : start + 20])
                    break
                except Unavailable:
                    continue

    threads = [threading.Thread(target=tell, args=(messages[:: 1 if turn else -1],)) for turn in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    post_all(journal)
    assert counters(database) == oracle.days()


def test_one_poisonous_message_among_200_is_quarantined_alone(database: Db, store: MongoStore) -> None:
    # A document that somebody damaged: whatever is told about this mail can't be united with it.
    database.mails.insert_one({"_id": "mail-77", "domain": "example.com"})
    outcomes = commit_isolating(store, [effects_of(bounce(f"mail-{number}")) for number in range(200)])
    assert outcomes.pop(77) is Outcome.QUARANTINED
    assert outcomes == [Outcome.ACCEPTED] * 199
    assert database.mails.count_documents({"facts": {"$exists": True}}) == 199
    kept = database.quarantine.find_one()
    assert kept is not None
    assert kept["reason"] == "cannot_be_stored"
    assert "KeyError" in kept["detail"]
    assert json.loads(kept["message"]) == bounce("mail-77")


def test_names_that_mongodb_reads_as_paths_are_counted_like_others(
    database: Db, store: MongoStore, journal: Journal
) -> None:
    for number, subtype in enumerate(("a.b", "$inc", "x\0y", "%2E")):
        commit_all(store, [bounce(f"mail-{number}", subtype=subtype)])
    post_all(journal)
    stored = database.counters.find_one()
    assert stored is not None
    named = {name.removeprefix("hard/") for name in counts_of(stored["n"]) if name.startswith("hard/")}
    assert named == {"a.b", "$inc", "x\0y", "%2E"}


def test_posting_twice_adds_once_and_a_change_of_status_is_one_flip(
    database: Db, store: MongoStore, journal: Journal
) -> None:
    commit_all(
        store, [bounce(f"mail-{number}") for number in range(30)] + [send(f"mail-{number}") for number in range(30)]
    )
    post_all(journal)
    assert journal.post().entries == 0
    stored = database.emaildomains.find_one({"domain": "example.com"})
    assert stored is not None
    assert stored["reputation"]["status"] == "flagged"
    assert stored["reputation"]["sent"] == stored["reputation"]["bounces"] == 30
    flips = list(database.flips.find())
    assert [(flip["from"], flip["to"]) for flip in flips] == [("insufficient_data", "flagged")]


def test_fields_of_the_platform_survive_a_verdict(database: Db, store: MongoStore, journal: Journal) -> None:
    theirs = {"domain": "example.com", "maxAccounts": 50, "plan": {"tier": "gold"}, "awsSes": {"registered": True}}
    database.emaildomains.insert_one(dict(theirs))
    commit_all(store, [send("mail-1")])
    post_all(journal)
    stored = database.emaildomains.find_one({"domain": "example.com"}, {"_id": 0})
    assert stored is not None
    assert stored.pop("reputation")["status"] == "insufficient_data"
    assert stored.pop("alerting")["told"] == "healthy"
    assert stored == theirs


def test_a_wiring_that_begins_to_show_deliveries_gets_its_domains_judged(
    database: Db, store: MongoStore, journal: Journal
) -> None:
    blind = [bounce(f"mail-{number}", domain="example.com", configuration_set="lone") for number in range(30)]
    commit_all(store, blind)
    post_all(journal)
    stored = database.emaildomains.find_one({"domain": "example.com"})
    assert stored is not None
    assert stored["reputation"]["reason"] == "no_denominator"
    assert "configuration set lone" in stored["reputation"]["sentence"]
    # Another domain's delivery by the same wiring shows that the wiring tells how much is sent.
    commit_all(store, [send("mail-99", domain="example.org", configuration_set="lone")])
    post_all(journal)
    stored = database.emaildomains.find_one({"domain": "example.com"})
    assert stored is not None
    assert stored["reputation"]["status"] == "flagged"


def test_a_window_slides_though_nothing_is_heard(database: Db, store: MongoStore, judge: Judge) -> None:
    commit_all(store, [send(f"mail-{number}") for number in range(30)])
    post_all(Journal(database, judge, lambda: NOW))
    later = Journal(database, judge, lambda: NOW + timedelta(days=89))
    assert later.slide().domains == 1
    assert later.slide().domains == 0
    much_later = Journal(database, judge, lambda: NOW + timedelta(days=120))
    assert [verdict.status for verdict in much_later.slide().flipped] == ["insufficient_data"]


def test_a_rebuild_corrects_counters_that_went_wrong(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    commit_all(store, seeded_history(11, mails=300))
    post_all(journal)
    before = counters(database)
    database.counters.update_one({"n.bounces": {"$gte": 1}}, {"$inc": {"n.bounces": 5, "n.sent": -1}})
    database.counters.delete_one({"n.delivered": {"$gte": 1}})
    findings = rebuilder.compare(NOW)
    assert 1 <= len(findings.wrong_counters) <= 2
    rebuilder.correct(findings, NOW)
    assert counters(database) == before
    assert rebuilder.compare(NOW).agree


def test_a_verdict_that_went_wrong_is_found_and_judged_again(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    commit_all(store, [send(f"mail-{number}") for number in range(30)])
    post_all(journal)
    database.emaildomains.update_one({"domain": "example.com"}, {"$set": {"reputation.status": "flagged"}})
    findings = rebuilder.compare(NOW)
    assert findings.wrong_verdicts == {"example.com": "status is flagged, should be healthy"}
    rebuilder.correct(findings, NOW)
    assert rebuilder.compare(NOW).agree


def test_counters_of_days_before_the_retention_are_left_alone(database: Db, rebuilder: Rebuilder) -> None:
    database.counters.insert_one(
        {"_id": "example.com/2026-01-01", "domain": "example.com", "day": "2026-01-01", "n": {"sent": 9}}
    )
    findings = rebuilder.compare(NOW)
    assert findings.wrong_counters == {}
    assert findings.first_day.isoformat() == "2026-02-09"


def mail(mail_id: str, domain: str, configuration_set: str) -> dict[str, Any]:
    return {
        "timestamp": "2026-03-10T09:00:00.000Z",
        "messageId": mail_id,
        "source": f"shop@{domain}",
        "sourceArn": f"arn:aws:ses:eu-north-1:123456789012:identity/{domain}",
        "destination": ["ann@gmail.com"],
        "tags": {"ses:configuration-set": [configuration_set]},
    }


def send(mail_id: str, domain: str = "example.com", configuration_set: str = "main") -> dict[str, Any]:
    return {"eventType": "Send", "mail": mail(mail_id, domain, configuration_set), "send": {}}


def bounce(
    mail_id: str, domain: str = "example.com", configuration_set: str = "main", subtype: str = "General"
) -> dict[str, Any]:
    recipient = {"emailAddress": "ann@gmail.com", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}
    happened = {"bounceType": "Permanent", "bounceSubType": subtype, "bouncedRecipients": [recipient]}
    happened |= {"timestamp": "2026-03-10T09:00:05.000Z", "feedbackId": f"{mail_id}-feedback"}
    return {"eventType": "Bounce", "mail": mail(mail_id, domain, configuration_set), "bounce": happened}
