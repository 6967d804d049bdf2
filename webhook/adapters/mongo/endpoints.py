"""Endpoints as they are stored, and what is done to them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pymongo
from bson import ObjectId
from pymongo import IndexModel
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import OPT_IN, endpoint_trouble
from webhook.domain.endpoints import (
    Endpoint,
    Format,
    Health,
    Kind,
    Notice,
    Secret,
    State,
    covers,
    disabled,
    enabled,
    failed,
    reviewed,
    succeeded,
)
from webhook.errors import NotFound
from webhook.paging import LIMIT, Page, page_of, unseal

#: For so long it is believed who opted in: the commits of messages must not ask each time.
BELIEVE = timedelta(seconds=5)
PATIENCE = 8
#: Types that are wanted about a domain; None is any domain.
Wanted = frozenset[tuple[AlertType, str | None]]

INDEXES: dict[str, list[IndexModel]] = {
    "endpoints": [IndexModel([("owner", pymongo.ASCENDING), ("_id", pymongo.ASCENDING)])],
}


class Endpoints:
    """Who is told. `owner` narrows it down to an owner's; one of somebody else is not found."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def add(self, endpoint: Endpoint) -> None:
        """Keeps a new one."""
        with database_errors():
            self._db.endpoints.insert_one(endpoint_document(endpoint))

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
            found = self._db.endpoints.find_one({"_id": identity, **_of(owner)})
        if found is None:
            raise _not_there(identity)
        return endpoint_of(found)

    def enabled(self) -> Mapping[str, Endpoint]:
        """All that are not disabled, by id."""
        with database_errors():
            found = self._db.endpoints.find({"state": {"$ne": State.DISABLED.value}})
            return {document["_id"]: endpoint_of(document) for document in found}

    def replace(self, before: Endpoint, after: Endpoint) -> bool:
        """Changes what a person may change; False if that is not what it was before any more. Its health stays."""
        same = {"_id": before.id, **_said(before)}
        with database_errors():
            return self._db.endpoints.update_one(same, {"$set": _said(after)}).matched_count == 1

    def remove(self, identity: str, owner: str | None = None) -> None:
        """Forgets it, and what was to be delivered to it; raises NotFound."""
        with database_errors():
            if not self._db.endpoints.delete_one({"_id": identity, **_of(owner)}).deleted_count:
                raise _not_there(identity)
            self._db.deliveries.delete_many({"endpoint": identity, "state": "pending"})

    def enable(self, identity: str, owner: str | None = None) -> Endpoint:
        """A person says that it works again: what waits for it is delivered now. Raises NotFound."""
        endpoint = self._set_health(identity, enabled(), owner)
        with database_errors():
            waiting = {"endpoint": identity, "state": "pending", "claim": None}
            self._db.deliveries.update_many(waiting, {"$min": {"due": self._now()}})
        return endpoint

    def disable(self, identity: str, why: str, owner: str | None = None) -> Endpoint:
        """A person wants it to get nothing; nobody is told. Raises NotFound."""
        return self._set_health(identity, disabled(self.get(identity, owner).health, self._now(), why), owner)

    def _set_health(self, identity: str, health: Health, owner: str | None) -> Endpoint:
        with database_errors():
            found = self._db.endpoints.find_one_and_update(
                {"_id": identity, **_of(owner)},
                {"$set": health_document(health)},
                return_document=pymongo.ReturnDocument.AFTER,
            )
        if found is None:
            raise _not_there(identity)
        return endpoint_of(found)

    def review(self) -> int:
        """Warns of those that have been failing for long; gives how many."""
        with database_errors():
            failing = list(self._db.endpoints.find({"state": State.FAILING.value}, {"_id": 1}))
        return sum(self._review(document["_id"]) for document in failing)

    def _review(self, identity: str) -> bool:
        def work(session: ClientSession) -> bool:
            return transit(self._db, identity, lambda health: reviewed(health, self._now()), self._now(), session)

        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


class OptIns:
    """Whether anybody wants to be told of single bounces and complaints; asked of the database every few seconds."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now
        self._asked_at: datetime | None = None
        self._wanted: Wanted = frozenset()

    def wanted(self, kind: AlertType, domain: str) -> bool:
        """True if some endpoint opted in to alerts of this type about this domain. May be some seconds behind."""
        return not self.known().isdisjoint({(kind, None), (kind, domain)})

    def known(self) -> Wanted:
        """What somebody opted in to; empty if nobody did. May be some seconds behind; raises Unavailable."""
        now = self._now()
        if self._asked_at is None or now - self._asked_at >= BELIEVE:
            self._wanted = self._ask()
            self._asked_at = now
        return self._wanted

    def _ask(self) -> Wanted:
        query = {"state": {"$ne": State.DISABLED.value}, "types": {"$regex": "^email\\."}}
        with database_errors():
            found = list(self._db.endpoints.find(query, {"types": 1, "domains": 1}))
        return frozenset(
            (kind, domain)
            for document in found
            for kind in OPT_IN
            if any(covers(pattern, kind) for pattern in document["types"])
            for domain in document["domains"] or (None,)
        )


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
    return notice is not None


def note_success(db: Db, identity: str) -> None:
    """An endpoint took something: one that was failing is well again."""
    db.endpoints.update_one(
        {"_id": identity, "state": State.FAILING.value}, {"$set": health_document(succeeded(Health()))}
    )


def note_failure(db: Db, identity: str, detail: str, now: datetime, session: ClientSession, *, gone: bool) -> None:
    """An endpoint did not take something."""
    transit(db, identity, lambda health: failed(health, now, detail, gone=gone), now, session)


# -- documents


def endpoint_document(endpoint: Endpoint) -> Document:
    """An endpoint as it is stored."""
    made = {"kind": endpoint.kind.value, "owner": endpoint.owner, "createdAt": endpoint.created_at}
    return {"_id": endpoint.id, **made, **_said(endpoint), **health_document(endpoint.health)}


def _said(endpoint: Endpoint) -> Document:
    """The fields that a person may change."""
    return {
        "url": endpoint.url,
        "types": list(endpoint.types),
        "domains": list(endpoint.domains),
        "description": endpoint.description,
        "headers": dict(endpoint.headers),
        "rate": endpoint.rate,
        "format": endpoint.format.value,
        "secrets": [
            {"sealed": secret.sealed, "createdAt": secret.created_at, "until": secret.until}
            for secret in endpoint.secrets
        ],
    }


def health_document(health: Health) -> Document:
    """The fields that say how an endpoint fares."""
    is_disabled = health.state is State.DISABLED
    return {
        "state": health.state.value,
        "failures": health.failures,
        "failingSince": health.failing_since,
        "warnedAt": health.warned_at,
        "notBefore": health.not_before,
        "why": health.why,
        "disabled": {"at": health.disabled_at, "why": health.why} if is_disabled else None,
    }


def endpoint_of(document: Document) -> Endpoint:
    """The endpoint in a stored document."""
    return Endpoint(
        id=document["_id"],
        url=document["url"],
        kind=Kind(document["kind"]),
        types=tuple(document["types"]),
        created_at=document["createdAt"],
        domains=tuple(document["domains"]),
        owner=document["owner"],
        description=document["description"],
        headers=document["headers"],
        rate=document["rate"],
        format=Format(document["format"]),
        secrets=tuple(Secret(row["sealed"], row["createdAt"], row["until"]) for row in document["secrets"]),
        health=Health(
            state=State(document["state"]),
            failures=document["failures"],
            failing_since=document["failingSince"],
            warned_at=document["warnedAt"],
            not_before=document["notBefore"],
            why=document["why"],
            disabled_at=(document["disabled"] or {}).get("at"),
        ),
    )


def shown(endpoint: Endpoint) -> Document:
    """An endpoint as a person sees it: without secrets, and without the values of its headers."""
    document = endpoint_document(endpoint)
    document["headers"] = dict.fromkeys(document["headers"], "…")
    for name in ("_id", "secrets", "notBefore", "warnedAt"):
        document.pop(name)
    return {"id": endpoint.id, **document}


def _of(owner: str | None) -> Document:
    return {} if owner is None else {"owner": owner}


def _not_there(identity: str) -> NotFound:
    return NotFound(f"no alert endpoint {identity!r}")
