"""Chores: what the worker does beside judging, and must wait for: SES, DNS, the other side of the internet.

They run in a thread of their own, so that a service that hangs never holds up a verdict.
"""

import threading
from collections.abc import Callable, Mapping

from webhook.errors import AwsError, Unavailable
from webhook.logs import get_logger

#: Does one small step; True if there was something to do, and may be more.
Chore = Callable[[], bool]

#: Seconds to rest when no chore had anything to do.
REST = 1.0
#: Seconds that a chore is left alone after it failed: at first, and at most.
PAUSE, PAUSE_MAX = 2.0, 60.0
#: Seconds that stopping waits for the step under way.
PATIENCE = 10.0

log = get_logger(__name__)


class Chores:
    """Runs the chores in turn, a step each, until `stop`. One that fails is left alone for a while; others go on."""

    def __init__(self, chores: Mapping[str, Chore], monotonic: Callable[[], float]) -> None:
        self._chores = chores
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._due = dict.fromkeys(chores, 0.0)
        self._pauses = dict.fromkeys(chores, PAUSE)
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begins, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the step under way, or without it if that takes too long: every step may be cut off anywhere."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the end."""
        self._stopping.wait(seconds)

    def round(self) -> bool:
        """One step of each chore that is due; True if any did something."""
        busy = [self._step(name) for name in self._chores]
        return any(busy)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(0 if self.round() else REST)

    def _step(self, name: str) -> bool:
        if self._stopping.is_set() or self._monotonic() < self._due[name]:
            return False
        try:
            busy = self._chores[name]()
        except (Unavailable, AwsError) as error:
            log.warning("chore_waits", chore=name, why=error.detail, seconds=self._pauses[name])
        except Exception:
            log.exception("chore_failed", chore=name, seconds=self._pauses[name])
        else:
            self._pauses[name] = PAUSE
            return busy
        self._due[name] = self._monotonic() + self._pauses[name]
        self._pauses[name] = min(self._pauses[name] * 2, PAUSE_MAX)
        return False
