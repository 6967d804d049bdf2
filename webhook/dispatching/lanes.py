"""Lanes: how many deliveries each endpoint may have under way, so that a slow or dead one never delays another."""

import threading
from collections import Counter
from collections.abc import Collection
from enum import IntEnum

from webhook.domain.endpoints import Endpoint

#: Deliveries under way in one process, and at one endpoint that is trusted: dozens of those may turn slow together.
THREADS = 256
AT_ONE_ENDPOINT = 8
#: Milliseconds from which an endpoint counts as slow, until it is quick again.
SLOW = 2000


class Trust(IntEnum):
    """What is to be expected of an endpoint."""

    TRUSTED = 0  #: it took the last one, and quickly
    NEW = 1  #: nothing is known of it in this process
    DOUBTFUL = 2  #: it fails, or is slow


#: The share of all lanes that those of this trust and less may take together: they never take a better one's.
SHARES = {Trust.TRUSTED: 1.0, Trust.NEW: 0.75, Trust.DOUBTFUL: 0.5}


class Lanes:
    """Who has how many deliveries under way. Only trusted endpoints get more than one at a time.

    None gets over half of the lanes that are free, but for its first: the fewer are left, the more must share them.
    """

    def __init__(self, threads: int = THREADS, at_one_endpoint: int = AT_ONE_ENDPOINT) -> None:
        self._threads = threads
        self._at_one_endpoint = at_one_endpoint
        self._under_way: Counter[str] = Counter()
        self._begun_as: dict[str, Trust] = {}
        self._quick: dict[str, bool] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._lock = threading.Lock()

    def in_turn(self, endpoints: Collection[str]) -> list[str]:
        """Those whose turn is longest ago come first."""
        return sorted(endpoints, key=lambda identity: self._turns.get(identity, -1))

    def room(self, endpoint: Endpoint) -> int:
        """How many more deliveries may begin at this endpoint now."""
        with self._lock:
            trust = self._trust(endpoint)
            under_way = self._under_way[endpoint.id]
            most = self._at_one_endpoint if trust is Trust.TRUSTED else 1
            free = self._threads - self._under_way.total()
            fair = max(free // 2, 1 - under_way)
            share = int(self._threads * SHARES[trust]) or 1
            taken = sum(count for one, count in self._under_way.items() if self._begun_as.get(one, trust) >= trust)
            return max(0, min(free, fair, share - taken, most - under_way))

    def begin(self, endpoint: Endpoint, count: int) -> None:
        """So many more are under way."""
        with self._lock:
            self._turn += 1
            self._turns[endpoint.id] = self._turn
            self._under_way[endpoint.id] += count
            self._begun_as[endpoint.id] = self._trust(endpoint)

    def give_back(self, endpoint: str, count: int) -> None:
        """So many of them did not begin after all."""
        with self._lock:
            self._under_way[endpoint] -= count

    def end(self, endpoint: str, *, taken: bool, ms: int) -> None:
        """One of them is done: the endpoint took it, or not, after so long."""
        with self._lock:
            self._under_way[endpoint] -= 1
            self._quick[endpoint] = taken and ms < SLOW

    def forget(self, known: Collection[str]) -> None:
        """Drops what is remembered of endpoints that are no more."""
        with self._lock:
            for remembered in (self._turns, self._quick, self._begun_as, self._under_way):
                for identity in [one for one in remembered if one not in known and not self._under_way[one]]:
                    del remembered[identity]

    @property
    def under_way(self) -> int:
        """How many deliveries are under way."""
        with self._lock:
            return self._under_way.total()

    def _trust(self, endpoint: Endpoint) -> Trust:
        quick = self._quick.get(endpoint.id)
        if endpoint.health.failures or quick is False:
            return Trust.DOUBTFUL
        return Trust.TRUSTED if quick else Trust.NEW
