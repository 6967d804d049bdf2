"""What was heard, counted by day or by quarter of an hour: MongoDB folds facts alike; the rules are the domain's."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import mail_of
from webhook.adapters.mongo.identities import NAME
from webhook.adapters.mongo.suppressions import of_address
from webhook.domain.address import SIMULATOR
from webhook.domain.counts import HELD_BACK, NOT_SPAM, PERMANENT
from webhook.domain.figures import TAKEN_BACK, VOID, Heard
from webhook.domain.gaps import Circumstances
from webhook.domain.mail import Kind, Mail
from webhook.domain.restoring import Listed, mail_sent

#: Within this a bounce or complaint heard of an address is the one for which SES put it on its list.
SAME = timedelta(minutes=5)
#: Seconds that counting a group of domains may take.
PATIENCE = 120
_BOUNCE_TYPES = [PERMANENT, "Transient"]
_ADVERSE = [Kind.BOUNCED.value, Kind.COMPLAINED.value]
_PLAIN = [Kind.SENT.value, Kind.DELIVERED.value, Kind.HELD.value, Kind.REJECTED.value]


class Hearing:
    """Plays `gaps.checking.Hearing`."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def domains(self, domain: str | None = None) -> list[str]:
        """All domains that were added or heard of, or this one."""
        query: Document = {"domain": domain or NAME}
        with database_errors():
            return [row["domain"] for row in self._db.emaildomains.find(query, {"domain": 1}).sort("domain", 1)]

    def begins(self) -> date | None:
        """The day of the first mail that anything is known of; what AWS counts before is not known here."""
        with database_errors(), pymongo.timeout(PATIENCE):
            found = list(self._db.counters.aggregate([{"$group": {"_id": None, "day": {"$min": "$day"}}}]))
        return date.fromisoformat(found[0]["day"]) if found else None

    def by_day(self, domains: Sequence[str], since: datetime) -> list[Heard]:
        """What was heard of these domains since then, by the day it happened and the day the mail was sent."""
        return self._heard(domains, since, _day("$at"), _day("$told"))

    def by_quarter(self, domains: Sequence[str], since: datetime, offset: timedelta) -> list[Heard]:
        """The same by the quarter it happened; quarters begin `offset` after the hour and so on."""
        return self._heard(domains, since, {"$literal": since}, _quarter("$told", offset))

    def circumstances(self, domains: Sequence[str], since: datetime) -> Circumstances:
        """What else is known of these domains, but for the beginning, to tell why figures differ."""
        wired: list[Document] = [
            {"$match": _matching(domains, since)},
            {"$unwind": "$by"},
            {"$group": {"_id": "$domain", "by": {"$addToSet": "$by"}}},
        ]
        kept: list[Document] = [
            {"$match": {"at": {"$gte": since}}},
            {"$group": {"_id": {"$dateTrunc": {"date": "$at", "unit": "day"}}, "n": {"$sum": 1}}},
        ]
        with database_errors(), pymongo.timeout(PATIENCE):
            by_domain = {row["_id"]: row["by"] for row in self._db.mails.aggregate(wired)}
            names = sorted({name for wirings in by_domain.values() for name in wirings})
            shown = {row["_id"]: row["kinds"] for row in self._db.wirings.find({"_id": {"$in": names}})}
            quarantined = {row["_id"].date(): row["n"] for row in self._db.quarantine.aggregate(kept)}
        return Circumstances(
            begins=None,
            wired={
                domain: frozenset(kind for wiring in wirings for kind in shown.get(wiring, ()))
                for domain, wirings in by_domain.items()
            },
            quarantined=quarantined,
        )

    def recalls(self, entry: Listed) -> bool:
        """Whether the list here says the same of this address, of the same time: then some mail's fact is behind it."""
        query = of_address(entry.address) | {"causes.reason": entry.reason.lower()}
        with database_errors():
            causes = [cause for row in self._db.suppressions.find(query) for cause in row["causes"]]
        return any(
            cause.get("mail") and cause["reason"] == entry.reason.lower() and abs(cause["at"] - entry.at) <= SAME
            for cause in causes
        )

    def mail(self, identity: str) -> Mail | None:
        """A mail by its SES id: as it is stored, or as it was written down when it was sent through us."""
        with database_errors():
            stored = self._db.mails.find_one({"_id": identity})
            if stored:
                return mail_of(stored)
            sent = self._db.sendings.find_one({"messageId": identity})
        return mail_sent(identity, sent["domain"], sent["at"], frozenset(sent.get("to", ()))) if sent else None

    def _heard(self, domains: Sequence[str], since: datetime, sent: Document, happened: Document) -> list[Heard]:
        found: list[Heard] = []
        with database_errors(), pymongo.timeout(PATIENCE):
            for kinds, once in ((_PLAIN, False), (_ADVERSE, True)):
                pipeline = [*_facts(domains, since, kinds), *(_ONCE if once else ()), _folded(sent, happened)]
                found += [_row(row) for row in self._db.mails.aggregate(pipeline, allowDiskUse=True)]
        return found


def _matching(domains: Sequence[str], since: datetime) -> Document:
    return {"domain": {"$in": list(domains)}, "last": {"$gte": since}}


def _at(place: int) -> Document:
    return {"$arrayElemAt": ["$facts", place]}


def _is_simulated(address: Any) -> Document:  # noqa: ANN401 - an expression of MongoDB's
    return {"$regexMatch": {"input": address, "regex": "@" + SIMULATOR.replace(".", "[.]") + "$"}}


# Whom a fact is about: the only recipient if there is just one, whoever is named.
_ADDRESS: Document = {
    "$cond": [
        "$single",
        {"$arrayElemAt": ["$to", 0]},
        {"$cond": [{"$eq": ["$kind", Kind.COMPLAINED.value]}, _at(4), _at(1)]},
    ]
}
_SIMULATED_RECIPIENTS: Document = {
    "$size": {"$filter": {"input": "$to", "as": "one", "cond": _is_simulated("$$one")}},
}
_OF_MAIL: Document = {"$in": ["$kind", [Kind.SENT.value, Kind.REJECTED.value]]}
_WHAT: Document = {
    "$switch": {
        "branches": [
            {
                "case": {"$eq": ["$kind", Kind.BOUNCED.value]},
                "then": {"$cond": [{"$in": [_at(2), _BOUNCE_TYPES]}, _at(2), ""]},
            },
            {"case": {"$ne": ["$kind", Kind.COMPLAINED.value]}, "then": ""},
            {"case": {"$eq": [_at(2), NOT_SPAM]}, "then": TAKEN_BACK},
            {"case": {"$in": [_at(3), sorted(HELD_BACK)]}, "then": VOID},
        ],
        "default": "",
    }
}
# A complaint is one by its feedback id, a bounce by its recipient, however often and in whichever words it was told.
_ONCE: tuple[Document, ...] = (
    {
        "$group": {
            "_id": {
                "mail": "$_id",
                "kind": "$kind",
                "what": "$what",
                "whose": {
                    "$cond": [
                        {"$eq": ["$kind", Kind.COMPLAINED.value]},
                        _at(1),
                        {"$cond": ["$single", "", _at(1)]},
                    ]
                },
            },
            **{name: {"$first": f"${name}"} for name in ("domain", "at", "kind", "what", "single", "n", "simulated")},
            "told": {"$min": "$told"},
        }
    },
)


def _facts(domains: Sequence[str], since: datetime, kinds: Sequence[str]) -> list[Document]:
    """One document for each fact of these kinds: how many it counts for, and of those how many are the simulator's."""
    return [
        {"$match": {**_matching(domains, since), "facts": {"$elemMatch": {"0": {"$in": list(kinds)}}}}},
        {"$set": {"single": {"$lte": [{"$size": "$to"}, 1]}}},
        {"$unwind": "$facts"},
        {"$set": {"kind": _at(0), "told": _at(5)}},
        {"$match": {"kind": {"$in": list(kinds)}}},
        {"$set": {"what": _WHAT, "address": {"$ifNull": [_ADDRESS, ""]}}},
        {
            "$set": {
                "simulated": {"$cond": [_OF_MAIL, _SIMULATED_RECIPIENTS, {"$cond": [_is_simulated("$address"), 1, 0]}]},
                "all": {"$cond": [_OF_MAIL, {"$max": [1, {"$size": "$to"}]}, 1]},
            }
        },
        {"$set": {"n": {"$subtract": ["$all", "$simulated"]}}},
    ]


def _folded(sent: Document, happened: Document) -> Document:
    return {
        "$group": {
            "_id": {
                "domain": "$domain",
                "sent": sent,
                "happened": happened,
                "kind": "$kind",
                "what": "$what",
                "single": "$single",
            },
            "n": {"$sum": "$n"},
            "simulated": {"$sum": "$simulated"},
        }
    }


def _day(moment: str) -> Document:
    return {"$dateTrunc": {"date": moment, "unit": "day"}}


def _quarter(moment: str, offset: timedelta) -> Document:
    ahead = int(offset.total_seconds())
    moved = {"$dateSubtract": {"startDate": moment, "unit": "second", "amount": ahead}}
    quarter = {"$dateTrunc": {"date": moved, "unit": "minute", "binSize": 15}}
    return {"$dateAdd": {"startDate": quarter, "unit": "second", "amount": ahead}}


def _row(row: Document) -> Heard:
    of: Document = row["_id"]
    return Heard(
        of["domain"],
        of["sent"],
        of["happened"],
        of["kind"],
        of["what"],
        of["single"],
        row["n"],
        row["simulated"],
    )
