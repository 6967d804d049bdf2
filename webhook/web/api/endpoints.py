"""Endpoints: who is told of alerts, and how that goes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Unpack

from flask import Response, after_this_request, request
from msgspec import UNSET, Struct, structs

from webhook.dispatching.enrolment import Changes, Wanted
from webhook.domain.disclosure import shown
from webhook.domain.endpoints import OURS, Endpoint, Kind, disabled_by
from webhook.domain.tokens import Scope
from webhook.errors import Invalid, Refused
from webhook.moments import moment_of
from webhook.web.api import alert_bodies, alert_replies, replies
from webhook.web.api.answers import answer
from webhook.web.api.body import read_body
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import PAGING, Paging
from webhook.web.services import services

_TAG = "Alert endpoints"
_ONE = "/alert-endpoints/<identity>"
_NOT_YOURS = {403: "kind_not_yours"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@route(
    "POST",
    "/alert-endpoints",
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.NewEndpoint,
    answers={201: alert_replies.AlertEndpointWithSecret},
    refusals={**_NOT_YOURS, 409: "too_many_endpoints", 503: "misconfigured"},
)
def add_alert_endpoint(body: alert_bodies.NewEndpoint) -> Response:
    """Makes an endpoint; the secret of a webhook, and the whole address of a chat's channel, are in this answer only.

    A webhook with a key pair (`"signing": "ed25519"`) has no secret to tell: every answer has its `publicKey`.
    It gets what comes from then on. With an `owner` it gets alerts about that owner's domains alone.
    """
    owner, given = bearer().owner, _given(body)
    named = given.pop("owner", None)
    if owner is not None and named not in (None, owner):
        raise Invalid("owner", f"must be {owner!r} or left out: this token makes endpoints of that owner only")
    wanted = Wanted(**given)
    _check_kind(wanted.kind)
    made, secret = services().platform.enrolment.add(wanted, owner or named, who=bearer().name)
    told = {"url": made.url} | ({} if secret is None else {"secret": secret})
    return _once(made, told, 201)


@route(
    "GET", "/alert-endpoints", tag=_TAG, scope=Scope.READ, query=PAGING, answers={200: alert_replies.AlertEndpointPage}
)
def alert_endpoints(**paging: Unpack[Paging]) -> Response:
    """Endpoints, in the order they were made."""
    return answer(services().platform.endpoints.find(owner=bearer().owner, **paging))


@route("GET", _ONE, tag=_TAG, scope=Scope.READ, answers={200: alert_replies.AlertEndpoint})
def alert_endpoint(identity: str) -> Response:
    """One endpoint, and how it fares."""
    return answer(shown(services().platform.endpoints.get(identity, bearer().owner)))


@route(
    "PATCH",
    _ONE,
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.EndpointChanges,
    answers={200: alert_replies.AlertEndpoint},
    refusals={**_NOT_YOURS, 503: "misconfigured"},
)
def change_alert_endpoint(identity: str, body: alert_bodies.EndpointChanges) -> Response:
    """Changes an endpoint: what is left out stays; the kind, the owner and how it is signed stay in any case."""
    own, wanted = own_endpoint(identity), Changes(**_given(body))
    return answer(shown(services().platform.enrolment.change(own.id, wanted, bearer().owner, who=bearer().name)))


@route("DELETE", _ONE, tag=_TAG, scope=Scope.WRITE, answers={200: replies.Done}, refusals=_NOT_YOURS)
def remove_alert_endpoint(identity: str) -> Response:
    """Removes an endpoint, with what was still to be delivered to it."""
    services().platform.endpoints.remove(own_endpoint(identity).id, bearer().owner, who=bearer().name)
    return answer({"success": True, "id": identity})


@route(
    "POST",
    f"{_ONE}/rotate-secret",
    tag=_TAG,
    scope=Scope.WRITE,
    shown=alert_bodies.Rotation,
    answers={200: alert_replies.AlertEndpointWithSecret},
    refusals={**_NOT_YOURS, 415: "unsupported_media_type", 503: "misconfigured"},
)
def rotate_secret(identity: str) -> Response:
    """Gives a webhook a new secret, which is in this answer only; for 24 hours the one before signs as well.

    The body may be left out. Where there is a key pair it is replaced by another. At most three sign at a time.
    """
    own, who = own_endpoint(identity), bearer().name
    overlap = read_body(alert_bodies.Rotation).overlap if request.get_data() else None
    endpoint, secret = services().platform.enrolment.rotate(own.id, bearer().owner, who=who, overlap=overlap)
    return _once(endpoint, {} if secret is None else {"secret": secret}, 200)


@route(
    "POST",
    f"{_ONE}/test",
    tag=_TAG,
    scope=Scope.WRITE,
    answers={200: alert_replies.Tested},
    refusals=_NOT_YOURS,
)
def test_alert_endpoint(identity: str) -> Response:
    """Sends it a made-up alert now, even if it is disabled, and tells what came back; that may take 15 seconds.

    Two may be tried out at a time (in each process of the server); more are answered 429.
    """
    return answer(services().platform.enrolment.test(own_endpoint(identity).id, bearer().owner))


@route(
    "POST",
    f"{_ONE}/replay",
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.Replay,
    answers={200: alert_replies.ToldAgain},
    refusals=_NOT_YOURS,
)
def replay_alerts(identity: str, body: alert_bodies.Replay) -> Response:
    """Tells it again whatever it was to get since then, told or not: of the last 30 days, by their ids of then."""
    endpoint = own_endpoint(identity)
    try:
        since = moment_of(body.since.strip(), services().clock.now())
    except ValueError as error:
        raise Invalid("since", str(error)) from error
    count = services().platform.fanout.replay(endpoint, max(since, _EPOCH))
    return answer({"success": True, "id": identity, "alerts": count})


@route(
    "POST",
    f"{_ONE}/enable",
    tag=_TAG,
    scope=Scope.WRITE,
    answers={200: alert_replies.AlertEndpoint},
    refusals=_NOT_YOURS,
)
def enable_alert_endpoint(identity: str) -> Response:
    """Says that it works again: what waits for it is delivered now."""
    own = own_endpoint(identity)
    return answer(shown(services().platform.endpoints.enable(own.id, bearer().owner, who=bearer().name)))


@route(
    "POST",
    f"{_ONE}/disable",
    tag=_TAG,
    scope=Scope.WRITE,
    shown=alert_bodies.Disabling,
    answers={200: alert_replies.AlertEndpoint},
    refusals={**_NOT_YOURS, 415: "unsupported_media_type"},
)
def disable_alert_endpoint(identity: str) -> Response:
    """Lets it get nothing until it is enabled; what waits for it is kept.

    The body may be left out. An endpoint that is disabled already stays as it is, with its reason.
    """
    own, who = own_endpoint(identity), bearer().name
    given = read_body(alert_bodies.Disabling).why if request.get_data() else None
    why = disabled_by(who, given or "")
    return answer(shown(services().platform.endpoints.disable(own.id, why, bearer().owner, who=who)))


@route(
    "GET",
    f"{_ONE}/deliveries",
    tag=_TAG,
    scope=Scope.READ,
    query=(alert_bodies.STATE, *PAGING),
    answers={200: alert_replies.DeliveryPage},
)
def alert_deliveries(identity: str, state: str = "", **paging: Unpack[Paging]) -> Response:
    """What was or is to be delivered to it, newest first, with the attempts."""
    endpoint = services().platform.endpoints.get(identity, bearer().owner)
    return answer(services().platform.alerts.deliveries_of(endpoint.id, state=state, **paging))


def _given(body: Struct) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(body).items() if value is not UNSET}


def _once(endpoint: Endpoint, told: Mapping[str, str], status: int) -> Response:
    """The answer that tells what no other does; what is kept of it for an Idempotency-Key must not."""
    usual = shown(endpoint)

    def complete(response: Response) -> Response:
        if response.status_code == status:
            response.set_data(answer({**usual, **told}).get_data())
        return response

    after_this_request(complete)
    return answer(usual, status)


def own_endpoint(identity: str) -> Endpoint:
    """An endpoint that the asker may do something with; raises NotFound, Refused."""
    endpoint = services().platform.endpoints.get(identity, bearer().owner)
    _check_kind(endpoint.kind)
    return endpoint


def _check_kind(kind: str) -> None:
    """Raises Refused for what an owner must not have any use of."""
    if bearer().owner is not None and kind in OURS:
        detail = f"an endpoint of kind {kind} acts with this service's own credentials, so a token of an owner can't"
        hint = f"ask the operators for it, or use one of {', '.join(kind for kind in Kind if kind not in OURS)}"
        raise Refused("kind_not_yours", f"{detail} make, change or use it", hint, 403)
