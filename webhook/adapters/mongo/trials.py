"""What a live trial asks of the database: who may send, what became of its mails, and whether the worker works."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from bson import ObjectId

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.events import Events
from webhook.domain.mail import Kind
from webhook.errors import NotFound


class Trials:
    """Plays `live.roles.Records`. Every method raises Unavailable."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now
        self._events = Events(db)

    def verified(self) -> str | None:
        """The first domain that may send and is not paused."""
        wanted: Document = {"domain": {"$type": "string"}, "awsSes.verifiedForSending": True, "paused": None}
        with database_errors():
            found = self._db.emaildomains.find_one(wanted, {"domain": 1}, sort=[("domain", 1)])
        return found["domain"] if found else None

    def registered(self, domain: str) -> Mapping[str, str]:
        """What is known of its identity, the texts of it; empty if it is not registered."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": domain}, {"awsSes": 1})
        told = (found or {}).get("awsSes")
        # The platform's own backend writes there as well: what has another form is nothing that we know.
        return {name: text for name, text in told.items() if isinstance(text, str)} if isinstance(told, dict) else {}

    def facts(self, mails: Collection[str]) -> dict[str, list[tuple[Kind, datetime]]]:
        """What befell these mails, by message id."""
        with database_errors():
            found = list(self._db.mails.find({"_id": {"$in": sorted(mails)}}, {"facts": 1}))
        return {mail["_id"]: [(Kind(fact[0]), fact[5]) for fact in mail["facts"]] for mail in found}

    def set_aside(self, mail: str, since: datetime) -> Sequence[str]:
        """Why messages about this mail are in quarantine: reason and detail, each once."""
        wanted = {"lastAt": {"$gte": since}, "message": {"$regex": re.escape(mail)}}
        with database_errors():
            found = list(self._db.quarantine.find(wanted, {"reason": 1, "detail": 1}))
        return sorted({f"{one['reason']} ({one['detail']})" for one in found})

    def tells(self, mail: str) -> bool:
        """Whether the API would tell its story."""
        try:
            return bool(self._events.of_mail(mail)["events"])
        except NotFound:
            return False

    def knock(self) -> str:
        """An entry in the journal that tells of nothing: the worker takes it out as any other, and changes nothing."""
        with database_errors():
            made = self._db.journal.insert_one({"at": self._now(), "places": [], "wirings": []})
        return str(made.inserted_id)

    def answered(self, knock: str) -> bool:
        """Whether the worker took it out."""
        with database_errors():
            return self._db.journal.find_one({"_id": ObjectId(knock)}, {"_id": 1}) is None

    def withdraw(self, knock: str) -> None:
        """Takes it out, if the worker did not."""
        with database_errors():
            self._db.journal.delete_one({"_id": ObjectId(knock)})
