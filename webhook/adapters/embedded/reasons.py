"""Why mongod would not run, in one plain sentence with its fix."""

import re
import signal
from pathlib import Path
from typing import NamedTuple


class Reason(NamedTuple):
    """What mongod or the loader prints, and what it means; {0} is what the pattern found, {dir} the DATA_DIR."""

    printed: str
    meaning: str


_REASONS = (
    Reason(
        r"error while loading shared libraries: (?:libssl|libcrypto|libcurl)",
        "mongod needs libssl3 and libcurl4: apt-get install libssl3 libcurl4, or set MONGODB_URI",
    ),
    Reason(
        r"error while loading shared libraries: ([^\s:]+)",
        "mongod needs the shared library {0}: install it, or set MONGODB_URI",
    ),
    Reason(
        r"version `(GLIBC\w*_[\d.]+)' not found",
        "this system is too old for the embedded MongoDB, which needs {0}: set MONGODB_URI",
    ),
    Reason(
        r"No space left on device|ENOSPC|Disk quota exceeded",
        "the disk of DATA_DIR {dir} is full: make room, or choose another DATA_DIR",
    ),
    Reason(
        r"Permission denied|Operation not permitted|Read-only file system",
        "mongod may not write below DATA_DIR {dir}: run as the owner of its files, or choose another DATA_DIR",
    ),
    Reason(
        r"UPGRADE PROBLEM|(?i:invalid featureCompatibilityVersion)|unsupported WiredTiger file version"
        r"|newer version of MongoDB",
        "the files below DATA_DIR {dir} were written by a newer MongoDB: set MONGODB_URI, or choose another DATA_DIR",
    ),
)


def explain(printed: str, status: int | None, data_dir: Path) -> str:
    """The sentence for a mongod that printed this and ended so (`status` negative: by that signal)."""
    if status == -signal.SIGILL:
        return "this processor lacks the AVX instructions that MongoDB needs: set MONGODB_URI"
    for reason in _REASONS:
        if found := re.search(reason.printed, printed):
            return reason.meaning.format(*found.groups(), dir=data_dir)
    how = f"by signal {-status}" if status is not None and status < 0 else f"with exit status {status}"
    return f"the embedded MongoDB ended {how}: see {data_dir / 'mongo.log'}"
