"""States of verification in the domains' documents, their history, and the hints that make us look.

A state, the rows about its changes and their alerts are one transaction over what was read in it: of two workers with
news of the same change, the second finds it written.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import owner_of
from webhook.adapters.mongo.identities import FOLLOWED, error_document, fields_of, followed_of
from webhook.domain.alerts import verification_changed
from webhook.domain.following import Followed, Hinted, Recorded, told_cause
from webhook.domain.verification import Cause, CauseKind, Change, Reading, Verification, apply, note_listed
from webhook.errors import AwsError, NotFound
from webhook.pipeline import HISTORY

#: Seconds one writing may take.
PATIENCE = 8
#: Whoever took on a domain or a hint and died leaves it to the others after that.
LEASE = timedelta(minutes=2)
#: The states that SES may change of its own accord.
_MOVING = ("pending", "temporary_failure", "not_started")


class Verifications:
    """Plays `following.Verifications`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def find(self, domain: str) -> Followed | None:
        """The domain, if it is registered with SES and nothing is about to be done to it there."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": domain, **FOLLOWED})
        return followed_of(found) if found else None

    def document(self, domain: str) -> dict[str, Any]:
        """The domain's whole document; raises NotFound."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": domain}, {"_id": 0})
        if found is None:
            raise NotFound(f"no domain {domain!r}: it was never registered")
        return found

    def record(
        self,
        followed: Followed,
        reading: Reading,
        cause: Cause,
        when: Callable[[Verification], datetime],
        listed: str = "",
    ) -> Recorded | None:
        """Writes what a reading changes, with its rows; None if it is no news, or of another epoch than the domain."""

        def write(session: ClientSession) -> Recorded | None:
            found = self._db.emaildomains.find_one({"domain": followed.domain, **FOLLOWED}, session=session)
            if found is None or (current := followed_of(found)).epoch != followed.epoch:
                return None
            after, changes = apply(current.known, reading)
            if after is current.known:
                return None
            after = note_listed(after, listed)
            told = told_cause(current.known, after, cause)
            fields = fields_of(followed.domain, after, when(after), found["awsSes"])
            self._write(found, fields, rows(followed.domain, reading.at, changes, told), session)
            return Recorded(after, changes, told, {**found, "awsSes": {**found["awsSes"], **fields}})

        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(write, read_concern=SNAPSHOT, write_concern=MAJORITY)

    def _write(self, found: Document, fields: Document, history: Sequence[Document], session: ClientSession) -> None:
        update = {f"awsSes.{name}": value for name, value in fields.items()}
        self._db.emaildomains.update_one({"domain": found["domain"]}, {"$set": update}, session=session)
        write_history(self._db, history, owner_of(found), session)

    def put_off(self, domain: str, error: AwsError, at: datetime, until: datetime) -> None:
        """Notes on the domain what SES has against it, and looks again at `until`."""
        update = {"awsSes.error": error_document(error, at), "awsSes.nextCheck": until}
        with database_errors():
            self._db.emaildomains.update_one({"domain": domain, **FOLLOWED}, {"$set": update})

    def restart(self, domain: str, at: datetime, unless_since: datetime) -> bool:
        """Asks for a fresh set-up of what failed or is gone, unless one was asked for after `unless_since`."""
        query = {"domain": domain, **FOLLOWED, "awsSes.restartedAt": {"$not": {"$gt": unless_since}}}
        query["$or"] = [{"awsSes.verificationStatus": "failed"}, {"awsSes.missing": True}]
        intent = {"intent": "restart", "intentAt": at, "attempts": 0, "retryAt": at, "restartedAt": at}
        with database_errors():
            update = {"$set": {f"awsSes.{name}": value for name, value in intent.items()}}
            return self._db.emaildomains.update_one(query, update).modified_count == 1

    def next_due(self, at: datetime) -> Followed | None:
        """Of the domains that are due, the one that changed last; nobody else gets it for a while."""
        # Registered by others there is no date yet: `$not` finds those, too.
        query = {**FOLLOWED, "awsSes.nextCheck": {"$not": {"$gt": at}}}
        order = [("awsSes.changedAt", pymongo.DESCENDING)]
        with database_errors():
            update = {"$set": {"awsSes.nextCheck": at + LEASE}}
            found = self._db.emaildomains.find_one_and_update(query, update, sort=order)
        return followed_of(found) if found else None

    def unsettled(self) -> int:
        """How many domains SES may change of its own accord."""
        query = {**FOLLOWED, "awsSes.missing": {"$ne": True}, "awsSes.verificationStatus": {"$in": _MOVING}}
        with database_errors():
            return self._db.emaildomains.count_documents(query)

    def next_hint(self, at: datetime) -> Hinted | None:
        """The domain of the oldest hint that nobody looks into, with all its hints; nobody else gets it for a while.

        A hint that comes in after this is not of those: it may tell of something later.
        """
        query = {"seenAt": None, "claimedUntil": {"$not": {"$gt": at}}}
        with database_errors():
            oldest = self._db.hints.find_one(query, sort=[("at", pymongo.ASCENDING)])
            if oldest is None:
                return None
            claim = str(ObjectId())
            claimed = {"$set": {"claim": claim, "claimedUntil": at + LEASE}}
            self._db.hints.update_many({"domain": oldest["domain"], "seenAt": None}, claimed)
            swept = self._db.hints.find_one({"domain": oldest["domain"], "seenAt": None, "listed": {"$type": "string"}})
        kind = CauseKind.SWEEP if oldest["kind"] == "sweep" else CauseKind.HINT
        cause = Cause(kind, f"{oldest['kind']}: {oldest['detail']}"[:200], oldest["_id"])
        return Hinted(oldest["domain"], claim, cause, swept["listed"] if swept else "")

    def seen(self, hinted: Hinted, at: datetime) -> None:
        """These hints were looked into."""
        query = {"domain": hinted.domain, "seenAt": None, "claim": hinted.claim}
        update: Document = {"$set": {"seenAt": at}, "$unset": {"claim": "", "claimedUntil": ""}}
        with database_errors():
            self._db.hints.update_many(query, update)


def write_history(db: Db, history: Sequence[Document], owner: str | None, session: ClientSession) -> None:
    """Writes rows of one reading, each with its alert to the domain's owner and whoever wants it."""
    if history:
        db.verifications.insert_many(history, session=session)
        drafts = [verification_changed(row, owner) for row in history]
        outbox.write(db, drafts, max(row["at"] for row in history), session)


def rows(domain: str, at: datetime, changes: Sequence[Change], cause: Cause) -> list[Document]:
    """History: a row for each change."""
    told = {"kind": cause.kind.value, "detail": cause.detail} | ({"hint": cause.hint} if cause.hint else {})
    return [
        {
            "domain": domain,
            "at": at,
            "aspect": change.aspect.value,
            "from": change.source,
            "to": change.target,
            "surprising": change.surprising,
            "cause": told,
            "expires": at + HISTORY,
        }
        for change in changes
    ]
