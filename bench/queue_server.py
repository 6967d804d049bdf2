"""A queue of SQS in a process of its own, played by moto: `python -m bench.queue_server` prints its origin.

moto's queues are not made for many callers at once: what one appends while another deletes is lost. Here they take
turns, and who polls long lets go of its turn while nothing is there.
"""

import io
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LOOK_EVERY = 0.05

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


class InTurn:
    """Lets one request at a time through to a WSGI application."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._turn = threading.Lock()

    def __call__(self, environ: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if not environ.get("HTTP_X_AMZ_TARGET", "").endswith(".ReceiveMessage"):
            return self._answer(environ, body, start)
        asked = json.loads(body)
        until = time.monotonic() + asked.pop("WaitTimeSeconds", 0)
        body = json.dumps({**asked, "WaitTimeSeconds": 0}).encode()
        said: deque[tuple[Any, ...]] = deque(maxlen=1)
        while True:
            answer = self._answer(environ, body, lambda *given: said.append(given))
            if b"Messages" in answer[0] or time.monotonic() >= until:
                start(*said[0])
                return answer
            time.sleep(LOOK_EVERY)

    def _answer(self, environ: Environment, body: bytes, start: Callable[..., Any]) -> list[bytes]:
        given = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        with self._turn:
            return [b"".join(self._app(given, start))]


class Silent(WSGIRequestHandler):
    """Keeps connections open, and writes no line for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """Says nothing."""


def main() -> None:
    """Serves until the process is ended."""
    app = InTurn(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
