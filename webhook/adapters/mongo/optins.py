"""Who asked for single bounces and complaints: nothing is written of those that nobody asked for."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.documents import owner_of
from webhook.adapters.mongo.outbox import KEPT
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import OPT_IN, Draft
from webhook.domain.endpoints import State, covers

#: For so long it is believed who opted in: the commits of messages must not ask each time.
BELIEVE = timedelta(seconds=5)


class Wanted(Struct, frozen=True):
    """What somebody opted in to: type, domain and owner of the domain, where None is any. False if there is nothing.

    `owned` are the types and domains that somebody wants of an owner only.
    """

    rules: frozenset[tuple[AlertType, str | None, str | None]] = frozenset()
    owned: frozenset[tuple[AlertType, str | None]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def covers(self, draft: Draft, owner: str | None) -> bool:
        """Whether somebody wants this, if the domain is that owner's."""
        asked = ((draft.type, domain, one) for domain in (None, draft.domain) for one in (None, owner))
        return not self.rules.isdisjoint(asked)

    def depends_on_owner(self, draft: Draft) -> bool:
        """Whether somebody wants this if the domain is his, and nobody does anyway."""
        asked = ((draft.type, domain) for domain in (None, draft.domain))
        return not (self.owned.isdisjoint(asked) or self.covers(draft, None))


class OptIns:
    """Whether anybody wants to be told of single bounces and complaints; asked of the database every few seconds.

    A disabled endpoint wants them as long as alerts are kept: once it is enabled, a replay tells it what it missed.
    """

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now
        self._asked_at: datetime | None = None
        self._wanted = Wanted()

    def known(self) -> Wanted:
        """What somebody opted in to; empty if nobody did. May be some seconds behind; raises Unavailable."""
        now = self._now()
        # A clock that was put back must not make the answer of before count until it has caught up.
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < BELIEVE:
            self._wanted = self._ask(now)
            self._asked_at = now
        return self._wanted

    def _ask(self, now: datetime) -> Wanted:
        able: list[Document] = [{"state": {"$ne": State.DISABLED.value}}, {"disabled.at": {"$gt": now - KEPT}}]
        query = {"types": {"$regex": "^email\\."}, "$or": able}
        with database_errors():
            found = list(self._db.endpoints.find(query, {"types": 1, "domains": 1, "owner": 1}))
        rules = frozenset(
            (kind, domain, document.get("owner"))
            for document in found
            for kind in OPT_IN
            if any(covers(pattern, kind) for pattern in document["types"])
            for domain in document["domains"] or (None,)
        )
        return Wanted(rules, frozenset((kind, domain) for kind, domain, owner in rules if owner is not None))


def chosen(db: Db, drafts: Sequence[Draft], wanted: Wanted, session: ClientSession) -> list[Draft]:
    """Those that somebody opted in to. Whose a domain is, is looked up only where that makes the difference."""
    asking = {draft.domain for draft in drafts if draft.domain and wanted.depends_on_owner(draft)}
    owners = owners_of(db, sorted(asking), session) if asking else {}
    return [draft for draft in drafts if wanted.covers(draft, owners.get(draft.domain))]


def owners_of(db: Db, domains: Sequence[str], session: ClientSession) -> dict[str | None, str | None]:
    """Whose these domains are, of those that are somebody's."""
    query = {"domain": {"$in": domains}, "owner": {"$exists": True}}
    found = db.emaildomains.find(query, {"domain": 1, "owner": 1}, session=session)
    return {document["domain"]: owner_of(document) for document in found}
