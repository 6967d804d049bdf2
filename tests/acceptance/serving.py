"""A running product: real processes on free ports, known by their DATA_DIR, and nothing left of them afterwards."""

import http.client
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from webhook.config import child_environment
from webhook.supervisor import free_port

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses-events"


class Server:
    """A running `serve`; its processes are known by the DATA_DIR in their environment."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.data_dir = folder / "data"
        settings = {
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            "WEB_CONCURRENCY": "1",
            "LOG_FORMAT": "json",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "webhook", "serve", *arguments],
            cwd=ROOT,
            env=child_environment(settings | environment),
            stdout=subprocess.PIPE,
            text=True,
        )

    def await_ready(self) -> str:
        """The line that says it is ready; what comes before it is passed by."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "is ready" in line:
                return line.strip()
        pytest.fail("it ended without having been ready")

    def get(self, path: str) -> int:
        """The status of GET `path`, 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def processes(self, word: str = "") -> set[int]:
        """All processes of this server that still run and whose command line holds `word`."""
        return {pid for entry in Path("/proc").glob("[0-9]*") if self._owns(pid := int(entry.name), word)}

    def _owns(self, pid: int, word: str) -> bool:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            return str(self.data_dir).encode() in environment and word.encode() in Path(
                f"/proc/{pid}/cmdline"
            ).read_bytes().replace(b"\0", b" ")
        except OSError:
            return False

    def end(self, number: signal.Signals) -> int:
        """Send it a signal; its exit status."""
        self.process.send_signal(number)
        self.process.communicate()
        return self.process.returncode


@contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[tuple[Server, str]]:
    """A server that is ready, with the line it said so in; killed at the end if it still runs."""
    server = Server(folder, *arguments, **environment)
    try:
        yield server, server.await_ready()
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGKILL)
        await_that(lambda: not server.processes())


def await_that(condition: Callable[[], bool]) -> None:
    """Wait until it holds; the limit only keeps a broken test from hanging."""
    for _ in range(600):
        if condition():
            return
        Event().wait(0.1)
    pytest.fail("it never came true")
