"""`POST /webhooks/sns…` on any WSGI server. The front door (`door`) serves the same on asyncio, without Flask."""

import threading

from flask import Blueprint, Response, request

from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import MAX_BYTES
from webhook.errors import Rejected, Unavailable
from webhook.web.receiver import (
    COMMON,
    ENDPOINTS,
    JSON,
    Answer,
    answer_outcome,
    answer_rejected,
    answer_unavailable,
    too_large,
)
from webhook.web.services import services

#: Seconds after which the sender is told to come again; a commit itself ends much sooner.
LONGEST_WAIT = 10

blueprint = Blueprint("sns", __name__)


@blueprint.post(COMMON, defaults={"endpoint": ""}, strict_slashes=False)
@blueprint.post(f"{COMMON}/<any({', '.join(filter(None, ENDPOINTS.values()))}):endpoint>", strict_slashes=False)
def receive(endpoint: str) -> Response:
    """Verifies one SNS message, makes its effects durable, and answers."""
    requests = services().requests
    message = requests.begin(endpoint)
    try:
        receiver = services().receiver
        envelope = receiver.read(
            message,
            _body(),
            request.headers.get("x-amz-sns-message-type"),
            request.headers.get("x-amz-sns-rawdelivery"),
        )
        answer = _committed(receiver.understand(message, envelope))
    except Rejected as error:
        answer = answer_rejected(error)
    except Unavailable as error:
        answer = answer_unavailable(error)
    requests.end(message, answer)
    response = Response(answer.body, answer.status, content_type=JSON)
    if answer.retry_after:
        response.headers["Retry-After"] = str(answer.retry_after)
    return response


def _body() -> bytes:
    if (request.content_length or 0) > MAX_BYTES:
        raise too_large()
    body = request.stream.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise too_large()
    return body


def _committed(effects: Effects) -> Answer:
    if effects.empty:
        return answer_outcome(Outcome.IGNORED, effects)
    durable = threading.Event()
    results: list[Outcome | Unavailable] = []

    def done(result: Outcome | Unavailable) -> None:
        results.append(result)
        durable.set()

    services().commit.submit(effects, done)
    if not durable.wait(LONGEST_WAIT):
        return answer_unavailable(Unavailable("the commit takes too long"))
    if isinstance(results[0], Unavailable):
        return answer_unavailable(results[0])
    return answer_outcome(results[0], effects)
