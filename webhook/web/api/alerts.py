"""Alerts: what was told, to whom, and once more."""

from typing import Unpack

from flask import Response, request

from webhook.domain.alert_payloads import schemas
from webhook.domain.endpoints import OURS
from webhook.domain.tokens import Scope
from webhook.errors import Refused
from webhook.paging import LIMIT, Item
from webhook.web.api import alert_bodies, alert_replies
from webhook.web.api.answers import answer
from webhook.web.api.body import read_body
from webhook.web.api.endpoints import own_endpoint
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import OF_DOMAIN, PAGING
from webhook.web.services import services

_TAG = "Alerts"


@route(
    "GET",
    "/alerts",
    tag=_TAG,
    scope=Scope.READ,
    query=(alert_bodies.TYPE, OF_DOMAIN, *PAGING),
    answers={200: alert_replies.AlertPage},
)
def alerts(domain: str = "", cursor: str = "", limit: int = LIMIT, **wanted: Unpack[alert_bodies.OfType]) -> Response:
    """Alerts, newest first, of the last 30 days.

    A token that is bound to an owner gets those about domains that were the owner's at the time.
    """
    find, owner = services().platform.alerts.find, bearer().owner
    domain = domain.lower().rstrip(".")
    return answer(find(kind=wanted.get("type", ""), domain=domain, cursor=cursor, limit=limit, owner=owner))


@route("GET", "/alerts/types", tag=_TAG, scope=Scope.READ, answers={200: alert_replies.AlertTypes})
def alert_types() -> Response:
    """All types of alerts, each with the JSON Schema of what is sent."""
    return answer({"types": schemas()})


@route("GET", "/alerts/<identity>", tag=_TAG, scope=Scope.READ, answers={200: alert_replies.AlertWithDeliveries})
def alert(identity: str) -> Response:
    """One alert, with its deliveries and their attempts.

    A token that is bound to an owner gets the deliveries to the owner's endpoints.
    """
    return answer(services().platform.alerts.get(identity, bearer().owner))


@route(
    "POST",
    "/alerts/<identity>/redeliver",
    tag=_TAG,
    scope=Scope.WRITE,
    query=(alert_bodies.ENDPOINT,),
    answers={200: alert_replies.Redelivered},
    refusals={403: "kind_not_yours", 409: "nothing_to_repeat"},
)
def redeliver(identity: str, endpoint: str = "") -> Response:
    """Tells an alert again to the endpoints it was told to, or to one of them: dead letters among them.

    A token that is bound to an owner tells those of the owner's endpoints that act without this service's own
    credentials. What is under way at the moment is left alone.
    """
    endpoint = endpoint or _endpoint_in_body()
    found = services().platform.alerts.get(identity, bearer().owner)
    count = sum(services().platform.fanout.redeliver(identity, one) for one in _told_to(found, endpoint))
    if not count:
        of_whom = f"of the endpoint {endpoint}" if endpoint else "of any endpoint"
        hint = (
            "if it is under way, look at its deliveries; to tell an endpoint what was not for it then, use its replay"
        )
        raise Refused("nothing_to_repeat", f"there is no delivery {of_whom} that could be repeated now", hint)
    return answer({"success": True, "id": identity, "deliveries": count})


def _endpoint_in_body() -> str:
    """The body may be left out; what it says must not be overlooked."""
    if not (request.is_json and request.get_data()):
        return ""
    return read_body(alert_bodies.Redelivery).endpoint or ""


def _told_to(found: Item, endpoint: str) -> list[str]:
    """The endpoints that are meant, of those that the asker may use; raises NotFound, Refused."""
    get, owner = services().platform.endpoints.get, bearer().owner
    if endpoint:
        return [own_endpoint(endpoint).id]
    told = [delivery["endpoint"] for delivery in found["deliveries"]]
    return told if owner is None else [one for one in told if get(one, owner).kind not in OURS]
