"""The audit trail: who changed what, when and why, written in the transaction that changes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.paging import LIMIT, Page, page_of, unseal

_ORDER = [("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]


def audit_row(
    action: str,
    *,
    at: datetime,
    who: str,
    why: str = "",
    domain: str = "",
    owner: str | None = None,
    **more: object,
) -> Document:
    """One row. `action` names what was done (`domain.paused`), `more` what else matters, such as its `numbers`."""
    told = {"domain": domain, "owner": owner, "why": why, **more}
    return {"at": at, "action": action, "who": who, **{name: value for name, value in told.items() if value}}


def record(db: Db, session: ClientSession | None, *rows: Mapping[str, Any]) -> None:
    """Writes rows in the caller's transaction, so that no change is without its row, and no row without its change."""
    if rows:
        db.audit.insert_many([dict(row) for row in rows], session=session)


class AuditTrail:
    """Tells the trail; nothing is ever taken out of it."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(self, *, domain: str = "", action: str = "", cursor: str = "", limit: int = LIMIT) -> Page:
        """Rows, newest first: `{id, at, action, who, why?, domain?, owner?, numbers?, …}`; raises BadCursor."""
        wanted: Document = {name: value for name, value in (("domain", domain), ("action", action)) if value}
        if cursor:
            at, identity = unseal(cursor, datetime, str)
            wanted["at"] = {"$lte": at}
            last = ObjectId(identity) if ObjectId.is_valid(identity) else ObjectId("f" * 24)
            wanted["$or"] = [{"at": {"$lt": at}}, {"_id": {"$lt": last}}]
        with database_errors():
            found = list(self._db.audit.find(wanted).sort(_ORDER).limit(limit + 1))
        return page_of([_shown(row) for row in found], limit, lambda last: [last["at"], last["id"]])


def _shown(row: Document) -> Document:
    return {"id": str(row.pop("_id")), **row}
