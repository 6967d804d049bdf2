"""Verdicts: the counters of a domain's window, judged, and written with the flip and alert that a change is."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pymongo import InsertOne, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.documents import counts_of, day_of, owner_of
from webhook.adapters.mongo.identities import moment_of, text_of
from webhook.domain.alerts import Draft, judged
from webhook.domain.counts import Counts
from webhook.domain.damping import Alerting, alerting_document, alerting_of, damp
from webhook.domain.explanation import explain
from webhook.domain.ownership import part
from webhook.domain.reputation import FLAGS, Fresh, Numbers, Policy, Status, Verdict, evaluate, limit
from webhook.pipeline import HISTORY

#: What else follows from verdicts, in the same transaction.
Act = Callable[[Sequence[Verdict], ClientSession], object]

#: What of a domain's document judging it depends on.
_READ = ("domain", "owner", "freshStart", "alerting", "reputation.status", "reputation.flags", "reputation.since")


class Judge:
    """Judges domains inside the caller's transaction. `public_url` is what alerts link to."""

    def __init__(self, db: Db, policy: Policy, act: Act | None = None, public_url: str | None = None) -> None:
        self._db = db
        self._policy = policy
        self._act = act
        self._public_url = public_url

    def verdicts(self, domains: Collection[str], now: datetime, session: ClientSession | None) -> list[Verdict]:
        """What the stored counters say of these domains now."""
        query = {"domain": {"$in": sorted(domains)}, "freshStart": {"$exists": True}}
        found = self._db.emaildomains.find(query, {"domain": 1, "freshStart": 1}, session=session)
        known = {document["domain"]: document for document in found if text_of(document["domain"])}
        return self._evaluated(domains, now, known, session)

    def _evaluated(
        self, domains: Collection[str], now: datetime, known: Mapping[str, Document], session: ClientSession | None
    ) -> list[Verdict]:
        days = self._days(domains, now.date(), session)
        kinds = self._kinds(days, session)
        return [
            evaluate(domain, days.get(domain, {}), kinds, self._policy, now, fresh_of(known.get(domain, {})))
            for domain in sorted(domains)
        ]

    def judge(self, domains: Collection[str], now: datetime, session: ClientSession) -> list[Verdict]:
        """Writes the verdicts, a flip for each whose status is another than before, and what is to be told of it.

        Gives the flipped ones.
        """
        if not domains:
            return []
        query = {"domain": {"$in": sorted(domains)}}
        found = self._db.emaildomains.find(query, dict.fromkeys(_READ, 1), session=session)
        known = {document["domain"]: document for document in found if text_of(document["domain"])}
        before = {domain: part(document, "reputation") for domain, document in known.items()}
        verdicts = self._evaluated(domains, now, known, session)
        flipped = [verdict for verdict in verdicts if _differs(verdict, before.get(verdict.domain, {}))]
        drafts = self._write(verdicts, known, session)
        outbox.write(self._db, drafts, now, session)
        if self._act:
            self._act(verdicts, session)
        if flipped:
            flips = [InsertOne(flip_document(verdict, before.get(verdict.domain, {}))) for verdict in flipped]
            self._db.flips.bulk_write(flips, ordered=False, session=session)
        return flipped

    def _write(self, verdicts: Sequence[Verdict], known: Mapping[str, Document], session: ClientSession) -> list[Draft]:
        """Writes the verdicts; gives the alerts that they are."""
        writes, drafts = [], []
        for verdict in verdicts:
            document = known.get(verdict.domain, {})
            old = part(document, "reputation")
            since = moment_of(old.get("since")) if verdict.status.value == _status(old) else None
            changed: Document = {"reputation": verdict_document(verdict) | {"since": since or verdict.at}}
            alerting = _alerting(document)
            kind, after = damp(alerting, verdict.status, verdict.flags, verdict.at)
            if kind:
                owner, stored = owner_of(document), changed["reputation"]
                drafts.append(judged(kind, verdict.domain, owner, stored, old, self._public_url))
            if after != alerting:
                changed["alerting"] = alerting_document(after)
            writes.append(UpdateOne({"domain": verdict.domain}, {"$set": changed}, upsert=True))
        self._db.emaildomains.bulk_write(writes, ordered=False, session=session)
        return drafts

    def _days(
        self, domains: Collection[str], today: date, session: ClientSession | None
    ) -> dict[str, dict[date, Counts]]:
        first = (today - timedelta(days=self._policy.max_days - 1)).isoformat()
        query = {"domain": {"$in": sorted(domains)}, "day": {"$gte": first, "$lte": today.isoformat()}}
        days: dict[str, dict[date, Counts]] = {}
        for document in self._db.counters.find(query, session=session):
            days.setdefault(document["domain"], {})[day_of(document["day"])] = counts_of(document["n"])
        return days

    def _kinds(
        self, days: Mapping[str, Mapping[date, Counts]], session: ClientSession | None
    ) -> dict[str, frozenset[str]]:
        """The kinds shown by the wirings that a verdict depends on."""
        wirings = {
            wiring
            for by_day in days.values()
            for counts in by_day.values()
            for name in counts
            if name.startswith("blind/")
            for wiring in name.removeprefix("blind/").rpartition("/")[0].split("|")
        }
        if not wirings:
            return {}
        found = self._db.wirings.find({"_id": {"$in": sorted(wirings)}}, session=session)
        return {document["_id"]: frozenset(document["kinds"]) for document in found}


def fresh_of(document: Document) -> Fresh | None:
    """The new start that a domain was given, if it was; the platform may have put anything there."""
    stored = part(document, "freshStart")
    day, base = stored.get("day"), stored.get("base")
    if not isinstance(day, str) or not isinstance(base, Mapping):
        return None
    try:
        begun = day_of(day)
    except ValueError:
        return None
    return Fresh(begun, counts_of({name: count for name, count in base.items() if isinstance(count, int)}))


def _status(before: Mapping[str, Any]) -> str:
    """The status that stood there; a domain without a verdict counts as one with too little mail."""
    return text_of(before.get("status")) or Status.INSUFFICIENT.value


def _alerting(document: Document) -> Alerting:
    """What was told of a domain; whatever else the platform may have put there is nothing."""
    found = document.get("alerting")
    return alerting_of(found if isinstance(found, dict) and "told" in found else None)


def _differs(verdict: Verdict, before: Mapping[str, Any]) -> bool:
    """True if the status changed, or the limits that a flagged domain exceeds did."""
    flags = before.get("flags")
    old = _status(before), tuple(flags) if isinstance(flags, list) else ()
    return bool((verdict.status.value, verdict.flags) != old)


def verdict_document(verdict: Verdict) -> Document:
    """`reputation` as it is stored: numerator, denominator, window, rule and time of each verdict."""
    return {
        "status": verdict.status.value,
        "flags": list(verdict.flags),
        "reason": verdict.reason.value if verdict.reason else None,
        "bounceRate": verdict.rate("bounce"),
        "complaintRate": verdict.rate("complaint"),
        "sent": verdict.numbers.sent,
        "bounces": verdict.numbers.bounces,
        "complaints": verdict.numbers.complaints,
        "leftOut": _numbers(verdict.blind),
        "blindWirings": list(verdict.blind_wirings),
        "window": {
            "days": verdict.window.days,
            "from": verdict.window.first.isoformat(),
            "to": verdict.window.last.isoformat(),
        },
        "bounds": {flag: verdict.bounds(flag) for flag in FLAGS},
        "limits": {flag: float(limit(verdict.policy, flag)) for flag in FLAGS},
        "sentence": explain(verdict),
        "evaluatedAt": verdict.at,
    }


def _numbers(numbers: Numbers) -> Document:
    return {"sent": numbers.sent, "bounces": numbers.bounces, "complaints": numbers.complaints}


def flip_document(verdict: Verdict, before: Mapping[str, Any]) -> Document:
    """A change of status as a row: with what led to it, and an id of its own by which it is told once."""
    document = verdict_document(verdict)
    return {
        "domain": verdict.domain,
        "at": verdict.at,
        "from": _status(before),
        "to": verdict.status.value,
        "flags": list(verdict.flags),
        "why": document["sentence"],
        "reputation": document,
        "expires": verdict.at + HISTORY,
    }
