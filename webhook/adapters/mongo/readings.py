"""The series of readings of the account, and each domain's share in what the account sent and what came of it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pymongo
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.domains import owned_by
from webhook.domain.shares import Tally, share_rows
from webhook.paging import LIMIT, Item, Page, page_of, unseal
from webhook.pipeline import HISTORY

INDEXES: dict[str, list[IndexModel]] = {"readings": [IndexModel("expires", expireAfterSeconds=0)]}
#: Seconds that adding up all domains may take.
PATIENCE = 20
_COUNTED = ("sent", "bounces", "complaints")


class Readings:
    """Plays `watching.Series`: one reading for each quarter of an hour, kept 400 days."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def claim(self, slot: datetime) -> bool:
        """True if nobody has made this quarter's reading, nor is making it."""
        with database_errors():
            try:
                self._db.readings.insert_one({"_id": slot, "expires": slot + HISTORY})
            except DuplicateKeyError:
                return False
        return True

    def keep(self, slot: datetime, reading: Mapping[str, Any]) -> None:
        """The reading of a quarter."""
        with database_errors():
            self._db.readings.update_one({"_id": slot}, {"$set": dict(reading)})

    def find(self, *, since: datetime | None = None, cursor: str = "", limit: int = LIMIT) -> Page:
        """Readings, newest first; raises BadCursor."""
        times: Document = {"$gte": since} if since else {}
        if cursor:
            times["$lt"] = unseal(cursor, datetime)[0]
        wanted: Document = {"at": {"$exists": True}, **({"_id": times} if times else {})}
        with database_errors():
            found = list(self._db.readings.find(wanted, {"expires": 0}).sort("_id", -1).limit(limit + 1))
        page = page_of(found, limit, lambda last: [last["_id"]])
        return Page([_shown(row) for row in page.items], page.next_cursor)

    def newest(self) -> Item | None:
        """The last reading, if there is one."""
        items = self.find(limit=1).items
        return items[0] if items else None


class Shares:
    """Tells how much of the account's mail, bounces and complaints is each domain's."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(self, since: date, *, owner: str | None = None, limit: int = LIMIT) -> Item:
        """`{items: [{domain, sent, bounces, complaints, … shares and rates}], account: {…}, from}`.

        The domains with the largest share of bounces or complaints come first; an owner sees his own among them.
        """
        pipeline: list[Document] = [
            {"$match": {"day": {"$gte": since.isoformat()}}},
            {"$group": {"_id": "$domain", **{name: {"$sum": f"$n.{name}"} for name in _COUNTED}}},
        ]
        with database_errors(), pymongo.timeout(PATIENCE):
            tallies = [
                Tally(row["_id"], row["sent"], row["bounces"], row["complaints"])
                for row in self._db.counters.aggregate(pipeline)
            ]
            own = None if owner is None else set(self._db.emaildomains.distinct("domain", owned_by(owner)))
        rows, account = share_rows(tallies)
        shown = [row for row in rows if own is None or row["domain"] in own][:limit]
        with database_errors():
            query = {"domain": {"$in": [row["domain"] for row in shown]}}
            status = {
                row["domain"]: row["reputation"]["status"]
                for row in self._db.emaildomains.find(query, {"domain": 1, "reputation.status": 1})
                if isinstance(row.get("reputation"), dict) and isinstance(row["reputation"].get("status"), str)
            }
        for row in shown:
            row["status"] = status.get(row["domain"])
        return {"items": shown, "nextCursor": None, "account": account, "from": since.isoformat()}


def _shown(row: Document) -> Document:
    return {"at": row.pop("_id"), **{name: value for name, value in row.items() if name != "at"}}
