"""The outbox: alerts, written in the transaction of the change they tell of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pymongo
from pymongo import IndexModel, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import OPT_IN, Alert, Draft, alert_id, numbered

#: How long alerts and their deliveries are kept.
KEPT = timedelta(days=30)
#: Whose number the alerts about no domain have.
NOBODY = "*"
#: The types that this version can tell of; another version may have written others.
KNOWN_TYPES = frozenset(kind.value for kind in AlertType)

#: Alerts that are still to be fanned out.
UNFANNED: Document = {"fanned": False}

#: Collections without an index of their own.
PLAIN = ("alertsequences", "tallies")
INDEXES: dict[str, list[IndexModel]] = {
    "alerts": [
        # The oldest of those that are still to be fanned out.
        IndexModel([("fanned", pymongo.ASCENDING), ("_id", pymongo.ASCENDING)], partialFilterExpression=UNFANNED),
        # The newest of a domain, of a type, of an owner.
        IndexModel([("domain", pymongo.ASCENDING), ("_id", pymongo.DESCENDING)]),
        IndexModel([("type", pymongo.ASCENDING), ("_id", pymongo.DESCENDING)]),
        IndexModel([("owner", pymongo.ASCENDING), ("_id", pymongo.DESCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
    ],
}


def write(db: Db, drafts: Sequence[Draft], now: datetime, session: ClientSession) -> list[Alert]:
    """Writes alerts in the caller's transaction: they are there exactly if the change is that they tell of.

    Each gets its id, and the next number of its domain. What is opt-in gets its number, and its domain's owner, when it
    is fanned out: commits of one domain would else wait for one another.
    """
    if not drafts:
        return []
    numbers = next_numbers(db, [draft.domain for draft in drafts if draft.type not in OPT_IN], session)
    noise = uuid4().int
    alerts = []
    for place, draft in enumerate(drafts):
        sequence = None if draft.type in OPT_IN else next(numbers[draft.domain or NOBODY])
        alerts.append(numbered(draft, alert_id(now, noise + place), sequence))
    db.alerts.insert_many([alert_document(alert, now) for alert in alerts], ordered=False, session=session)
    return alerts


def next_numbers(db: Db, domains: Iterable[str | None], session: ClientSession) -> Mapping[str, Iterator[int]]:
    """The next numbers of each domain, as many as it is named times; they are taken with this."""
    counted: dict[str, int] = {}
    for domain in domains:
        counted[domain or NOBODY] = counted.get(domain or NOBODY, 0) + 1
    if not counted:
        return {}
    writes = [UpdateOne({"_id": name}, {"$inc": {"n": count}}, upsert=True) for name, count in counted.items()]
    db.alertsequences.bulk_write(writes, ordered=False, session=session)
    found = db.alertsequences.find({"_id": {"$in": sorted(counted)}}, session=session)
    return {row["_id"]: iter(range(row["n"] - counted[row["_id"]] + 1, row["n"] + 1)) for row in found}


def alert_document(alert: Alert, now: datetime) -> Document:
    """An alert as it is stored."""
    return {
        "_id": alert.id,
        "type": alert.type.value,
        "at": alert.at,
        "domain": alert.domain,
        "owner": alert.owner,
        "sequence": alert.sequence,
        "data": alert.data,
        "fanned": False,
        "expires": now + KEPT,
    }


def alert_of(document: Document) -> Alert:
    """The alert in a stored document; ValueError if its type is none of `KNOWN_TYPES`."""
    return Alert(
        id=document["_id"],
        type=AlertType(document["type"]),
        at=document["at"],
        domain=document["domain"],
        owner=document["owner"],
        sequence=document["sequence"],
        data=document["data"],
    )
