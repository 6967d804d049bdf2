"""What happened: the events of a domain, and the whole story of one mail, read from the stored mails."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.domains import named, no_domain, owned_since
from webhook.domain.mail import Kind
from webhook.errors import NotFound
from webhook.paging import LIMIT, Item, Page, Wanted, seal, unseal

#: Mails that one page looks at. A rare kind at a busy domain would otherwise keep the database, and the asker, waiting.
SCANNED = 5000
#: Seconds one question may take.
PATIENCE = 5.0

_ORDER = {"last": pymongo.DESCENDING, "_id": pymongo.DESCENDING}
_Place = tuple[datetime, str]
#: Where a row stands among its mail's: its time, then the course of things and the fact itself; no two have the same.
Rank = tuple[datetime, int, str, str, str, str]
_PLACE = (datetime, str, datetime, int, str, str, str, str)
_BELOW_ALL: Rank = (datetime(1, 1, 1, tzinfo=UTC), -1, "", "", "", "")
#: Of what happened at one moment, sending comes first.
_LIFE = {kind.value: position for position, kind in enumerate(Kind)}


def _query(wanted: Wanted) -> Document:
    """What a mail must fulfil to have a row that is wanted."""
    query: Document = {"facts": {"$elemMatch": {"0": wanted.kind}}} if wanted.kind else {}
    if wanted.recipient:
        ways = [{"0": {"$ne": Kind.COMPLAINED}, "1": wanted.recipient}, {"0": Kind.COMPLAINED, "4": wanted.recipient}]
        query["$or"] = [{"to": wanted.recipient}, *({"facts": {"$elemMatch": one}} for one in ways)]
    return query


class Events:
    """Tells what befell mails; changes nothing."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def of_domain(
        self, domain: str, wanted: Wanted, *, cursor: str = "", limit: int = LIMIT, owner: str | None = None
    ) -> Page:
        """What happened at a domain: mails by their newest happening, each mail's happenings newest first.

        A mail that something new befalls while pages are being told moves to the front of the list; what a page began
        to tell of it is told to the end nevertheless. A page looks at `SCANNED` mails at most, so it may be short.

        Raises:
            BadCursor: the cursor is not one of this list.
            NotFound: nothing was ever heard of such a domain, or it is not the owner's.
        """
        domain = named(domain)
        place = unseal(cursor, *_PLACE) if cursor else None
        items: list[Item] = []
        told: list[Any] = []
        with database_errors(), pymongo.timeout(PATIENCE):
            since = owned_since(self._db, domain, owner)
            for mail, rank, row in self._rows(domain, wanted, place, since):
                if len(items) == limit:
                    return Page(items, seal(told))
                items.append(row)
                told = [*mail, *rank]
            end = self._end_of_scan(domain, wanted, place)
            if not (items or place):
                self._require(domain)
        return Page(items, seal([*end, *_BELOW_ALL]) if end else None)

    def _require(self, domain: str) -> None:
        if not any(self._db[name].find_one({"domain": domain}, {"_id": 1}) for name in ("emaildomains", "mails")):
            raise no_domain(domain)

    def of_mail(self, mail_id: str, owner: str | None = None) -> Document:
        """The whole story of one mail, in the order it happened; raises NotFound, as for a mail of another's domain."""
        with database_errors():
            found = self._db.mails.find_one({"_id": mail_id})
        if found is None or not self._may_see(found, owner):
            raise NotFound(f"no mail {mail_id!r}: it was never heard of, or its retention is over")
        return {
            "messageId": found["_id"],
            "domain": found["domain"],
            "sentAt": found["at"],
            "recipients": found["to"],
            "wirings": found["by"],
            "events": [row for _, row in reversed(happenings(found))],
        }

    def _may_see(self, mail: Document, owner: str | None) -> bool:
        try:
            since = owned_since(self._db, mail["domain"], owner)
        except NotFound:
            return False
        return since is None or mail["at"] >= since

    def _rows(
        self, domain: str, wanted: Wanted, place: list[Any] | None, since: datetime | None
    ) -> Iterator[tuple[_Place, Rank, Item]]:
        if place:
            begun = self._db.mails.find_one({"_id": place[1], "domain": domain})
            shown = begun and (since is None or begun["at"] >= since)
            for rank, row in happenings(begun) if begun and shown else ():
                if wanted.covers(row) and rank < tuple(place[2:]):
                    yield (place[0], place[1]), rank, row
        query = _query(wanted) | ({"at": {"$gte": since}} if since else {})
        narrowed = [{"$match": query}] if query else []
        scan: list[Document] = [{"$match": _among(domain, wanted, place)}, {"$sort": _ORDER}, {"$limit": SCANNED}]
        for mail in self._db.mails.aggregate([*scan, *narrowed]):
            for rank, row in happenings(mail):
                if wanted.covers(row):
                    yield (mail["last"], mail["_id"]), rank, row

    def _end_of_scan(self, domain: str, wanted: Wanted, place: list[Any] | None) -> _Place | None:
        """The last mail that was looked at, if it was not the last there is."""
        last = self._db.mails.find(_among(domain, wanted, place), {"last": 1}).sort(_ORDER).skip(SCANNED - 1).limit(2)
        found = list(last)
        return (found[0]["last"], found[0]["_id"]) if len(found) == 2 else None


def _among(domain: str, wanted: Wanted, place: list[Any] | None) -> Document:
    """The mails of a domain behind a place; answered from the index alone."""
    among: Document = {"domain": domain}
    newest: Document = {"$gte": wanted.since} if wanted.since else {}
    if place:
        newest["$lte"] = place[0]
        among["$or"] = [{"last": {"$lt": place[0]}}, {"_id": {"$lt": place[1]}}]
    if newest:
        among["last"] = newest
    return among


def happenings(mail: Mapping[str, Any]) -> list[tuple[Rank, Item]]:
    """A stored mail's facts as rows, newest first."""
    rows: list[tuple[Rank, Item]] = []
    only = mail["to"][0] if len(mail["to"]) == 1 else None
    for kind, who, type_, subtype, code, at, detail in mail["facts"]:
        row: Item = {"kind": kind, "at": at, "messageId": mail["_id"], "domain": mail["domain"], "sentAt": mail["at"]}
        told = {"type": type_, "subtype": subtype, "detail": detail}
        match kind:
            case Kind.COMPLAINED:
                row["recipient"] = code or only
                told["feedbackId"] = who
            case Kind.PREFERRED:
                row["recipient"] = only
                told["contactList"] = who
            case _:
                row["recipient"] = who or only
                told["code"] = code
        rows.append(
            ((at, _LIFE[kind], who, type_, subtype, code), row | {key: value for key, value in told.items() if value})
        )
    return sorted(rows, key=lambda ranked: ranked[0], reverse=True)
