"""Looking a host up within a given time."""

import socket
from collections.abc import Callable
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread

Resolve = Callable[[str, int, float], tuple[str, ...]]
"""The addresses of a host, for a port, within so many seconds; raises OSError or TimeoutError if there are none."""


class Resolver:
    """Asks the system, as every program does; /etc/hosts and search domains included.

    The system's look-up knows no time limit, so each has a thread of its own, left behind when it takes too long.
    """

    HANGING = 64
    """How many look-ups may be going on at once: a customer's dead name server can't pile up threads without end."""

    def __init__(self, lookup: Callable[[str, int], tuple[str, ...]] | None = None) -> None:
        self._lookup = lookup or ask_the_system
        self._places = BoundedSemaphore(self.HANGING)

    def __call__(self, host: str, port: int, patience: float) -> tuple[str, ...]:
        """The addresses of `host`, each once and in the system's order of preference."""
        if not self._places.acquire(timeout=patience):
            raise TimeoutError("too many look-ups are going on")
        found: Future[tuple[str, ...]] = Future()
        Thread(target=self._look_up, args=(host, port, found), daemon=True).start()
        return found.result(patience)

    def _look_up(self, host: str, port: int, found: Future[tuple[str, ...]]) -> None:
        try:
            found.set_result(self._lookup(host, port))
        # A name that can't be encoded for DNS is a UnicodeError, which is a ValueError.
        except (OSError, ValueError) as error:
            found.set_exception(OSError(f"{host} can't be looked up: {error}"))
        finally:
            self._places.release()


def ask_the_system(host: str, port: int) -> tuple[str, ...]:
    """What getaddrinfo answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
