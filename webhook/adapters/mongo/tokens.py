"""Tokens in MongoDB: `{_id: name, digest, owner, scopes, createdAt, lastUsedAt?, revokedAt?}`, and who made them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.domain.tokens import Scope, TokenRecord
from webhook.errors import Conflict, NotFound, Unavailable

_LIVE: Document = {"revokedAt": None}
#: Who acts, for the audit trail: tokens are made and revoked at the command line only.
OPERATOR = "operator"


class Tokens:
    """Keeps tokens by name, and finds them by digest. Each change stands in the audit trail."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def add(self, new: TokenRecord) -> None:
        """Keeps a new token; raises Conflict if the name was ever used."""

        def insert(session: ClientSession) -> None:
            try:
                self._db.tokens.insert_one(_document(new), session=session)
            except DuplicateKeyError as error:
                raise Conflict(f"there is or was a token named {new.name!r}: choose another name") from error
            self._audit("token.created", new, new.created_at, session)

        self._in_transaction(insert)

    def revoke(self, name: str, at: datetime) -> TokenRecord:
        """Ends a token for good; gives it as it is then. Raises NotFound. Revoking again changes nothing."""

        def end(session: ClientSession) -> None:
            ended = {"$set": {"revokedAt": at}}
            if self._db.tokens.update_one({"_id": name, **_LIVE}, ended, session=session).matched_count:
                self._audit("token.revoked", self._get(name, session), at, session)

        self._in_transaction(end)
        with database_errors():
            return self._get(name)

    def all(self) -> list[TokenRecord]:
        """Every token there was, by name."""
        with database_errors():
            return [_record(document) for document in self._db.tokens.find().sort("_id")]

    def find(self, digest: str) -> TokenRecord | None:
        """The token of this digest, if it was not revoked."""
        with database_errors():
            found = self._db.tokens.find_one({"digest": digest, **_LIVE})
        return _record(found) if found else None

    def any(self) -> bool:
        """True if there is a token that was not revoked."""
        with database_errors():
            return self._db.tokens.find_one(_LIVE, {"_id": 1}) is not None

    def note_use(self, name: str, at: datetime) -> None:
        """Notes when it was used; never goes back. If that fails the next use is noted."""
        with suppress(Unavailable), database_errors():
            self._db.tokens.update_one({"_id": name}, {"$max": {"lastUsedAt": at}})

    def _get(self, name: str, session: ClientSession | None = None) -> TokenRecord:
        found = self._db.tokens.find_one({"_id": name}, session=session)
        if found is None:
            raise NotFound(f"no token is named {name!r}; `tokens list` tells which there are")
        return _record(found)

    def _audit(self, action: str, of: TokenRecord, at: datetime, session: ClientSession) -> None:
        why = f"{of.name}: {', '.join(sorted(of.scopes))}"
        record(self._db, session, audit_row(action, at=at, who=OPERATOR, why=why, owner=of.owner))

    def _in_transaction(self, work: Callable[[ClientSession], None]) -> None:
        with database_errors(), self._db.client.start_session() as session:
            session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def _document(record: TokenRecord) -> Document:
    return {
        "_id": record.name,
        "digest": record.digest,
        "owner": record.owner,
        "scopes": sorted(record.scopes),
        "createdAt": record.created_at,
        "revokedAt": record.revoked_at,
    }


def _record(document: Document) -> TokenRecord:
    return TokenRecord(
        name=document["_id"],
        digest=document["digest"],
        owner=document["owner"],
        scopes=frozenset(map(Scope, document["scopes"])),
        created_at=document["createdAt"],
        last_used_at=document.get("lastUsedAt"),
        revoked_at=document.get("revokedAt"),
    )
