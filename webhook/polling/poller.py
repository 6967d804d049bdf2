"""The poller: works beside the worker, with a desk for each queue."""

import threading
from collections.abc import Sequence

from webhook.errors import SentinelError
from webhook.polling.desk import Desk
from webhook.polling.ports import Commit
from webhook.ports import Clock

#: Seconds that the end waits for what is under way; what is left comes back by itself.
PATIENCE = 10.0


class Ended(SentinelError):
    """A thread that takes messages ended by a defect; what it held comes back by itself."""


class Poller:
    """Takes messages from queues until it is told to stop. As many may run as you like, in any number of processes."""

    def __init__(self, desks: Sequence[Desk], commit: Commit, clock: Clock, *, patience: float = PATIENCE) -> None:
        self._desks = desks
        self._commit = commit
        self._clock = clock
        self._patience = patience
        self._stopping = threading.Event()
        self._look = threading.Event()

    def stop(self) -> None:
        """Ends `run` after what is under way."""
        self._stopping.set()
        self._look.set()

    def run(self) -> None:
        """Works until `stop`; raises Ended if a thread of its own failed."""
        for desk in self._desks:
            desk.open(self._look.set)
        while not self._stopping.is_set() and not self._died:
            self._look.wait()
            self._look.clear()
        died = self._died
        for desk in self._desks:
            desk.close()
        until = self._clock.monotonic() + self._patience
        for desk in self._desks:
            desk.await_end(max(0.0, until - self._clock.monotonic()))
        self._commit.close()
        if died:
            raise Ended("a thread that takes messages from a queue ended: see the log above")

    @property
    def _died(self) -> bool:
        return any(desk.died for desk in self._desks)
