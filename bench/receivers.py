"""Receivers of alerts in a process of their own: well, slow, failing, flapping, hanging and gone ones; they keep notes.

`python -m bench.receivers KIND …` serves one receiver for each kind on a free port, prints the ports as one line of
JSON, and ends with its standard input. `GET /notes` of any port tells what all of them noted; `POST /heal` makes
those that flap answer from now on.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.servers import ROOT

SLOW = 0.4
HANG = 30.0
#: A flapping one answers for so many seconds, and then does not for as many.
FLAP = 1.5
KINDS = ("well", "slow", "failing", "flapping", "hanging", "gone")


class Notes:
    """What arrived where: ids, when each was first taken (seconds since 1970), whether two made an attempt at once."""

    def __init__(self) -> None:
        self.taken: list[Counter[str]] = []
        self.refused: list[Counter[str]] = []
        self.first: list[dict[str, float]] = []
        self.overlaps: list[str] = []
        self.healed = False
        self._under_way: Counter[tuple[int, str, str]] = Counter()
        self._lock = threading.Lock()

    def open(self) -> int:
        """The number of a new receiver."""
        self.taken.append(Counter())
        self.refused.append(Counter())
        self.first.append({})
        return len(self.taken) - 1

    def begin(self, receiver: int, alert: str, attempt: str) -> None:
        """A request came in."""
        with self._lock:
            self._under_way[receiver, alert, attempt] += 1
            if self._under_way[receiver, alert, attempt] > 1:
                self.overlaps.append(f"receiver {receiver}: {alert}, attempt {attempt}")

    def end(self, receiver: int, alert: str, attempt: str, *, taken: bool) -> None:
        """… and is answered."""
        with self._lock:
            self._under_way[receiver, alert, attempt] -= 1
            (self.taken if taken else self.refused)[receiver][alert] += 1
            if taken:
                self.first[receiver].setdefault(alert, time.time())

    def told(self) -> dict[str, Any]:
        """All of it, for JSON."""
        with self._lock:
            return {"taken": self.taken, "refused": self.refused, "overlaps": self.overlaps, "first": self.first}


def receiver(kind: str, notes: Notes) -> ThreadingHTTPServer:
    """A server of that kind on a free port."""
    number = notes.open()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/heal":
                notes.healed = True
                self._answer(204)
                return
            alert, attempt = (
                self.headers["webhook-id"],
                self.headers["Sentinel-Attempt"] or self.headers["webhook-attempt"],
            )
            notes.begin(number, alert, attempt)
            status = _behave(kind, healed=notes.healed)
            notes.end(number, alert, attempt, taken=status == 204)
            self._answer(status)

        def do_GET(self) -> None:
            self._answer(200, json.dumps(notes.told()).encode())

        def _answer(self, status: int, content: bytes = b"") -> None:
            try:
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # whoever asked was killed

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 512
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A connection of a process that was killed."""

    return Server(("127.0.0.1", 0), Handler)


def _behave(kind: str, *, healed: bool) -> int:
    match kind:
        case "slow":
            time.sleep(SLOW)
        case "hanging":
            time.sleep(HANG)
        case "failing":
            return 500
        case "gone":
            return 410
        case "flapping" if not healed and int(time.monotonic() / FLAP) % 2:
            return 503
    return 204


@contextmanager
def receiving(kinds: tuple[str, ...]) -> Iterator[list[int]]:
    """Receivers of these kinds in a process of their own; gives their ports."""
    command = [sys.executable, "-m", "bench.receivers", *kinds]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(HANG)
        process.stdout.close()


def main() -> None:
    """Serve until standard input ends."""
    notes = Notes()
    servers = [receiver(kind, notes) for kind in sys.argv[1:]]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(json.dumps([server.server_port for server in servers]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
