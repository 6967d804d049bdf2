"""Where the sweep through the list of identities stands: in `settings`, so that it outlives who reads it.

The names of each page are kept in a document of their own until the next sweep: whoever takes up a sweep that another
began still knows at its end who was not listed.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from bson import ObjectId
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.identities import FOLLOWED, error_document, known_of
from webhook.domain.following import Sweep
from webhook.domain.verification import Verification
from webhook.errors import AwsError

_ID = "sweep"
_FOLLOWING_ID = "following"
#: A page is read within seconds; after that the sweep is anybody's.
LEASE = timedelta(minutes=1)
#: Hints of the sweep are of no interest for longer.
KEPT = timedelta(days=7)


class Sweeps:
    """Plays `following.Sweeps`, for one worker."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._worker = str(ObjectId())
        self._made = False

    def claim(self, at: datetime) -> Sweep | None:
        """The sweep, begun or taken up, if there is something to do and nobody does it."""
        mine = {"$or": [{"leaseUntil": {"$not": {"$gt": at}}}, {"worker": self._worker}]}
        begun = {
            "worker": self._worker,
            "leaseUntil": at + LEASE,
            "startedAt": {"$ifNull": ["$startedAt", at]},
            "token": {"$ifNull": ["$token", ""]},
            "pages": {"$ifNull": ["$pages", 0]},
        }
        with database_errors():
            self._make(at)
            query = {"_id": _ID, "dueAt": {"$lte": at}, **mine}
            found = self._db.settings.find_one_and_update(
                query, [{"$set": begun}], return_document=ReturnDocument.AFTER
            )
        if found is None:
            return None
        return Sweep(found["startedAt"], found["token"], found["pages"], found.get("doubtful", False))

    def needed(self) -> bool:
        """True if any domain is followed."""
        with database_errors():
            return self._db.emaildomains.find_one(FOLLOWED, {"_id": 1}) is not None

    def known(self, names: Sequence[str]) -> Mapping[str, Verification]:
        """What is known of those of these domains that are followed."""
        fields = {"domain": 1, "awsSes.observed": 1}
        with database_errors():
            found = self._db.emaildomains.find({"domain": {"$in": list(names)}, **FOLLOWED}, fields)
            return {document["domain"]: known_of(document["awsSes"]) for document in found}

    def go_on(self, sweep: Sweep, names: Sequence[str], news: Mapping[str, str], token: str, at: datetime) -> None:
        """Keeps the names of a page, hints at `news` (domain to what is listed), and turns to the next page."""
        page = {"at": sweep.started, "names": list(names)}
        state = {"token": token, "pages": sweep.pages + 1, "leaseUntil": at + LEASE}
        with database_errors():
            self._db.settings.replace_one({"_id": _page(sweep.pages)}, page, upsert=True)
            self._hint(sweep, news, at)
            self._db.settings.update_one(self._here(sweep), {"$set": state})

    def unlisted(self, sweep: Sweep, names: Sequence[str]) -> tuple[list[str], int]:
        """Domains that no page of the sweep named (`names` is its last page), and how many there should be."""
        pages = [_page(number) for number in range(sweep.pages)]
        # Who was registered meanwhile may be missing from pages that were read before.
        query = {
            **FOLLOWED,
            "awsSes.missing": {"$ne": True},
            "awsSes.registeredAt": {"$not": {"$gte": sweep.started}},
        }
        with database_errors():
            read = list(self._db.settings.find({"_id": {"$in": pages}, "at": sweep.started}))
            should = [document["domain"] for document in self._db.emaildomains.find(query, {"domain": 1})]
        if len(read) < sweep.pages:
            # Another worker took over and is at another sweep by now: that one will tell.
            return [], len(should)
        listed = set(names).union(*(page["names"] for page in read))
        return [domain for domain in should if domain not in listed], len(should)

    def finish(self, sweep: Sweep, news: Mapping[str, str], until: datetime, at: datetime, *, doubtful: bool) -> None:
        """Hints at `news` and ends the sweep; the next one begins at `until`."""
        ended = {"startedAt": None, "token": "", "pages": 0, "leaseUntil": None, "dueAt": until}
        with database_errors():
            self._hint(sweep, news, at)
            update = {"$set": {**ended, "doubtful": doubtful, "completedAt": at}}
            self._db.settings.update_one(self._here(sweep), update)

    def begin_again(self, sweep: Sweep) -> None:
        """Goes back to the first page: the token is no good any more."""
        with database_errors():
            self._db.settings.update_one(self._here(sweep), {"$set": {"startedAt": None, "token": "", "pages": 0}})

    def doubtful(self) -> bool:
        """True if the last sweep named so few domains that a "not found" of SES can't be trusted."""
        with database_errors():
            found = self._db.settings.find_one({"_id": _ID}, {"doubtful": 1})
        return bool(found and found.get("doubtful"))

    def note(self, operation: str, error: AwsError | None, at: datetime) -> None:
        """Notes for people what keeps an operation from being done; None: nothing."""
        noted = error_document(error, at) if error else None
        with database_errors():
            update = {"$set": {f"errors.{operation}": noted}}
            self._db.settings.update_one({"_id": _FOLLOWING_ID}, update, upsert=True)

    def _make(self, at: datetime) -> None:
        if self._made:
            return
        with suppress(DuplicateKeyError):  # another worker makes it this very moment
            self._db.settings.update_one({"_id": _ID}, {"$setOnInsert": {"dueAt": at}}, upsert=True)
        self._made = True

    def _here(self, sweep: Sweep) -> Document:
        """Finds the sweep only if it is still ours, and where it was."""
        return {"_id": _ID, "worker": self._worker, "startedAt": sweep.started, "pages": sweep.pages}

    def _hint(self, sweep: Sweep, news: Mapping[str, str], at: datetime) -> None:
        """A page that is read twice, after a crash, hints once."""
        writes = []
        for domain, listed in news.items():
            hint = {"kind": "sweep", "domain": domain, "at": at, "detail": listed, "listed": listed}
            identity = f"sweep/{sweep.started.isoformat()}/{domain}"
            update = {"$setOnInsert": {**hint, "expires": at + KEPT}}
            writes.append(UpdateOne({"_id": identity}, update, upsert=True))
        if writes:
            self._db.hints.bulk_write(writes, ordered=False)


def _page(number: int) -> str:
    return f"sweep/{number:04}"
