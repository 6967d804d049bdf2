"""Endpoints as they are stored, and what is done to them: by people, each time with its row of the audit trail."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import pymongo
from bson import ObjectId
from pymongo import IndexModel
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.endpoint_documents import (
    endpoint_document,
    endpoint_of,
    headers_document,
    health_document,
    said_document,
    secret_documents,
)
from webhook.adapters.mongo.readable import read_each
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import endpoint_trouble
from webhook.domain.deliveries import left_alone
from webhook.domain.disclosure import Deed, changes, noted, shown
from webhook.domain.endpoints import (
    BREAKS_AFTER,
    Endpoint,
    Health,
    Notice,
    State,
    disabled,
    enabled,
    failed,
    reviewed,
    succeeded,
)
from webhook.errors import NotFound, Refused
from webhook.paging import LIMIT, Page, page_of, unseal

__all__ = ["INDEXES", "Endpoints", "endpoint_document", "endpoint_of"]

PATIENCE = 8
#: Endpoints that one owner may have: each makes work with each alert.
PER_OWNER = 50
#: Who acts, for the audit trail: whoever works on the database directly, and this service itself.
OPERATOR, DISPATCHER = "operator", "dispatcher"
_Done = TypeVar("_Done")

INDEXES: dict[str, list[IndexModel]] = {
    "endpoints": [IndexModel([("owner", pymongo.ASCENDING), ("_id", pymongo.ASCENDING)])],
}


class Endpoints:
    """Who is told. `owner` narrows it down to an owner's; one of somebody else is not found. `who` is who acts."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def add(self, endpoint: Endpoint, *, who: str = OPERATOR) -> None:
        """Keeps a new one; raises Refused if its owner has too many."""

        def work(session: ClientSession) -> None:
            self._check_room(endpoint.owner, session)
            self._db.endpoints.insert_one(endpoint_document(endpoint), session=session)
            self._note(Deed.ADDED, endpoint, who, session)

        self._in_transaction(work)

    def _check_room(self, owner: str | None, session: ClientSession) -> None:
        if (
            owner is None
            or self._db.endpoints.count_documents(_of(owner), limit=PER_OWNER, session=session) < PER_OWNER
        ):
            return
        hint = "remove one, or let one of them take more types or domains"
        raise Refused("too_many_endpoints", f"{owner} has {PER_OWNER} alert endpoints, and more are not allowed", hint)

    def new_id(self) -> str:
        """An id for a new one."""
        return f"ep_{ObjectId()}"

    def find(self, *, cursor: str = "", limit: int = LIMIT, owner: str | None = None) -> Page:
        """All, in the order they were made; the items are as in `shown`."""
        wanted = _of(owner) | ({"_id": {"$gt": unseal(cursor, str)[0]}} if cursor else {})
        with database_errors():
            found = list(self._db.endpoints.find(wanted).sort("_id", pymongo.ASCENDING).limit(limit + 1))
        return page_of([shown(endpoint_of(document)) for document in found], limit, lambda last: [last["id"]])

    def get(self, identity: str, owner: str | None = None) -> Endpoint:
        """One of them; raises NotFound."""
        with database_errors():
            return self._get(identity, owner)

    def enabled(self) -> Mapping[str, Endpoint]:
        """All that are not disabled and can be read, by id."""
        with database_errors():
            found = self._db.endpoints.find({"state": {"$ne": State.DISABLED.value}})
            return {endpoint.id: endpoint for endpoint in read_each(found, endpoint_of)}

    def signing(self) -> Iterator[Endpoint]:
        """All that have a secret or headers."""
        either: list[Document] = [{"secrets.0": {"$exists": True}}, {"headers": {"$nin": [{}, []]}}]
        with database_errors():
            yield from map(endpoint_of, self._db.endpoints.find({"$or": either}))

    def replace(self, before: Endpoint, after: Endpoint, deed: Deed = Deed.CHANGED, *, who: str = OPERATOR) -> bool:
        """Changes what a person may change; False if that is not what it was before any more.

        Its health stays, but for the time that the rate of before kept it waiting.
        """
        same = {"_id": before.id, **said_document(before)}

        def work(session: ClientSession) -> bool:
            if not self._db.endpoints.update_one(same, {"$set": said_document(after)}, session=session).matched_count:
                return False
            if before.rate != after.rate:
                held = {"_id": before.id, "failures": {"$lt": BREAKS_AFTER}}  # beyond that it is being probed
                self._db.endpoints.update_one(held, {"$set": {"notBefore": None}}, session=session)
            changed = changes(before, after)
            if changed or deed is not Deed.CHANGED:
                self._note(deed, after, who, session, changes=changed)
            return True

        return self._in_transaction(work)

    def reseal(self, before: Endpoint, after: Endpoint) -> bool:
        """Puts the secrets and headers there sealed anew; False if others are there by now.

        They stay what they are: there is no row of the audit trail.
        """
        same = {"_id": before.id, **_sealed_document(before)}
        with database_errors():
            return self._db.endpoints.update_one(same, {"$set": _sealed_document(after)}).matched_count == 1

    def remove(self, identity: str, owner: str | None = None, *, who: str = OPERATOR) -> None:
        """Forgets it, and what was to be delivered to it; raises NotFound."""

        def work(session: ClientSession) -> None:
            gone = self._get(identity, owner, session)
            self._db.endpoints.delete_one({"_id": identity}, session=session)
            self._note(Deed.REMOVED, gone, who, session)

        self._in_transaction(work)
        with database_errors():
            self._db.deliveries.delete_many({"endpoint": identity, "state": "pending"})

    def enable(self, identity: str, owner: str | None = None, *, who: str = OPERATOR) -> Endpoint:
        """A person says that it works again: what waits for it is delivered now. Raises NotFound."""

        def work(session: ClientSession) -> Endpoint:
            before = self._get(identity, owner, session)
            after = self._set_health(identity, enabled(), session)
            if before.state is not State.ACTIVE:
                self._note(Deed.ENABLED, after, who, session)
            return after

        endpoint = self._in_transaction(work)
        with database_errors():
            waiting = {"endpoint": identity, "state": "pending", "claim": None}
            self._db.deliveries.update_many(waiting, {"$min": {"due": self._now()}})
        return endpoint

    def disable(self, identity: str, why: str, owner: str | None = None, *, who: str = OPERATOR) -> Endpoint:
        """A person wants it to get nothing; nobody is told. One that is disabled stays as it is. Raises NotFound."""

        def work(session: ClientSession) -> Endpoint:
            before = self._get(identity, owner, session)
            if before.state is State.DISABLED:
                return before
            after = self._set_health(identity, disabled(before.health, self._now(), why), session)
            self._note(Deed.DISABLED, after, who, session, why=why)
            return after

        return self._in_transaction(work)

    def review(self) -> int:
        """Warns of those that have been failing for long; gives how many."""
        with database_errors():
            failing = list(read_each(self._db.endpoints.find({"state": State.FAILING.value}), endpoint_of))
        return sum(self._review(endpoint.id) for endpoint in failing)

    def _review(self, identity: str) -> bool:
        def work(session: ClientSession) -> bool:
            return transit(self._db, identity, lambda health: reviewed(health, self._now()), self._now(), session)

        return self._in_transaction(work)

    def _get(self, identity: str, owner: str | None, session: ClientSession | None = None) -> Endpoint:
        found = self._db.endpoints.find_one({"_id": identity, **_of(owner)}, session=session)
        if found is None:
            raise NotFound(f"no alert endpoint {identity!r}")
        return endpoint_of(found)

    def _set_health(self, identity: str, health: Health, session: ClientSession) -> Endpoint:
        self._db.endpoints.update_one({"_id": identity}, {"$set": health_document(health)}, session=session)
        return self._get(identity, None, session)

    def _note(self, deed: Deed, endpoint: Endpoint, who: str, session: ClientSession, **more: object) -> None:
        record(self._db, session, _row(deed, endpoint, who, self._now(), **more))

    def _in_transaction(self, work: Callable[[ClientSession], _Done]) -> _Done:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def transit(
    db: Db,
    identity: str,
    step: Callable[[Health], tuple[Health, Notice | None]],
    now: datetime,
    session: ClientSession,
) -> bool:
    """Takes an endpoint's health a step further, in the caller's transaction, with the alert that this may be."""
    document = db.endpoints.find_one({"_id": identity}, session=session)
    if document is None:
        return False
    endpoint = endpoint_of(document)
    health, notice = step(endpoint.health)
    if health != endpoint.health:
        db.endpoints.update_one({"_id": identity}, {"$set": health_document(health)}, session=session)
    if notice:
        kind, why = AlertType(notice.value), health.why or ""
        draft = endpoint_trouble(kind, endpoint.told, endpoint.owner, why, health.failing_since, now)
        outbox.write(db, [draft], now, session)
    if notice is Notice.DISABLED:
        record(db, session, _row(Deed.DISABLED, endpoint, DISPATCHER, now, why=health.why))
    return notice is not None


def note_success(db: Db, identity: str) -> None:
    """An endpoint took something: one that was failing is well again."""
    db.endpoints.update_one(
        {"_id": identity, "state": State.FAILING.value}, {"$set": health_document(succeeded(Health()))}
    )


def note_failure(
    db: Db, identity: str, detail: str, now: datetime, session: ClientSession, *, gone: bool, asked: float | None = None
) -> None:
    """An endpoint did not take something, and `asked` perhaps to be left alone for so many seconds."""

    def step(health: Health) -> tuple[Health, Notice | None]:
        after, notice = failed(health, now, detail, gone=gone)
        return left_alone(health, after, now, asked), notice

    transit(db, identity, step, now, session)


def _sealed_document(endpoint: Endpoint) -> Document:
    return {"secrets": secret_documents(endpoint), "headers": headers_document(endpoint)}


def _of(owner: str | None) -> Document:
    return {} if owner is None else {"owner": owner}


def _row(deed: Deed, endpoint: Endpoint, who: str, at: datetime, **more: object) -> Document:
    """The row of the audit trail."""
    told = {name: value for name, value in more.items() if value}
    return audit_row(deed.value, at=at, who=who, owner=endpoint.owner) | {"endpoint": noted(endpoint)} | told
