"""What is written, to the letter: how long it stays, and what a second telling changes."""

from datetime import datetime, timedelta

import pytest

from tests.builders import NOW, RETENTION, bounce, by_eventbridge, effects_of, mail, send
from tests.integration.test_hostile_days import POLICY
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.retention import note_retention
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.effects import Outcome

SENT = datetime.fromisoformat("2026-03-10T09:00:00Z")
DAY = timedelta(days=1)


@pytest.fixture
def store(database: Db) -> MongoStore:
    ensure_indexes(database)
    return MongoStore(database, RETENTION, lambda: NOW)


def test_mails_stay_as_long_as_what_befell_them_deserves(database: Db, store: MongoStore) -> None:
    store.commit([effects_of(send(mail("plain"))), effects_of(bounce(mail("bounced")))])
    expires = {document["_id"]: document["expires"] for document in database.mails.find()}
    assert expires == {"plain": SENT + 32 * DAY, "bounced": SENT + 402 * DAY}
    store.commit([effects_of(bounce(mail("plain")))])
    later = database.mails.find_one({"_id": "plain"})
    assert later is not None
    assert later["expires"] == SENT + 402 * DAY


def test_a_flip_goes_after_400_days(database: Db, store: MongoStore) -> None:
    store.commit([effects_of(bounce(mail(f"mail-{number}"))) for number in range(30)])
    store.commit([effects_of(send(mail(f"mail-{number}"))) for number in range(30)])
    Journal(database, Judge(database, POLICY), lambda: NOW).post()
    [flip] = database.flips.find()
    assert flip["expires"] == NOW + 400 * DAY


def test_the_same_hint_again_is_a_duplicate_and_changes_nothing(database: Db, store: MongoStore) -> None:
    first = effects_of(by_eventbridge({"data": "first"}, "Sending Status Disabled"))
    again = effects_of(by_eventbridge({"data": "again"}, "Sending Status Disabled"))
    other = effects_of(by_eventbridge({"data": "other"}, "Sending Status Disabled", id="event-2"))
    assert store.commit([first]) == [Outcome.ACCEPTED]
    assert store.commit([again, other]) == [Outcome.DUPLICATE, Outcome.ACCEPTED]
    assert [hint["detail"].partition(": ")[2] for hint in database.hints.find().sort("_id")] == ["first", "other"]


def test_a_time_with_microseconds_is_the_same_when_it_is_told_again(store: MongoStore) -> None:
    payload = bounce(mail("m", timestamp="2026-03-10T09:00:00.123456Z"))
    payload["bounce"]["timestamp"] = "2026-03-10T09:00:05.987654Z"
    assert store.commit([effects_of(payload)]) == [Outcome.ACCEPTED]
    assert store.commit([effects_of(payload)]) == [Outcome.DUPLICATE]


def test_a_start_without_a_change_keeps_since_when_mails_are_complete(database: Db) -> None:
    note_retention(database, 7 * DAY, NOW - 10 * DAY)
    note_retention(database, 30 * DAY, NOW)
    noted = database.settings.find_one({"_id": "retention"})
    note_retention(database, 30 * DAY, NOW + 5 * DAY)
    assert database.settings.find_one({"_id": "retention"}) == noted


def test_a_wiring_shown_by_a_commit_that_failed_is_written_by_the_next(database: Db, store: MongoStore) -> None:
    database.mails.insert_one({"_id": "broken", "domain": "example.com"})
    with pytest.raises(KeyError):
        store.commit([effects_of(send(mail("m"))), effects_of(send(mail("broken")))])
    store.commit([effects_of(send(mail("m")))])
    assert database.wirings.find_one({"_id": "set:main"}) == {"_id": "set:main", "kinds": ["Send"]}


def test_the_oldest_entries_are_posted_first(database: Db, store: MongoStore) -> None:
    for number in range(3):
        store.commit([effects_of(send(mail(f"mail-{number}", domain=f"d{number}.example")))])
    journal = Journal(database, Judge(database, POLICY), lambda: NOW)
    assert [journal.post(1).entries, database.counters.distinct("domain")] == [1, ["d0.example"]]
    assert [journal.post(1).entries, database.counters.distinct("domain")] == [1, ["d0.example", "d1.example"]]


def test_a_posting_under_load_breathes_between_groups_of_domains(database: Db) -> None:
    journal = Journal(database, Judge(database, POLICY), lambda: NOW)
    places = [{"domain": f"d{number}.example", "day": "2026-03-01", "n": {"sent": 1}} for number in range(120)]
    database.journal.insert_one({"at": NOW, "places": places, "wirings": []})
    breaths: list[None] = []
    assert journal.post(breathe=lambda: breaths.append(None)).domains == 120
    assert len(breaths) == 3
    assert database.emaildomains.count_documents({"reputation.sent": {"$gte": 0}}) == 120


def test_a_posting_after_the_load_does_not(database: Db) -> None:
    journal = Journal(database, Judge(database, POLICY), lambda: NOW)
    places = [{"domain": f"d{number}.example", "day": "2026-03-01", "n": {"sent": 1}} for number in range(120)]
    database.journal.insert_one({"at": NOW - timedelta(seconds=10), "places": places, "wirings": []})
    breaths: list[None] = []
    journal.post(breathe=lambda: breaths.append(None))
    assert not breaths
