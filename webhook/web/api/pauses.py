"""Pausing: a person stops a domain from sending, or lets it send again. Both stand in the audit trail."""

from flask import Response

from webhook.domain.tokens import Scope
from webhook.web.api import bodies, replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.services import services

_TAG = "Pausing"


@route(
    "POST",
    "/email-domains/<domain>/pause",
    tag=_TAG,
    scope=Scope.WRITE,
    body=bodies.Reason,
    answers={200: replies.Domain},
)
def pause(domain: str, body: bodies.Reason) -> Response:
    """Stops a domain from sending; only a person ends it."""
    services().platform.pauser.pause(domain, bearer().name, body.why, bearer().owner)
    return answer(services().library.domains.get(domain, bearer().owner))


@route(
    "POST",
    "/email-domains/<domain>/resume",
    tag=_TAG,
    scope=Scope.WRITE,
    body=bodies.Reason,
    answers={200: replies.Domain},
    refusals={403: "pause_not_yours"},
)
def resume(domain: str, body: bodies.Reason) -> Response:
    """Lets a domain send again; it is judged afresh from today on."""
    services().platform.pauser.resume(domain, bearer().name, body.why, bearer().owner)
    return answer(services().library.domains.get(domain, bearer().owner))
