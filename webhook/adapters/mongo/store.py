"""The commit: one snapshot transaction writes a whole batch, or nothing of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pymongo
from pymongo import ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import counts_document, mail_document, mail_of
from webhook.adapters.mongo.optins import OptIns, Wanted, chosen
from webhook.adapters.mongo.subscriptions import write_subscriptions
from webhook.adapters.mongo.suppressing import changes_document
from webhook.domain.alerts import befallen
from webhook.domain.effects import Effects, Hint, Outcome, Quarantined
from webhook.domain.mail import Mail
from webhook.domain.suppression import Changes, changes
from webhook.errors import Contended, Unavailable
from webhook.pipeline import HISTORY, Settlement, mail_ids, settle

#: Seconds a commit may take; the answer must be there before the sender's patience ends.
PATIENCE = 1.5
#: How often it is tried before a conflict is taken for one that lasts (a killed process's transaction).
TRIES = 6


class MongoStore:
    """Keeps mails, and appends the difference they make to the journal, from which the worker posts the counters."""

    def __init__(self, db: Db, retention: timedelta, now: Callable[[], datetime]) -> None:
        self._db = db
        self._retention = retention
        self._now = now
        # Kinds of event that wirings are known to have shown: written only when new, so that commits don't meet there.
        self._shown: set[tuple[str, str]] = set()
        self._opt_ins = OptIns(db, now)

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        """See `ports.Store`."""
        tries = 0
        wanted = self._opt_ins.known()

        def write(session: ClientSession) -> Settlement:
            nonlocal tries
            tries += 1
            if tries > TRIES:
                raise Contended("another process holds one of the mails concerned")
            return self._write(batch, wanted, session)

        try:
            with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
                settlement = session.with_transaction(write, read_concern=SNAPSHOT, write_concern=MAJORITY)
        except Unavailable as error:
            if tries > 1:  # only a conflict makes it try again
                raise Contended(error.detail) from error
            raise
        self._shown.update((wiring, kind) for wiring, kinds in settlement.kinds.items() for kind in kinds)
        return settlement.outcomes

    def _write(self, batch: Sequence[Effects], wanted: Wanted, session: ClientSession) -> Settlement:
        ids = mail_ids(batch)
        found = self._db.mails.find({"_id": {"$in": ids}}, session=session) if ids else ()
        known = {document["_id"]: mail_of(document) for document in found}
        settlement = settle(batch, known)
        self._write_mails(settlement, known, session)
        unseen = self._write_kinds(settlement, session)
        befell = [(known.get(mail.id), mail) for mail in (*settlement.new, *settlement.changed)]
        self._write_journal(settlement, unseen, changes(*befell), session)
        if wanted:
            self._write_alerts(befell, wanted, session)
        self._write_rest(batch, settlement, session)
        return settlement

    def _write_mails(self, settlement: Settlement, known: Mapping[str, Mail], session: ClientSession) -> None:
        if settlement.new:
            documents = [mail_document(mail, self._retention) for mail in settlement.new]
            self._db.mails.insert_many(documents, ordered=False, session=session)
        if settlement.changed:
            documents = [mail_document(mail, self._retention, known[mail.id]) for mail in settlement.changed]
            writes = [ReplaceOne({"_id": document["_id"]}, document) for document in documents]
            self._db.mails.bulk_write(writes, ordered=False, session=session)

    def _write_kinds(self, settlement: Settlement, session: ClientSession) -> list[str]:
        """Notes kinds of event that a wiring shows for the first time; gives the wirings concerned."""
        news = {
            wiring: kinds
            for wiring, kinds in settlement.kinds.items()
            if any((wiring, kind) not in self._shown for kind in kinds)
        }
        if not news:
            return []
        found = self._db.wirings.find({"_id": {"$in": sorted(news)}}, session=session)
        known = {document["_id"]: set(document["kinds"]) for document in found}
        unseen = [wiring for wiring, kinds in news.items() if not kinds <= known.get(wiring, set())]
        writes = [
            UpdateOne({"_id": wiring}, {"$addToSet": {"kinds": {"$each": sorted(news[wiring])}}}, upsert=True)
            for wiring in unseen
        ]
        if writes:
            self._db.wirings.bulk_write(writes, ordered=False, session=session)
        return unseen

    def _write_journal(self, settlement: Settlement, wirings: list[str], news: Changes, session: ClientSession) -> None:
        if not (settlement.deltas or wirings or not news.empty):
            return
        places = [
            {"domain": domain, "day": day.isoformat(), "n": counts_document(counts)}
            for (domain, day), counts in settlement.deltas.items()
        ]
        entry: Document = {"at": self._now(), "places": places, "wirings": wirings}
        if not news.empty:
            entry["suppressions"] = changes_document(news)
        self._db.journal.insert_one(entry, session=session)

    def _write_alerts(self, befell: Sequence[tuple[Mail | None, Mail]], wanted: Wanted, session: ClientSession) -> None:
        """Tells of each bounce and complaint that is news and that somebody opted in to."""
        drafts = [draft for old, new in befell for draft in befallen(old, new)]
        outbox.write(self._db, chosen(self._db, drafts, wanted, session), self._now(), session)

    def _write_rest(self, batch: Sequence[Effects], settlement: Settlement, session: ClientSession) -> None:
        now = self._now()
        kept = [effects.quarantined for effects in batch if effects.quarantined]
        if kept:
            self._db.quarantine.bulk_write([_keeping(message, now) for message in kept], session=session)
        subscribed = [effects.subscription for effects in batch if effects.subscription]
        write_subscriptions(self._db, subscribed, now, session)
        replayed = [effects.replayed for effects in batch if effects.replayed]
        if replayed:
            self._db.quarantine.delete_many({"_id": {"$in": replayed}}, session=session)
        self._write_hints(batch, settlement, session, now)

    def _write_hints(
        self, batch: Sequence[Effects], settlement: Settlement, session: ClientSession, now: datetime
    ) -> None:
        """Keeps what is new; a message that brought nothing new is a duplicate."""
        hints = [(position, hint) for position, effects in enumerate(batch) for hint in effects.hints]
        if not hints:
            return
        writes = [_hinting(hint, now) for _, hint in hints]
        new = self._db.hints.bulk_write(writes, session=session).upserted_ids or {}
        told_new = {hints[number][0] for number in new}
        for position, _ in hints:
            if position not in told_new:
                settlement.outcomes[position] = Outcome.DUPLICATE


def _keeping(kept: Quarantined, now: datetime) -> UpdateOne:
    source = kept.source
    document: Document = {
        "reason": kept.reason,
        "detail": kept.detail,
        "topicArn": source.topic_arn,
        "messageId": source.message_id,
        "endpoint": source.endpoint,
        "message": source.message,
        "at": now,
    }
    update = {"$setOnInsert": document, "$set": {"lastAt": now}, "$inc": {"copies": 1}}
    return UpdateOne({"_id": kept.id}, update, upsert=True)


def _hinting(hint: Hint, now: datetime) -> UpdateOne:
    document = {"kind": hint.kind, "domain": hint.domain, "at": hint.at, "detail": hint.detail}
    document["expires"] = now + HISTORY
    return UpdateOne({"_id": hint.id}, {"$setOnInsert": document}, upsert=True)
