"""From alerts to deliveries: to whom each is to be told, now or once more."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import cast

import pymongo
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.audience import audience_of
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.deliveries import dead_document, delivery_document
from webhook.adapters.mongo.due import unknown_type
from webhook.adapters.mongo.optins import owners_of
from webhook.adapters.mongo.outbox import KNOWN_TYPES, NOBODY, UNFANNED, next_numbers
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import OPT_IN, alert_id
from webhook.domain.endpoints import Endpoint, concerns, covers, wants
from webhook.logs import get_logger

#: Alerts that are fanned out in one go; after so many deliveries no further alert is begun: transactions are short.
AT_ONCE, ROWS_AT_ONCE = 200, 600
#: Seconds that one may take.
PATIENCE = 8
#: An alert, and to whom it is told.
Told = tuple[Document, list[str]]

log = get_logger(__name__)


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
            if self._db.alerts.find_one(UNFANNED, {"_id": 1}) is None:
                return 0
        return self._in_transaction(self._fan_out)

    def _fan_out(self, session: ClientSession) -> int:
        query = self._db.alerts.find(UNFANNED, session=session)
        oldest = list(query.sort("_id", pymongo.ASCENDING).limit(AT_ONCE))
        self._look_up_owners(oldest, session)
        audience = audience_of(self._db, oldest, session)
        taken: list[Told] = []
        rows = 0
        for alert in oldest:
            if rows >= ROWS_AT_ONCE:
                break
            taken.append((alert, audience.of(*_about(alert), alert["data"])))
            rows += len(taken[-1][1])
        self._write(taken, session)
        return len(taken)

    def _write(self, taken: Sequence[Told], session: ClientSession) -> None:
        if not taken:
            return
        alerts, now = [alert for alert, _ in taken], self._now()
        self._complete(alerts, session)
        rows = [_row(alert, endpoint, now) for alert, told in taken for endpoint in told]
        if rows:
            self._db.deliveries.bulk_write([_making(row) for row in rows], ordered=False, session=session)
        fanned = {"_id": {"$in": [alert["_id"] for alert in alerts]}}
        self._db.alerts.update_many(fanned, {"$set": {"fanned": True}}, session=session)
        for alert in alerts:
            if alert["type"] not in KNOWN_TYPES:
                log.error("alert_set_aside", alert=alert["_id"], type=alert["type"][:100])

    def _look_up_owners(self, alerts: Iterable[Document], session: ClientSession) -> None:
        """Gives what is opt-in its domain's owner, which it was written without."""
        bare = [alert for alert in alerts if _is_bare(alert)]
        if not bare:
            return
        owners = owners_of(self._db, sorted({alert["domain"] for alert in bare}), session)
        for alert in bare:
            alert["owner"] = owners.get(alert["domain"])

    def _complete(self, alerts: Iterable[Document], session: ClientSession) -> None:
        """Gives what is opt-in its number, and keeps that with its owner."""
        bare = [alert for alert in alerts if _is_bare(alert)]
        if not bare:
            return
        numbers = next_numbers(self._db, [alert["domain"] for alert in bare], session)
        for alert in bare:
            alert["sequence"] = next(numbers[alert["domain"] or NOBODY])
            alert["data"] = {"sequence": alert["sequence"], **alert["data"]}
        writes = [
            UpdateOne({"_id": one["_id"]}, {"$set": {name: one[name] for name in ("sequence", "owner", "data")}})
            for one in bare
        ]
        self._db.alerts.bulk_write(writes, ordered=False, session=session)

    def replay(self, endpoint: Endpoint, since: datetime) -> int:
        """Tells an endpoint again whatever it was to get since then, told or not; gives how many alerts.

        What is being tried anyway is left to its schedule. A disabled endpoint gets it once it is enabled.
        """
        query = {"_id": {"$gte": alert_id(since, 0)}, "fanned": True, **_wanted_by(endpoint)}
        count = 0
        with database_errors():
            for chunk in _chunks(self._db.alerts.find(query).sort("_id", pymongo.ASCENDING)):
                alerts = [alert for alert in chunk if _is_for(endpoint, alert)]
                count += self._in_transaction(partial(self._again, alerts, endpoint.id)) if alerts else 0
        return count

    def _again(self, alerts: Sequence[Document], endpoint: str, session: ClientSession) -> int:
        """All at once, so that the dispatcher finds the first of each domain first."""
        if not self._there([endpoint], session):
            return 0
        now = self._now()
        rows = [delivery_document(alert, endpoint, now) for alert in alerts]
        over = {"_id": {"$in": [row["_id"] for row in rows]}, **ENDED}
        self._db.deliveries.update_many(over, _anew(now), session=session)
        self._db.deliveries.bulk_write([_making(row) for row in rows], ordered=False, session=session)
        return len(alerts)

    def redeliver(self, alert: str, endpoint: str | None = None) -> int:
        """Tells an alert again to those it was told to, or one of them; gives to how many. Dead letters among them.

        An endpoint that was removed is told nothing.
        """
        now = self._now()
        with database_errors():
            told = [endpoint] if endpoint else self._db.deliveries.distinct("endpoint", {"alert": alert})
            narrowed: Document = {"alert": alert, "endpoint": {"$in": self._there(told)}}
            unclaimed = {**narrowed, "state": "pending", "claim": None}
            hastened = self._db.deliveries.update_many(unclaimed, {"$min": {"due": now}}).matched_count
            return hastened + self._db.deliveries.update_many({**narrowed, **ENDED}, _anew(now)).modified_count

    def _there(self, endpoints: Sequence[str], session: ClientSession | None = None) -> list[str]:
        """Those of these endpoints that were not removed."""
        return self._db.endpoints.distinct("_id", {"_id": {"$in": endpoints}}, session=session)

    def _in_transaction(self, work: Callable[[ClientSession], int]) -> int:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


#: Deliveries that are over, whichever way.
ENDED: Document = {"state": {"$in": ["delivered", "dead"]}}


def _is_bare(alert: Document) -> bool:
    return alert["sequence"] is None and alert["type"] in OPT_IN


def _row(alert: Document, endpoint: str, now: datetime) -> Document:
    """A delivery; a dead letter of an alert that another version wrote and this one does not know, to be told later."""
    if alert["type"] in KNOWN_TYPES:
        return delivery_document(alert, endpoint, now)
    return dead_document(alert, endpoint, now, unknown_type(alert["type"]))


def _is_for(endpoint: Endpoint, alert: Document) -> bool:
    """Whether an endpoint is to get an alert, as it is stored, once it is enabled."""
    return wants(endpoint, *_about(alert), even_disabled=True) and not concerns(endpoint, alert["data"])


def _about(alert: Document) -> tuple[AlertType, str | None, str | None]:
    """Type, domain and owner; one that another version wrote may be of a type that we don't know."""
    return cast(AlertType, alert["type"]), alert.get("domain"), alert.get("owner")


def _wanted_by(endpoint: Endpoint) -> Document:
    """What `_is_for` can be true of, as a query: the others need not be read."""
    kinds = [kind.value for kind in AlertType if any(covers(pattern, kind) for pattern in endpoint.types)]
    wanted: Document = {"type": {"$in": kinds}}
    wanted |= {"owner": endpoint.owner} if endpoint.owner is not None else {}
    return wanted | ({"domain": {"$in": list(endpoint.domains)}} if endpoint.domains else {})


def _making(row: Document) -> UpdateOne:
    return UpdateOne({"_id": row["_id"]}, {"$setOnInsert": row}, upsert=True)


def _anew(now: datetime) -> list[Document]:
    """A new round of the schedule, in which the next ones about the domain wait again; the attempts are numbered on."""
    new = {"state": "pending", "due": now, "since": now, "tries": 0, "claim": None, "deliveredAt": None}
    return [{"$set": {**new, "holds": "$ordered"}}]


def _chunks(documents: Iterable[Document]) -> Iterable[list[Document]]:
    chunk: list[Document] = []
    for document in documents:
        chunk.append(document)
        if len(chunk) >= AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
