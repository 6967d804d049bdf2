"""What SES said of the account, in one document of `settings`, so that all processes ask once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.domain.alerts import Draft, quota_reached
from webhook.domain.quota import Known, Sample, answered
from webhook.domain.ses import AccountState
from webhook.pipeline import HISTORY

_ID = "account"
#: Seconds one writing may take.
PATIENCE = 8


class Accounts:
    """Plays `account.Accounts`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def load(self) -> Known:
        """What is known."""
        with database_errors():
            return _known(self._db.settings.find_one({"_id": _ID}))

    def claim(self, now: datetime, until: datetime) -> bool:
        """True if the caller is the one to ask, until then."""
        query = {"_id": _ID, "askedUntil": {"$not": {"$gt": now}}}
        with database_errors():
            try:
                self._db.settings.update_one(query, {"$set": {"askedUntil": until}}, upsert=True)
            except DuplicateKeyError:  # the document is there, and somebody is asking
                return False
        return True

    def answered(self, state: AccountState, at: datetime) -> tuple[Known, list[dict[str, Any]]]:
        """Keeps an answer together with the notices that it gives rise to, and ends the claim; gives both.

        Of two answers at once the later one stays, and each threshold is told once.
        """
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)

        def write(session: ClientSession) -> tuple[Known, list[dict[str, Any]]]:
            known = _known(self._db.settings.find_one({"_id": _ID}, session=session))
            if known.at is not None and known.at > at:
                return known, []
            after, notices = answered(known, state, at)
            update = {"$set": _document(after), "$unset": {"askedUntil": "", "error": "", "errorAt": ""}}
            self._db.settings.update_one({"_id": _ID}, update, upsert=True, session=session)
            if notices:
                rows = [{**notice, "expires": at + HISTORY} for notice in notices]
                self._db.notices.insert_many(rows, session=session)
                outbox.write(self._db, [_told(notice) for notice in notices], at, session)
            return after, notices

        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(write, read_concern=SNAPSHOT, write_concern=MAJORITY)

    def failed(self, error: Mapping[str, Any], at: datetime) -> None:
        """Keeps why there is no answer, and ends the claim."""
        update: Document = {"$set": {"error": dict(error), "errorAt": at}, "$unset": {"askedUntil": ""}}
        with database_errors():
            self._db.settings.update_one({"_id": _ID}, update, upsert=True)


def _told(notice: Mapping[str, Any]) -> Draft:
    """The alert of a notice, whose threshold is in per cent."""
    share = notice["threshold"] / 100
    return quota_reached(share, notice["used"], notice["max"], notice["at"], notice["region"])


def _known(document: Mapping[str, Any] | None) -> Known:
    found = document or {}
    return Known(
        state=msgspec.convert(found["state"], AccountState) if found.get("state") else None,
        at=found.get("at"),
        samples=tuple(Sample(row["at"], row["sent"]) for row in found.get("samples") or ()),
        reached=tuple(found.get("reached") or ()),
        error=found.get("error"),
        error_at=found.get("errorAt"),
    )


def _document(known: Known) -> Document:
    return {
        "state": msgspec.to_builtins(known.state),
        "at": known.at,
        "samples": [{"at": sample.at, "sent": sample.sent} for sample in known.samples],
        "reached": list(known.reached),
    }
