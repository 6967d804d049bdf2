"""What is due where: which endpoints have something waiting, and which of it need not wait for something else.

Several endpoints are looked at in one go: what costs is the way to the database, not what it does there.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pymongo

from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.outbox import KNOWN_TYPES
from webhook.domain.retry import ATTEMPTS

#: Rows looked at for an endpoint: at first, and each further time while fewer than ENOUGH of them can be tried.
LOOKED_AT = (40, 200, 200, 200, 200)
ENOUGH = 8

PENDING: Document = {"state": "pending"}
_ASC = pymongo.ASCENDING
Pipeline = list[dict[str, Any]]


def waiting(db: Db, now: datetime) -> Sequence[str]:
    """The ids of the endpoints for which something is due; costs as much as there are endpoints, not rows."""
    return [row["_id"] for row in db.deliveries.aggregate(first_of_endpoints()) if row["due"] <= now]


@dataclass
class Found:
    """What was found for an endpoint."""

    rows: dict[str, Document] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)

    @property
    def ready(self) -> list[Document]:
        """Due rows that need not wait for an earlier one about their domain; those that are due longest come first."""
        able = (row for row in self.rows.values() if hopeless(row) is None)
        return sorted(able, key=lambda row: (row["due"], row["sequence"] or 0))

    @property
    def hopeless(self) -> list[Document]:
        """Those that were met on the way and are never to be tried."""
        return [row for row in self.rows.values() if hopeless(row)]


def look(db: Db, endpoints: Iterable[str], now: datetime) -> Mapping[str, Found]:
    """What is ready at each endpoint."""
    found = {endpoint: Found() for endpoint in endpoints}
    left = set(found)
    for limit in LOOKED_AT:
        if not left:
            break
        rows: dict[str, list[Document]] = {endpoint: [] for endpoint in left}
        for row in _union(db, (_due(endpoint, found[endpoint], now, limit) for endpoint in sorted(left))):
            rows[row["endpoint"]].append(row)
        held = {endpoint: {row["domain"] for row in rows[endpoint] if row.get("holds")} for endpoint in left}
        heads = _union(db, (first_of_domains(endpoint, domains) for endpoint, domains in held.items() if domains))
        for row in (*(row for some in rows.values() for row in some if not row.get("holds")), *heads):
            if row["due"] <= now:
                found[row["endpoint"]].rows[row["_id"]] = row
        for endpoint in left:
            found[endpoint].passed |= held[endpoint]
        left = {one for one in left if len(rows[one]) == limit and len(found[one].ready) < ENOUGH}
    return found


def hopeless(row: Document) -> str | None:
    """Why a row is not tried again, if it is not."""
    if row["tries"] >= ATTEMPTS:
        return "whoever made the last attempt did not come back"
    if row["type"] not in KNOWN_TYPES:
        return unknown_type(row["type"])
    return None


def unknown_type(name: str) -> str:
    """What is said of an alert that another version of this program wrote."""
    return f"this version does not know alerts of type {name[:100]}: redeliver it with one that does"


def first_of_endpoints() -> Pipeline:
    """The row of each endpoint that is due longest."""
    order = {"state": _ASC, "endpoint": _ASC, "due": _ASC, "sequence": _ASC}
    return [{"$match": PENDING}, {"$sort": order}, {"$group": {"_id": "$endpoint", "due": {"$first": "$due"}}}]


def first_of_domains(endpoint: str, domains: Collection[str]) -> Pipeline:
    """The row of each domain that holds up the others; it may be one that is not due."""
    return [
        {"$match": {"holds": True, "endpoint": endpoint, "domain": {"$in": sorted(domains)}}},
        {"$sort": {"holds": _ASC, "endpoint": _ASC, "domain": _ASC, "sequence": _ASC}},
        {"$group": {"_id": "$domain", "row": {"$first": "$$ROOT"}}},
        {"$replaceRoot": {"newRoot": "$row"}},
        {"$unset": "attempts"},
    ]


def _due(endpoint: str, found: Found, now: datetime, limit: int) -> Pipeline:
    """The rows that are due longest, without those that were found and those of domains that were passed."""
    new = {"domain": {"$nin": sorted(found.passed)}, "_id": {"$nin": sorted(found.rows)}}
    match = {**PENDING, "endpoint": endpoint, "due": {"$lte": now}, **new}
    return [{"$match": match}, {"$sort": {"due": _ASC, "sequence": _ASC}}, {"$limit": limit}, {"$unset": "attempts"}]


def _union(db: Db, pipelines: Iterable[Pipeline]) -> Iterator[Document]:
    """What all of them find."""
    first = next(pipelines := iter(pipelines), None)
    if first is not None:
        further = [{"$unionWith": {"coll": "deliveries", "pipeline": pipeline}} for pipeline in pipelines]
        yield from db.deliveries.aggregate([*first, *further])
