"""The quarantine: authentic messages that were not understood. They are of all owners."""

from typing import Unpack

from flask import Response

from webhook.domain.tokens import Scope
from webhook.web.api import replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.parameters import PAGING, REASON, Paging
from webhook.web.services import services

_TAG = "Quarantine"


@route(
    "GET",
    "/quarantine",
    tag=_TAG,
    scope=Scope.ADMIN,
    of_all=True,
    query=(REASON, *PAGING),
    answers={200: replies.KeptPage},
)
def quarantine(reason: str = "", **paging: Unpack[Paging]) -> Response:
    """Messages that were not understood, newest first."""
    return answer(services().library.quarantine.find(reason=reason, **paging))


@route("GET", "/quarantine/<identity>", tag=_TAG, scope=Scope.ADMIN, of_all=True, answers={200: replies.Kept})
def quarantined(identity: str) -> Response:
    """One of them, whole."""
    return answer(services().library.quarantine.get(identity))


@route("DELETE", "/quarantine/<identity>", tag=_TAG, scope=Scope.ADMIN, of_all=True, answers={200: replies.Done})
def drop(identity: str) -> Response:
    """Throws it away."""
    services().library.quarantine.drop(identity)
    return answer({"success": True, "id": identity})


@route(
    "POST",
    "/quarantine/<identity>/replay",
    tag=_TAG,
    scope=Scope.ADMIN,
    of_all=True,
    answers={200: replies.Replayed},
    refusals={409: "still_not_understood"},
)
def replay(identity: str) -> Response:
    """Reads it again, by the code of today."""
    outcome = services().library.replayer.replay(identity)
    return answer({"success": True, "id": identity, "status": outcome.value})
