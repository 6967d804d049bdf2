"""Subscriptions of topics, as messages tell of them, with the alert that a change of one is."""

from collections.abc import Sequence
from datetime import datetime

from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import Db
from webhook.domain.alerts import subscription_changed
from webhook.domain.effects import Subscription


def write_subscriptions(db: Db, told: Sequence[Subscription], now: datetime, session: ClientSession) -> None:
    """Notes what was told, in the caller's transaction; what is no news is noted, and nobody is alerted."""
    if not told:
        return
    topics = sorted({subscription.topic_arn for subscription in told})
    found = db.subscriptions.find({"_id": {"$in": topics}}, {"state": 1, "arn": 1}, session=session)
    known = {document["_id"]: (document["state"], document.get("arn", "")) for document in found}
    drafts = []
    for one in told:
        before = known.get(one.topic_arn, ("", ""))
        after = (one.state, one.arn or before[1])
        if after != before:
            drafts.append(subscription_changed(one.topic_arn, one.state, one.arn, now))
        known[one.topic_arn] = after
    db.subscriptions.bulk_write([_noting(one, now) for one in told], session=session)
    outbox.write(db, drafts, now, session)


def _noting(subscription: Subscription, now: datetime) -> UpdateOne:
    state = {"state": subscription.state, "at": now, "messageId": subscription.message_id}
    if subscription.arn:
        state["arn"] = subscription.arn
    update = {"$set": state, "$push": {"history": {"$each": [dict(state)], "$slice": -50}}}
    return UpdateOne({"_id": subscription.topic_arn}, update, upsert=True)
