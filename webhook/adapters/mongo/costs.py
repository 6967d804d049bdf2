"""How much each domain sent in a span of days, added up in MongoDB."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import counter_name, day_of, owner_of
from webhook.domain.costs import Usage
from webhook.domain.ownership import part
from webhook.domain.reputation import DENOMINATORS

#: Seconds that adding up all domains may take.
PATIENCE = 20
_BLIND = "blind/"

_Kinds = Mapping[str, Collection[str]]


class Spendings:
    """Plays `costs.Spendings`, by the counters of `counters` and the owners of `emaildomains`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def between(self, first: date, last: date, begins: Sequence[date], region: str) -> list[Usage]:
        """What each domain sent, by the periods that begin on `begins`; `region` is that of domains without one.

        Days up to the one on which a domain came to its owner are nobody's.
        """
        with database_errors(), pymongo.timeout(PATIENCE):
            domains = {row["domain"]: row for row in self._db.emaildomains.find(_NAMED, _SHOWN)}
            moved = [name for name, row in domains.items() if _came(row) >= first]
            found = list(self._db.counters.aggregate(_pipeline(first, last, begins, moved)))
            kinds = {row["_id"]: row["kinds"] for row in self._db.wirings.find()}
        return [_usage(row, domains.get(row["_id"]["domain"], {}), begins, region, kinds) for row in found]


_NAMED: Document = {"domain": {"$type": "string"}}
_SHOWN: Document = {"_id": 0, "domain": 1, "owner": 1, "ownedSince": 1, "awsSes.region": 1}


def _pipeline(first: date, last: date, begins: Sequence[date], moved: Sequence[str]) -> list[Document]:
    """Sums by domain and period; of domains that came to their owner meanwhile by domain and day."""
    period: Any = begins[0].isoformat()
    for begin in begins[1:]:
        period = {"$cond": [{"$gte": ["$day", begin.isoformat()]}, begin.isoformat(), period]}
    when = {"$cond": [{"$in": ["$domain", {"$literal": list(moved)}]}, "$day", period]} if moved else period
    return [
        {"$match": {"day": {"$gte": first.isoformat(), "$lte": last.isoformat()}}},
        {
            "$group": {
                "_id": {"domain": "$domain", "since": when},
                "sent": {"$sum": "$n.sent"},
                "held": {"$sum": "$n.held"},
                "blind": {"$addToSet": _BLIND_COUNTERS},
            }
        },
    ]


#: Names of the day's counters of mails of which nothing told that they were sent. Only a day without any delivery is
#: searched for them, since that takes time.
_BLIND_COUNTERS: Document = {
    "$cond": [
        {"$gt": ["$n.delivered", 0]},
        [],
        {
            "$map": {
                "input": {
                    "$filter": {
                        "input": {"$objectToArray": "$n"},
                        "cond": {
                            "$and": [
                                {"$eq": [{"$substrCP": ["$$this.k", 0, len(_BLIND)]}, _BLIND]},
                                {"$gt": ["$$this.v", 0]},
                            ]
                        },
                    }
                },
                "in": "$$this.k",
            }
        },
    ]
}


def _usage(row: Document, domain: Document, begins: Sequence[date], region: str, kinds: _Kinds) -> Usage:
    day = day_of(row["_id"]["since"])
    own = part(domain, "awsSes").get("region")
    return Usage(
        domain=row["_id"]["domain"],
        owner=owner_of(domain) if day > _came(domain) else None,
        region=own if isinstance(own, str) and own else region,
        since=max(begin for begin in begins if begin <= day),
        sent=row["sent"],
        held=row["held"],
        whole=not any(_is_blind(counter_name(name), kinds) for names in row["blind"] for name in names),
    )


def _is_blind(counter: str, kinds: _Kinds) -> bool:
    """Whether none of the wirings of such a counter has ever told of what was sent."""
    wirings = counter.removeprefix(_BLIND).rpartition("/")[0].split("|")
    return not any(DENOMINATORS.intersection(kinds.get(wiring, ())) for wiring in wirings)


def _came(domain: Document) -> date:
    """The day on which a domain came to its owner; if that was never noted, he always had it."""
    since = domain.get("ownedSince")
    return since.date() if isinstance(since, datetime) else date.min
