"""Rebuilding: what the counters should be, as the stored mails tell, and the difference to what they are.

MongoDB folds mails that differ only in whom and when into one; the counting rule then runs once for each kind of mail,
so that it is written in one language only. Mails and counters are read at one moment (a snapshot), so the difference is
exact even while messages are coming in, and adding it loses nothing that came meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pymongo
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import counts_document, counts_of, mail_of
from webhook.adapters.mongo.journal import WAITING, Journal, merged
from webhook.adapters.mongo.retention import first_complete_day
from webhook.adapters.mongo.verdicts import Judge, verdict_document
from webhook.domain.counts import Counts, add, counts, difference
from webhook.domain.mail import Kind
from webhook.errors import Conflict
from webhook.ports import Findings

#: Seconds that reading all mails may take; a snapshot does not live longer than the server is set to keep it.
PATIENCE = 900
#: How many places one correcting entry holds.
ENTRY = 500


class Rebuilder:
    """Compares counters with mails and verdicts with counters, and corrects both through the journal."""

    def __init__(
        self, db: Db, judge: Judge, journal: Journal, retention: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._judge = judge
        self._journal = journal
        self._retention = retention
        self._now = now

    def compare(self, now: datetime) -> Findings:
        """Reads everything at one moment. Days older than the retention are left out: their mails are gone."""
        first = first_complete_day(self._db, self._retention, now)
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session(snapshot=True) as session:
            mails, should = self._should(first, session)
            are = self._are(first, session)
        wrong = {}
        for place in should.keys() | are.keys():
            missing = difference(should.get(place, {}), are.get(place, {}))
            if missing:
                wrong[place] = missing
        return Findings(mails, len(should), first, wrong, self._wrong_verdicts())

    def _wrong_verdicts(self) -> dict[str, str]:
        """Domains whose stored verdict is not what the stored counters give, each with the difference in words.

        Domains that the journal still has news of are left out: they are about to be judged.
        """
        wrong: dict[str, str] = {}
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session(snapshot=True) as session:
            waiting = {place["domain"] for place in merged(self._db.journal.find(WAITING, session=session))}
            judged = {
                document["domain"]: document["reputation"]
                for document in self._db.emaildomains.find({"reputation": {"$exists": True}}, session=session)
            }
            for domain in set(self._db.counters.distinct("domain", session=session)) - judged.keys() - waiting:
                wrong[domain] = "never judged"
            for domain, stored in judged.items():
                if domain not in waiting:
                    [verdict] = self._judge.verdicts([domain], stored["evaluatedAt"], session)
                    unequal = _unequal(stored, verdict_document(verdict))
                    if unequal:
                        wrong[domain] = unequal
        return wrong

    def correct(self, findings: Findings, now: datetime) -> None:
        """Enters what is missing into the journal, posts all of it, and judges anew whoever was judged wrongly.

        `now` is when comparing began. Raises Conflict if another rebuild corrected the counters since.
        """
        rows = [
            {"domain": domain, "day": day, "n": counts_document(missing)}
            for (domain, day), missing in sorted(findings.wrong_counters.items())
        ]
        entries = [
            {"at": now, "places": rows[start : start + ENTRY], "wirings": []} for start in range(0, len(rows), ENTRY)
        ]
        self._enter(entries, now)
        while self._journal.post().entries:
            pass
        domains = sorted(findings.wrong_verdicts)
        for start in range(0, len(domains), ENTRY):
            self._journal.judge_again(domains[start : start + ENTRY])

    def _enter(self, entries: list[Document], now: datetime) -> None:
        """Enters them all, unless another rebuild did so since this one began to compare."""
        with database_errors(), self._db.client.start_session() as session:
            session.with_transaction(lambda session: self._enter_once(entries, now, session))

    def _enter_once(self, entries: list[Document], now: datetime, session: ClientSession) -> None:
        last = self._db.settings.find_one({"_id": "rebuild"}, session=session)
        if last and last["at"] >= now:
            raise Conflict("another rebuild ran at the same time and corrected the counters: run it again to compare")
        self._db.settings.replace_one({"_id": "rebuild"}, {"at": self._now()}, upsert=True, session=session)
        if entries:
            self._db.journal.insert_many(entries, session=session)

    def _should(self, first: date, session: ClientSession) -> tuple[int, dict[tuple[str, str], Counts]]:
        """The mails' number, and the counters they come to."""
        total = 0
        should: dict[tuple[str, str], Counts] = {}
        for group in self._groups(first, session):
            mail = mail_of(group["mail"])
            total += group["n"]
            contribution = counts(mail)
            if contribution:
                place = (mail.domain, mail.day.isoformat())
                add(should.setdefault(place, {}), {name: count * group["n"] for name, count in contribution.items()})
        return total, should

    def _groups(self, first: date, session: ClientSession) -> Iterator[Mapping[str, Any]]:
        """Mails alike, as `{"mail": one of them, "n": how many}`."""
        since = datetime(first.year, first.month, first.day, tzinfo=UTC)
        pipeline: list[Document] = [
            {"$match": {"at": {"$gte": since}}},
            {"$group": {"_id": _KIND_OF_MAIL, "mail": {"$first": "$$ROOT"}, "n": {"$sum": 1}}},
        ]
        yield from self._db.mails.aggregate(pipeline, session=session, allowDiskUse=True)

    def _are(self, first: date, session: ClientSession) -> dict[tuple[str, str], Counts]:
        """The counters, with what waits in the journal."""
        are: dict[tuple[str, str], Counts] = {}
        stored = self._db.counters.find({"day": {"$gte": first.isoformat()}}, session=session)
        waiting = (place for place in merged(self._db.journal.find(WAITING, session=session)))
        for row in (*stored, *waiting):
            if row["day"] >= first.isoformat():
                add(are.setdefault((row["domain"], row["day"]), {}), counts_of(row["n"]))
        return are


def _unequal(stored: Mapping[str, Any], due: Mapping[str, Any]) -> str:
    """The first fields that differ, in words; the time and the sentence follow from the others."""
    fields = ("status", "flags", "reason", "sent", "bounces", "complaints", "window")
    return "; ".join(
        f"{name} is {stored.get(name)}, should be {due[name]}" for name in fields if stored.get(name) != due[name]
    )


# Mails to one recipient count alike if their facts, the recipient's domain and their wirings do: whom exactly, when and
# with what words does not matter. A complaint keeps its feedback id, and a mail to several recipients stays by itself.
_WHO = {
    "$cond": [{"$eq": [{"$arrayElemAt": ["$$fact", 0]}, Kind.COMPLAINED.value]}, {"$arrayElemAt": ["$$fact", 1]}, ""]
}
_FACT = [
    {"$arrayElemAt": ["$$fact", 0]},
    _WHO,
    {"$arrayElemAt": ["$$fact", 2]},
    {"$arrayElemAt": ["$$fact", 3]},
    {"$arrayElemAt": ["$$fact", 4]},
]
_KIND_OF_MAIL: Document = {
    "$cond": [
        {"$eq": [{"$size": "$to"}, 1]},
        {
            "domain": "$domain",
            "day": {"$dateTrunc": {"date": "$at", "unit": "day"}},
            "at": {"$arrayElemAt": [{"$split": [{"$arrayElemAt": ["$to", 0]}, "@"]}, -1]},
            "address": {"$gte": [{"$indexOfBytes": [{"$arrayElemAt": ["$to", 0]}, "@"]}, 0]},
            "by": "$by",
            "facts": {"$map": {"input": "$facts", "as": "fact", "in": _FACT}},
        },
        "$_id",
    ]
}
