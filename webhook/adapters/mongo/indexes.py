"""Every index there is, and why."""

import pymongo
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from webhook.adapters.mongo import deliveries, endpoints, gaps, outbox, readings, suppression_sync
from webhook.adapters.mongo.client import Db, database_errors
from webhook.errors import Misconfigured


def _newest(*fields: str) -> list[tuple[str, int]]:
    """An index for lists that begin with the newest; the last field is the time."""
    *of, at = fields
    return [*((field, pymongo.ASCENDING) for field in of), (at, pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]


INDEXES: dict[str, list[IndexModel]] = {
    "mails": [
        # "What happened at this domain, newest first."
        IndexModel([("domain", pymongo.ASCENDING), ("last", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
        # Of which adverse mails something was told later.
        IndexModel("retold", sparse=True),
    ],
    "counters": [
        # A domain's window; counters change in place and never move in it.
        IndexModel([("domain", pymongo.ASCENDING), ("day", pymongo.ASCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
    ],
    "emaildomains": [
        IndexModel("domain", unique=True),
        # Whose window has to slide, and who waits for a denominator.
        IndexModel("reputation.window.to"),
        IndexModel("reputation.blindWirings", sparse=True),
        IndexModel([("reputation.status", pymongo.ASCENDING), ("domain", pymongo.ASCENDING)]),
        # Whose state at SES is due to be read.
        IndexModel("pauseTask.retryAt", sparse=True),
        IndexModel("awsSes.configurationSet", sparse=True),
        IndexModel("owner", sparse=True),
        # What was begun at SES and is to be ended.
        IndexModel([("awsSes.intent", pymongo.ASCENDING), ("awsSes.retryAt", pymongo.ASCENDING)], sparse=True),
        IndexModel("awsSes.nextCheck", partialFilterExpression={"awsSes.registered": True}),
    ],
    "flips": [
        IndexModel([("domain", pymongo.ASCENDING), ("at", pymongo.DESCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
    ],
    "quarantine": [
        IndexModel([("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]),
        IndexModel([("reason", pymongo.ASCENDING), ("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]),
    ],
    "hints": [
        IndexModel("expires", expireAfterSeconds=0),
        # The oldest that nobody has looked at, and all of a domain.
        IndexModel([("seenAt", pymongo.ASCENDING), ("at", pymongo.ASCENDING)]),
        IndexModel([("domain", pymongo.ASCENDING), ("seenAt", pymongo.ASCENDING)]),
    ],
    "verifications": [
        IndexModel(_newest("domain", "at")),
        IndexModel("expires", expireAfterSeconds=0),
    ],
    "suppressions": [
        # The list of a domain, of an owner, and of all, newest first.
        IndexModel(_newest("domain", "createdAt"), partialFilterExpression={"scope": "domain"}),
        IndexModel(_newest("owner", "createdAt"), partialFilterExpression={"scope": "owner"}),
        IndexModel(_newest("createdAt")),
        IndexModel("expiresAt", expireAfterSeconds=0),
    ],
    "audit": [IndexModel(_newest("at")), IndexModel(_newest("domain", "at"))],
    "notices": [IndexModel("at"), IndexModel("expires", expireAfterSeconds=0)],
    "tokens": [IndexModel("digest", unique=True)],
    "sendings": [
        IndexModel([("state", pymongo.ASCENDING), ("at", pymongo.ASCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
    ],
    "idempotency": [IndexModel("expires", expireAfterSeconds=0)],
    **outbox.INDEXES,
    **deliveries.INDEXES,
    **endpoints.INDEXES,
    **gaps.INDEXES,
    **readings.INDEXES,
    **suppression_sync.INDEXES,
}
# IndexOptionsConflict, IndexKeySpecsConflict
_OTHER_OPTIONS = frozenset({85, 86})
#: Collections without an index of their own; made beforehand, since a transaction that makes one holds up the others.
PLAIN = (
    "journal",
    "wirings",
    "subscriptions",
    "settings",
    "limits",
    "claims",
    "queues",
    *outbox.PLAIN,
    *suppression_sync.PLAIN,
)


def ensure_indexes(db: Db) -> list[str]:
    """Makes what is missing and gives the names of all indexes. Safe to run again, and while serving."""
    with database_errors(), pymongo.timeout(600):
        present = set(db.list_collection_names())
        for name in (*INDEXES, *PLAIN):
            if name not in present:
                db.create_collection(name, check_exists=False)
        return [f"{name}.{index}" for name, models in INDEXES.items() for index in _create(db, name, models)]


def _create(db: Db, name: str, models: list[IndexModel]) -> list[str]:
    try:
        return db[name].create_indexes(models)
    except DuplicateKeyError as error:
        twice = (error.details or {}).get("keyValue")
        raise Misconfigured(f"{name} has two documents with {twice}: unite them, then start again") from error
    except OperationFailure as error:
        if error.code in _OTHER_OPTIONS:
            told = f"{name} has an index that is in the way of ours: drop it, then start again ({error})"
            raise Misconfigured(told) from error
        raise
