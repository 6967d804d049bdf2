"""Pauses in the domains' documents: `paused`, `freshStart`, and `pauseTask`, what SES is yet to be told.

Every change is one transaction with its row of the audit trail and its alert. A task belongs to whoever claimed it
last; while a call to SES may be under way no other is made for that domain, so that a late one can't undo a newer wish.

The collection is shared with the platform. Whatever it wrote into `paused` is a pause of the staff's, which stays in
force until it is resumed; a `pauseTask` that is not ours is none.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from pymongo import ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.audit import audit_row, record
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import counters_id, counts_document, counts_of, owner_of
from webhook.adapters.mongo.domains import named, no_domain
from webhook.adapters.mongo.identities import NAME, moment_of, text_of
from webhook.domain import alerts
from webhook.domain.counts import Counts, add
from webhook.domain.ownership import part
from webhook.domain.pausing import By, Carried, Pause, Task, Want, gives_way

#: How long an attempt may take: far more than a call to SES does before it is given up.
LEASE = timedelta(seconds=60)
#: Seconds that one change may take.
PATIENCE = 8
#: When a pause began that doesn't say.
_EPOCH = datetime.fromtimestamp(0, UTC)

#: Judges domains anew in the caller's transaction.
Rejudge = Callable[[Collection[str], datetime, ClientSession], object]

#: Tasks of ours; MongoDB looks into lists as well, where nothing could be written.
_TASK: Document = {
    "domain": NAME,
    "pauseTask": {"$not": {"$type": "array"}},
    "pauseTask.want": {"$in": [want.value for want in Want], "$not": {"$type": "array"}},
}
_SEEN = ("status", "flags", "sent", "bounces", "complaints", "bounceRate", "complaintRate")


def write_policy_pauses(db: Db, pauses: Mapping[str, Pause], session: ClientSession) -> list[str]:
    """Pauses these domains unless they are paused already, in the judge's transaction; gives those it paused."""
    if not pauses:
        return []
    found = db.emaildomains.find({"domain": {**NAME, "$in": sorted(pauses)}}, session=session)
    paused = [document for document in found if gives_way(pause_of(document), pauses[document["domain"]])]
    writes = [_pausing(document, pauses[document["domain"]]) for document in paused]
    if writes:
        db.emaildomains.bulk_write(writes, ordered=False, session=session)
        _tell(db, [(document, pauses[document["domain"]]) for document in paused], session)
    return [document["domain"] for document in paused]


def _tell(db: Db, paused: Sequence[tuple[Document, Pause]], session: ClientSession) -> None:
    """Writes these pauses into the audit trail and the outbox."""
    record(db, session, *(_paused_row(document, pause) for document, pause in paused))
    drafts = [alerts.paused(document["domain"], owner_of(document), _paused(pause)) for document, pause in paused]
    outbox.write(db, drafts, max(pause.at for _, pause in paused), session)


def pause_of(document: Document) -> Pause | None:
    """The pause in a domain's document."""
    found = document.get("paused")
    if not found:
        return None
    told = part(document, "paused")
    ours = told.get("by") in list(By)
    return Pause(
        by=By(told["by"]) if ours else By.STAFF,
        who=text_of(told.get("who")) or "",
        why=text_of(told.get("why")) or text_of(found) or "",
        at=moment_of(told.get("at")) or _EPOCH,
        owner=text_of(told.get("owner")) if ours else None,
        numbers=part(told, "numbers") or None,
        carried=_carried(told.get("carried")),
        carried_to=text_of(told.get("carriedTo")),
    )


def _carried(found: object) -> Carried | None:
    return Carried(str(found)) if found in list(Carried) else None


def _paused(pause: Pause) -> Document:
    told: Document = {"by": pause.by.value, "who": pause.who, "why": pause.why, "at": pause.at}
    told["carried"] = pause.carried.value if pause.carried else None
    more = {"owner": pause.owner, "numbers": pause.numbers, "carriedTo": pause.carried_to}
    return told | {name: value for name, value in more.items() if value}


def _pausing(document: Document, pause: Pause) -> UpdateOne:
    """The write that pauses: SES is told, unless the pause that this one replaces has been carried there already."""
    current = pause_of(document)
    changed: Document = {"paused": _paused(pause)}
    if current and current.carried:
        changed["paused"] |= {"carried": current.carried.value, "carriedTo": current.carried_to}
    else:
        changed["pauseTask"] = _task(document, Want.PAUSED, pause.at)
    return UpdateOne({"domain": document["domain"]}, {"$set": changed})


def _task(document: Document, want: Want, now: datetime) -> Document:
    """A task for SES, which waits for the end of an attempt that may be under way."""
    task: Document = {"want": want.value, "attempts": 0, "retryAt": now}
    before = part(document, "pauseTask")
    claim, until = text_of(before.get("claim")), moment_of(before.get("retryAt"))
    if claim and until and until > now:
        task |= {"retryAt": until, "claim": claim}
    return task


def _paused_row(document: Document, pause: Pause) -> Document:
    over = {"over": document["paused"]} if pause_of(document) else {}
    return _row("domain.paused", document, pause.who, pause.why, pause.at, by=pause.by.value, **over) | {
        "numbers": pause.numbers or _seen(document)
    }


def _row(action: str, document: Document, who: str, why: str, at: datetime, **more: object) -> Document:
    owner = document.get("owner")
    return audit_row(action, at=at, who=who, why=why, domain=document["domain"], owner=owner, **more)


def _seen(document: Document) -> Document:
    """The numbers that stood there when a person decided."""
    reputation = document.get("reputation")
    return {name: reputation[name] for name in _SEEN if name in reputation} if isinstance(reputation, dict) else {}


def _resuming(document: Document, current: Pause, fresh: Document, now: datetime) -> Document:
    """The update that ends a pause: SES is told, unless it was never told of the pause. Alerts begin anew."""
    changed: Document = {"paused": None, **fresh}
    if current.carried is Carried.NONE:
        return {"$set": changed, "$unset": {"pauseTask": "", "alerting": ""}}
    task = _task(document, Want.RESUMED, now)
    if current.carried:
        task |= {"carried": current.carried.value, "carriedTo": current.carried_to}
    return {"$set": changed | {"pauseTask": task}, "$unset": {"alerting": ""}}


class Pauses:
    """See `pausing.Pauses`."""

    def __init__(self, db: Db, rejudge: Rejudge, now: Callable[[], datetime]) -> None:
        self._db = db
        self._rejudge = rejudge
        self._now = now

    def pause(self, domain: str, pause: Pause, owner: str | None) -> tuple[Document, bool]:
        """Writes the pause if the one that stands gives way to it; gives the document, and whether it did."""

        def write(session: ClientSession) -> tuple[Document, bool]:
            document = self._find(domain, owner, session)
            written = gives_way(pause_of(document), pause)
            if written:
                self._db.emaildomains.bulk_write([_pausing(document, pause)], session=session)
                _tell(self._db, [(document, pause)], session)
            return self._find(domain, owner, session), written

        return self._in_transaction(write)

    def resume(
        self, domain: str, *, who: str, why: str, owner: str | None, check: Callable[[Pause], None]
    ) -> tuple[Document, bool]:
        """Ends the pause, and judges the domain in the same transaction; gives the document, and whether it did.

        The judged window starts afresh, except by an owner's own resume: he could wipe the slate clean that way.
        """

        def write(session: ClientSession) -> tuple[Document, bool]:
            document = self._find(domain, owner, session)
            current = pause_of(document)
            if current is None:
                return document, False
            check(current)
            now = self._now()
            fresh = {"freshStart": self._fresh_start(document["domain"], now, session)} if owner is None else {}
            update = _resuming(document, current, fresh, now)
            self._db.emaildomains.update_one({"domain": document["domain"]}, update, session=session)
            row = _row("domain.resumed", document, who, why, now, over=document["paused"])
            record(self._db, session, row | {"numbers": _seen(document)})
            draft = alerts.resumed(document["domain"], owner_of(document), who, why, now)
            outbox.write(self._db, [draft], now, session)
            self._rejudge([document["domain"]], now, session)
            return self._find(domain, owner, session), True

        return self._in_transaction(write)

    def _fresh_start(self, domain: str, now: datetime, session: ClientSession) -> Document:
        """Today, with what today's counters hold or are about to: only what comes on top of it is judged."""
        day = now.date().isoformat()
        base: Counts = {}
        if counted := self._db.counters.find_one({"_id": counters_id(domain, day)}, session=session):
            add(base, counts_of(counted["n"]))
        for entry in self._db.journal.find({"places.domain": domain, "aside": {"$exists": False}}, session=session):
            for place in entry["places"]:
                if (place["domain"], place["day"]) == (domain, day):
                    add(base, counts_of(place["n"]))
        return {"day": day, "base": counts_document(base), "at": now}

    def claim(self) -> Task | None:
        """Takes up the task that has been due for longest; it comes back after the lease unless it is done by then."""
        now, claim = self._now(), str(ObjectId())
        attempts = {"$cond": [{"$isNumber": "$pauseTask.attempts"}, "$pauseTask.attempts", 0]}
        claimed = {"retryAt": now + LEASE, "claim": claim, "attempts": {"$add": [attempts, 1]}}
        with database_errors():
            found = self._db.emaildomains.find_one_and_update(
                {"pauseTask.retryAt": {"$lte": now}, **_TASK},
                [{"$set": {f"pauseTask.{name}": value for name, value in claimed.items()}}],
                sort=[("pauseTask.retryAt", pymongo.ASCENDING)],
                return_document=ReturnDocument.AFTER,
            )
            return self._claimed(found, claim) if found else None

    def _claimed(self, document: Document, claim: str) -> Task:
        task, aws = document["pauseTask"], part(document, "awsSes")
        own = text_of(aws.get("configurationSet"))
        others = {"awsSes.configurationSet": own, "domain": {"$ne": document["domain"]}}
        return Task(
            domain=document["domain"],
            want=Want(task["want"]),
            attempts=task["attempts"] if isinstance(task["attempts"], int) else 1,
            claim=claim,
            tenant=text_of(aws.get("tenantArn")) or text_of(aws.get("tenant")),
            configuration_set=own,
            shared=bool(own) and self._db.emaildomains.find_one(others, {"_id": 1}) is not None,
            carried=_carried(task.get("carried")),
            carried_to=text_of(task.get("carriedTo")),
        )

    def carried(self, task: Task, carried: Carried, to: str | None) -> None:
        """Notes that SES was told, unless another attempt or another wish has taken this one's place."""
        update: list[Document] = [{"$unset": "pauseTask"}]
        if task.want is Want.PAUSED:
            told = {"$mergeObjects": ["$paused", {"$literal": {"carried": carried.value, "carriedTo": to}}]}
            is_ours = {"$eq": [{"$type": "$paused"}, "object"]}
            update.append({"$set": {"paused": {"$cond": [is_ours, told, "$paused"]}}})
        self._finish(task, update)

    def failed(self, task: Task, error: Document, wait: float) -> None:
        """Notes why SES was not told, and when it is to be tried again."""
        again = {"pauseTask.error": error, "pauseTask.retryAt": self._now() + timedelta(seconds=wait)}
        self._finish(task, {"$set": again, "$unset": {"pauseTask.claim": ""}})

    def _finish(self, task: Task, update: Document | list[Document]) -> None:
        ours: dict[str, Any] = {"domain": task.domain, "pauseTask.claim": task.claim}
        with database_errors():
            done = self._db.emaildomains.update_one({**ours, "pauseTask.want": task.want.value}, update)
            if not done.matched_count:
                # The wish has changed meanwhile; it was waiting for this call to end.
                release = {"$set": {"pauseTask.retryAt": self._now()}, "$unset": {"pauseTask.claim": ""}}
                self._db.emaildomains.update_one(ours, release)

    def _find(self, domain: str, owner: str | None, session: ClientSession) -> Document:
        found = self._db.emaildomains.find_one({"domain": named(domain)}, {"_id": 0}, session=session)
        if found is None or (owner is not None and found.get("owner") != owner):
            raise no_domain(domain)
        return found

    def _in_transaction(self, work: Callable[[ClientSession], tuple[Document, bool]]) -> tuple[Document, bool]:
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)
