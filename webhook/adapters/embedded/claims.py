"""Who uses the instance and who guards it: two locked files, and a third that says where it listens."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import msgspec

from webhook.errors import Misconfigured

MINUTE = 1200
"""How many pauses of 0.05 s make a minute: waits are counted in pauses."""
PAUSE = 0.05


class Instance(msgspec.Struct, frozen=True):
    """What the guardian says of its mongod; `error` is the sentence that explains why there is none."""

    port: int = 0
    pid: int = 0
    guardian: int = 0
    ready: bool = False
    error: str | None = None

    @property
    def uri(self) -> str:
        """How to reach it, with the database of the product."""
        return f"mongodb://127.0.0.1:{self.port}/ses_sentinel?replicaSet=rs0"


class Claims:
    """The lock files of one DATA_DIR.

    users.lock is held shared by each user, and exclusively by a guardian that is stopping. guardian.lock is held
    exclusively by the guardian; the user who starts it takes the lock and hands it down, so that there is never a
    second guardian. Locks vanish with their process, so none is ever stale.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._state = data_dir / "mongod.json"

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """The claims of that folder, made if need be; raises Misconfigured when it cannot be written."""
        claims = cls(data_dir)
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            for name in ("users.lock", "guardian.lock"):
                os.close(claims._open(name))
        except OSError as exc:
            raise Misconfigured(f"DATA_DIR {data_dir} cannot be written ({exc.strerror}): choose another") from exc
        return claims

    def _open(self, name: str) -> int:
        return os.open(self.data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)

    def _take(self, name: str, kind: int) -> int | None:
        descriptor = self._open(name)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def use(self) -> int | None:
        """Become a user; None while a guardian is stopping. The descriptor is the claim: closing it gives it up."""
        return self._take("users.lock", fcntl.LOCK_SH)

    def retire(self) -> int | None:
        """Shut new users out, if there are none; None if there are."""
        return self._take("users.lock", fcntl.LOCK_EX)

    def guard(self) -> int | None:
        """Become (or name) the guardian; None if there is one."""
        return self._take("guardian.lock", fcntl.LOCK_EX)

    def is_guarded(self) -> bool:
        """Whether a guardian lives."""
        return not _given_back(self.guard())

    def is_used(self) -> bool:
        """Whether somebody uses the instance (a stopping guardian is not a user)."""
        return not _given_back(self.retire()) and _given_back(self.use())

    def read(self) -> Instance:
        """The last that a guardian said; nothing known is an empty `Instance`."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=Instance)
        except (FileNotFoundError, msgspec.DecodeError):
            return Instance()

    def write(self, instance: Instance) -> None:
        """Say it, in one piece."""
        fresh = self._state.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(instance))
        fresh.replace(self._state)


def _given_back(descriptor: int | None) -> bool:
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


@contextmanager
def held(descriptor: int) -> Iterator[None]:
    """Give the claim up at the end."""
    try:
        yield
    finally:
        os.close(descriptor)
