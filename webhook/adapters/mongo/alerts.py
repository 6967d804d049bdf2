"""Alerts as they are shown: with their deliveries, the deliveries with their attempts."""

from collections.abc import Iterable

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.errors import NotFound
from webhook.paging import LIMIT, Page, page_of, unseal

_NEWEST = [("_id", pymongo.DESCENDING)]
_DELIVERY_FIELDS = (
    "alert",
    "endpoint",
    "type",
    "domain",
    "sequence",
    "state",
    "due",
    "attempt",
    "attempts",
    "createdAt",
    "deliveredAt",
)


class Alerts:
    """Finds and tells; changes nothing. An owner sees the alerts about the domains that were his at the time."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(
        self, *, kind: str = "", domain: str = "", cursor: str = "", limit: int = LIMIT, owner: str | None = None
    ) -> Page:
        """Alerts, newest first. A `kind` may end in `*`."""
        wanted: Document = {"domain": domain} if domain else {}
        wanted |= {} if owner is None else {"owner": owner}
        if kind:
            beginning = kind.removesuffix("*")
            wanted["type"] = kind if beginning == kind else {"$gte": beginning, "$lt": f"{beginning}\uffff"}
        with database_errors():
            found = list(self._db.alerts.find(wanted | _after(cursor)).sort(_NEWEST).limit(limit + 1))
        return page_of([_shown(document) for document in found], limit, lambda last: [last["id"]])

    def get(self, identity: str, owner: str | None = None) -> Document:
        """One alert with its deliveries; an owner sees those to his own endpoints. Raises NotFound."""
        wanted: Document = {"_id": identity} | ({} if owner is None else {"owner": owner})
        with database_errors():
            found = self._db.alerts.find_one(wanted)
            if found is None:
                raise NotFound(f"no alert {identity!r}: there was none, or it is over 30 days old")
            deliveries: Document = {"alert": identity}
            if owner is not None:
                own = self._db.endpoints.find({"owner": owner}, {"_id": 1})
                deliveries["endpoint"] = {"$in": [endpoint["_id"] for endpoint in own]}
            rows = list(self._db.deliveries.find(deliveries).sort("_id", pymongo.ASCENDING))
        return {**_shown(found), "deliveries": _deliveries(rows)}

    def deliveries_of(self, endpoint: str, *, state: str = "", cursor: str = "", limit: int = LIMIT) -> Page:
        """What was or is to be delivered to an endpoint, newest first; `state` is `pending`, `delivered` or `dead`."""
        wanted: Document = {"endpoint": endpoint} | ({"state": state} if state else {})
        with database_errors():
            found = list(self._db.deliveries.find(wanted | _after(cursor)).sort(_NEWEST).limit(limit + 1))
        return page_of(_deliveries(found), limit, lambda last: [f"{last['alert']}/{last['endpoint']}"])


def _after(cursor: str) -> Document:
    return {"_id": {"$lt": unseal(cursor, str)[0]}} if cursor else {}


def _shown(document: Document) -> Document:
    """As it is stored: another version may have written it, of a type that this one does not know."""
    told = {name: document.get(name) for name in ("type", "domain", "owner", "sequence", "data")}
    return {"id": document["_id"], "timestamp": document["at"], **told}


def _deliveries(rows: Iterable[Document]) -> list[Document]:
    return [{name: row.get(name) for name in _DELIVERY_FIELDS} for row in rows]
