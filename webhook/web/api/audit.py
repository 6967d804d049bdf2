"""The audit trail: who changed what, and why. It is of all owners."""

from typing import Unpack

from flask import Response

from webhook.domain.tokens import Scope
from webhook.web.api import replies
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.parameters import OF_DOMAIN, PAGING, Paging
from webhook.web.services import services


@route(
    "GET",
    "/audit",
    tag="Audit",
    scope=Scope.ADMIN,
    of_all=True,
    query=(OF_DOMAIN, *PAGING),
    answers={200: replies.AuditPage},
)
def audit(domain: str = "", **paging: Unpack[Paging]) -> Response:
    """What was changed, newest first."""
    return answer(services().platform.audit.find(domain=domain, **paging))
