"""Errors as problem details (RFC 9457), with what people need beside: `success: false`, a `code` and a `hint`."""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from webhook.errors import (
    AwsError,
    Conflict,
    Invalid,
    Limited,
    Misconfigured,
    NotFound,
    Refused,
    SentinelError,
    Unavailable,
)
from webhook.paging import BadCursor
from webhook.replay import StillNotUnderstood

PROBLEM = "application/problem+json"
#: Longer than any name there is; what is echoed is cut.
_ECHO = 500


class BadParameter(SentinelError):
    """400: a parameter or a field is wrong; `allowed` says what it may be."""

    def __init__(self, name: str, allowed: str, *, code: str = "bad_parameter") -> None:
        super().__init__(f"{name}: {allowed}")
        self.name = name
        self.allowed = allowed
        self.code = code


def problem(
    status: int, code: str, detail: str, hint: str, *, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """The response that tells of a problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail[:_ECHO],
        "instance": request.path[:_ECHO],
        "success": False,
        "code": code,
        "hint": hint,
        **more,
    }
    return Response(msgspec.json.encode(body), status, dict(headers or {}), content_type=PROBLEM)


def register_errors(app: Flask) -> None:
    """Has every error answered as a problem; nothing tells of the code behind it."""
    for kind, handler in _HANDLERS.items():
        app.register_error_handler(kind, handler)


def _bad_parameter(error: BadParameter) -> Response:
    return problem(400, error.code, str(error), f"{error.name} {error.allowed}", parameter=error.name)


def _invalid(error: Invalid) -> Response:
    return problem(400, "bad_parameter", str(error), error.hint, parameter=error.field)


def _bad_cursor(error: BadCursor) -> Response:
    hint = "send the nextCursor of the page before, unchanged, or none to start anew"
    return problem(400, "bad_parameter", f"cursor: {error}", hint, parameter="cursor")


def _not_found(error: NotFound) -> Response:
    return problem(404, "not_found", str(error), "the list one level up tells what there is")


def _still_not_understood(error: StillNotUnderstood) -> Response:
    hint = "it stays in quarantine; replay it after an update, or drop it"
    return problem(409, "still_not_understood", str(error), hint, reason=error.reason)


def _conflict(error: Conflict) -> Response:
    return problem(409, "conflict", str(error), "look at its present state, then try again")


def _refused(error: Refused) -> Response:
    return problem(error.status, error.code, error.detail, error.hint)


def _limited(error: Limited) -> Response:
    return _later(429, "too_many_requests", error.detail, error.retry_after)


def _unavailable(error: Unavailable) -> Response:
    return _later(503, "unavailable", error.detail, error.retry_after)


def _misconfigured(error: Misconfigured) -> Response:
    return problem(503, "misconfigured", str(error), "whoever runs this service must change that setting")


def _later(status: int, code: str, detail: str, wait: float) -> Response:
    after = _seconds(wait)
    return problem(status, code, detail, f"try again in {after} seconds", headers={"Retry-After": after})


def _aws(error: AwsError) -> Response:
    """503 if the same may succeed later, 502 if somebody has to do something first."""
    if not error.retryable:
        return problem(502, error.code, error.detail, error.hint)
    return problem(503, error.code, error.detail, error.hint, headers={"Retry-After": _seconds(error.retry_after)})


def _seconds(wait: float) -> str:
    """A wait as `Retry-After` has it: whole seconds, one at least."""
    return str(max(1, ceil(wait)))


def _http(error: HTTPException) -> Response:
    """What Flask itself refuses: unknown routes, other methods, broken requests, and failures of ours."""
    status = error.code or 500
    if _wants_page():
        return Response(error.get_response(request.environ).get_data(), status, error.get_headers(request.environ))
    phrase = HTTPStatus(status).phrase
    detail, hint = _TOLD.get(status, (error.description or phrase, "look the route up in the documentation"))
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
        hint = f"allowed here: {headers['Allow']}"
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    return problem(status, code, detail, hint, headers=headers)


def _wants_page() -> bool:
    """A browser that lost its way gets a page; whoever uses the API gets JSON whatever it says it takes."""
    return not request.path.startswith("/api/") and request.accept_mimetypes.best == "text/html"


_TOLD = {
    404: ("there is no such route", "look the route up in the documentation; paths are case-sensitive"),
    405: ("this route does not take that method", ""),
    413: ("the body is too large", "send less at once"),
    415: ("the body must be JSON", "send it with the header Content-Type: application/json"),
    500: ("something went wrong on our side", "it was logged; try again, and tell the operator if it persists"),
}
_HANDLERS: dict[type[Exception], Any] = {
    BadParameter: _bad_parameter,
    BadCursor: _bad_cursor,
    NotFound: _not_found,
    StillNotUnderstood: _still_not_understood,
    Conflict: _conflict,
    Invalid: _invalid,
    Refused: _refused,
    Limited: _limited,
    AwsError: _aws,
    Unavailable: _unavailable,
    Misconfigured: _misconfigured,
    HTTPException: _http,
    InternalServerError: _http,
}
