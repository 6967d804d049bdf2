"""Reading: what the API, the dashboard and the commands show."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import counts_of
from webhook.domain.counts import Counts
from webhook.errors import Misconfigured, NotFound

LIMIT = 50
LIMIT_MAX = 500

Page = dict[str, Any]


class BadCursor(Misconfigured):
    """The cursor is not one that this list gave."""


class Library:
    """Finds and tells; changes nothing."""

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer."""
        with database_errors():
            self._db.command("ping")

    def gauges(self) -> dict[str, tuple[str, float]]:
        """What /metrics reads from the database: name to (help, value)."""
        with database_errors():
            oldest = self._db.journal.find_one({}, {"at": 1}, sort=[("_id", pymongo.ASCENDING)])
            lag = max(0.0, (self._now() - oldest["at"]).total_seconds()) if oldest else 0.0
            counted = self._db.emaildomains.aggregate([{"$group": {"_id": "$reputation.status", "n": {"$sum": 1}}}])
            by_status = {document["_id"]: document["n"] for document in counted}
            gauges = {
                "sentinel_judging_lag_seconds": ("Age of the oldest news that is not judged yet.", lag),
                "sentinel_quarantine_depth": (
                    "Messages in quarantine.",
                    float(self._db.quarantine.estimated_document_count()),
                ),
            }
        for status in ("healthy", "warning", "flagged", "insufficient_data"):
            gauges[f"sentinel_domains_{status}"] = (f"Domains that are {status}.", float(by_status.get(status, 0)))
        return gauges

    def domains(self, *, status: str = "", query: str = "", cursor: str = "", limit: int = LIMIT) -> Page:
        """Domains by name. `status` and `query` (a part of the name) narrow it down."""
        wanted: Document = {}
        if status:
            wanted["reputation.status"] = status
        name: Document = {}
        if query:
            name["$regex"] = re.escape(query.lower())
        if cursor:
            name["$gt"] = _opened(cursor, 1)[0]
        if name:
            wanted["domain"] = name
        with database_errors():
            found = list(self._db.emaildomains.find(wanted, {"_id": 0}).sort("domain", 1).limit(limit + 1))
        return _page(found, limit, lambda last: [last["domain"]])

    def domain(self, domain: str) -> Document:
        """One domain; raises NotFound."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": domain.lower()}, {"_id": 0})
        if found is None:
            raise NotFound(f"no domain {domain!r}: nothing was registered or heard of it")
        return found

    def reputation(self, domain: str) -> Document:
        """The verdict with what it was made of: by day, by provider, and how it came about."""
        found = self.domain(domain)
        reputation = found.get("reputation")
        if reputation is None:
            raise NotFound(f"{domain!r} was not judged yet: nothing was heard of its mails")
        window = reputation["window"]
        with database_errors():
            query = {"domain": found["domain"], "day": {"$gte": window["from"], "$lte": window["to"]}}
            days = list(self._db.counters.find(query).sort("day", pymongo.DESCENDING))
            flips = list(self._db.flips.find({"domain": found["domain"]}).sort("at", pymongo.DESCENDING).limit(100))
        daily = [{"day": day["day"], **day_counts(counts_of(day["n"]))} for day in days]
        history = [{key: flip[key] for key in ("at", "from", "to", "flags", "why")} for flip in flips]
        return {
            "domain": found["domain"],
            "reputation": reputation,
            "daily": daily,
            "providers": providers(counts_of(day["n"]) for day in days),
            "history": history,
        }

    def events(
        self,
        domain: str,
        *,
        kind: str = "",
        recipient: str = "",
        since: datetime | None = None,
        cursor: str = "",
        limit: int = LIMIT,
    ) -> Page:
        """What happened at a domain: mails by their newest happening, each mail's happenings newest first."""
        wanted: Document = {"domain": domain.lower()}
        matching: Document = {}
        if kind:
            matching["0"] = kind
            wanted["facts"] = {"$elemMatch": {"0": kind}}
        if recipient:
            wanted["$or"] = [{"to": recipient.lower()}, {"facts": {"$elemMatch": {"1": recipient.lower()}}}]
        if since:
            wanted["last"] = {"$gte": since}
        skip = 0
        if cursor:
            last, mail, skip = _opened(cursor, 3)
            at = datetime.fromisoformat(last)
            wanted["$and"] = [{"$or": [{"last": {"$lt": at}}, {"last": at, "_id": {"$lte": mail}}]}]
        order = [("last", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]
        items: list[Document] = []
        with database_errors():
            for mail_document in self._db.mails.find(wanted).sort(order):
                rows = [row for row in happenings(mail_document) if _fits(row, kind, recipient.lower(), since)]
                for position, row in enumerate(rows[skip:], start=skip):
                    if len(items) == limit:
                        place = [mail_document["last"].isoformat(), mail_document["_id"], position]
                        return {"items": items, "nextCursor": _sealed(place)}
                    items.append(row)
                skip = 0
        return {"items": items, "nextCursor": None}

    def mail(self, mail_id: str) -> Document:
        """The whole story of one mail; raises NotFound."""
        with database_errors():
            found = self._db.mails.find_one({"_id": mail_id})
        if found is None:
            raise NotFound(f"no mail {mail_id!r}: it was never heard of, or its retention is over")
        return {
            "messageId": found["_id"],
            "domain": found["domain"],
            "sentAt": found["at"],
            "recipients": found["to"],
            "wirings": found["by"],
            "events": sorted(happenings(found), key=lambda row: row["at"]),
        }

    def quarantine(self, *, reason: str = "", cursor: str = "", limit: int = LIMIT) -> Page:
        """What was not understood, newest first, without the messages themselves."""
        wanted: Document = {"reason": reason} if reason else {}
        if cursor:
            at, identity = _opened(cursor, 2)
            moment = datetime.fromisoformat(at)
            wanted["$or"] = [{"at": {"$lt": moment}}, {"at": moment, "_id": {"$lt": identity}}]
        order = [("at", pymongo.DESCENDING), ("_id", pymongo.DESCENDING)]
        with database_errors():
            found = list(self._db.quarantine.find(wanted, {"message": 0}).sort(order).limit(limit + 1))
        page = _page(found, limit, lambda last: [last["at"].isoformat(), last["_id"]])
        page["items"] = [_with_id(document) for document in page["items"]]
        return page

    def quarantined(self, identity: str) -> Document:
        """One message in quarantine, whole; raises NotFound."""
        with database_errors():
            found = self._db.quarantine.find_one({"_id": identity})
        if found is None:
            raise NotFound(f"no message {identity!r} in quarantine")
        return _with_id(found)

    def drop(self, identity: str) -> None:
        """Throws a message in quarantine away; raises NotFound."""
        with database_errors():
            if not self._db.quarantine.delete_one({"_id": identity}).deleted_count:
                raise NotFound(f"no message {identity!r} in quarantine")

    def subscriptions(self) -> list[Document]:
        """Topics that were confirmed, or unsubscribed."""
        with database_errors():
            return [
                {"topicArn": document.pop("_id"), **document}
                for document in self._db.subscriptions.find().sort("_id", pymongo.ASCENDING)
            ]

    def wirings(self) -> list[Document]:
        """Which kinds of event each wiring has shown."""
        with database_errors():
            return [
                {"wiring": document["_id"], "kinds": sorted(document["kinds"])}
                for document in self._db.wirings.find().sort("_id", pymongo.ASCENDING)
            ]


_DAY_FIELDS = (
    "sent",
    "delivered",
    "bounces",
    "soft",
    "complaints",
    "delays",
    "held",
    "rejects",
    "opens",
    "clicks",
    "rendering_failures",
)
_DAY_NAMES = {"rendering_failures": "renderingFailures"}
_GROUPS = {"hard": "bounceSubtypes", "soft": "softSubtypes", "feedback": "complaintTypes"}


def day_counts(counts: Counts) -> Document:
    """One day's counters as the API gives them."""
    day: Document = {_DAY_NAMES.get(name, name): counts.get(name, 0) for name in _DAY_FIELDS}
    for group, name in _GROUPS.items():
        day[name] = {
            counter.partition("/")[2]: count for counter, count in counts.items() if counter.startswith(group + "/")
        }
    return day


def providers(days: Iterable[Counts]) -> list[Document]:
    """The window's counters by recipient provider, the largest first, with the commonest reasons of bounces."""
    found: dict[str, Document] = {}
    for counts in days:
        for name, count in counts.items():
            group, _, rest = name.partition("/")
            if group not in ("at", "why"):
                continue
            provider, _, counter = rest.partition("/")
            row = found.setdefault(provider, {"provider": provider, "sent": 0, "bounces": 0, "reasons": {}})
            target = row if group == "at" else row["reasons"]
            target[counter] = target.get(counter, 0) + count
    return sorted(found.values(), key=lambda row: (-row["sent"], row["provider"]))


def happenings(mail: Mapping[str, Any]) -> list[Document]:
    """A stored mail's facts as rows, newest first."""
    rows = []
    for kind, who, type_, subtype, code, at, detail in mail["facts"]:
        row: Document = {"kind": kind, "at": at, "messageId": mail["_id"], "domain": mail["domain"]}
        row["sentAt"] = mail["at"]
        complained = kind == "complained"
        row["recipient"] = (code if complained else who) or (mail["to"][0] if len(mail["to"]) == 1 else None)
        told = {"feedbackId": who if complained else "", "type": type_, "subtype": subtype, "detail": detail}
        told["code"] = "" if complained else code
        rows.append(row | {key: value for key, value in told.items() if value})
    return sorted(rows, key=lambda row: (row["at"], row["kind"]), reverse=True)


def _fits(row: Document, kind: str, recipient: str, since: datetime | None) -> bool:
    return (
        (not kind or row["kind"] == kind)
        and (not recipient or row["recipient"] in (recipient, None))
        and (since is None or row["at"] >= since)
    )


def _page(found: list[Document], limit: int, place: Callable[[Document], list[Any]]) -> Page:
    more = len(found) > limit
    items = found[:limit]
    return {"items": items, "nextCursor": _sealed(place(items[-1])) if more else None}


def _with_id(document: Document) -> Document:
    return {"id": document.pop("_id"), **document}


def _sealed(place: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _opened(cursor: str, parts: int) -> list[Any]:
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str | int])
    except (binascii.Error, ValueError, UnicodeError) as error:
        raise BadCursor("cursor: not one that this list gave; leave it out to start anew") from error
    if len(place) != parts:
        raise BadCursor("cursor: not one that this list gave; leave it out to start anew")
    return place
