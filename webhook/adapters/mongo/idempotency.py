"""A write that is asked for twice under one key is done once; the second asker hears what the first one did."""

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bson import ObjectId
from msgspec import Struct
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.errors import Invalid, Refused

#: How long a key is remembered.
KEPT = timedelta(hours=24)
#: After that long, whoever was at it is taken to have died.
LEASE = timedelta(seconds=60)
#: The largest answer that is kept, in bytes.
BODY_MAX = 65_536
KEY_MAX = 255


class Answer(Struct, frozen=True):
    """What was answered, to be answered again."""

    status: int
    headers: dict[str, str]
    body: bytes


class Idempotency:
    """Keeps answers by key, 24 hours. `scope` says whose key it is (the token's name): two never share a key.

    Call `begin`; if it gives an answer, send that one. Else do the work, and then, on the same thread, either `finish`
    with the answer, or `abandon` if it failed for a reason of our own or of the moment (5xx, 429, an exception), so
    that the next try is a real one.
    """

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._answers = db.idempotency
        self._now = now
        self._name = ObjectId()

    def begin(self, key: str, fingerprint: str, scope: str) -> Answer | None:
        """The stored answer, or None: then it is the caller's to do.

        Raises:
            Invalid: the key is not 1 to 255 printable ASCII characters.
            Refused: `idempotency_key_reused` (422), `idempotency_in_progress` (409) or `idempotency_answer_not_kept`
                (409: it was done, but the answer was too large to keep).
            Unavailable: the database does not answer.
        """
        if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
            raise Invalid("Idempotency-Key", f"must be 1 to {KEY_MAX} printable ASCII characters, such as a UUID")
        identity = _digest(scope, key)
        now = self._now()
        claim = {"fingerprint": fingerprint, "state": "running", "by": self._me(), "at": now, "expires": now + KEPT}
        with database_errors():
            try:
                self._answers.insert_one({"_id": identity, **claim})
            except DuplicateKeyError:
                return self._meet(identity, claim)
        return None

    def finish(self, key: str, scope: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Stores the answer, unless somebody took the work over meanwhile; one above 64 KiB is noted, not kept."""
        kept = body if len(body) <= BODY_MAX else None
        answer = {"state": "done", "status": status, "headers": dict(headers), "body": kept}
        with database_errors():
            self._answers.update_one(self._mine(key, scope), {"$set": answer})

    def abandon(self, key: str, scope: str) -> None:
        """Forgets that it was begun: whoever asks next does it."""
        with database_errors():
            self._answers.delete_one(self._mine(key, scope))

    def _meet(self, identity: str, claim: Document) -> Answer | None:
        """What to do about a key that is known."""
        found = self._answers.find_one({"_id": identity})
        if found is None:  # abandoned just now: its turn comes with the next try
            raise _in_progress()
        forgotten = found["expires"] <= claim["at"]
        if not forgotten and found["fingerprint"] != claim["fingerprint"]:
            hint = "Use a new key for each new request, and the old one only to repeat the same request."
            raise Refused("idempotency_key_reused", "This Idempotency-Key was used for another request.", hint, 422)
        if not forgotten and found["state"] == "done":
            return _answer(found)
        if not forgotten and found["at"] > claim["at"] - LEASE:
            raise _in_progress()
        # Its owner left it lying; of two who take it over, one gets it.
        seen = {name: found[name] for name in ("_id", "by", "at", "state")}
        if self._answers.replace_one(seen, claim).matched_count == 0:
            raise _in_progress()
        return None

    def _mine(self, key: str, scope: str) -> Document:
        return {"_id": _digest(scope, key), "state": "running", "by": self._me()}

    def _me(self) -> str:
        """Who is at it: a thread of a process. One that was taken for dead can't write what is another's by now."""
        return f"{self._name}/{os.getpid()}/{threading.get_ident()}"


def _answer(found: Document) -> Answer:
    if found["body"] is None:
        hint = "Read what came of it with a GET; it was not done again."
        raise Refused("idempotency_answer_not_kept", "It was done, but its answer was too large to keep.", hint)
    return Answer(found["status"], found["headers"], bytes(found["body"]))


def _in_progress() -> Refused:
    hint = "Wait for the first answer, or repeat the request in a minute."
    return Refused("idempotency_in_progress", "A request with this Idempotency-Key is still being worked on.", hint)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
