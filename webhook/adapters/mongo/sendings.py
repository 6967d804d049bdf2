"""Mails on their way to SES, written down before it is asked, and what the gate must know of their domain."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.domain.ownership import is_known
from webhook.domain.sending import Sending, Stage

#: How long a key is remembered.
KEPT = timedelta(hours=24)
#: How long one stays to be seen of which nobody knows whether it was sent.
UNKNOWN_KEPT = timedelta(days=30)
#: What one step of the worker takes on.
BATCH = 100


class Sendings:
    """Plays `sending.Ledger` in collection `sendings`.

    A row lives while its mail is on its way; with a key of the caller's, a day. Its recipients go as soon as the mail
    itself is stored.
    """

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def domain(self, name: str, sender: str, owner: str | None) -> tuple[Mapping[str, Any] | None, str]:
        """The domain's document, None if there is none that `owner` may see; and the domain nearer to `sender`, or "".

        A sub-domain that was added by itself is its own identity at SES, judged by itself.
        """
        below = sender.removesuffix(name).rstrip(".").split(".")
        names = [".".join([*below[place:], name]) for place in range(len(below))] if sender != name else []
        with database_errors():
            found = list(self._db.emaildomains.find({"domain": {"$in": [name, *names]}}))
        by_name = {document["domain"]: document for document in found}
        document = by_name.get(name)
        if document is None or (owner is not None and document.get("owner") != owner):
            return None, ""
        return document, next((near for near in names if _by_itself(by_name.get(near))), "")

    def new_id(self) -> str:
        """An id that nothing else has."""
        return str(ObjectId())

    def find(self, identity: str) -> Sending | None:
        """What is known of a sending."""
        with database_errors():
            found = self._db.sendings.find_one({"_id": identity})
        return _sending(found) if found and found["expires"] > self._now() else None

    def begin(self, sending: Sending) -> bool:
        """Writes it down; False if that id is on its way, or went, or may have gone."""
        row = {
            "domain": sending.domain,
            "by": sending.who,
            "to": sorted(sending.recipients),
            "fingerprint": sending.fingerprint,
            "at": sending.at,
            "keyed": sending.keyed,
            "state": Stage.SENDING.value,
            "expires": sending.at + UNKNOWN_KEPT,
        }
        again = {"_id": sending.id, "$or": [{"state": Stage.REFUSED.value}, {"expires": {"$lte": sending.at}}]}
        with database_errors():
            try:
                self._db.sendings.replace_one(again, row, upsert=True)
            except DuplicateKeyError:
                return False
        return True

    def took(self, sending: Sending) -> None:
        """SES took it: from here on nothing of it can be lost."""
        news = {"state": Stage.SENT.value, "messageId": sending.message_id, "at": sending.at}
        with database_errors():
            self._db.sendings.update_one({"_id": sending.id, "booked": {"$exists": False}}, {"$set": news})

    def booked(self, sending: Sending) -> None:
        """The mail is stored."""
        self._end(sending, {"booked": True})

    def refused(self, sending: Sending, code: str) -> None:
        """It was certainly not sent."""
        self._end(sending, {"state": Stage.REFUSED.value, "error": code})

    def unknown(self, sending: Sending, code: str) -> None:
        """Nobody knows whether it was sent."""
        with database_errors():
            news = {"state": Stage.UNKNOWN.value, "error": code}
            self._db.sendings.update_one({"_id": sending.id, "state": Stage.SENDING.value}, {"$set": news})

    def lost(self, before: datetime) -> list[Sending]:
        """Some that were handed over before then, of which nothing was heard since."""
        return self._some({"state": Stage.SENDING.value, "at": {"$lt": before}})

    def unbooked(self, before: datetime) -> list[Sending]:
        """Some that SES took before then, whose mail is not stored."""
        return self._some({"state": Stage.SENT.value, "at": {"$lt": before}, "booked": {"$exists": False}})

    def number_unknown(self) -> int:
        """How many there are of which nobody knows whether they were sent."""
        with database_errors():
            return self._db.sendings.count_documents({"state": Stage.UNKNOWN.value})

    def _some(self, query: Document) -> list[Sending]:
        with database_errors():
            found = list(self._db.sendings.find(query).sort("at", pymongo.ASCENDING).limit(BATCH))
        return [_sending(row) for row in found]

    def _end(self, sending: Sending, news: Document) -> None:
        """Nothing more will come of it: kept, without its recipients, as long as its key may come again."""
        with database_errors():
            if not sending.keyed:
                self._db.sendings.delete_one({"_id": sending.id})
                return
            change = {"$set": {**news, "expires": sending.at + KEPT}, "$unset": {"to": ""}}
            self._db.sendings.update_one({"_id": sending.id}, change)


def _sending(row: Document) -> Sending:
    return Sending(
        id=row["_id"],
        domain=row["domain"],
        who=row["by"],
        recipients=frozenset(row.get("to", ())),
        fingerprint=row["fingerprint"],
        at=row["at"],
        keyed=row["keyed"],
        stage=Stage(row["state"]),
        message_id=row.get("messageId", ""),
    )


def _by_itself(document: Document | None) -> bool:
    """Whether a sub-domain is one of its own: added, or stopped by somebody."""
    return bool(document and (is_known(document) or document.get("paused")))
