"""Deliveries: a row for each alert and endpoint. `due` is when it is to be tried, or when the claim on it runs out.

A claim moves `due` to the end of its lease and bumps `attempt`, by compare-and-set: of two workers one gets it, and
where one has died the next takes over, with the next attempt. Claims and successes are written many at a time: a
durable write costs milliseconds whatever its size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pymongo
from bson import ObjectId
from pymongo import IndexModel, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import backlog, due, tallies
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.endpoints import note_failure, note_success
from webhook.adapters.mongo.outbox import KEPT, alert_of
from webhook.adapters.mongo.readable import read_each
from webhook.adapters.mongo.tallies import Tally
from webhook.domain.deliveries import Attempt, Claim
from webhook.domain.endpoints import Endpoint
from webhook.domain.retry import holds_up
from webhook.metrics import Gauges

#: How long a claim lasts: longer than any attempt takes.
LEASE = timedelta(seconds=60)
#: Attempts kept with a delivery: the last ones.
ATTEMPTS_KEPT = 50
PATIENCE = 8
#: What is said of a delivery whose alert is gone.
LOST = f"the alert is no longer there to be told: alerts are kept for {KEPT.days} days"
#: Endpoints that are looked at in one go.
LOOKED_AT = 32
#: An endpoint; of so many deliveries that are ready, how many it is given, and until when it is left alone then.
Share = Callable[[int], tuple[int, datetime | None]]
Turn = tuple[Endpoint, Share]

_ASC = pymongo.ASCENDING

INDEXES: dict[str, list[IndexModel]] = {
    "deliveries": [
        # What is due where. The first row of each endpoint says when it is the endpoint's turn.
        IndexModel([("state", _ASC), ("endpoint", _ASC), ("due", _ASC), ("sequence", _ASC), ("domain", _ASC)]),
        # Who has to wait for whom. Were it partial, the first row of each domain could not be found by skipping.
        IndexModel([("holds", _ASC), ("endpoint", _ASC), ("domain", _ASC), ("sequence", _ASC)]),
        IndexModel([("endpoint", _ASC), ("_id", pymongo.DESCENDING)]),
        # What has been waiting longest, but for those who are disabled.
        IndexModel([("state", _ASC), ("since", _ASC), ("endpoint", _ASC)]),
        IndexModel("alert"),
        IndexModel("expires", expireAfterSeconds=0),
    ],
}


def delivery_document(alert: Document, endpoint: str, now: datetime) -> Document:
    """A delivery that is due at once, of an alert as it is stored.

    Its id is the alert's and the endpoint's: made twice it is there once. It is kept as long as the alert is.
    """
    made = _document(alert, endpoint, now)
    return made | {"state": "pending", "due": now, "holds": made["ordered"], "attempts": []}


def dead_document(alert: Document, endpoint: str, now: datetime, why: str) -> Document:
    """A delivery that is not even tried, of an alert as it is stored."""
    return _document(alert, endpoint, now) | {"state": "dead", "attempts": [_kept(Attempt(0, now, 0, None, why))]}


def _document(alert: Document, endpoint: str, now: datetime) -> Document:
    return {
        "_id": f"{alert['_id']}/{endpoint}",
        "alert": alert["_id"],
        "endpoint": endpoint,
        "type": alert["type"],
        "domain": alert.get("domain"),
        "sequence": alert.get("sequence"),
        "ordered": holds_up(alert["type"], alert.get("domain"), 0),
        "attempt": 0,
        "tries": 0,
        "claim": None,
        "createdAt": now,
        "since": now,
        "deliveredAt": None,
        "expires": alert["expires"],
    }


class Deliveries:
    """What is still to be delivered where."""

    def __init__(self, db: Db, now: Callable[[], datetime], lease: timedelta = LEASE) -> None:
        self._db = db
        self._now = now
        self._lease = lease

    def waiting(self) -> Sequence[str]:
        """The ids of the endpoints for which something is due; costs as much as there are endpoints, not rows."""
        with database_errors():
            return due.waiting(self._db, self._now())

    def claim(self, endpoint: Endpoint, most: int, hold: Callable[[int], datetime | None]) -> Sequence[Claim]:
        """Takes at most so many due deliveries; `hold` says until when the endpoint is then left alone."""
        return self.claim_all([(endpoint, lambda ready: (min(ready, most), hold(min(ready, most))))])

    def claim_all(self, turns: Iterable[Turn]) -> Sequence[Claim]:
        """Takes due deliveries for several endpoints in one write; each is asked how many it is given, in turn."""
        now = self._now()
        token = str(ObjectId())
        rows: list[Document] = []
        buried: list[Document] = []
        with database_errors():
            for endpoint, share, found in self._look(turns, now):
                buried += found.hopeless
                ready = found.ready
                count, until = share(len(ready)) if ready else (0, None)
                if count and (until is None or self._hold(endpoint, until)):
                    rows += ready[:count]
            writes = [_burying(row, now) for row in buried]
            writes += [_claiming(row, token, now + self._lease) for row in rows]
            if not writes:
                return ()
            written = self._db.deliveries.bulk_write(writes, ordered=False)
            if written.modified_count < len(writes):  # somebody else was faster with some
                names = [row["_id"] for row in rows]
                ours = set(self._db.deliveries.distinct("_id", {"_id": {"$in": names}, "claim": token}))
                rows = [row for row in rows if row["_id"] in ours]
            return self._claims(rows, token)

    def _look(self, turns: Iterable[Turn], now: datetime) -> Iterator[tuple[Endpoint, Share, due.Found]]:
        """What there is for each whose turn it is."""
        turns = iter(turns)
        while some := list(islice(turns, LOOKED_AT)):
            found = due.look(self._db, [endpoint.id for endpoint, _ in some], now)
            for endpoint, share in some:
                yield endpoint, share, found[endpoint.id]

    def _hold(self, endpoint: Endpoint, until: datetime) -> bool:
        """Keeps others from the endpoint until then; False if one of them was faster."""
        same = {"_id": endpoint.id, "notBefore": endpoint.health.not_before}
        return self._db.endpoints.update_one(same, {"$set": {"notBefore": until}}).modified_count == 1

    def _claims(self, rows: list[Document], token: str) -> list[Claim]:
        """Claims on rows as they were before. What can't be told any more would come up again each time: it is over."""
        found = self._db.alerts.find({"_id": {"$in": [*{row["alert"] for row in rows}]}})
        alerts = {alert.id: alert for alert in read_each(found, alert_of)}
        lost = [_ended(row, token, self._now()) for row in rows if row["alert"] not in alerts]
        if lost:
            self._db.deliveries.bulk_write(lost, ordered=False)
        return [
            Claim(row["_id"], alerts[row["alert"]], row["endpoint"], row["attempt"] + 1, row["tries"] + 1, token)
            for row in rows
            if row["alert"] in alerts
        ]

    def delivered(self, claim: Claim, attempt: Attempt) -> bool:
        """Writes down that the alert was taken, and that the endpoint is well; False if the claim had run out."""
        written = self.delivered_all([(claim, attempt)])
        with database_errors():
            note_success(self._db, claim.endpoint)
        return written == 1

    def delivered_all(self, taken: Sequence[tuple[Claim, Attempt]]) -> int:
        """Writes down which alerts were taken, one at least, by endpoints that were well; gives how many it wrote.

        What a claim had run out for stays as it is.
        """
        writes = [UpdateOne(_claimed(claim), _ending(attempt, _taken(attempt))) for claim, attempt in taken]
        with database_errors():
            written = self._db.deliveries.bulk_write(writes, ordered=False).modified_count
            tallies.count(self._db, [(claim.endpoint, attempt) for claim, attempt in taken])
        return written

    def failed(
        self, claim: Claim, attempt: Attempt, retry_at: datetime | None, *, gone: bool, asked: float | None = None
    ) -> bool:
        """Writes down that it was not, and what that means for the endpoint; no `retry_at` makes it a dead letter.

        `asked` are the seconds for which the endpoint wants to be left alone, with all alerts.
        """
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
            note_failure(self._db, claim.endpoint, attempt.error or "", now, session, gone=gone, asked=asked)
            return True

        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            written = session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)
            tallies.count(self._db, [(claim.endpoint, attempt)])
            return written

    def postponed(self, claim: Claim, attempt: Attempt, until: datetime) -> bool:
        """Writes down that we could not even try: that is no try, and nothing that the endpoint did."""
        update = _attempted(attempt, {"due": until, "claim": None}) | {"$inc": {"tries": -1}}
        with database_errors():
            return self._db.deliveries.update_one(_claimed(claim), update).modified_count == 1

    def strike_off(self) -> int:
        """Removes what is still to be delivered to endpoints that are no more; gives how many deliveries."""
        with database_errors():
            return backlog.strike_off(self._db)

    def tallies(self) -> list[Tally]:
        """The attempts at each endpoint there is."""
        with database_errors():
            return tallies.tallies(self._db)

    def gauges(self) -> Gauges:
        """What /metrics reads: name to (help, value)."""
        with database_errors():
            return backlog.gauges(self._db, self._now())


def _claimed(claim: Claim) -> Document:
    return {"_id": claim.delivery, "state": "pending", "claim": claim.token}


def _claiming(row: Document, token: str, until: datetime) -> UpdateOne:
    same = {"_id": row["_id"], "state": "pending", "attempt": row["attempt"], "claim": row["claim"], "due": row["due"]}
    return UpdateOne(same, {"$set": {"claim": token, "due": until}, "$inc": {"attempt": 1, "tries": 1}})


def _burying(row: Document, now: datetime) -> UpdateOne:
    """There is no further attempt."""
    last = Attempt(row["attempt"], now, 0, None, due.hopeless(row))
    same = {"_id": row["_id"], "state": "pending", "attempt": row["attempt"], "due": row["due"]}
    return UpdateOne(same, _ending(last, {"state": "dead"}))


def _ended(row: Document, token: str, now: datetime) -> UpdateOne:
    """There is no alert to what was claimed: it has just expired, or can't be read."""
    last = Attempt(row["attempt"] + 1, now, 0, None, LOST)
    return UpdateOne({"_id": row["_id"], "state": "pending", "claim": token}, _ending(last, {"state": "dead"}))


def _taken(attempt: Attempt) -> Document:
    return {"state": "delivered", "deliveredAt": attempt.at + timedelta(milliseconds=attempt.ms)}


def _ending(attempt: Attempt, state: Document) -> Document:
    return {**_attempted(attempt, {"claim": None, **state}), "$unset": {"due": "", "holds": ""}}


def _attempted(attempt: Attempt, state: Document) -> Document:
    return {"$set": state, "$push": {"attempts": {"$each": [_kept(attempt)], "$slice": -ATTEMPTS_KEPT}}}


def _kept(attempt: Attempt) -> dict[str, Any]:
    told: dict[str, Any] = {"number": attempt.number, "at": attempt.at, "ms": attempt.ms, "status": attempt.status}
    return told | {"error": attempt.error, "body": attempt.body}
