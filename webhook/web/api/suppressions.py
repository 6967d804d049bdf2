"""The suppression list: addresses that nothing is sent to."""

from typing import Unpack

from flask import Response
from msgspec import structs

from webhook.domain.suppression import NewEntry
from webhook.domain.tokens import Scope
from webhook.web.api import bodies, replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import ADDRESS, OF_DOMAIN, PAGING, Paging
from webhook.web.services import services

_TAG = "Suppressions"


@route(
    "GET",
    "/suppressions",
    tag=_TAG,
    scope=Scope.READ,
    query=(ADDRESS, OF_DOMAIN, *PAGING),
    answers={200: replies.SuppressionPage},
)
def suppressions(address: str = "", domain: str = "", **paging: Unpack[Paging]) -> Response:
    """Entries, newest first."""
    find, owner = services().platform.suppressions.find, bearer().owner
    return answer(find(address=address, domain=domain, owner=owner, **paging))


@route(
    "POST",
    "/suppressions",
    tag=_TAG,
    scope=Scope.WRITE,
    body=bodies.NewSuppression,
    answers={201: replies.Suppression},
)
def suppress(body: bodies.NewSuppression) -> Response:
    """Adds an entry: for one domain, for all domains of an owner, or for everybody.

    A second one at the same place takes the place of the first.
    """
    new = NewEntry(**structs.asdict(body))
    return answer(services().platform.suppressions.add(new, bearer().name, bearer().owner), 201)


@route("DELETE", "/suppressions/<identity>", tag=_TAG, scope=Scope.WRITE, answers={200: replies.Done})
def unsuppress(identity: str) -> Response:
    """Removes an entry: the address may be sent to again."""
    services().platform.suppressions.remove(identity, bearer().name, bearer().owner)
    return answer({"success": True, "id": identity})


@route(
    "POST",
    "/suppressions/check",
    tag=_TAG,
    scope=Scope.READ,
    body=bodies.Check,
    answers={200: replies.Checked},
)
def check(body: bodies.Check) -> Response:
    """Which of these addresses mail is not sent to: of everybody's, the owner's and the domain's entries."""
    found = services().platform.suppressions.check(body.addresses, body.domain, bearer().owner)
    return answer({"suppressed": found})
