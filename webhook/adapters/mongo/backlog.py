"""The backlog of deliveries: how much waits and since when, and what waits for nobody any more."""

from datetime import datetime

import pymongo

from webhook.adapters.mongo import due
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.outbox import KEPT, UNFANNED
from webhook.domain.endpoints import State
from webhook.metrics import Gauges

_OLDEST = pymongo.ASCENDING


def strike_off(db: Db) -> int:
    """Removes what is still to be delivered to endpoints that were removed; gives how many deliveries.

    Removing an endpoint removes that, too; but not what is fanned out or replayed at that very moment. Who waits is
    asked first: an endpoint that is made meanwhile is not taken for one that is gone.
    """
    waiting = [row["_id"] for row in db.deliveries.aggregate(due.first_of_endpoints())]
    there = set(db.endpoints.distinct("_id", {"_id": {"$in": waiting}}))
    gone = [endpoint for endpoint in waiting if endpoint not in there]
    return db.deliveries.delete_many(due.PENDING | {"endpoint": {"$in": gone}}).deleted_count if gone else 0


def gauges(db: Db, now: datetime) -> Gauges:
    """What /metrics reads: name to (help, value). What waits for a disabled endpoint does not count as late.

    What was to be told to an endpoint that was removed counts nowhere.
    """
    states = {row["_id"]: row["state"] for row in db.endpoints.find({}, {"state": 1})}
    able = [endpoint for endpoint, state in states.items() if state != State.DISABLED.value]
    waits = due.PENDING | {"endpoint": {"$in": able}}
    oldest = db.deliveries.find_one(waits, {"since": 1, "createdAt": 1}, sort=[("since", _OLDEST)])
    unfanned = db.alerts.find_one(UNFANNED, {"expires": 1}, sort=[("_id", _OLDEST)])
    born: list[datetime] = [oldest.get("since") or oldest["createdAt"]] if oldest else []
    born += [unfanned["expires"] - KEPT] if unfanned else []
    age = max(0.0, (now - min(born)).total_seconds()) if born else 0.0
    pending, dead = (
        db.deliveries.count_documents({"state": state, "endpoint": {"$in": list(states)}})
        for state in ("pending", "dead")
    )
    return {
        "sentinel_alerts_oldest_pending_seconds": ("Age of the oldest alert that is still to be delivered.", age),
        "sentinel_deliveries_pending": ("Deliveries that are still to be made.", float(pending)),
        "sentinel_deliveries_dead": ("Deliveries that were given up.", float(dead)),
    }
