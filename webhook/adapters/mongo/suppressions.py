"""The suppression list: one document for each address and place, with all its causes; gone when the last one is.

Written by commits (what SES told) and by persons, always in a transaction that reads what it changes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

import pymongo
from msgspec import structs
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.domains import named, no_domain
from webhook.adapters.mongo.suppressing import write_changes
from webhook.domain.address import plain
from webhook.domain.suppression import Changes, Entry, NewEntry, Scope, digest, entered, entry_id
from webhook.errors import Invalid, NotFound
from webhook.paging import LIMIT, Item, Page, page_of, unseal

Result = TypeVar("Result")

#: Seconds that one change may take.
PATIENCE = 8
#: Addresses that one check takes.
CHECKED = 1000

_ORDER = [("createdAt", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]
#: Of several entries that cover an address, the one nearest to the sender is told.
_NEAREST = {scope.value: rank for rank, scope in enumerate(Scope)}


class Suppressions:
    """The list as it is asked and as persons change it.

    `owner` is always whose entries may be seen and touched: None all; else that owner's own and those of his domains,
    but not those of the whole account, which would tell other customers' recipients.
    """

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def find(
        self, *, address: str = "", domain: str = "", cursor: str = "", limit: int = LIMIT, owner: str | None = None
    ) -> Page:
        """Live entries, newest first.

        Raises:
            BadCursor: the cursor is not one of this list.
            NotFound: the domain is not one of the owner's.
        """
        wanted: list[Document] = [self._live()]
        if address:
            wanted.append(of_address(address))
        if domain:
            self._require(named(domain), owner)
            wanted.append({"domain": named(domain)} | ({} if owner is None else {"former": None}))
        elif owner is not None:
            wanted.append(self._visible(owner))
        if cursor:
            at, identity = unseal(cursor, datetime, str)
            wanted.append({"createdAt": {"$lte": at}})
            wanted.append({"$or": [{"createdAt": {"$lt": at}}, {"_id": {"$lt": identity}}]})
        with database_errors():
            found = list(self._db.suppressions.find({"$and": wanted}).sort(_ORDER).limit(limit + 1))
        return page_of([_shown(document) for document in found], limit, lambda last: [last["createdAt"], last["id"]])

    def get(self, identity: str, owner: str | None = None) -> Document:
        """One live entry: `{id, address, scope, domain, owner, reason, source, createdAt, expiresAt, note}`.

        Raises NotFound, for one of somebody else's as well.
        """
        with database_errors():
            found = self._db.suppressions.find_one(self._one(identity, owner))
        if found is None:
            raise _no_entry(identity)
        return _shown(found)

    def add(self, new: NewEntry, who: str, owner: str | None = None) -> Document:
        """The entry that now stands there; entering the same again changes nothing. What an owner enters is his own.

        Raises:
            Invalid: naming the field that is wrong.
            NotFound: the domain is not one of the owner's.
        """
        entry = self._entered(new, who, owner)

        def write(session: ClientSession) -> Document:
            counted = write_changes(self._db, Changes(add=(entry,)), session, self._now())
            if counted["created"] or counted["changed"]:
                record(self._db, session, self._audited("suppression.added", entry, who))
            return self._db.suppressions.find_one({"_id": entry.id}, session=session) or {}

        return _shown(self._in_transaction(write))

    def load(self, entries: Sequence[NewEntry], who: str, *, dry_run: bool = False) -> dict[str, int]:
        """Enters many at once, all or none: how many were `created`, `changed`, and there `already`; raises Invalid."""
        made = {entry.id: entry for entry in (self._entered(new, who, None) for new in entries)}

        def write(session: ClientSession) -> dict[str, int]:
            counted = write_changes(self._db, Changes(add=tuple(made.values())), session, self._now())
            numbers = {name: counted[name] for name in ("created", "changed")}
            if dry_run:
                session.abort_transaction()
            elif any(numbers.values()):
                record(self._db, session, audit_row("suppression.imported", at=self._now(), who=who, numbers=numbers))
            return numbers

        numbers = self._in_transaction(write)
        return numbers | {"already": len(entries) - sum(numbers.values())}

    def remove(self, identity: str, who: str, owner: str | None = None, why: str = "") -> None:
        """Takes an entry out, whatever put it there; only news of another mail puts it back. Raises NotFound."""

        def write(session: ClientSession) -> None:
            gone = self._db.suppressions.find_one_and_delete(self._one(identity, owner), session=session)
            if gone is None:
                raise _no_entry(identity)
            told = {"id": identity, **{name: gone[name] for name in ("scope", "reason", "source")}}
            place = {"domain": gone["domain"], "owner": gone["owner"], "entry": told}
            row = audit_row("suppression.removed", at=self._now(), who=who, why=why, **place)
            record(self._db, session, row)

        self._in_transaction(write)

    def check(self, addresses: Iterable[str], domain: str | None = None, owner: str | None = None) -> dict[str, Item]:
        """Which of these addresses a mail of this domain must not go to: `{address: {reason, scope, expiresAt}}`.

        The keys are the addresses as they were given. They compare without regard to case; domains in ASCII form.

        Raises:
            Invalid: too many addresses.
            NotFound: the domain is not one of the owner's.
            Unavailable: the database does not answer, and then nothing may be sent.
        """
        asked = {address: plain(address) for address in addresses}
        if len(asked) > CHECKED:
            raise Invalid("addresses", f"must be at most {CHECKED:,} addresses at once")
        covering = [(Scope.ACCOUNT, "")]
        if domain:
            owner = self._require(named(domain), owner)
            covering.append((Scope.DOMAIN, named(domain)))
        if owner is not None:
            covering.append((Scope.OWNER, owner))
        ids = [entry_id(key, *place) for key in set(asked.values()) for place in covering]
        wanted = {"_id": {"$in": ids}} | self._live()
        with database_errors():
            found = sorted(self._db.suppressions.find(wanted), key=lambda one: -_NEAREST[one["scope"]])
        told = {one["key"]: {name: one[name] for name in ("reason", "scope", "expiresAt")} for one in found}
        return {address: told[key] for address, key in asked.items() if key in told}

    def knows(self, domain: str) -> bool:
        """Whether there is a domain of this name: registered, or mail of it was heard of."""
        with database_errors():
            return self._db.emaildomains.find_one({"domain": named(domain)}, {"_id": 1}) is not None

    def all(self, owner: str | None = None) -> Iterator[Item]:
        """All live entries, in no particular order; for export."""
        wanted = {"$and": [self._live(), self._visible(owner) if owner is not None else {}]}
        with database_errors():
            for document in self._db.suppressions.find(wanted):
                yield _shown(document)

    def _live(self) -> Document:
        return {"$or": [{"expiresAt": None}, {"expiresAt": {"$gt": self._now()}}]}

    def _visible(self, owner: str) -> Document:
        with database_errors():
            domains = [one["domain"] for one in self._db.emaildomains.find({"owner": owner}, {"domain": 1})]
        return {
            "$or": [
                {"scope": Scope.OWNER.value, "owner": owner},
                {"scope": Scope.DOMAIN.value, "domain": {"$in": domains}, "former": None},
            ]
        }

    def _one(self, identity: str, owner: str | None) -> Document:
        return {"$and": [{"_id": identity}, self._live(), self._visible(owner) if owner is not None else {}]}

    def _require(self, domain: str, owner: str | None) -> str | None:
        """Whose domain it is; raises NotFound unless `owner` may touch it."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": domain}, {"owner": 1}) or {}
        belongs: Any = found.get("owner")
        if owner is not None and belongs != owner:
            raise no_domain(domain)
        return belongs if isinstance(belongs, str) else None

    def _entered(self, new: NewEntry, who: str, owner: str | None) -> Entry:
        if owner is not None and not new.domain:
            if new.owner not in (None, "", owner):
                raise Invalid("owner", f"must be {owner} or left out")
            new = structs.replace(new, owner=owner)
        entry = entered(new, who, self._now())
        if owner is not None and entry.scope is Scope.DOMAIN:
            self._require(entry.where, owner)
        return entry

    def _audited(self, action: str, entry: Entry, who: str) -> Document:
        place = {entry.scope.value: entry.where} if entry.where else {}
        told = {"id": entry.id, "scope": entry.scope.value, "reason": entry.cause.reason.value}
        return audit_row(action, at=self._now(), who=who, why=entry.cause.note, entry=told, **place)

    def _in_transaction(self, work: Callable[[ClientSession], Result]) -> Result:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def of_address(address: str) -> Document:
    """What finds an address's entries at all places, of themselves: their ids begin alike, so `key` needs no index."""
    key = plain(address)
    return {"_id": {"$gt": f"{digest(key)}-", "$lt": f"{digest(key)}."}, "key": key}


def _shown(document: Document) -> Document:
    names = ("address", "scope", "domain", "owner", "reason", "source", "createdAt", "expiresAt", "note")
    return {"id": document["_id"], **{name: document.get(name) for name in names}}


def _no_entry(identity: str) -> NotFound:
    return NotFound(f"no entry {identity!r} on the suppression list")
