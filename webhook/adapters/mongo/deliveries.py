"""Deliveries: a row for each alert and endpoint. `due` is when it is to be tried, or when the claim on it runs out.

A claim moves `due` to the end of its lease and bumps `attempt`, by compare-and-set: of two workers one gets it, and
where one has died the next takes over, with the next attempt.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from pymongo import IndexModel, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.endpoints import note_failure, note_success
from webhook.adapters.mongo.outbox import KEPT, alert_of
from webhook.domain.alerts import Alert
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.endpoints import Endpoint, State
from webhook.domain.retry import ATTEMPTS, holds_up

#: How long a claim lasts: longer than any attempt takes.
LEASE = timedelta(seconds=60)
#: Rows looked at in one go, and how often it looks further if all of them have to wait for another.
LOOKED_AT, LOOKS = 200, 5
#: Attempts kept with a delivery: the last ones.
ATTEMPTS_KEPT = 50
PATIENCE = 8

_PENDING = {"state": "pending"}
_ROW = {"attempts": 0}
_ASC = pymongo.ASCENDING

INDEXES: dict[str, list[IndexModel]] = {
    "deliveries": [
        # What is due where. The first row of each endpoint says when it is the endpoint's turn.
        IndexModel([("state", _ASC), ("endpoint", _ASC), ("due", _ASC), ("sequence", _ASC), ("domain", _ASC)]),
        # Who has to wait for whom. Were it partial, the first row of each domain could not be found by skipping.
        IndexModel([("holds", _ASC), ("endpoint", _ASC), ("domain", _ASC), ("sequence", _ASC)]),
        IndexModel([("endpoint", _ASC), ("_id", pymongo.DESCENDING)]),
        IndexModel([("state", _ASC), ("createdAt", _ASC)]),
        IndexModel("alert"),
        IndexModel("expires", expireAfterSeconds=0),
    ],
}


def delivery_document(alert: Alert, endpoint: str, now: datetime) -> Document:
    """A delivery that is due at once. Its id is the alert's and the endpoint's: made twice it is there once."""
    return {
        "_id": f"{alert.id}/{endpoint}",
        "alert": alert.id,
        "endpoint": endpoint,
        "type": alert.type.value,
        "domain": alert.domain,
        "sequence": alert.sequence,
        "state": "pending",
        "due": now,
        "attempt": 0,
        "tries": 0,
        "holds": holds_up(alert.type, alert.domain, 0),
        "claim": None,
        "attempts": [],
        "createdAt": now,
        "deliveredAt": None,
        "expires": now + KEPT,
    }


class Deliveries:
    """What is still to be delivered where."""

    def __init__(self, db: Db, now: Callable[[], datetime], lease: timedelta = LEASE) -> None:
        self._db = db
        self._now = now
        self._lease = lease

    def waiting(self) -> Sequence[str]:
        """The ids of the endpoints for which something is due; costs as much as there are endpoints, not rows."""
        order = {"state": _ASC, "endpoint": _ASC, "due": _ASC, "sequence": _ASC}
        first: list[Document] = [
            {"$match": _PENDING},
            {"$sort": order},
            {"$group": {"_id": "$endpoint", "due": {"$first": "$due"}}},
        ]
        now = self._now()
        with database_errors():
            return [row["_id"] for row in self._db.deliveries.aggregate(first) if row["due"] <= now]

    def claim(self, endpoint: Endpoint, most: int, hold: Callable[[int], datetime | None]) -> Sequence[Claim]:
        """Takes at most so many due deliveries; `hold` says until when the endpoint is then left alone."""
        now = self._now()
        with database_errors():
            rows = self._ready(endpoint.id, most, now)
            until = hold(len(rows)) if rows else None
            if until and not self._hold(endpoint, until):
                return ()
            token = str(ObjectId())
            writes = [_claiming(row, token, now + self._lease) for row in rows if row["tries"] < ATTEMPTS]
            writes += [_burying(row, now) for row in rows if row["tries"] >= ATTEMPTS]
            if not writes:
                return ()
            self._db.deliveries.bulk_write(writes, ordered=False)
            order = [row["_id"] for row in rows]
            ours = {row["_id"]: row for row in self._db.deliveries.find({"_id": {"$in": order}, "claim": token})}
            return self._claims([ours[one] for one in order if one in ours])

    def _hold(self, endpoint: Endpoint, until: datetime) -> bool:
        """Keeps others from the endpoint until then; False if one of them was faster."""
        same = {"_id": endpoint.id, "notBefore": endpoint.health.not_before}
        return self._db.endpoints.update_one(same, {"$set": {"notBefore": until}}).modified_count == 1

    def _ready(self, endpoint: str, most: int, now: datetime) -> list[Document]:
        """Due rows that need not wait for an earlier one about their domain, those that are due longest first."""
        ready: list[Document] = []
        passed: set[str] = set()
        for _ in range(LOOKS):
            query = {**_PENDING, "endpoint": endpoint, "due": {"$lte": now}, "domain": {"$nin": sorted(passed)}}
            rows = list(
                self._db.deliveries.find(query, _ROW).sort([("due", _ASC), ("sequence", _ASC)]).limit(LOOKED_AT)
            )
            domains = {row["domain"] for row in rows if row.get("holds")}
            ready += [row for row in rows if not row.get("holds")]
            ready += [head for head in self._heads(endpoint, domains) if head["due"] <= now]
            passed |= domains
            if len(ready) >= most or len(rows) < LOOKED_AT:
                break
        return sorted(ready, key=lambda row: (row["due"], row["sequence"] or 0))[:most]

    def _heads(self, endpoint: str, domains: Collection[str]) -> list[Document]:
        """The row of each domain that holds up the others; it may be one that is not due."""
        if not domains:
            return []
        first: list[Document] = [
            {"$match": {"holds": True, "endpoint": endpoint, "domain": {"$in": sorted(domains)}}},
            {"$sort": {"holds": _ASC, "endpoint": _ASC, "domain": _ASC, "sequence": _ASC}},
            {"$group": {"_id": "$domain", "row": {"$first": "$$ROOT"}}},
        ]
        return [found["row"] for found in self._db.deliveries.aggregate(first)]

    def _claims(self, rows: list[Document]) -> list[Claim]:
        found = self._db.alerts.find({"_id": {"$in": [row["alert"] for row in rows]}})
        alerts = {document["_id"]: alert_of(document) for document in found}
        return [
            Claim(row["_id"], alerts[row["alert"]], row["endpoint"], row["attempt"], row["tries"], row["claim"])
            for row in rows
            if row["alert"] in alerts  # else it has just expired, and so will its delivery
        ]

    def delivered(self, claim: Claim, attempt: Attempt) -> bool:
        """Writes down that the alert was taken; False if the claim had run out."""
        state = {"state": "delivered", "deliveredAt": attempt.at + timedelta(milliseconds=attempt.ms)}
        with database_errors():
            written = self._db.deliveries.update_one(_claimed(claim), _ending(attempt, state))
            note_success(self._db, claim.endpoint)
        return written.modified_count == 1

    def failed(self, claim: Claim, attempt: Attempt, retry_at: datetime | None, *, gone: bool) -> bool:
        """Writes down that it was not, and what that means for the endpoint; no `retry_at` makes it a dead letter."""
        now = self._now()
        if retry_at is None:
            update = _ending(attempt, {"state": "dead"})
        else:
            update = _attempted(attempt, {"due": retry_at, "claim": None})
            if not holds_up(claim.alert.type, claim.alert.domain, claim.tries):
                update["$unset"] = {"holds": ""}

        def work(session: ClientSession) -> bool:
            if not self._db.deliveries.update_one(_claimed(claim), update, session=session).modified_count:
                return False
            note_failure(self._db, claim.endpoint, attempt.error or "", now, session, gone=gone)
            return True

        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)

    def gauges(self) -> dict[str, tuple[str, float]]:
        """What /metrics reads: name to (help, value). What waits for a disabled endpoint does not count as late."""
        with database_errors():
            disabled = [row["_id"] for row in self._db.endpoints.find({"state": State.DISABLED.value}, {"_id": 1})]
            waits = _PENDING | {"endpoint": {"$nin": disabled}}
            oldest = self._db.deliveries.find_one(waits, {"createdAt": 1}, sort=[("createdAt", _ASC)])
            unfanned = self._db.alerts.find_one({"fanned": False}, {"_id": 1, "expires": 1}, sort=[("_id", _ASC)])
            pending, dead = (self._db.deliveries.count_documents({"state": state}) for state in ("pending", "dead"))
        born = [oldest["createdAt"]] if oldest else []
        born += [unfanned["expires"] - KEPT] if unfanned else []
        age = max(0.0, (self._now() - min(born)).total_seconds()) if born else 0.0
        return {
            "sentinel_alerts_oldest_pending_seconds": ("Age of the oldest alert that is still to be delivered.", age),
            "sentinel_deliveries_pending": ("Deliveries that are still to be made.", float(pending)),
            "sentinel_deliveries_dead": ("Deliveries that were given up.", float(dead)),
        }


def _claimed(claim: Claim) -> Document:
    return {"_id": claim.delivery, "state": "pending", "claim": claim.token}


def _claiming(row: Document, token: str, until: datetime) -> UpdateOne:
    same = {"_id": row["_id"], "state": "pending", "attempt": row["attempt"], "claim": row["claim"], "due": row["due"]}
    return UpdateOne(same, {"$set": {"claim": token, "due": until}, "$inc": {"attempt": 1, "tries": 1}})


def _burying(row: Document, now: datetime) -> UpdateOne:
    """The last attempt has not come back, and there is no further one."""
    lost = Attempt(row["attempt"], now, 0, None, "whoever made the last attempt did not come back")
    same = {"_id": row["_id"], "state": "pending", "attempt": row["attempt"], "due": row["due"]}
    return UpdateOne(same, _ending(lost, {"state": "dead"}))


def _ending(attempt: Attempt, state: Document) -> Document:
    return {**_attempted(attempt, {"claim": None, **state}), "$unset": {"due": "", "holds": ""}}


def _attempted(attempt: Attempt, state: Document) -> Document:
    kept: dict[str, Any] = {"number": attempt.number, "at": attempt.at, "ms": attempt.ms, "status": attempt.status}
    kept |= {"error": attempt.error, "body": attempt.body}
    return {"$set": state, "$push": {"attempts": {"$each": [kept], "$slice": -ATTEMPTS_KEPT}}}
