"""The fake's front: a request to its operation, and its answer back, whichever version of the API it is of."""

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure, Reset
from tests.fakes.ses.wire import Asked, Received, Reply, Unreadable, read, refuse, write

Answer = Callable[[str, dict[str, Any]], dict[str, Any] | Reset]
_UNSIGNED = Failure("MissingAuthenticationTokenException", 403, "Missing Authentication Token")


def front(answer: Answer) -> Callable[[Received], Reply | Reset]:
    """What takes the requests."""

    def take(received: Received) -> Reply | Reset:
        if not received.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return refuse(Asked("rest-json", "sesv2", "", "", {}), _UNSIGNED)
        try:
            asked = read(received)
        except Unreadable as error:
            return unreadable(error)
        return told(asked, lambda: answer(asked.operation, asked.arguments))

    return take


def told(asked: Asked, answer: Callable[[], dict[str, Any] | Reset]) -> Reply | Reset:
    """The answer as it is written; an error of the fake itself is told too, in place of a broken connection."""
    try:
        given = answer()
        return given if isinstance(given, Reset) else write(asked, given)
    except Refusal as refusal:
        return refuse(asked, refusal.failure)
    except (AssertionError, LookupError, TypeError, ValueError, AttributeError) as error:
        return refuse(asked, Failure("InternalFailure", 500, f"The fake itself failed: {error!r}"))


def unreadable(error: Unreadable) -> Reply:
    """What nobody takes."""
    body = json.dumps({"message": str(error)}).encode()
    return Reply(404, body, {"Content-Type": "application/json", "x-amzn-ErrorType": "UnknownOperationException"})
