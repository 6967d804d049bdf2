"""From alerts to deliveries: to whom each is to be told, now or once more."""

from collections.abc import Callable, Iterable
from datetime import datetime

import pymongo
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.deliveries import delivery_document
from webhook.adapters.mongo.documents import owner_of
from webhook.adapters.mongo.endpoints import endpoint_of
from webhook.adapters.mongo.outbox import NOBODY, alert_of, next_numbers
from webhook.domain.alerts import OPT_IN, Alert, alert_id
from webhook.domain.endpoints import Endpoint, State, concerns, wants

#: Alerts that are fanned out in one go, and seconds it may take.
AT_ONCE = 200
PATIENCE = 8


class FanOut:
    """Makes deliveries of alerts."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def fan_out(self) -> int:
        """Makes a delivery for each endpoint that is to get an alert, for the oldest alerts; gives their number.

        One transaction strikes off the alert and makes its deliveries: whoever dies leaves both or neither.
        """
        with database_errors():
            if self._db.alerts.find_one({"fanned": False}, {"_id": 1}) is None:
                return 0
        return self._in_transaction(self._fan_out)

    def _fan_out(self, session: ClientSession) -> int:
        new = list(
            self._db.alerts.find({"fanned": False}, session=session).sort("_id", pymongo.ASCENDING).limit(AT_ONCE)
        )
        if not new:
            return 0
        alerts = [alert_of(document) for document in self._completed(new, session)]
        enabled = self._db.endpoints.find({"state": {"$ne": State.DISABLED.value}}, session=session)
        endpoints = [endpoint_of(document) for document in enabled]
        now = self._now()
        rows = [
            delivery_document(alert, endpoint.id, now)
            for alert in alerts
            for endpoint in endpoints
            if is_for(endpoint, alert)
        ]
        if rows:
            self._db.deliveries.bulk_write([_making(row) for row in rows], ordered=False, session=session)
        fanned = {"_id": {"$in": [alert.id for alert in alerts]}}
        self._db.alerts.update_many(fanned, {"$set": {"fanned": True}}, session=session)
        return len(alerts)

    def _completed(self, new: list[Document], session: ClientSession) -> list[Document]:
        """Gives what is opt-in its number and its domain's owner, which it was written without."""
        bare = [document for document in new if document["sequence"] is None and document["type"] in OPT_IN]
        if not bare:
            return new
        domains = [document["domain"] for document in bare]
        numbers = next_numbers(self._db, domains, session)
        query = {"domain": {"$in": sorted(set(domains))}, "owner": {"$exists": True}}
        owners = {row["domain"]: owner_of(row) for row in self._db.emaildomains.find(query, session=session)}
        for document in bare:
            document["sequence"] = next(numbers[document["domain"] or NOBODY])
            document["owner"] = owners.get(document["domain"])
            document["data"] = {"sequence": document["sequence"], **document["data"]}
        writes = [
            UpdateOne({"_id": one["_id"]}, {"$set": {name: one[name] for name in ("sequence", "owner", "data")}})
            for one in bare
        ]
        self._db.alerts.bulk_write(writes, ordered=False, session=session)
        return new

    def replay(self, endpoint: Endpoint, since: datetime) -> int:
        """Tells an endpoint again whatever it was to get since then, told or not; gives how many alerts.

        What is being tried anyway is left to its schedule. A disabled endpoint gets it once it is enabled.
        """
        query = {"_id": {"$gte": alert_id(since, 0)}, "fanned": True}
        count = 0
        with database_errors():
            for chunk in _chunks(self._db.alerts.find(query).sort("_id", pymongo.ASCENDING)):
                alerts = [alert for alert in map(alert_of, chunk) if is_for(endpoint, alert, even_disabled=True)]
                count += len(alerts)
                if alerts:
                    self._again(alerts, endpoint.id)
        return count

    def _again(self, alerts: list[Alert], endpoint: str) -> None:
        now = self._now()
        rows = [delivery_document(alert, endpoint, now) for alert in alerts]
        self._db.deliveries.bulk_write([_making(row) for row in rows], ordered=False)
        self._db.deliveries.update_many({"_id": {"$in": [row["_id"] for row in rows]}, **ENDED}, _anew(now))

    def redeliver(self, alert: str, endpoint: str | None = None) -> int:
        """Tells an alert again to those it was told to, or one of them; gives to how many. Dead letters among them."""
        narrowed = {"alert": alert} | ({"endpoint": endpoint} if endpoint else {})
        now = self._now()
        with database_errors():
            unclaimed = {**narrowed, "state": "pending", "claim": None}
            hastened = self._db.deliveries.update_many(unclaimed, {"$min": {"due": now}}).matched_count
            return hastened + self._db.deliveries.update_many({**narrowed, **ENDED}, _anew(now)).modified_count

    def _in_transaction(self, work: Callable[[ClientSession], int]) -> int:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


#: Deliveries that are over, whichever way.
ENDED: Document = {"state": {"$in": ["delivered", "dead"]}}


def is_for(endpoint: Endpoint, alert: Alert, *, even_disabled: bool = False) -> bool:
    """Whether an endpoint is to get an alert."""
    wanted = wants(endpoint, alert.type, alert.domain, alert.owner, even_disabled=even_disabled)
    return wanted and not concerns(endpoint, alert.data)


def _making(row: Document) -> UpdateOne:
    return UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)


def _anew(now: datetime) -> Document:
    """A new round of the schedule; the attempts are numbered on."""
    return {"$set": {"state": "pending", "due": now, "tries": 0, "claim": None, "deliveredAt": None}}


def _chunks(documents: Iterable[Document]) -> Iterable[list[Document]]:
    chunk: list[Document] = []
    for document in documents:
        chunk.append(document)
        if len(chunk) >= AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
