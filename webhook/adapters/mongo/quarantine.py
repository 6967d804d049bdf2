"""The quarantine as it is shown, and thrown away: authentic messages that were not understood, whole, with why."""

from datetime import datetime

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.domain.effects import Source
from webhook.errors import NotFound
from webhook.paging import LIMIT, Page, page_of, unseal

_ORDER = [("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]


class Quarantine:
    """Finds, tells and drops."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(self, *, reason: str = "", cursor: str = "", limit: int = LIMIT) -> Page:
        """What was not understood, newest first, without the messages themselves."""
        wanted: Document = {"reason": reason} if reason else {}
        if cursor:
            at, identity = unseal(cursor, datetime, str)
            wanted["at"] = {"$lte": at}
            wanted["$or"] = [{"at": {"$lt": at}}, {"_id": {"$lt": identity}}]
        with database_errors():
            found = list(self._db.quarantine.find(wanted, {"message": 0}).sort(_ORDER).limit(limit + 1))
        return page_of([_shown(document) for document in found], limit, lambda last: [last["at"], last["id"]])

    def get(self, identity: str) -> Document:
        """One message, whole; raises NotFound."""
        with database_errors():
            found = self._db.quarantine.find_one({"_id": identity})
        if found is None:
            raise _not_there(identity)
        return _shown(found)

    def source(self, identity: str) -> Source:
        """One message as it came in; raises NotFound."""
        found = self.get(identity)
        return Source(found["topicArn"], found["messageId"], found["message"], found["endpoint"])

    def drop(self, identity: str) -> None:
        """Throws a message away; raises NotFound."""
        with database_errors():
            if not self._db.quarantine.delete_one({"_id": identity}).deleted_count:
                raise _not_there(identity)

    def by_reason(self) -> dict[str, int]:
        """How many messages there are of each reason, the most first."""
        count: list[Document] = [
            {"$group": {"_id": "$reason", "n": {"$sum": 1}}},
            {"$sort": {"n": pymongo.DESCENDING, "_id": 1}},
        ]
        with database_errors():
            return {document["_id"]: document["n"] for document in self._db.quarantine.aggregate(count)}


def _shown(document: Document) -> Document:
    return {"id": document.pop("_id"), **document}


def _not_there(identity: str) -> NotFound:
    return NotFound(f"no message {identity!r} in quarantine")
