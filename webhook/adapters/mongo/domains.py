"""Domains as they are shown: found, described, and their verdict with all that it was made of."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import counts_of
from webhook.adapters.mongo.identities import NAME
from webhook.adapters.mongo.verdicts import Judge, verdict_document
from webhook.domain.counts import Counts
from webhook.domain.mime import ascii_domain
from webhook.domain.ownership import part as part_of
from webhook.domain.reputation import Status
from webhook.domain.verification import State
from webhook.errors import NotFound
from webhook.paging import LIMIT, Page, page_of, unseal

HISTORY_SHOWN = 100


class Domains:
    """Finds domains and tells of them; changes nothing."""

    def __init__(self, db: Db, judge: Judge, now: Callable[[], datetime]) -> None:
        self._db = db
        self._judge = judge
        self._now = now

    def find(
        self,
        *,
        status: str = "",
        verification: str = "",
        part: str = "",
        cursor: str = "",
        limit: int = LIMIT,
        owner: str | None = None,
    ) -> Page:
        """Domains by name. What is given narrows it down; `part` is any part of the name, `owner` whose they are."""
        wanted: Document = owned_by(owner)
        if status:
            # A domain that nothing was heard of yet has no verdict at all.
            wanted["reputation.status"] = {"$in": [status, None]} if status == Status.INSUFFICIENT else status
        if verification:
            # Nor has one that SES was never asked about any state.
            asked = {"$in": [verification, None]} if verification == State.NOT_STARTED else verification
            wanted["awsSes.verificationStatus"] = asked
        name = dict(NAME)
        if part:
            name["$regex"] = re.escape(part.lower())
        if cursor:
            name["$gt"] = unseal(cursor, str)[0]
        wanted["domain"] = name
        with database_errors():
            found = list(self._db.emaildomains.find(wanted, {"_id": 0}).sort("domain", 1).limit(limit + 1))
        return page_of([_shown(document) for document in found], limit, lambda last: [last["domain"]])

    def get(self, domain: str, owner: str | None = None) -> Document:
        """One domain; raises NotFound, as for a domain that is not the owner's."""
        return _shown(self.require(domain, owner))

    def require(self, domain: str, owner: str | None = None) -> Document:
        """One domain as it is stored; raises NotFound, as for a domain that is not the owner's."""
        with database_errors():
            found = self._db.emaildomains.find_one({"domain": named(domain), **owned_by(owner)}, {"_id": 0})
        if found is None:
            raise no_domain(domain)
        return found

    def reputation(self, domain: str, owner: str | None = None) -> Document:
        """The verdict with what it was made of: by day, by provider, and how it came about; raises NotFound.

        A domain that was not judged yet is judged here and now; nothing is written, and `since` is None.
        """
        found = self.get(domain, owner)
        name = found["domain"]
        reputation = found["reputation"] or self._judged_now(name)
        window = reputation["window"]
        with database_errors():
            query = {"domain": name, "day": {"$gte": window["from"], "$lte": window["to"]}}
            days = list(self._db.counters.find(query).sort("day", pymongo.DESCENDING))
            flips = list(self._db.flips.find({"domain": name}).sort("at", pymongo.DESCENDING).limit(HISTORY_SHOWN))
        return {
            "domain": name,
            "reputation": reputation,
            "daily": [{"day": day["day"], **day_counts(counts_of(day["n"]))} for day in days],
            "providers": providers(counts_of(day["n"]) for day in days),
            "history": [{key: flip[key] for key in ("at", "from", "to", "flags", "why")} for flip in flips],
        }

    def by_status(self) -> dict[str, int]:
        """How many domains have each status."""
        is_text = {"$eq": [{"$type": "$reputation.status"}, "string"]}
        status = {"$cond": [is_text, "$reputation.status", None]}
        with database_errors():
            counted = self._db.emaildomains.aggregate([{"$group": {"_id": status, "n": {"$sum": 1}}}])
            numbers = {document["_id"]: document["n"] for document in counted}
        numbers[Status.INSUFFICIENT.value] = numbers.get(Status.INSUFFICIENT.value, 0) + numbers.pop(None, 0)
        return {one.value: numbers.get(one.value, 0) for one in Status}

    def _judged_now(self, name: str) -> Document:
        with database_errors():
            verdict = self._judge.verdicts([name], self._now(), None)[0]
        return verdict_document(verdict) | {"since": None}


def owned_by(owner: str | None) -> Document:
    """What a domain must fulfil to be shown to an owner; None may see all."""
    return {} if owner is None else {"owner": owner}


def owned_since(db: Db, domain: str, owner: str | None) -> datetime | None:
    """Since when the domain is this owner's, who sees nothing from before; None: all may be seen. Raises NotFound."""
    if owner is None:
        return None
    with database_errors():
        found = db.emaildomains.find_one({"domain": domain, **owned_by(owner)}, {"ownedSince": 1})
    if found is None:
        raise no_domain(domain)
    return found.get("ownedSince")


def no_domain(domain: str) -> NotFound:
    """The error that says there is none of this name."""
    return NotFound(f"no domain {domain!r}: it was never registered, and no mail of it was heard of")


def named(domain: str) -> str:
    """A domain's name as it is stored: in punycode, if it can be a mail domain at all."""
    return ascii_domain(domain.strip()) or domain.strip().lower().rstrip(".")


def _shown(document: Document) -> Document:
    """A domain as it is stored; whatever else the platform may have put in place of a verdict is none."""
    window = part_of(part_of(document, "reputation"), "window")
    judged = all(isinstance(window.get(end), str) for end in ("from", "to"))
    return {"paused": None, **document, "reputation": document["reputation"] if judged else None}


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
_PROVIDER_FIELDS = ("sent", "delivered", "bounces", "soft", "delays", "complaints")


def day_counts(counts: Counts) -> Document:
    """One day's counters as the API gives them."""
    day: Document = {_DAY_NAMES.get(name, name): counts.get(name, 0) for name in _DAY_FIELDS}
    for group, name in _GROUPS.items():
        day[name] = {
            counter.partition("/")[2]: count for counter, count in counts.items() if counter.startswith(group + "/")
        }
    return day


def providers(days: Iterable[Counts]) -> list[Document]:
    """The window's counters by recipient provider, the largest first, each with the reasons of its bounces."""
    found: dict[str, dict[str, Any]] = {}
    for counts in days:
        for name, count in counts.items():
            group, _, rest = name.partition("/")
            if group not in ("at", "why"):
                continue
            provider, _, counter = rest.partition("/")
            row = found.setdefault(
                provider, {"provider": provider, **dict.fromkeys(_PROVIDER_FIELDS, 0), "reasons": {}}
            )
            target = row if group == "at" else row["reasons"]
            target[counter] = target.get(counter, 0) + count
    for row in found.values():
        row["reasons"] = dict(sorted(row["reasons"].items(), key=lambda reason: (-reason[1], reason[0])))
    return sorted(found.values(), key=lambda row: (-row["sent"], row["provider"]))
