"""Child processes that never outlive their parent, not even one that was killed outright."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from webhook.config import child_environment

#: Where this program is.
ROOT = Path(__file__).resolve().parents[1]
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a group of its own; it gets SIGTERM when this process dies. Call from the main thread.

    It keeps the working directory, so that `.env` and relative paths mean the same to it as to us. What it runs is
    found at ROOT wherever that is: modules, and files that the command names.
    The group keeps Ctrl-C for the parent, which then stops its children in order. The kernel sends the signal when the
    *thread* that started the child ends, hence the main thread. Where there is no such signal (not Linux) the
    child outlives a parent that was killed outright.
    """
    return subprocess.Popen(
        [_placed(part) for part in command],
        env=_finding_this(child_environment({}) if environment is None else environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        process_group=0,
        preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - single-threaded here, and nothing else sets this signal
    )


def stop(child: subprocess.Popen[bytes], patience: float) -> int:
    """Ask the child to end; after `patience` seconds kill it with all of its group. Returns its exit status."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(patience)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        return child.wait()


def clear(dead: subprocess.Popen[bytes]) -> None:
    """Ask what a child that died has left running in its group to end."""
    with suppress(ProcessLookupError):
        os.killpg(dead.pid, signal.SIGTERM)


def _placed(part: str | Path) -> str | Path:
    own = ROOT / part
    return own if own.is_file() else part


def _finding_this(environment: Mapping[str, str]) -> dict[str, str]:
    """With what lets Python find this program before anything of that name in the working directory."""
    here = str(Path.cwd())
    # Last, and under the name that PWD gives it: gunicorn puts it first if it does not find it among the others.
    places = filter(None, (str(ROOT), environment.get("PYTHONPATH"), here))
    return {**environment, "PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1", "PWD": here}


def _dying_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the signal was asked for
                os.kill(os.getpid(), signal.SIGTERM)

    return prepare
