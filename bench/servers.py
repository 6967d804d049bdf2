"""Starts a server that is to be measured, on a free port and an empty folder, and leaves nothing of it behind."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import NotAvailable
from bench.pool import Pool

ROOT = Path(__file__).parents[1]
WORK = Path(__file__).parent / ".peers" / "work"  # on the same disk as the data would be, not in memory
START_SECONDS = 90.0
STOP_SECONDS = 45.0
SAID = 2_000  # characters of its last words


@dataclass(frozen=True, slots=True)
class Ground:
    """What a server is given: a port, an empty folder, the number of cores, and the messages it will get."""

    port: int
    folder: Path
    cores: int
    pool: Pool


def _nothing(_ground: Ground) -> None:
    return None


def _no_settings(_ground: Ground) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure: how it is started, and what its 200 promises.

    `counts` tells how many messages its store holds, or None where nothing is stored: a store must see each message
    once only, so its runs end when the messages are used up. `folder` is where it starts, if not in its empty one,
    where no other server's configuration lies about.
    """

    name: str
    title: str
    promise: str
    command: Callable[[Ground], Sequence[str]]
    settings: Callable[[Ground], Mapping[str, str]] = _no_settings
    prepare: Callable[[Ground], None] = _nothing
    counts: Callable[[Ground], int | None] = _nothing
    stores: bool = False
    verifies: bool = True
    ready_path: str | None = None
    folder: Path | None = None


@contextmanager
def running(subject: Subject, pool: Pool) -> Iterator[Ground]:
    """The server, ready to answer; on leaving it is stopped by its pid and its folder removed."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{subject.name}-", dir=WORK))
    ground = Ground(port=free_port(), folder=folder, cores=os.cpu_count() or 1, pool=pool)
    try:
        subject.prepare(ground)
        with _process(subject, ground) as process:
            _wait_until_ready(subject, ground, process)
            yield ground
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process(subject: Subject, ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, **subject.settings(ground)}
    with (ground.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            list(subject.command(ground)),
            cwd=subject.folder or ground.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):  # whoever is left of the session that began with this process
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_ready(subject: Subject, ground: Ground, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if _answers(subject, ground.port):
            return
        time.sleep(0.05)
    said = (ground.folder / "server.log").read_text(errors="replace").strip()
    sys.stderr.write(f"{subject.title} said:\n{said[-SAID:]}\n")
    raise NotAvailable(f"{subject.title} did not start")


def _answers(subject: Subject, port: int) -> bool:
    if subject.ready_path is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False
    try:
        return get(port, subject.ready_path)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def get(port: int, path: str) -> tuple[int, str]:
    """Status and text of one GET on the loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def post(port: int, request: bytes) -> int:
    """The status that one whole request gets."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        head = connection.recv(64)
    return int(head.split()[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
