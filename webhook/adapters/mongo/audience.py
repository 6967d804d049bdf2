"""The audience of some alerts, read from the database: who is to get which."""

from collections.abc import Sequence

from pymongo.client_session import ClientSession

from webhook.adapters.mongo.client import Db, Document
from webhook.adapters.mongo.readable import read_each
from webhook.domain.audience import Audience
from webhook.domain.endpoints import Endpoint, Kind, State

_READ = ("url", "kind", "types", "domains", "owner", "createdAt")
_KINDS = frozenset(kind.value for kind in Kind)


def audience_of(db: Db, alerts: Sequence[Document], session: ClientSession) -> Audience:
    """Whoever may be meant by one of these alerts: endpoints for other owners or domains are not even read."""
    owners = {alert.get("owner") for alert in alerts} | {None}
    domains = sorted({alert["domain"] for alert in alerts if alert.get("domain")})
    query: Document = {
        "owner": {"$in": list(owners)},
        "state": {"$ne": State.DISABLED.value},
        "$or": [{"domains": []}, {"domains": {"$in": domains}}],
    }
    return Audience(read_each(db.endpoints.find(query, dict.fromkeys(_READ, 1), session=session), _asking_of))


def _asking_of(document: Document) -> Endpoint:
    """As much of an endpoint as says what it is to get.

    One of a kind that only another version knows gets its deliveries as well: that version makes them.
    """
    return Endpoint(
        id=document["_id"],
        url=document["url"],
        kind=Kind(document["kind"]) if document["kind"] in _KINDS else Kind.WEBHOOK,
        types=tuple(document["types"]),
        created_at=document["createdAt"],
        domains=tuple(document["domains"]),
        owner=document["owner"],
    )
