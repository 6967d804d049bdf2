"""How AWS is wired to us: topics that were confirmed or unsubscribed, and the kinds of event each wiring has shown."""

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors

#: Domains that are named for a wiring; of more, the number says enough.
DOMAINS_NAMED = 20


class Wirings:
    """Tells; changes nothing."""

    def __init__(self, db: Db) -> None:
        self._db = db

    def subscriptions(self) -> list[Document]:
        """Topics and their state, `confirmed` or `unsubscribed`, with its history."""
        with database_errors():
            found = list(self._db.subscriptions.find().sort("_id", pymongo.ASCENDING))
        return [{"topicArn": document.pop("_id"), **document} for document in found]

    def shown(self) -> dict[str, frozenset[str]]:
        """Wiring (`set:NAME` or `identity:DOMAIN`) to the kinds of event it has ever shown."""
        with database_errors():
            found = list(self._db.wirings.find().sort("_id", pymongo.ASCENDING))
        return {document["_id"]: frozenset(document["kinds"]) for document in found}

    def blinded(self, wiring: str) -> tuple[list[str], int]:
        """The first domains that can't be judged for want of what this wiring tells, and how many they are."""
        query = {"reputation.blindWirings": wiring, "reputation.reason": "no_denominator"}
        with database_errors():
            found = self._db.emaildomains.find(query, {"domain": 1}).sort("domain", 1).limit(DOMAINS_NAMED)
            names = [document["domain"] for document in found]
            number = len(names) if len(names) < DOMAINS_NAMED else self._db.emaildomains.count_documents(query)
        return names, number
