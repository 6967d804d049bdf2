"""The users' side: have the instance running while you need it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import msgspec
import structlog

from webhook.adapters.embedded.claims import MINUTE, PAUSE, Claims, Instance, held
from webhook.children import ROOT
from webhook.errors import Misconfigured

log = structlog.get_logger()
_ATTEMPTS = 3
# A process that is forgotten while it runs is a ResourceWarning; this one is meant to outlive us.
_LIVING_ON: list[subprocess.Popen[bytes]] = []


@contextmanager
def running(data_dir: Path, binary: Path | None = None) -> Iterator[str]:
    """The URI of the embedded MongoDB, which runs at least until the block ends; raises Misconfigured when it cannot.

    `binary` is the mongod to use instead of the installed one. Leaving, the last user waits until it has stopped.
    """
    claims = Claims.of(data_dir.absolute())
    user = _User(claims, binary)
    try:
        with held(_become_user(claims)):
            instance = user.await_instance()
            with _watched(user):
                yield instance.uri
        user.await_end()
    finally:
        user.take_leave()


@contextmanager
def _watched(user: "_User") -> Iterator[None]:
    done = Event()
    watch = Thread(target=user.keep_guarded, args=(done,), name="embedded-mongodb", daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _become_user(claims: Claims) -> int:
    for _ in range(2 * MINUTE):
        if (claim := claims.use()) is not None:
            return claim
        _pause()
    raise Misconfigured(f"the embedded MongoDB in {claims.data_dir} does not finish stopping: see mongo.log there")


class _User:
    def __init__(self, claims: Claims, binary: Path | None) -> None:
        self._claims = claims
        self._binary = binary
        self._guardians: list[subprocess.Popen[bytes]] = []

    def await_instance(self) -> Instance:
        """Wait until a guardian says that it is ready, appointing one if there is none."""
        attempts, waited = 0, False
        for _ in range(2 * MINUTE):
            instance = self._claims.read()
            if (lock := self._claims.guard()) is not None:
                self._refuse(lock, instance.error if waited else None, attempts)
                self._appoint(lock)
                attempts += 1
            elif instance.ready:
                return instance
            waited = True
            _pause()
        raise Misconfigured(f"the embedded MongoDB did not start within two minutes: see {self._log_names()}")

    def _refuse(self, lock: int, error: str | None, attempts: int) -> None:
        if error or attempts == _ATTEMPTS:
            os.close(lock)
            raise Misconfigured(error or f"the embedded MongoDB keeps stopping: see {self._log_names()}")

    def _log_names(self) -> str:
        return f"mongo.log and guardian.log in {self._claims.data_dir}"

    def _appoint(self, lock: int) -> None:
        """Start a guardian and hand it the lock; it lives in a session of its own, whatever becomes of us."""
        before = self._claims.read()
        self._claims.write(msgspec.structs.replace(before, ready=False, error=None))
        binary = [str(self._binary)] if self._binary else []
        command = [sys.executable, "-m", "webhook.adapters.embedded", str(self._claims.data_dir), str(lock), *binary]
        with held(lock), (self._claims.data_dir / "guardian.log").open("ab") as output:
            guardian = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[lock],
                start_new_session=True,
            )
        self._guardians.append(guardian)

    def keep_guarded(self, done: Event) -> None:
        """Until `done`, appoint another guardian when the present one dies (it never ends while it has users)."""
        wait = 0.5
        while not done.wait(wait):
            if (lock := self._claims.guard()) is None:
                wait = 0.5
                continue
            log.warning("embedded_mongodb_guardian_died", restarting=True)
            self._appoint(lock)
            wait = min(wait * 2, 30.0)

    def await_end(self) -> None:
        """Wait until the instance has stopped, unless somebody else still uses it."""
        for _ in range(2 * MINUTE):
            if not self._claims.is_guarded() or self._claims.is_used():
                break
            _pause()

    def take_leave(self) -> None:
        """Of the guardians that we started: those that have ended, while one that serves others lives on."""
        for guardian in self._guardians:
            try:
                guardian.wait(0 if self._claims.is_guarded() else 10)
            except subprocess.TimeoutExpired:
                _LIVING_ON.append(guardian)


def _pause() -> None:
    Event().wait(PAUSE)
