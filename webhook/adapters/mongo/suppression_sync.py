"""How both suppression lists stand to each other: a row for each address of SES's list, and how far comparing is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import pymongo
from msgspec import structs
from pymongo import DeleteOne, IndexModel, ReplaceOne, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.suppressing import write_changes
from webhook.domain.restoring import Listed
from webhook.domain.suppression import Cause, Changes, Scope
from webhook.domain.suppression_sync import (
    DUE,
    EXPECTED,
    OWN,
    SES,
    Own,
    Row,
    Standing,
    account_entry,
    entry_of,
    missed,
    noticed,
    offered,
    own_of,
    withdrawn,
)
from webhook.domain.sync_state import State
from webhook.errors import Conflict

INDEXES: dict[str, list[IndexModel]] = {
    "listings": [
        # What is due at SES, and what depends on there being a cause of our own.
        IndexModel([("standing", pymongo.ASCENDING), ("_id", pymongo.ASCENDING)]),
        # However an address is written.
        IndexModel("key"),
    ],
}
#: Collections without an index of their own.
PLAIN = ("syncs",)
#: Seconds that one transaction may take, and addresses that are looked through at once.
PATIENCE, BATCH = 20, 500
_NAMES = {field.name: field.encode_name for field in structs.fields(State)}

Result = TypeVar("Result")


class SyncBook:
    """Plays `syncing.ports.Book` for one region: each has a list of its own. `me` tells this process from others."""

    def __init__(self, db: Db, region: str, me: str) -> None:
        self._db = db
        self._region = region
        self._me = me
        self._ours: Document = {"_id": region, "lease.by": me}

    # -- the state

    def take(self, now: datetime, until: datetime) -> State | None:
        """The state, leased until then; None while another has it."""
        free = {"$or": [{"lease": None}, {"lease.until": {"$lte": now}}, {"lease.by": self._me}]}
        lease = {"$set": {"lease": {"by": self._me, "until": until}}}
        with database_errors():
            try:
                found = self._db.syncs.find_one_and_update(
                    {"_id": self._region, **free}, lease, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:
                return None
        return _state(found, self._region)

    def release(self) -> None:
        """Ends the lease."""
        with database_errors():
            self._db.syncs.update_one(self._ours, {"$set": {"lease": None}})

    def peek(self) -> State:
        """The state as it is."""
        with database_errors():
            return _state(self._db.syncs.find_one({"_id": self._region}), self._region)

    def update(self, **changes: object) -> State:
        """Changes the state; gives it as it is then. Raises Conflict without the lease."""
        with database_errors():
            return self._changed(changes)

    def begin(self, now: datetime, **changes: object) -> State:
        """The same, as a round begins: what the last came to is put into the audit trail."""

        def write(session: ClientSession) -> State:
            state = self._changed({}, session=session)
            before = state.audited
            told = {name: n - before.get(name, 0) for name, n in state.numbers.items() if n > before.get(name, 0)}
            if told:
                record(self._db, session, audit_row("suppression.synced", at=now, who=SES, numbers=told))
            return self._changed({**changes, "audited": state.numbers}, session=session)

        return self._in_transaction(write)

    # -- theirs

    def notice(self, listed: Sequence[Listed], state: State, now: datetime) -> None:
        """What a page of theirs says; all of it is told to ours that is news."""

        def write(session: ClientSession) -> None:
            rows = self._rows({"_id": {"$in": [self._id(one.address) for one in listed]}}, session)
            known = {row.address: row for row in rows}
            news, writes = [], []
            for one in listed:
                row, told = noticed(known.get(one.address), one, state.generation)
                if told:
                    news.append(entry_of(one.address, one.reason, one.at))
                if row != known.get(one.address):
                    writes.append(self._replacing(row))
            told_to_ours = Changes(add=tuple(news), restated=tuple(news))
            write_changes(self._db, told_to_ours, session, now)
            self._write(writes, session)
            self._changed({}, {"added": len(news)}, session)

        self._in_transaction(write)

    def missing(self, state: State) -> tuple[int, int]:
        """How many that were known a full listing lacked, and how many are known."""
        with database_errors():
            known = self._db.listings.count_documents(self._all(EXPECTED))
            missing = self._db.listings.count_documents(self._all(EXPECTED) | {"seen": {"$lt": state.generation}})
        return missing, known

    def suspect(self, state: State) -> Row | None:
        """The first address after the cursor that the full listing lacked."""
        wanted = self._all(EXPECTED, state.cursor) | {"seen": {"$lt": state.generation}}
        with database_errors():
            found = self._db.listings.find_one(wanted, sort=[("_id", pymongo.ASCENDING)])
        return row_of(found) if found else None

    def miss(self, row: Row, now: datetime) -> None:
        """SES has it no more: ours lets go of what only theirs said."""

        def write(session: ClientSession) -> None:
            others = {"key": row.key, "_id": {"$ne": self._id(row.address)}, "standing": Standing.THEIRS.value}
            lifts = row.standing is Standing.THEIRS and not self._db.listings.find_one(others, session=session)
            counted = {"removed": 0}
            if lifts:
                lifted = Changes(lift=(entry_of(row.address, row.reason, now),))
                changed = write_changes(self._db, lifted, session, now)
                counted["removed"] = changed["changed"] + changed["removed"]
            own = own_entries(self._db, [row.key], now, session).get(row.key)
            self._write([self._becoming(row, missed(row, own, now))], session)
            self._changed({}, counted, session)

        self._in_transaction(write)

    # -- ours

    def sweep(self, state: State, since: datetime | None, before: datetime, now: datetime) -> str | None:
        """Goes on through ours, entered since then and before: what theirs lacks is to be put. None at the end."""
        entered: Document = {"$lt": before} | ({"$gte": since} if since else {})
        wanted = {"_id": {"$gt": state.cursor}, "scope": Scope.ACCOUNT.value, "createdAt": entered}
        with database_errors():
            found = list(self._db.suppressions.find(wanted).sort("_id", pymongo.ASCENDING).limit(BATCH))

        def write(session: ClientSession) -> None:
            own = own_of_documents(found, now)
            rows = self._by_key(own, session)
            after = (offered(one, rows.get(key, ()), now) for key, one in own.items())
            self._write([self._replacing(row) for row in after if row], session)
            self._changed({}, session=session)

        self._in_transaction(write)
        return found[-1]["_id"] if len(found) == BATCH else None

    def prune(self, state: State, now: datetime) -> str | None:
        """Goes on through what we put: what ours has no more is to be deleted. None at the end."""

        def write(session: ClientSession) -> str | None:
            rows = self._rows(self._all(OWN, state.cursor), session, BATCH)
            own = own_entries(self._db, [row.key for row in rows], now, session)
            gone = [(row, withdrawn(row)) for row in rows if row.key not in own]
            self._write([self._becoming(row, after) for row, after in gone if after != row], session)
            self._changed({}, session=session)
            return rows[-1].address if len(rows) == BATCH else None

        return self._in_transaction(write)

    def due(self) -> Row | None:
        """What is to be done at SES next: who may be written to again comes first."""
        order = [("standing", pymongo.ASCENDING), ("_id", pymongo.ASCENDING)]
        with database_errors():
            found = self._db.listings.find_one(self._all(DUE), sort=order)
        return row_of(found) if found else None

    def own(self, row: Row, now: datetime) -> Own | None:
        """What ours has against it at this moment."""
        with database_errors():
            return own_entries(self._db, [row.key], now).get(row.key)

    def save(self, row: Row, after: Row | None, count: Mapping[str, int] | None = None) -> None:
        """The row becomes another (None: is forgotten), and so much is counted."""

        def write(session: ClientSession) -> None:
            self._write([self._becoming(row, after)], session)
            self._changed({}, count, session)

        self._in_transaction(write)

    # -- documents

    def _id(self, address: str) -> str:
        return f"{self._region} {address}"

    def _all(self, standings: Iterable[Standing], cursor: str = "") -> Document:
        return rows_in(self._region, standings, cursor)

    def _rows(self, wanted: Document, session: ClientSession, limit: int = 0) -> list[Row]:
        found = self._db.listings.find(wanted, session=session).sort("_id", pymongo.ASCENDING).limit(limit)
        return [row_of(document) for document in found]

    def _by_key(self, keys: Iterable[str], session: ClientSession) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self._rows(rows_in(self._region, Standing) | {"key": {"$in": list(keys)}}, session):
            found.setdefault(row.key, []).append(row)
        return found

    def _replacing(self, row: Row) -> ReplaceOne[Document]:
        document: Document = msgspec.to_builtins(row, builtin_types=(datetime,))
        return ReplaceOne({"_id": self._id(row.address)}, document | {"key": row.key}, upsert=True)

    def _becoming(self, row: Row, after: Row | None) -> ReplaceOne[Document] | DeleteOne:
        return DeleteOne({"_id": self._id(row.address)}) if after is None else self._replacing(after)

    def _write(self, writes: Sequence[ReplaceOne[Document] | DeleteOne], session: ClientSession) -> None:
        if writes:
            self._db.listings.bulk_write(list(writes), ordered=False, session=session)

    def _changed(
        self, changes: Mapping[str, Any], count: Mapping[str, int] | None = None, session: ClientSession | None = None
    ) -> State:
        """The state after these changes; in a transaction this also makes sure that the lease is still ours."""
        values: Document = msgspec.to_builtins(
            {_NAMES[name]: changes[name] for name in changes}, builtin_types=(datetime,)
        )
        counted = {f"numbers.{name}": number for name, number in (count or {}).items() if number}
        update: Document = {"$set": {"lease.by": self._me, **values}} | ({"$inc": counted} if counted else {})
        found = self._db.syncs.find_one_and_update(
            self._ours, update, session=session, return_document=ReturnDocument.AFTER
        )
        if found is None:
            raise Conflict("another process has taken over comparing the suppression lists")
        return _state(found, self._region)

    def _in_transaction(self, work: Callable[[ClientSession], Result]) -> Result:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def rows_in(region: str, standings: Iterable[Standing], cursor: str = "") -> Document:
    """What finds a region's rows of these standings, after the cursor: `!` is what follows the blank in their ids."""
    return {
        "standing": {"$in": sorted(one.value for one in standings)},
        "_id": {"$gt": f"{region} {cursor}", "$lt": f"{region}!"},
    }


def row_of(document: Document) -> Row:
    """The row that a document of `listings` is."""
    return msgspec.convert(document, Row, builtin_types=(datetime,))


def own_of_documents(found: Iterable[Document], now: datetime) -> dict[str, Own]:
    """What ours has against addresses beside what theirs says, by key, from its documents."""
    told = {}
    for document in found:
        causes = msgspec.convert(document["causes"], list[Cause], builtin_types=(datetime,))
        if own := own_of(document["address"], causes, now):
            told[document["key"]] = own
    return told


def own_entries(db: Db, keys: Iterable[str], now: datetime, session: ClientSession | None = None) -> dict[str, Own]:
    """The same of these addresses, for everybody."""
    ids = [account_entry(key) for key in keys]
    return own_of_documents(db.suppressions.find({"_id": {"$in": ids}}, session=session), now)


def _state(document: Document | None, region: str) -> State:
    known = {name: value for name, value in (document or {}).items() if name not in ("_id", "lease")}
    return msgspec.convert({**known, "region": region}, State, builtin_types=(datetime,))
