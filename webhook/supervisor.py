"""Run the programs of the product side by side: start them, start again what dies, stop all of them in order."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from types import FrameType

import structlog

from webhook import children
from webhook.errors import Misconfigured

log = structlog.get_logger()
_LOOK = 0.1
_DRAIN = 30.0
_FIRST_PAUSE, _LAST_PAUSE, _GOOD_RUN = 0.5, 30.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program to keep running; `once` is not started again after success, `when_ready` waits for the web server."""

    name: str
    command: Sequence[str]
    once: bool = False
    when_ready: bool = False


class Supervised:
    """A program with its present process, and when to start it again."""

    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        self.program = program
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = _FIRST_PAUSE
        self._due = self._started = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def look(self, now: float) -> None:
        """Start it when it is due; notice when it died, and plan its next start."""
        if self._process is None:
            if now >= self._due:
                self._process = children.start(self.program.command, environment=self._environment)
                self._started = now
            return
        if (status := self._process.poll()) is None:
            return
        children.clear(self._process)
        if self.program.once and status == 0:
            self._due = float("inf")
        else:
            self._pause = _FIRST_PAUSE if now - self._started > _GOOD_RUN else self._pause
            log.warning("program_died", program=self.program.name, status=status, again_in_seconds=self._pause)
            self._due, self._pause = now + self._pause, min(self._pause * 2, _LAST_PAUSE)
        self._process = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self._process is not None and self.is_alive:
            self._process.terminate()

    def make_stop(self) -> None:
        """Kill what is left of it, its own children included, and take leave of it."""
        if self._process is not None:
            children.stop(self._process, patience=0)


class Supervisor:
    """Keeps programs running until a signal; `announce` is called once, when `is_ready` first holds."""

    def __init__(self, is_ready: Callable[[], bool], announce: Callable[[], None]) -> None:
        self._is_ready = is_ready
        self._announce = announce
        self._stop = Event()
        self._signals = 0

    def obey_signals(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as the order to stop; a second one ends the patience."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals == 1:
            print("Stopping …", file=sys.stderr, flush=True)
        self._stop.set()

    def run_first(self, program: Program, environment: Mapping[str, str]) -> bool:
        """Run a program to its end; False when it was interrupted, Misconfigured when it failed."""
        process = children.start(program.command, environment=environment)
        while process.poll() is None and not self._stop.wait(_LOOK):
            pass
        if self._stop.is_set():
            children.stop(process, _DRAIN)
            return False
        if process.returncode:
            raise Misconfigured(f"{program.name} failed with exit status {process.returncode}: see above")
        return True

    def keep(self, programs: Sequence[Program], environment: Mapping[str, str]) -> None:
        """Keep the programs running until the order to stop, then let them finish their work."""
        everything = [Supervised(program, environment) for program in programs]
        ready = False
        try:
            while not self._stop.wait(_LOOK):
                for supervised in everything:
                    if ready or not supervised.program.when_ready:
                        supervised.look(time.monotonic())
                if not ready and (ready := self._is_ready()):
                    self._announce()
        finally:
            self._drain(everything)

    def _drain(self, everything: Sequence[Supervised]) -> None:
        for supervised in everything:
            supervised.ask_to_stop()
        deadline = time.monotonic() + _DRAIN
        while any(one.is_alive for one in everything) and time.monotonic() < deadline and self._signals < 2:
            time.sleep(_LOOK)
        for supervised in everything:
            supervised.make_stop()


def check_port(port: int) -> None:
    """Raise Misconfigured when the web server could not listen on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - as the web server will
            probe.listen()
        except PermissionError as exc:
            raise Misconfigured(f"PORT {port} needs more rights: set PORT to a number above 1023") from exc
        except OSError as exc:
            raise Misconfigured(f"PORT {port} is taken ({os.strerror(exc.errno or 0)}): set another PORT") from exc


def answers(port: int, path: str = "/readyz") -> bool:
    """Whether the web server here answers 200 to GET `path`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
