"""A commit, and a posting, is all or nothing; and what is acknowledged is durable."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from tests.builders import NOW, RETENTION, bounce, by_eventbridge, effects_of, mail, send
from tests.integration.test_hostile_days import POLICY
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.effects import Effects, Outcome, Subscription
from webhook.errors import Unavailable
from webhook.groupcommit import GroupCommit, Result

COLLECTIONS = (
    "mails",
    "wirings",
    "journal",
    "quarantine",
    "subscriptions",
    "hints",
    "counters",
    "emaildomains",
    "flips",
    "alerts",
    "alertsequences",
)


class Death(Exception):
    """Stands for a process that ends here."""


class DyingStore(MongoStore):
    """Dies when all is written and nothing committed."""

    def _write_hints(self, *given: Any) -> None:
        super()._write_hints(*given)
        raise Death


class DyingJournal(Journal):
    """Dies when all is written and nothing committed."""

    def _post(self, session: ClientSession, limit: int, breathe: Callable[[], None]) -> Any:
        super()._post(session, limit, breathe)
        raise Death


def contents(database: Db) -> dict[str, Any]:
    return {name: list(database[name].find().sort("_id")) for name in COLLECTIONS}


def of_every_kind() -> list[Effects]:
    hint = by_eventbridge({"data": "x"}, "Advisor Recommendation Status Closed")
    subscription = Effects(kind="x", subscription=Subscription("arn:aws:sns:x", "confirmed", "arn", "id"))
    known = effects_of(bounce(mail("known")))
    return [effects_of(send()), effects_of("nonsense"), effects_of(hint), subscription, known]


def test_a_commit_that_does_not_end_leaves_nothing(database: Db) -> None:
    ensure_indexes(database)
    MongoStore(database, RETENTION, lambda: NOW).commit([effects_of(send(mail("known")))])
    before = contents(database)
    with pytest.raises(Death):
        DyingStore(database, RETENTION, lambda: NOW).commit(of_every_kind())
    assert contents(database) == before


def test_a_posting_that_does_not_end_leaves_nothing(database: Db) -> None:
    ensure_indexes(database)
    store = MongoStore(database, RETENTION, lambda: NOW)
    store.commit([effects_of(kind(mail(f"mail-{n}"))) for n in range(30) for kind in (send, bounce)])
    before = contents(database)
    with pytest.raises(Death):
        DyingJournal(database, Judge(database, POLICY), lambda: NOW).post()
    assert contents(database) == before
    posting = Journal(database, Judge(database, POLICY), lambda: NOW).post()
    assert [verdict.status for verdict in posting.flipped] == ["flagged"]
    assert database.flips.count_documents({}) == 1


class Commits(CommandListener):
    """Takes down how transactions are committed."""

    def __init__(self) -> None:
        self.concerns: list[Any] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "commitTransaction":
            self.concerns.append(event.command.get("writeConcern"))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


def test_commits_and_postings_are_durable_before_they_return(database: Db, mongod_uri: str) -> None:
    ensure_indexes(database)
    commits = Commits()
    with MongoClient[dict[str, Any]](mongod_uri, tz_aware=True, event_listeners=[commits]) as client:
        watched = client[database.name]
        MongoStore(watched, RETENTION, lambda: NOW).commit([effects_of(send())])
        Journal(watched, Judge(watched, POLICY), lambda: NOW).post()
    assert [dict(concern) for concern in commits.concerns] == [{"w": "majority", "j": True}] * 2


class ScriptedStore:
    """Waits for a sign before it commits, and then does what it was told to."""

    def __init__(self, *does: Exception | None) -> None:
        self.does = list(does)
        self.batches: list[list[Effects]] = []
        self.begun, self.sign = threading.Event(), threading.Event()

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        self.batches.append(list(batch))
        self.begun.set()
        assert self.sign.wait(10)
        error = self.does.pop(0) if self.does else None
        if error:
            raise error
        return [Outcome.ACCEPTED] * len(batch)


def test_nobody_hears_of_a_commit_before_it_happened_and_beyond_the_bound_all_are_refused() -> None:
    store = ScriptedStore()
    group = GroupCommit(store, 3, Clock())
    told: list[Result] = []
    group.submit(effects_of(send(mail("0"))), told.append)
    assert store.begun.wait(10)
    group.submit(effects_of(send(mail("1"))), told.append)
    group.submit(effects_of(send(mail("2"))), told.append)
    with pytest.raises(Unavailable, match="MAX_PENDING"):
        group.submit(effects_of(send(mail("3"))), told.append)
    assert told == []
    store.sign.set()
    group.close()
    assert told == [Outcome.ACCEPTED] * 3
    with pytest.raises(Unavailable, match="stopping"):
        group.submit(effects_of(send(mail("4"))), told.append)


@pytest.mark.parametrize("error", [Unavailable("away"), MemoryError()], ids=["away", "memory"])
def test_a_database_that_is_away_is_told_once_to_all_who_wait(error: Exception) -> None:
    store = ScriptedStore(error)
    group = GroupCommit(store, 100, Clock())
    told: list[Result] = []
    group.submit(effects_of(send(mail("0"))), told.append)
    assert store.begun.wait(10)
    for number in range(1, 9):
        group.submit(effects_of(send(mail(str(number)))), told.append)
    store.sign.set()
    group.close()
    assert len(told) == 9
    assert all(isinstance(result, Unavailable) for result in told)
    assert len(store.batches) == 1


def test_a_batch_holds_no_more_than_one_transaction_should() -> None:
    store = ScriptedStore()
    group = GroupCommit(store, 10_000, Clock())
    told: list[Result] = []
    heavy = effects_of(send(mail("heavy", *(f"u{n}@gmail.com" for n in range(1000)))))
    group.submit(effects_of(send(mail("0"))), told.append)
    assert store.begun.wait(10)
    for effects in [heavy] * 12 + [effects_of(send(mail("light")))] * 900:
        group.submit(effects, told.append)
    store.sign.set()
    group.close()
    assert [len(batch) for batch in store.batches][:4] == [1, 5, 5, 400]
    assert len(told) == 913


def test_what_not_even_the_quarantine_takes_is_our_fault() -> None:
    store = ScriptedStore(*[ValueError("no")] * 2)
    store.sign.set()
    group = GroupCommit(store, 10, Clock())
    told: list[Result] = []
    group.submit(effects_of(send()), told.append)
    group.close()
    assert [type(result) for result in told] == [Unavailable]
    assert len(store.batches) == 2
