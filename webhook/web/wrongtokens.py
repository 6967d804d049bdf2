"""Slows those down who try tokens that are wrong; whoever has a right one is let in before anybody asks here."""

from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from webhook.errors import Limited

#: Wrong tokens that one address may send …
TRIES = 10
#: … within so many seconds.
PERIOD = 60.0
#: Addresses that are remembered; beyond it the one that was heard of longest ago is forgotten.
ADDRESSES = 10_000
#: Bits of an IPv6 address that are one customer's.
_NETWORK = 64


class WrongTokens:
    """Counts wrong tokens by client address, in this process."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def note(self, address: str) -> None:
        """A wrong token came from there; raises Limited if it was one too many.

        Those that are too many are not counted, so that it ends a minute after the tenth whatever comes meanwhile.
        """
        now = self._monotonic()
        with self._lock:
            tried = self._tried.setdefault(place := place_of(address), deque(maxlen=TRIES))
            self._tried.move_to_end(place)
            if len(self._tried) > ADDRESSES:
                self._tried.popitem(last=False)
            while tried and now - tried[0] >= PERIOD:
                tried.popleft()
            if len(tried) == TRIES:
                raise Limited(f"{TRIES} wrong tokens came from this address", PERIOD - (now - tried[0]))
            tried.append(now)


def place_of(address: str) -> str:
    """What counts as one address: of IPv6 the network, since everybody has the whole of one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(int(parsed) >> (128 - _NETWORK)) if isinstance(parsed, IPv6Address) else address
