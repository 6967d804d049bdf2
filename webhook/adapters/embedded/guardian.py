"""The guardian: keeps mongod up while it has users, stops it when the last has gone."""

import os
import signal
from pathlib import Path
from threading import Event
from types import FrameType

import structlog

from webhook import logs
from webhook.adapters.embedded.claims import Claims, Instance
from webhook.adapters.embedded.mongod import ADDRESS_IN_USE, Mongod, await_previous, candidate_ports, installed
from webhook.adapters.embedded.replica import make_primary
from webhook.errors import Misconfigured

log = structlog.get_logger()
_LOOK = 0.25
_CALM = 240
"""Looks at a healthy mongod after which its earlier deaths are forgotten: a minute."""


class Guardian:
    """Guards the instance of one DATA_DIR; the caller holds guardian.lock."""

    def __init__(self, claims: Claims, program: Path | None) -> None:
        self._claims = claims
        self._given = program
        self._stopping = Event()

    def obey(self, _signal: int, _frame: FrameType | None) -> None:
        """A signal handler: stop as if the last user had gone."""
        self._stopping.set()

    def run(self) -> int:
        """Start mongod and look after it until nobody uses it; returns the exit status."""
        try:
            program = self._given or installed()
            mongod = self._begin(program)
        except Misconfigured as exc:
            log.critical("mongod_does_not_start", reason=str(exc))
            self._claims.write(Instance(port=self._claims.read().port, guardian=os.getpid(), error=str(exc)))
            return 1
        self._announce(mongod)
        mongod = self._keep(mongod, program)
        mongod.stop()
        self._claims.write(Instance(port=mongod.port))
        log.info("mongod_stopped")
        return 0

    def _begin(self, program: Path) -> Mongod:
        await_previous(self._claims.data_dir)
        for port in candidate_ports(self._claims.data_dir, self._claims.read().port):
            mongod = Mongod(program, self._claims.data_dir, port)
            if make_primary(mongod):
                return mongod
            mongod.stop()
            if mongod.exit_status != ADDRESS_IN_USE:
                raise Misconfigured(mongod.reason())
        raise Misconfigured("the embedded MongoDB finds no free port on 127.0.0.1")

    def _announce(self, mongod: Mongod) -> None:
        log.info("mongod_ready", port=mongod.port, pid=mongod.process.pid)
        self._claims.write(Instance(port=mongod.port, pid=mongod.process.pid, guardian=os.getpid(), ready=True))

    def _keep(self, mongod: Mongod, program: Path) -> Mongod:
        pause, calm = _LOOK, 0
        while not self._is_over():
            if mongod.exit_status is None:
                self._stopping.wait(_LOOK)
                calm += 1
                continue
            pause = _LOOK if calm > _CALM else min(pause * 2, 30.0)
            calm = 0
            log.warning("mongod_died", reason=mongod.reason(), again_in_seconds=pause)
            self._stopping.wait(pause)
            mongod = self._again(mongod, program)
        return mongod

    def _is_over(self) -> bool:
        """Whether nobody uses it any more; from then on new users wait outside until this process has ended."""
        # The claim that retire() returns is kept open on purpose, until the end of the process.
        return self._stopping.is_set() or self._claims.retire() is not None

    def _again(self, dead: Mongod, program: Path) -> Mongod:
        """Start it on the same port, which its users know."""
        try:
            mongod = Mongod(program, self._claims.data_dir, dead.port)
        except Misconfigured as exc:
            log.warning("mongod_does_not_start", reason=str(exc))
            return dead
        if make_primary(mongod):
            self._announce(mongod)
        else:
            mongod.stop()
        return mongod


def main(arguments: list[str]) -> int:
    """`DATA_DIR LOCK [MONGOD]`: LOCK is the descriptor of guardian.lock, taken by whoever started this."""
    data_dir, lock, *program = arguments
    os.set_inheritable(int(lock), False)  # or mongod would hold it as well
    logs.configure("info", "text")
    guardian = Guardian(Claims(Path(data_dir)), Path(program[0]) if program else None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, guardian.obey)
    return guardian.run()
