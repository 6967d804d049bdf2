"""The front door: serves `POST /webhooks/sns…` natively on asyncio and hands nearly everything else to Flask.

Flask and WSGI cost several times what verifying a message does (docs/adr/0003-front-door.md). What a message means, and
what is answered, is the same code as in the Flask route: `receiver`. Those who watch over the service are answered here
as well, by the code of `health`: requests of others may keep all threads of Flask waiting.
"""

import asyncio
import gc
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask
from gunicorn.workers.gasgi import ASGIWorker

from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import MAX_BYTES, Envelope
from webhook.errors import Rejected, Unavailable
from webhook.web.health import WATCHED, Told, alive
from webhook.web.receiver import (
    ENDPOINTS,
    Answer,
    Request,
    answer_outcome,
    answer_rejected,
    answer_unavailable,
    too_large,
)
from webhook.web.services import services_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Result = Outcome | Unavailable

#: Threads for what must wait: certificates to fetch, subscriptions to confirm.
WAITING = 8
MAX_COLD = 64
DRAINED = 4 * MAX_BYTES
FLASK_THREADS = 8
#: Threads for those who watch: the database may keep an answer to them waiting.
WATCHING = 4
GC_THRESHOLDS = (50_000, 20, 50)


class Door:
    """An ASGI application around a Flask one."""

    def __init__(self, app: Flask) -> None:
        self._kept = kept = services_of(app)
        self._receiver = kept.receiver
        self._commit = kept.commit
        self._requests = kept.requests
        self._inner = WSGIMiddleware(app, workers=FLASK_THREADS)  # type: ignore[arg-type]
        self._waiting = ThreadPoolExecutor(WAITING, thread_name_prefix="waiting")
        self._watching = ThreadPoolExecutor(WATCHING, thread_name_prefix="watching")
        self._finished: deque[tuple[asyncio.Future[Result], Result]] = deque()
        self._draining = False
        self._cold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        endpoint = ENDPOINTS.get(scope["path"].rstrip("/")) if scope.get("method") == "POST" else None
        if endpoint is not None:
            await self._serve(endpoint, scope, receive, send)
        elif scope["path"] in WATCHED and scope.get("method") in {"GET", "HEAD"}:
            await _tell(await self._watched(scope["path"]), send)
        else:
            await self._inner(scope, receive, send)  # type: ignore[arg-type]

    async def _watched(self, path: str) -> Told:
        look = WATCHED[path]
        if look is alive:
            return look(self._kept)
        return await asyncio.get_running_loop().run_in_executor(self._watching, look, self._kept)

    async def _serve(self, endpoint: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._requests.begin(endpoint)
        try:
            headers = dict(scope["headers"])
            body = await read_body(headers, receive)
            envelope = self._receiver.read(
                request, body, _text(headers, b"x-amz-sns-message-type"), _text(headers, b"x-amz-sns-rawdelivery")
            )
            if self._receiver.is_warm(envelope):
                effects = self._receiver.understand(request, envelope)
            else:
                effects = await self._understood_in_time(request, envelope)
            answer = await self._committed(effects)
        except Rejected as error:
            answer = answer_rejected(error)
        except Unavailable as error:
            answer = answer_unavailable(error)
        self._requests.end(request, answer)
        await _respond(answer, send)

    async def _understood_in_time(self, request: Request, envelope: Envelope) -> Effects:
        """In a thread of the few that may wait; when too many wait already, the sender may come again."""
        if self._cold >= MAX_COLD:
            raise Unavailable(f"{MAX_COLD} messages are waiting for certificates or confirmations")
        self._cold += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._waiting, self._receiver.understand, request, envelope)
        finally:
            self._cold -= 1

    async def _committed(self, effects: Effects) -> Answer:
        if effects.empty:
            return answer_outcome(Outcome.IGNORED, effects)
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[Result] = loop.create_future()
        self._commit.submit(effects, lambda result: self._finish(loop, durable, result))
        result = await durable
        if isinstance(result, Unavailable):
            return answer_unavailable(result)
        return answer_outcome(result, effects)

    def _finish(self, loop: asyncio.AbstractEventLoop, durable: asyncio.Future[Result], result: Result) -> None:
        """Called on the committing thread: the loop is woken once for a whole batch."""
        self._finished.append((durable, result))
        if not self._draining:
            self._draining = True
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        # Cleared first: what is appended from here on either is seen below or wakes the loop again.
        self._draining = False
        while self._finished:
            durable, result = self._finished.popleft()
            if not durable.done():
                durable.set_result(result)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await asyncio.to_thread(self._commit.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


async def read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    """The body of a request; raises Rejected (413) if it is too large.

    What is only somewhat too large is read to its end: who is answered in the middle of writing may never see why.
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > DRAINED:
        raise too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unavailable("the request broke off before its body ended")
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BYTES:
            parts.append(part)
        elif size > DRAINED or not message.get("more_body"):
            raise too_large()
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _respond(answer: Answer, send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer.body))]
    if answer.retry_after:
        headers.append((b"retry-after", b"%d" % answer.retry_after))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _tell(told: Told, send: Send) -> None:
    headers = [(b"content-type", told.content_type.encode()), (b"content-length", b"%d" % len(told.body))]
    await send({"type": "http.response.start", "status": told.status, "headers": headers})
    await send({"type": "http.response.body", "body": told.body})


class DoorWorker(ASGIWorker):  # type: ignore[misc]
    """The gunicorn worker that puts the door before the Flask application it is given (`wsgi:app`)."""

    def load_wsgi(self) -> None:
        """Loads the Flask application and wraps it."""
        super().load_wsgi()
        self.asgi: Any = Door(self.asgi)
        # What is loaded stays, and a message leaves no cycles behind: looking for some cost a tenth of all time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
