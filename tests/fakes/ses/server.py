"""The HTTP side: takes requests on a free port of this machine, and gives the answers back or breaks off."""

import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.fakes.ses.script import Reset
from tests.fakes.ses.wire import Received, Reply

Take = Callable[[Received], Reply | Reset]


class Server:
    """Serves on a free port of this machine, a thread to each connection."""

    def __init__(self, take: Take, port: int = 0) -> None:
        class Handler(_Handler):
            pass

        Handler.answer = staticmethod(take)
        self._http = _Quiet(("127.0.0.1", port), Handler)
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self.origin = f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    answer: Take

    def take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.answer(Received(self.command, self.path, self.headers, body))
        if isinstance(reply, Reset):
            self._break()
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = take  # noqa: N815 - names that http.server looks for

    def _send(self, reply: Reply) -> None:
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
        except OSError:  # the caller's patience ended before the answer
            self.close_connection = True

    def _break(self) -> None:
        """Ends the connection with a reset, as a router does that forgot it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Stay silent."""
