"""The commit: one snapshot transaction writes a whole batch, or nothing of it."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pymongo
from pymongo import ReplaceOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db, Document, database_errors
from webhook.adapters.mongo.documents import counts_document, mail_document, mail_of
from webhook.domain.effects import Effects, Hint, Outcome, Quarantined, Subscription
from webhook.pipeline import HISTORY, Settlement, mail_ids, settle

#: Seconds a commit may take; the answer must be there before the sender's patience ends.
PATIENCE = 1.5


class MongoStore:
    """Keeps mails, and appends the difference they make to the journal, from which the worker posts the counters."""

    def __init__(self, db: Db, retention: timedelta, now: Callable[[], datetime]) -> None:
        self._db = db
        self._retention = retention
        self._now = now
        # Kinds of event that wirings are known to have shown: written only when new, so that commits don't meet there.
        self._shown: set[tuple[str, str]] = set()

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        """See `ports.Store`."""
        with database_errors(), pymongo.timeout(PATIENCE), self._db.client.start_session() as session:
            settlement = session.with_transaction(
                lambda session: self._write(batch, session), read_concern=SNAPSHOT, write_concern=MAJORITY
            )
        self._shown.update((wiring, kind) for wiring, kinds in settlement.kinds.items() for kind in kinds)
        return settlement.outcomes

    def _write(self, batch: Sequence[Effects], session: ClientSession) -> Settlement:
        ids = mail_ids(batch)
        found = self._db.mails.find({"_id": {"$in": ids}}, session=session) if ids else ()
        settlement = settle(batch, {document["_id"]: mail_of(document) for document in found})
        self._write_mails(settlement, session)
        unseen = self._write_kinds(settlement, session)
        self._write_journal(settlement, unseen, session)
        self._write_rest(batch, settlement, session)
        return settlement

    def _write_mails(self, settlement: Settlement, session: ClientSession) -> None:
        if settlement.new:
            documents = [mail_document(mail, self._retention) for mail in settlement.new]
            self._db.mails.insert_many(documents, ordered=False, session=session)
        if settlement.changed:
            documents = [mail_document(mail, self._retention) for mail in settlement.changed]
            writes = [ReplaceOne({"_id": document["_id"]}, document) for document in documents]
            self._db.mails.bulk_write(writes, ordered=False, session=session)

    def _write_kinds(self, settlement: Settlement, session: ClientSession) -> list[str]:
        """Notes kinds of event that a wiring shows for the first time; gives the wirings concerned."""
        unseen = []
        for wiring, kinds in settlement.kinds.items():
            new = sorted(kind for kind in kinds if (wiring, kind) not in self._shown)
            if new:
                update = {"$addToSet": {"kinds": {"$each": new}}}
                result = self._db.wirings.update_one({"_id": wiring}, update, upsert=True, session=session)
                if result.modified_count or result.upserted_id:
                    unseen.append(wiring)
        return unseen

    def _write_journal(self, settlement: Settlement, wirings: list[str], session: ClientSession) -> None:
        if not (settlement.deltas or wirings):
            return
        places = [
            {"domain": domain, "day": day.isoformat(), "n": counts_document(counts)}
            for (domain, day), counts in settlement.deltas.items()
        ]
        entry = {"at": self._now(), "places": places, "wirings": wirings}
        self._db.journal.insert_one(entry, session=session)

    def _write_rest(self, batch: Sequence[Effects], settlement: Settlement, session: ClientSession) -> None:
        for position, effects in enumerate(batch):
            if effects.quarantined:
                self._write_quarantined(effects.quarantined, session)
            if effects.subscription:
                self._write_subscription(effects.subscription, session)
            if effects.hints and not self._write_hints(effects.hints, session):
                settlement.outcomes[position] = Outcome.DUPLICATE
            if effects.replayed:
                self._db.quarantine.delete_one({"_id": effects.replayed}, session=session)

    def _write_quarantined(self, kept: Quarantined, session: ClientSession) -> None:
        now = self._now()
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
        self._db.quarantine.update_one({"_id": kept.id}, update, upsert=True, session=session)

    def _write_subscription(self, subscription: Subscription, session: ClientSession) -> None:
        now = self._now()
        state = {"state": subscription.state, "at": now, "messageId": subscription.message_id}
        if subscription.arn:
            state["arn"] = subscription.arn
        update = {"$set": state, "$push": {"history": {"$each": [{**state}], "$slice": -50}}}
        self._db.subscriptions.update_one({"_id": subscription.topic_arn}, update, upsert=True, session=session)

    def _write_hints(self, hints: Sequence[Hint], session: ClientSession) -> bool:
        """True if any of the hints is new."""
        new = False
        for hint in hints:
            document = {
                "kind": hint.kind,
                "domain": hint.domain,
                "at": hint.at,
                "detail": hint.detail,
                "expires": self._now() + HISTORY,
            }
            result = self._db.hints.update_one(
                {"_id": hint.id}, {"$setOnInsert": document}, upsert=True, session=session
            )
            new = new or result.upserted_id is not None
        return new
