"""Sending: mail of a domain, if nothing speaks against it."""

from typing import Any

from flask import Response, request

from webhook.domain.tokens import Scope
from webhook.web.api import bodies, replies
from webhook.web.api.answers import answer
from webhook.web.api.once import KEY
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.services import services

#: Bytes: the 40 MB that SES takes, in base64, and something around it.
BODY_MAX = 56 << 20
_REFUSALS = (
    "sending_disabled",
    "domain_not_verified",
    "domain_paused",
    "domain_flagged",
    "recipient_suppressed",
    "send_outcome_unknown",
)


@route(
    "POST",
    "/email-domains/<domain>/send",
    tag="Sending",
    scope=Scope.SEND,
    body=dict[str, Any],
    shown=bodies.Mail,
    body_max=BODY_MAX,
    answers={200: replies.Sent},
    refusals={409: ", ".join(_REFUSALS)},
    asks_aws=True,
)
def send(domain: str, body: dict[str, Any]) -> Response:
    """Sends a mail, given by its parts or whole as `raw`.

    With an `Idempotency-Key` it is sent once, even if this process dies while it is being sent: if nobody can know
    whether it was, the answer is `send_outcome_unknown`.
    """
    key = request.headers.get(KEY, "")
    message_id = services().platform.sender.send(domain, body, bearer().name, bearer().owner, key)
    return answer({"success": True, "messageId": message_id})
