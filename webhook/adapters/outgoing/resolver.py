"""Looking a host up within a given time."""

import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from threading import Condition, Thread

from publicsuffixlist import PublicSuffixList

from webhook.errors import Limited

Resolve = Callable[[str, int, float], tuple[str, ...]]
"""The addresses of a host, for a port, within so many seconds; raises OSError or TimeoutError if there are none.

Limited: it was not even asked, because too many look-ups are going on; that is nobody's fault who has that host.
"""
Found = Future[tuple[str, ...]]


class Resolver:
    """Asks the system, as every program does; /etc/hosts and search domains included.

    The system's look-up knows no time limit, so each has a thread of its own, left behind when it takes too long. Who
    asks for a host that is being looked up waits for the same answer. Whoever has dead name servers can thus take up a
    few threads with all the hosts below the domain that he registered, and not those that others need.
    """

    HANGING = 128
    """How many look-ups may be going on at once."""
    OF_ONE_DOMAIN = 8
    """… and how many of hosts below the same registered domain."""
    RETRY_AFTER = 10.0
    """Seconds after which it is worth asking again, when there are too many."""

    def __init__(self, lookup: Callable[[str, int], tuple[str, ...]] | None = None) -> None:
        self._lookup = lookup or ask_the_system
        self._suffixes = PublicSuffixList()
        self._under_way: dict[tuple[str, int], Found] = {}
        self._of_domains: Counter[str] = Counter()
        self._changed = Condition()

    def __call__(self, host: str, port: int, patience: float) -> tuple[str, ...]:
        """The addresses of `host`, each once and in the system's order of preference."""
        name = host.lower()
        domain = self._suffixes.privatesuffix(name) or name
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_place(name, port, domain), patience):
                detail = f"so many names are being looked up, without an answer yet, that {host} has to wait"
                raise Limited(detail, self.RETRY_AFTER)
            found = self._under_way.get((name, port)) or self._begun(name, port, domain)
        return found.result(patience)

    def _has_place(self, host: str, port: int, domain: str) -> bool:
        has_room = len(self._under_way) < self.HANGING and self._of_domains[domain] < self.OF_ONE_DOMAIN
        return has_room or (host, port) in self._under_way

    def _begun(self, host: str, port: int, domain: str) -> Found:
        found: Found = Future()
        Thread(target=self._look_up, args=(host, port, domain, found), daemon=True).start()
        self._under_way[host, port] = found
        self._of_domains[domain] += 1
        return found

    def _look_up(self, host: str, port: int, domain: str, found: Found) -> None:
        try:
            found.set_result(self._lookup(host, port))
        # A name that can't be encoded for DNS is a UnicodeError, which is a ValueError.
        except (OSError, ValueError) as error:
            found.set_exception(OSError(f"{host} can't be looked up: {error}"))
        finally:
            self._end(host, port, domain)

    def _end(self, host: str, port: int, domain: str) -> None:
        with self._changed:
            del self._under_way[host, port]
            self._of_domains[domain] -= 1
            if not self._of_domains[domain]:
                del self._of_domains[domain]
            self._changed.notify_all()


def ask_the_system(host: str, port: int) -> tuple[str, ...]:
    """What getaddrinfo answers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))
