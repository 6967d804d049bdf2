"""Who takes messages from a queue at the moment, and what is said when that does not work."""

import threading

from webhook.logs import get_logger

log = get_logger(__name__)

#: How many take messages of one queue at once when there are many: ten each, so that commits are full. Fewer than the
#: connections that one way to AWS keeps open.
CREW = 16
#: A receive that brings that many messages calls another clerk.
MANY = 5


class Crew:
    """Clerks are numbered from 0. One takes messages while few come, more as long as receives come back full."""

    def __init__(self, most: int = CREW) -> None:
        self.most = most
        self._wanted = 1
        self._over = False
        self._changed = threading.Condition()

    def await_turn(self, number: int) -> bool:
        """Waits until this clerk is wanted; False when there is nothing more to do for anybody."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or number < self._wanted)
            return not self._over

    def took(self, number: int, messages: int) -> None:
        """This clerk's receive brought so many messages."""
        with self._changed:
            if messages >= MANY and self._wanted < self.most:
                self._wanted += 1
                self._changed.notify_all()
            elif not messages:
                self._wanted = max(1, min(self._wanted, number))

    def dismiss(self) -> None:
        """Nobody is wanted any more."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


class Complaints:
    """What goes wrong again and again is said once, until it has gone well in between."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def say(self, event: str, why: str, hint: str = "") -> None:
        """It went wrong; another reason than before is said as well."""
        with self._lock:
            if self._said.get(event) == why:
                return
            self._said[event] = why
        log.warning(event, queue=self._queue, why=why, **({"hint": hint} if hint else {}))

    def over(self, event: str) -> None:
        """It went well."""
        with self._lock:
            said = self._said.pop(event, None)
        if said:
            log.info("queue_well_again", queue=self._queue, after=event)


class Once:
    """Remembers what was said already; of as many things as there are codes."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def first(self, what: str) -> bool:
        """True the first time."""
        new = what not in self._said
        self._said.add(what)
        return new
