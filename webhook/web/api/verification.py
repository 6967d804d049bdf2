"""Verification: what SES and DNS say of a domain, and what its DNS has to say."""

from typing import Unpack

from flask import Response

from webhook.domain.tokens import Scope
from webhook.domain.verification import Cause, CauseKind
from webhook.web.api import replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import TEXT, route
from webhook.web.auth import bearer
from webhook.web.parameters import PAGING, Paging
from webhook.web.services import services

_TAG = "Verification"


@route(
    "POST",
    "/email-domains/<domain>/verify",
    tag=_TAG,
    scope=Scope.WRITE,
    answers={200: replies.Verified},
    asks_aws=True,
)
def verify(domain: str) -> Response:
    """Asks SES and DNS now.

    A domain that waits to be registered is registered now; one that SES has given up, or that was deleted there, is set
    up afresh. What changed is kept, with its history.
    """
    document = services().library.domains.require(domain, bearer().owner)
    name = document["domain"]
    services().platform.registrar.hurry(name, bearer().name, bearer().owner)
    aws = services().platform.follower.look(name, Cause(CauseKind.ASKED, bearer().name))
    dns = services().platform.doctor.diagnose({**document, "awsSes": aws})
    return answer({"awsSes": aws, "dns": dns})


@route("GET", "/email-domains/<domain>/zone", tag=_TAG, scope=Scope.READ, answers={200: TEXT})
def zone(domain: str) -> Response:
    """The records that the domain needs, as a zone file."""
    document = services().library.domains.require(domain, bearer().owner)
    text = services().platform.doctor.zone_file(document)
    return Response(text, content_type="text/plain; charset=utf-8")


@route(
    "GET",
    "/email-domains/<domain>/verifications",
    tag=_TAG,
    scope=Scope.READ,
    query=PAGING,
    answers={200: replies.ChangePage},
)
def verifications(domain: str, **paging: Unpack[Paging]) -> Response:
    """How the domain's verification came about: each change with its cause, newest first."""
    owner = bearer().owner
    name = services().library.domains.require(domain, owner)["domain"]
    return answer(services().platform.histories.find(name, owner=owner, **paging))
