"""Connections to checked addresses, and a few of them kept open."""

import select
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from threading import Lock

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from webhook.adapters.outgoing.deadline import BoundedSocket
from webhook.domain.addresses import Address, Target


def tls_context() -> ssl.SSLContext:
    """Trusts what the system trusts, and Mozilla's list where the system has none; TLS 1.2 at least."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Pinned(HTTPConnection):
    """A connection to one checked address of a target. The name stays what the certificate is verified against."""

    def __init__(
        self,
        target: Target,
        address: Address,
        context: ssl.SSLContext,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(target.host, target.port)
        self.target = target
        self.address = address
        self._context = context
        self._monotonic = monotonic
        self._bounded: BoundedSocket | None = None

    def open(self, patience: float) -> None:
        """Connect, within `patience` seconds for each of TCP and TLS; raises OSError (ssl.SSLError is one)."""
        with ExitStack() as undo:
            sock = socket.create_connection((str(self.address), self.target.port), patience)
            undo.callback(sock.close)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.target.secure:
                # The name goes into SNI and is what the certificate must bear; for a literal it is the address.
                sock = self._context.wrap_socket(sock, server_hostname=self.target.host)
            undo.pop_all()
        self.sock = self._bounded = BoundedSocket(sock, self._monotonic)

    def connect(self) -> None:
        """Refused: http.client would open a closed connection anew, by the name instead of the checked address."""
        raise ConnectionAbortedError("this connection is over")

    def exchange(self, headers: dict[str, str], body: bytes, deadline: float, most: int) -> HTTPResponse:
        """POST, and return the answer with its headers read; raises OSError or http.client.HTTPException."""
        if self._bounded is None:
            raise ConnectionAbortedError("this connection is not open")
        self._bounded.begin(deadline, most)
        self.request("POST", self.target.path, body, {"Host": self.target.authority, **headers})
        return self.getresponse()

    @property
    def was_answered(self) -> bool:
        """Whether anything of an answer came in the last exchange."""
        return self._bounded is not None and self._bounded.has_read

    def is_fresh(self) -> bool:
        """Whether nothing came in since the last answer: not even the news that the other side hung up."""
        if self._bounded is None or self._bounded.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self._bounded.fileno(), select.POLLIN)
        return not poll.poll(0)


class Idle:
    """The connections that are open and not in use, for all threads; beyond `most` the oldest is closed.

    None is used again that was idle for over `kept_for` seconds: what lies between may have forgotten it silently.
    """

    def __init__(self, most: int, monotonic: Callable[[], float], kept_for: float = 30.0) -> None:
        self._most = most
        self._monotonic = monotonic
        self._kept_for = kept_for
        self._lock = Lock()
        self._kept: list[tuple[float, Pinned]] = []

    def take(self, target: Target, addresses: Sequence[Address]) -> Pinned | None:
        """One to this host, on an address that is still among its checked ones; None if there is none."""
        with self._lock:
            found = next((kept for kept in reversed(self._kept) if _fits(kept[1], target, addresses)), None)
            if found is None:
                return None
            self._kept.remove(found)
        since, connection = found
        if self._monotonic() - since > self._kept_for or not connection.is_fresh():
            connection.close()
            return None
        connection.target = target
        return connection

    def keep(self, connection: Pinned) -> None:
        """Keep it for the next who asks that host."""
        with self._lock:
            self._kept.append((self._monotonic(), connection))
            surplus = self._kept.pop(0) if len(self._kept) > self._most else None
        if surplus:
            surplus[1].close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            kept, self._kept = self._kept, []
        for _, connection in kept:
            connection.close()


def _fits(connection: Pinned, target: Target, addresses: Sequence[Address]) -> bool:
    kept = connection.target
    same = (kept.scheme, kept.host, kept.port) == (target.scheme, target.host, target.port)
    return same and connection.address in addresses
