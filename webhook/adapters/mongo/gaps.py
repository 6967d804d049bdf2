"""Gaps as they were found: a document for each day, domain and kind that differs, and the alert of those that last."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pymongo
from pymongo import DeleteOne, IndexModel, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import midnight, owner_of
from webhook.adapters.mongo.domains import owned_by
from webhook.domain.alerts import Draft, diverged
from webhook.domain.gaps import Row, State, settled
from webhook.domain.gaps_told import Findings, findings_of, row_of
from webhook.paging import LIMIT, Item, Page, page_of, unseal
from webhook.pipeline import HISTORY

_ID = "gaps"
_MARK = "gaps_restored"
INDEXES: dict[str, list[IndexModel]] = {
    "gaps": [
        # What differs now, newest first; and all of a domain, whose state a comparison writes.
        IndexModel([("open", pymongo.ASCENDING), ("day", pymongo.DESCENDING), ("_id", pymongo.ASCENDING)]),
        IndexModel([("domain", pymongo.ASCENDING), ("day", pymongo.DESCENDING)]),
        IndexModel("expires", expireAfterSeconds=0),
    ],
}
#: The whole account, where a domain's name would stand.
ACCOUNT = "*"
#: Seconds that writing down a group of domains may take.
PATIENCE = 30
#: How often figures are compared, how long a comparison has for it, and how long it is left alone after an error.
EVERY, LEASE = timedelta(hours=24), timedelta(hours=1)
#: Two looks within this are one: a person who asks twice does not make a difference last.
APART = timedelta(hours=1)
#: An interrupted restoring is taken up again within this.
RESUMES = timedelta(days=1)


class GapBook:
    """Plays `gaps.checking.Book` and `gaps.restoring.Marks`, and tells what was found."""

    def __init__(self, db: Db) -> None:
        self._db = db

    # -- finding

    def claim(self, now: datetime) -> bool:
        """True if a comparison is due and the caller is the one to make it."""
        due = {"_id": _ID, "at": {"$not": {"$gt": now - EVERY}}, "claimedUntil": {"$not": {"$gt": now}}}
        with database_errors():
            try:
                self._db.settings.update_one(due, {"$set": {"claimedUntil": now + LEASE}}, upsert=True)
            except DuplicateKeyError:  # it was made within a day, or somebody is making it
                return False
        return True

    def failed(self, error: Mapping[str, Any], until: datetime) -> None:
        """Keeps why there is no comparison, and leaves it alone until then."""
        with database_errors():
            self._db.settings.update_one({"_id": _ID}, {"$set": {"error": dict(error), "claimedUntil": until}})

    def note(self, rows: Sequence[Row], domains: Sequence[str], days: Sequence[date], now: datetime) -> None:
        """Keeps what differs of these domains (none: of the account) and days, and forgets what no longer does.

        What is missing at two looks a day after its own day ended is told once, in the same transaction.
        """
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            session.with_transaction(
                lambda session: self._note(rows, domains, days, now, session),
                read_concern=SNAPSHOT,
                write_concern=MAJORITY,
            )

    def finish(self, found: Findings, *, full: bool) -> None:
        """The comparison of all domains is complete, its rows noted already; after a `full` one none is due."""
        told = findings_of(found)
        if full:
            told["at"] = found.at
        update = {"$set": told, "$unset": {"claimedUntil": "", "error": ""}}
        with database_errors():
            self._db.settings.update_one({"_id": _ID}, update, upsert=True)

    # -- telling

    def find(
        self,
        *,
        domain: str = "",
        since: date | None = None,
        owner: str | None = None,
        cursor: str = "",
        limit: int = LIMIT,
    ) -> Item:
        """What differs, newest day first, as a page with what is known of the last comparison.

        `{items, nextCursor, checkedAt, source, from, to, totals, limits, problem}`; an owner sees rows of his domains
        only, from the day they were his, and no sums of the account. Raises BadCursor.
        """
        wanted = self._wanted(domain, since, owner)
        if cursor:
            day, identity = unseal(cursor, str, str)
            wanted = {"$and": [wanted, {"$or": [{"day": {"$lt": day}}, {"day": day, "_id": {"$gt": identity}}]}]}
        order = [("day", pymongo.DESCENDING), ("_id", pymongo.ASCENDING)]
        with database_errors():
            found = list(self._db.gaps.find(wanted).sort(order).limit(limit + 1))
            last = self._db.settings.find_one({"_id": _ID}) or {}
        page = page_of(found, limit, lambda row: [row["day"], row["_id"]])
        return _told(page, last, whole=owner is None)

    def _wanted(self, domain: str, since: date | None, owner: str | None) -> Document:
        wanted: Document = {"open": True}
        if domain:
            wanted["domain"] = domain
        if since:
            wanted["day"] = {"$gte": since.isoformat()}
        if owner is None:
            return wanted
        names = {"domain": domain} if domain else {}
        with database_errors():
            own = list(self._db.emaildomains.find({**owned_by(owner), **names}, {"domain": 1, "ownedSince": 1}))
        always = [row["domain"] for row in own if not isinstance(row.get("ownedSince"), datetime)]
        lately = [
            {"domain": row["domain"], "day": {"$gt": row["ownedSince"].date().isoformat()}}
            for row in own
            if isinstance(row.get("ownedSince"), datetime)
        ]
        return {"$and": [wanted, {"$or": [{"domain": {"$in": always}}, *lately]}]}

    # -- the place where restoring stopped

    def mark(self, since: datetime, now: datetime) -> tuple[datetime, str] | None:
        """How far an interrupted restoring of the list since then came: the last entry's time and address."""
        with database_errors():
            found = self._db.settings.find_one({"_id": _MARK, "since": since, "noted": {"$gt": now - RESUMES}})
        return (found["at"], found["address"]) if found else None

    def advance(self, since: datetime, at: datetime, address: str, now: datetime) -> None:
        """Everything up to this entry is done."""
        document = {"since": since, "at": at, "address": address, "noted": now}
        with database_errors():
            self._db.settings.replace_one({"_id": _MARK}, document, upsert=True)

    def complete(self) -> None:
        """All of the list is done."""
        with database_errors():
            self._db.settings.delete_one({"_id": _MARK})

    # -- writing

    def _note(
        self,
        rows: Sequence[Row],
        domains: Sequence[str],
        days: Sequence[date],
        now: datetime,
        session: ClientSession,
    ) -> None:
        names = list(domains) or [ACCOUNT]
        query = {"domain": {"$in": names}, "day": {"$in": [day.isoformat() for day in days]}}
        known = {row["_id"]: row for row in self._db.gaps.find(query, session=session)}
        now = now.replace(microsecond=0)
        found = {_identity(row): _document(row, known.get(_identity(row)), now) for row in rows}
        lasting = [row for row in rows if found[_identity(row)].pop("news", False)]
        writes: list[ReplaceOne[Document] | UpdateOne | DeleteOne] = [
            ReplaceOne({"_id": identity}, document, upsert=True) for identity, document in found.items()
        ]
        for identity, before in known.items():
            if identity not in found:
                writes.append(_closing(identity, told=bool(before.get("toldAt")), now=now))
        if writes:
            self._db.gaps.bulk_write(writes, ordered=False, session=session)
        outbox.write(self._db, self._drafts(lasting, now, session), now, session)

    def _drafts(self, lasting: Sequence[Row], now: datetime, session: ClientSession) -> list[Draft]:
        """One alert for each domain, whatever lasts of it."""
        by_domain: dict[str | None, list[Row]] = {}
        for row in lasting:
            by_domain.setdefault(row.domain, []).append(row)
        names = [name for name in by_domain if name]
        known = self._db.emaildomains.find({"domain": {"$in": names}}, {"domain": 1, "owner": 1}, session=session)
        owners = {document["domain"]: owner_of(document) for document in known}
        return [_draft(domain, owners.get(domain or ""), rows, now) for domain, rows in by_domain.items()]


def _draft(domain: str | None, owner: str | None, rows: Sequence[Row], now: datetime) -> Draft:
    ours: dict[str, int] = {}
    theirs: dict[str, int] = {}
    for row in rows:
        ours[row.kind.value] = ours.get(row.kind.value, 0) + row.ours
        theirs[row.kind.value] = theirs.get(row.kind.value, 0) + row.aws
    days = sorted(row.day.isoformat() for row in rows)
    return diverged(domain, owner, (days[0], days[-1]), ours, theirs, now)


def _identity(row: Row) -> str:
    return f"{row.day.isoformat()}/{row.domain or ACCOUNT}/{row.kind.value}"


def _document(row: Row, before: Document | None, now: datetime) -> Document:
    """The row as it is stored; `news` is true where it has come to last."""
    before = before or {}
    looks = list(before.get("looks") or ())
    missing = row.state is State.MISSING
    if missing and settled(row.day, now) and (not looks or now - looks[-1] >= APART):
        looks = [*looks, now][-2:]
    elif not missing:
        looks = []
    news = missing and len(looks) >= 2 and not before.get("toldAt")
    begins = datetime(row.day.year, row.day.month, row.day.day, tzinfo=UTC)
    return {
        **row_of(row),
        "domain": row.domain or ACCOUNT,
        "open": True,
        "firstSeenAt": before.get("firstSeenAt", now),
        "checkedAt": now,
        "looks": looks,
        "toldAt": now if news else before.get("toldAt"),
        "expires": midnight(begins + HISTORY),
        "news": news,
    }


def _closing(identity: str, *, told: bool, now: datetime) -> UpdateOne | DeleteOne:
    """What no longer differs is forgotten; what was told of is kept, so that it is not told again."""
    if not told:
        return DeleteOne({"_id": identity})
    return UpdateOne({"_id": identity}, {"$set": {"open": False, "closedAt": now}})


_SHOWN = (
    "day", "domain", "kind", "state", "ours", "doubtful", "leftOut", "aws", "missing", "spans", "reason", "sentence",
    "advice", "firstSeenAt", "checkedAt", "toldAt",
)  # fmt: skip
_OF_CHECK = ("checkedAt", "source", "from", "to", "limits")
_OF_ALL = ("domains", "equal", "missing", "unknown", "totals")


def _told(page: Page, last: Mapping[str, Any], *, whole: bool) -> Item:
    names: Iterable[str] = (*_OF_CHECK, *_OF_ALL) if whole else _OF_CHECK
    rows = [{name: row.get(name) for name in _SHOWN} for row in page.items]
    for row in rows:
        row["domain"] = None if row["domain"] == ACCOUNT else row["domain"]
    told: Item = {"items": rows, "nextCursor": page.next_cursor, **{name: last.get(name) for name in names}}
    told["problem"] = last.get("error")
    return told
