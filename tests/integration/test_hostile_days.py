"""Bad days of the database and hostile messages: who is harmed, and who is not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from pymongo.errors import ConnectionFailure, DocumentTooLarge, OperationFailure, PyMongoError, WTimeoutError

from tests.builders import NOW, RETENTION, bounce, by_eventbridge, complaint, effects_of, mail, send
from webhook.adapters.mongo.client import Db, database_errors
from webhook.adapters.mongo.documents import counts_of
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.rebuild import Rebuilder
from webhook.adapters.mongo.retention import first_complete_day, note_retention, retention_in_force
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.effects import Outcome
from webhook.domain.reputation import Policy
from webhook.errors import Conflict, Misconfigured, Unavailable
from webhook.groupcommit import commit_isolating
from webhook.pipeline import MAX_FACTS
from webhook.ports import Posting
from webhook.worker import Worker

POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 20, 200, 1, 90)


@pytest.fixture
def store(database: Db) -> MongoStore:
    ensure_indexes(database)
    return MongoStore(database, RETENTION, lambda: NOW)


@pytest.fixture
def journal(database: Db) -> Journal:
    return Journal(database, Judge(database, POLICY), lambda: NOW)


@pytest.fixture
def rebuilder(database: Db, journal: Journal) -> Rebuilder:
    return Rebuilder(database, Judge(database, POLICY), journal, RETENTION, lambda: NOW)


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("interrupted", 11601),
        OperationFailure("not authorized", 13),
        OperationFailure("a code of a later version", 54321),
        OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("too large", 10334, {"errorLabels": ["TransientTransactionError"]}),
        OperationFailure("mixed", 65, {"writeErrors": [{"code": 10334}, {"code": 11601}]}),
        ConnectionFailure("gone"),
        WTimeoutError("slow"),
        PyMongoError("whatever"),
    ],
    ids=str,
)
def test_what_does_not_speak_of_the_message_is_our_fault(error: PyMongoError) -> None:
    with pytest.raises(Unavailable), database_errors():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        OperationFailure("too large", 10334),
        OperationFailure("several", 65, {"writeErrors": [{"code": 10334}]}),
        DocumentTooLarge("17 MB"),
    ],
    ids=str,
)
def test_what_speaks_of_the_message_is_its_own(error: PyMongoError) -> None:
    with pytest.raises(type(error)), database_errors():
        raise error


def test_a_mail_that_a_dead_process_holds_keeps_nobody_else_waiting(database: Db, store: MongoStore) -> None:
    store.commit([effects_of(send(mail("held")))])
    with database.client.start_session() as session, session.start_transaction():
        database.mails.update_one({"_id": "held"}, {"$set": {"last": NOW}}, session=session)
        batch = [effects_of(bounce(mail("held" if number == 7 else f"mail-{number}"))) for number in range(20)]
        results = commit_isolating(store, batch)
        session.abort_transaction()
    assert isinstance(results[7], Unavailable)
    assert results[:7] + results[8:] == [Outcome.ACCEPTED] * 19
    assert commit_isolating(store, batch[7:8]) == [Outcome.ACCEPTED]


def test_a_mail_about_which_too_much_is_told_is_stopped(database: Db, store: MongoStore) -> None:
    of = mail("flood", *(f"user{number}@gmail.com" for number in range(MAX_FACTS)))
    other = effects_of(send(mail("other")))
    assert commit_isolating(store, [effects_of(bounce(of))]) == [Outcome.ACCEPTED]
    more = effects_of(bounce(of, "one@more.example"))
    assert commit_isolating(store, [other, more]) == [Outcome.ACCEPTED, Outcome.QUARANTINED]
    kept = database.quarantine.find_one()
    assert kept is not None
    assert "facts about mail flood" in kept["detail"]


def test_a_remote_server_can_not_make_counters_grow(store: MongoStore, database: Db, journal: Journal) -> None:
    for number in range(60):
        payload = bounce(mail(f"mail-{number}"))
        payload["bounce"]["bouncedRecipients"][0] |= {
            "diagnosticCode": f"smtp; 5{number:02d} 5.9{number}.123 x",
            "status": "9",
        }
        store.commit(
            [effects_of(payload), effects_of(complaint(mail(f"c-{number}"), complaintFeedbackType=f"x{number}"))]
        )
    journal.post()
    [stored] = database.counters.find()
    names = counts_of(stored["n"])
    assert len([name for name in names if name.startswith("why/")]) < 30
    assert [name for name in names if name.startswith("feedback/")] == ["feedback/unknown"]


def test_a_name_without_end_is_searched_for_in_its_beginning_only() -> None:
    health = {"service": "SES", "eventTypeCode": "X", "affectedEntities": [{"entityValue": "a-" * 100_000}]}
    [hint] = effects_of(by_eventbridge(health, "AWS Health Event", "aws.health")).hints
    assert hint.domain == ""


def test_an_address_without_end_is_not_understood() -> None:
    kept = effects_of(send(mail("m", "x" * 5000 + "@gmail.com"))).quarantined
    assert kept is not None
    assert kept.detail.endswith("at `$.mail.destination`")


def test_a_journal_entry_that_can_not_be_posted_is_set_aside(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    database.journal.insert_one({"at": NOW, "places": [{"domain": "broken.example"}], "wirings": []})
    store.commit([effects_of(send(mail("m")))])
    ending = StopsWhenPosted(journal)
    work_on(ending)
    assert database.journal.count_documents({"aside": True}) == 1
    assert database.counters.count_documents({}) == 1
    assert rebuilder.compare(NOW).agree


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def nothing() -> None:
    """Until there is something to stop."""


def work_on(journal: "StopsWhenPosted | Unreachable") -> None:
    """A worker works until its journal stops it."""
    worker = Worker(journal, Standing(), rests=False)
    journal.stop = worker.stop
    worker.work()


class StopsWhenPosted:
    """A journal that ends the worker once something was posted."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.stop = nothing

    def post(self, limit: int = 1, _breathe: Callable[[], None] | None = None) -> Posting:
        posting = self._journal.post(limit)
        if posting.entries:
            self.stop()
        return posting

    def slide(self) -> Posting:
        return self._journal.slide()

    def set_aside(self) -> str:
        return self._journal.set_aside()


class Unreachable:
    """A journal whose database is away for a while; nothing may be set aside for that."""

    def __init__(self) -> None:
        self.stop = nothing
        self.asked = 0

    def post(self, limit: int = 1, _breathe: Callable[[], None] | None = None) -> Posting:
        self.asked += limit > 0
        if self.asked > 20:
            self.stop()
        raise Unavailable("away")

    def slide(self) -> Posting:
        raise Unavailable("away")

    def set_aside(self) -> str:
        pytest.fail("an outage is no fault of an entry's")


def test_an_outage_sets_nothing_aside() -> None:
    journal = Unreachable()
    work_on(journal)
    assert journal.asked > 20


def test_what_fails_once_is_not_set_aside() -> None:
    class FailsOnce(Unreachable):
        def post(self, limit: int = 1, _breathe: Callable[[], None] | None = None) -> Posting:
            self.asked += limit > 0
            if self.asked == 1:
                raise ValueError("once")
            self.stop()
            return Posting(0, 0, ())

        def slide(self) -> Posting:
            return Posting(0, 0, ())

    journal = FailsOnce()
    work_on(journal)
    assert journal.asked == 2


def test_raising_the_retention_does_not_make_a_rebuild_forget(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    week = timedelta(days=7)
    note_retention(database, week, NOW - timedelta(days=20))
    old = mail("old", timestamp="2026-02-20T09:00:00.000Z")
    store.commit([effects_of(send(old))])
    journal.post()
    database.mails.delete_one({"_id": "old"})  # as its retention of a week had it
    note_retention(database, RETENTION, NOW)
    findings = rebuilder.compare(NOW)
    assert findings.wrong_counters == {}
    assert findings.first_day == (NOW - week).date() + timedelta(days=1)
    assert retention_in_force(database, RETENTION, NOW) < week
    later = NOW + timedelta(days=60)
    assert first_complete_day(database, RETENTION, later) == (later - RETENTION).date() + timedelta(days=1)
    assert retention_in_force(database, RETENTION, later) == RETENTION - timedelta(hours=12)


def test_a_recipient_that_is_no_address_does_not_confuse_a_rebuild(
    store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    for number, recipient in enumerate(
        ("gmail.com", "x@gmail.com", "simulator.amazonses.com", "a@simulator.amazonses.com")
    ):
        store.commit([effects_of(bounce(mail(f"mail-{number}", recipient)))])
    journal.post()
    assert rebuilder.compare(NOW).agree


def test_two_rebuilds_at_once_correct_once(
    database: Db, store: MongoStore, journal: Journal, rebuilder: Rebuilder
) -> None:
    store.commit([effects_of(send(mail("m")))])
    journal.post()
    database.counters.update_one({}, {"$set": {"n.sent": 5}})
    findings = rebuilder.compare(NOW)
    rebuilder.correct(findings, NOW)
    with pytest.raises(Conflict):
        rebuilder.correct(findings, NOW)
    assert rebuilder.compare(NOW).agree


def test_a_second_limit_that_is_exceeded_is_a_flip_too(database: Db, store: MongoStore, journal: Journal) -> None:
    for number in range(30):
        store.commit([effects_of(send(mail(f"mail-{number}"))), effects_of(bounce(mail(f"mail-{number}")))])
    journal.post()
    store.commit([effects_of(complaint(mail("mail-1")))])
    journal.post()
    flips = [(flip["from"], flip["to"], flip["flags"]) for flip in database.flips.find().sort("_id")]
    assert flips == [
        ("insufficient_data", "flagged", ["bounce"]),
        ("flagged", "flagged", ["bounce", "complaint"]),
    ]


def test_somebody_elses_index_and_two_documents_of_a_domain_are_told_plainly(database: Db) -> None:
    database.client.drop_database(database.name)
    database.emaildomains.create_index("domain")
    with pytest.raises(Misconfigured, match="drop it"):
        ensure_indexes(database)
    database.emaildomains.drop_indexes()
    database.emaildomains.insert_many([{"domain": "example.com"}, {"domain": "example.com"}])
    with pytest.raises(Misconfigured, match="unite them"):
        ensure_indexes(database)
