"""The journal: what commits added to the counters. Posting moves it into the counters and judges the domains it names.

One transaction takes entries out, adds them up, judges and writes the flips: a process that dies anywhere leaves either
all of it or nothing, and entries that are still there are simply posted by the next.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

import pymongo
from bson import ObjectId
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import counters_id, day_of, midnight
from webhook.adapters.mongo.suppressing import write_to_list
from webhook.adapters.mongo.verdicts import Judge
from webhook.domain.reputation import Verdict
from webhook.pipeline import HISTORY
from webhook.ports import Posting

#: Seconds one posting may take.
PATIENCE = 8
#: What one posting takes on: entries, and domains beyond which it stops adding entries.
ENTRIES = 1000
DOMAINS = 2000
#: Domains judged in one go; a pause lets those through who wait for the processor meanwhile.
GROUP = 50
#: So long after the last entry messages are taken to be still coming in.
BUSY = timedelta(seconds=3)
#: Entries that are to be posted.
WAITING: Document = {"aside": {"$exists": False}}


class Journal:
    """Posts entries into the counters, oldest first, and judges."""

    def __init__(self, db: Db, judge: Judge, now: Callable[[], datetime]) -> None:
        self._db = db
        self._judge = judge
        self._now = now
        self._tried: ObjectId | None = None

    def post(self, limit: int = ENTRIES, breathe: Callable[[], None] | None = None) -> Posting:
        """Posts the oldest entries. Another worker may do so at the same time: one of the two tries again.

        While messages come in, `breathe` is called every now and then: what it waits is theirs.
        """
        return self._in_transaction(lambda session: self._post(session, limit, breathe or _go_on))

    def set_aside(self) -> str:
        """Marks as broken what the last posting began with; `rebuild` puts right what the counters then lack."""
        with database_errors():
            entry = self._db.journal.find_one_and_update({"_id": self._tried, **WAITING}, {"$set": {"aside": True}})
        return str(entry["_id"]) if entry else ""

    def slide(self, limit: int = 200) -> Posting:
        """Judges domains whose window ends before today. Without it a domain that fell silent would stay as it is."""
        today = self._now().date().isoformat()

        def slide(session: ClientSession) -> Posting:
            query = {"reputation.window.to": {"$lt": today}, "domain": {"$type": "string"}}
            found = self._db.emaildomains.find(query, {"domain": 1}, session=session).limit(limit)
            domains = {document["domain"] for document in found}
            return Posting(0, len(domains), tuple(self._judge.judge(domains, self._now(), session)))

        return self._in_transaction(slide)

    def judge_again(self, domains: Collection[str]) -> Posting:
        """Judges these domains, whatever the journal says."""
        return self._in_transaction(
            lambda session: Posting(0, len(domains), tuple(self._judge.judge(domains, self._now(), session)))
        )

    def lag(self) -> float:
        """Seconds that the oldest entry has been waiting; 0 if none waits."""
        with database_errors():
            oldest = self._db.journal.find_one(WAITING, {"at": 1}, sort=[("_id", pymongo.ASCENDING)])
        return max(0.0, (self._now() - oldest["at"]).total_seconds()) if oldest else 0.0

    def _in_transaction(self, work: Callable[[ClientSession], Posting]) -> Posting:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)

    def _post(self, session: ClientSession, limit: int, breathe: Callable[[], None]) -> Posting:
        entries = self._oldest(session, limit)
        self._tried = entries[0]["_id"] if entries else None
        if not entries:
            return Posting(0, 0, ())
        busy = self._busy(session)
        places: dict[str, list[Document]] = {domain: [] for domain in sorted(self._waiting_for(entries, session))}
        for place in merged(entries):
            places.setdefault(place["domain"], []).append(place)
        pause = breathe if busy and len(places) > GROUP else _go_on
        write_to_list(self._db, entries, session, self._now(), pause)
        flipped: list[Verdict] = []
        for group in batched(places, GROUP):
            add_to_counters(self._db, (place for domain in group for place in places[domain]), session)
            flipped += self._judge.judge(group, self._now(), session)
            pause()
        self._db.journal.delete_many({"_id": {"$in": [entry["_id"] for entry in entries]}}, session=session)
        more = len(entries) >= limit or len(places) >= DOMAINS
        return Posting(len(entries), len(places), tuple(flipped), more=more, busy=more and busy)

    def _busy(self, session: ClientSession) -> bool:
        """True if an entry was made within the last seconds."""
        newest = self._db.journal.find_one({}, {"at": 1}, sort=[("_id", pymongo.DESCENDING)], session=session)
        return newest is not None and self._now() - newest["at"] < BUSY

    def _oldest(self, session: ClientSession, limit: int) -> list[Document]:
        entries: list[Document] = []
        domains: set[str] = set()
        for entry in self._db.journal.find(WAITING, session=session).sort("_id", pymongo.ASCENDING).limit(limit):
            entries.append(entry)
            domains.update(place["domain"] for place in entry["places"])
            if len(domains) >= DOMAINS:
                break
        return entries

    def _waiting_for(self, entries: Iterable[Document], session: ClientSession) -> set[str]:
        """Domains that could not be judged for want of what these entries' wirings now show."""
        wirings = sorted({wiring for entry in entries for wiring in entry["wirings"]})
        if not wirings:
            return set()
        query = {"reputation.blindWirings": {"$in": wirings}}
        return {document["domain"] for document in self._db.emaildomains.find(query, {"domain": 1}, session=session)}


def _go_on() -> None:
    """No pause."""


def batched(names: Iterable[str], size: int) -> Iterable[list[str]]:
    """The names in lists of `size`."""
    rest = iter(names)
    while group := list(islice(rest, size)):
        yield group


def merged(entries: Iterable[Document]) -> Iterable[Document]:
    """The entries' places, each domain and day once, with the sum of what was added."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for entry in entries:
        for place in entry["places"]:
            total = sums.setdefault((place["domain"], place["day"]), {})
            for field, count in place["n"].items():
                total[field] = total.get(field, 0) + count
    for (domain, day), total in sums.items():
        yield {"domain": domain, "day": day, "n": total}


def judged_anew(domain: str, now: datetime) -> Document:
    """An entry that adds nothing, and has the domain judged."""
    return {"at": now, "places": [{"domain": domain, "day": now.date().isoformat(), "n": {}}], "wirings": []}


def add_to_counters(db: Db, places: Iterable[Document], session: ClientSession) -> None:
    """Adds to the day counters of each place."""
    writes = []
    for place in places:
        domain, day = place["domain"], place["day"]
        added = {f"n.{field}": count for field, count in place["n"].items() if count}
        if not added:
            continue
        expires = datetime.combine(day_of(day), datetime.min.time(), UTC) + HISTORY + timedelta(days=1)
        born = {"domain": domain, "day": day, "expires": midnight(expires)}
        writes.append(UpdateOne({"_id": counters_id(domain, day)}, {"$inc": added, "$setOnInsert": born}, upsert=True))
    if writes:
        db.counters.bulk_write(writes, ordered=False, session=session)
