"""How a domain's verification came about, as it is shown; changes nothing."""

from datetime import datetime

import pymongo
from bson import ObjectId

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.domains import owned_since
from webhook.paging import LIMIT, BadCursor, Page, page_of, unseal

_ORDER = [("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]


class Histories:
    """Tells the rows of collection `verifications`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(self, domain: str, *, owner: str | None = None, cursor: str = "", limit: int = LIMIT) -> Page:
        """A domain's changes, newest first: `{id, at, aspect, from, to, cause}`; raises BadCursor, NotFound."""
        since = owned_since(self._db, domain, owner)
        wanted: Document = {"domain": domain}
        if since:
            wanted["$and"] = [{"at": {"$gte": since}}]
        if cursor:
            at, identity = unseal(cursor, datetime, str)
            if not ObjectId.is_valid(identity):
                raise BadCursor
            wanted["at"] = {"$lte": at}
            wanted["$or"] = [{"at": {"$lt": at}}, {"_id": {"$lt": ObjectId(identity)}}]
        with database_errors():
            found = list(self._db.verifications.find(wanted, {"expires": 0}).sort(_ORDER).limit(limit + 1))
        return page_of([_shown(row) for row in found], limit, lambda last: [last["at"], last["id"]])


def _shown(row: Document) -> Document:
    return {"id": str(row.pop("_id")), **row}
