"""Finds the processes of a running service, so that one of them can be killed. Linux only: it reads /proc."""

import json
import os
import random
import signal
from contextlib import suppress
from pathlib import Path


class Family:
    """The service's processes by role; they change all the time, so they are looked up anew at every call."""

    def __init__(self, supervisor: int, data_dir: Path) -> None:
        self._supervisor = supervisor
        self._data_dir = data_dir

    def kill(self, role: str, rng: random.Random) -> bool:
        """Kills one process of that role with SIGKILL; False if there is none at the moment."""
        pids = sorted(self._pids(role))
        if not pids:
            return False
        with suppress(ProcessLookupError):
            os.kill(rng.choice(pids), signal.SIGKILL)
            return True
        return False

    def _pids(self, role: str) -> list[int]:
        if role == "mongod":
            with suppress(OSError, ValueError, KeyError):
                return [int(json.loads((self._data_dir / "mongod.json").read_text())["pid"])]
            return []
        children = [pid for pid in _children(self._supervisor) if ("gunicorn" in _command(pid)) is (role != "worker")]
        if role == "worker":
            return [pid for pid in children if " worker" in _command(pid)]
        return children if role == "gunicorn" else [pid for master in children for pid in _children(master)]


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


def _command(pid: int) -> str:
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
