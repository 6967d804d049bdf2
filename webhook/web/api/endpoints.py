"""Endpoints: who is told of alerts, and how that goes."""

from datetime import UTC, datetime
from typing import Any, Unpack

from flask import Response, after_this_request
from msgspec import UNSET, Struct, structs

from webhook.dispatching.enrolment import Changes, Wanted
from webhook.domain.endpoints import Endpoint, Kind, State
from webhook.domain.tokens import Scope
from webhook.errors import Invalid, Refused
from webhook.moments import moment_of
from webhook.paging import Item
from webhook.web.api import alert_bodies, alert_replies, replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import PAGING, Paging
from webhook.web.services import services

_TAG = "Alert endpoints"
#: These act with the credentials of this service: what they reach is for its operators to say.
OURS = frozenset({Kind.SNS, Kind.SQS, Kind.EVENTBRIDGE, Kind.EMAIL})
_ONE = "/alert-endpoints/<identity>"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@route(
    "POST",
    "/alert-endpoints",
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.NewEndpoint,
    answers={201: alert_replies.AlertEndpointWithSecret},
    refusals={403: "kind_not_yours", 503: "misconfigured"},
)
def add_alert_endpoint(body: alert_bodies.NewEndpoint) -> Response:
    """Makes an endpoint; the secret of a webhook is in this answer only.

    It gets what comes from then on. With an `owner` it gets alerts about that owner's domains alone.
    """
    owner, given = bearer().owner, _given(body)
    named = given.pop("owner", None)
    if owner is not None and named not in (None, owner):
        raise Invalid("owner", f"must be {owner!r} or left out: this token makes endpoints of that owner only")
    wanted = Wanted(**given)
    _check_kind(wanted.kind)
    made, secret = services().platform.enrolment.add(wanted, owner or named)
    return _with_secret(made, secret, 201)


@route(
    "GET", "/alert-endpoints", tag=_TAG, scope=Scope.READ, query=PAGING, answers={200: alert_replies.AlertEndpointPage}
)
def alert_endpoints(**paging: Unpack[Paging]) -> Response:
    """Endpoints, in the order they were made."""
    return answer(services().platform.endpoints.find(owner=bearer().owner, **paging))


@route("GET", _ONE, tag=_TAG, scope=Scope.READ, answers={200: alert_replies.AlertEndpoint})
def alert_endpoint(identity: str) -> Response:
    """One endpoint, and how it fares."""
    return answer(told(services().platform.endpoints.get(identity, bearer().owner)))


@route(
    "PATCH",
    _ONE,
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.EndpointChanges,
    answers={200: alert_replies.AlertEndpoint},
    refusals={403: "kind_not_yours"},
)
def change_alert_endpoint(identity: str, body: alert_bodies.EndpointChanges) -> Response:
    """Changes an endpoint: what is left out stays; the kind and the owner stay in any case."""
    _check_kind(services().platform.endpoints.get(identity, bearer().owner).kind)
    return answer(told(services().platform.enrolment.change(identity, Changes(**_given(body)), bearer().owner)))


@route("DELETE", _ONE, tag=_TAG, scope=Scope.WRITE, answers={200: replies.Done})
def remove_alert_endpoint(identity: str) -> Response:
    """Removes an endpoint, with what was still to be delivered to it."""
    services().platform.endpoints.remove(identity, bearer().owner)
    return answer({"success": True, "id": identity})


@route(
    "POST",
    f"{_ONE}/rotate-secret",
    tag=_TAG,
    scope=Scope.WRITE,
    answers={200: alert_replies.AlertEndpointWithSecret},
    refusals={503: "misconfigured"},
)
def rotate_secret(identity: str) -> Response:
    """Gives a webhook a new secret, which is in this answer only; for 24 hours the one before signs as well."""
    endpoint, secret = services().platform.enrolment.rotate(identity, bearer().owner)
    return _with_secret(endpoint, secret, 200)


@route(
    "POST",
    f"{_ONE}/test",
    tag=_TAG,
    scope=Scope.WRITE,
    answers={200: alert_replies.Tested},
)
def test_alert_endpoint(identity: str) -> Response:
    """Sends it a made-up alert now, even if it is disabled, and tells what came back; that may take 15 seconds."""
    return answer(services().platform.enrolment.test(identity, bearer().owner))


@route(
    "POST",
    f"{_ONE}/replay",
    tag=_TAG,
    scope=Scope.WRITE,
    body=alert_bodies.Replay,
    answers={200: alert_replies.ToldAgain},
)
def replay_alerts(identity: str, body: alert_bodies.Replay) -> Response:
    """Tells it again whatever it was to get since then, told or not: of the last 30 days, by their ids of then."""
    endpoint = services().platform.endpoints.get(identity, bearer().owner)
    try:
        since = moment_of(body.since.strip(), services().clock.now())
    except ValueError as error:
        raise Invalid("since", str(error)) from error
    count = services().platform.fanout.replay(endpoint, max(since, _EPOCH))
    return answer({"success": True, "id": identity, "alerts": count})


@route("POST", f"{_ONE}/enable", tag=_TAG, scope=Scope.WRITE, answers={200: alert_replies.AlertEndpoint})
def enable_alert_endpoint(identity: str) -> Response:
    """Says that it works again: what waits for it is delivered now."""
    return answer(told(services().platform.endpoints.enable(identity, bearer().owner)))


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


def told(endpoint: Endpoint) -> Item:
    """An endpoint as the list has it: without secrets, and without the values of its headers."""
    health = endpoint.health
    is_disabled = health.state is State.DISABLED
    made_at = endpoint.created_at  # one that was made this moment is told as the database keeps it
    return {
        "id": endpoint.id,
        "kind": endpoint.kind.value,
        "owner": endpoint.owner,
        "createdAt": made_at.replace(microsecond=made_at.microsecond // 1000 * 1000),
        "url": endpoint.url,
        "types": list(endpoint.types),
        "domains": list(endpoint.domains),
        "description": endpoint.description,
        "headers": dict.fromkeys(endpoint.headers, "…"),
        "rate": endpoint.rate,
        "format": endpoint.format.value,
        "state": health.state.value,
        "failures": health.failures,
        "failingSince": health.failing_since,
        "why": health.why,
        "disabled": {"at": health.disabled_at, "why": health.why} if is_disabled else None,
    }


def _given(body: Struct) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(body).items() if value is not UNSET}


def _with_secret(endpoint: Endpoint, secret: str | None, status: int) -> Response:
    """The answer that tells the secret; what is kept of it for an Idempotency-Key must not."""
    shown = told(endpoint)

    def add_secret(response: Response) -> Response:
        response.set_data(answer({**shown, "secret": secret}).get_data())
        return response

    if secret is not None:
        after_this_request(add_secret)
    return answer(shown, status)


def _check_kind(kind: str) -> None:
    """Raises Refused for what an owner may neither make nor lead elsewhere."""
    if bearer().owner is not None and kind in OURS:
        detail = f"an endpoint of kind {kind} acts with this service's own credentials, so a token of an owner can't"
        hint = f"ask the operators for it, or use one of {', '.join(kind for kind in Kind if kind not in OURS)}"
        raise Refused("kind_not_yours", f"{detail} make or change it", hint, 403)
