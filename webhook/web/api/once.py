"""Writes with an `Idempotency-Key` are done once, however often they are asked for."""

import hashlib
from collections.abc import Callable
from contextlib import suppress

from flask import Response, request

from webhook.errors import Unavailable
from webhook.web.auth import bearer
from webhook.web.services import services

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
#: What is told again beside status and body.
_HEADERS = ("Content-Type", "ETag", "Location")


def once(work: Callable[[], Response]) -> Response:
    """What `work` answers, or what it answered before under the key of this request.

    Success is kept for the key. A refusal changed nothing: it is forgotten, so that the same request may succeed once
    its cause is gone.

    Raises what `work` raises, and what the store does: the key is another request's, or that one is still under way.
    """
    key = request.headers.get(KEY)
    if key is None:
        return work()
    store, scope = services().platform.idempotency, bearer().digest
    before = store.begin(key, _fingerprint(), scope)
    if before is not None:
        return Response(before.body, before.status, {**before.headers, REPLAYED: "true"})
    done = False
    try:
        response = work()
        done = response.status_code < 400
    finally:
        if not done:
            with suppress(Unavailable):
                store.abandon(key, scope)
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    with suppress(Unavailable):  # what was done is told, even if it can't be told again
        store.finish(key, scope, response.status_code, headers, response.get_data())
    return response


def _fingerprint() -> str:
    """What makes two requests the same: method, path, query, precondition and body."""
    told = (request.method, request.path, request.query_string.decode("latin-1"), request.headers.get("If-Match", ""))
    return hashlib.sha256("\0".join(told).encode(errors="surrogatepass") + b"\0" + request.get_data()).hexdigest()
