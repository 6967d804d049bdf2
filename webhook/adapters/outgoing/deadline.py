"""A connection that is read until a deadline, and up to a number of bytes, whatever the other side does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

_SLICE = 16 * 1024


class TooMuch(Exception):
    """The other side sent more than is read of one answer."""


class BoundedSocket:
    """Plays the socket for http.client; each exchange on it ends in time.

    A socket's own time-out bounds each wait, not their sum: a server that sends a byte every few seconds, be it of
    its headers, would hold a thread for hours.
    """

    def __init__(self, sock: socket.socket, monotonic: Callable[[], float]) -> None:
        self._sock = sock
        self._monotonic = monotonic
        self._deadline = 0.0
        self._left = self._most = 0
        self._readers = 0
        self._closing = False

    def begin(self, deadline: float, most: int) -> None:
        """An exchange begins: it must be over at `deadline`, in monotonic seconds, with at most so many bytes read."""
        self._deadline = deadline
        self._left = self._most = most

    @property
    def has_read(self) -> bool:
        """Whether anything was read since the exchange began."""
        return self._left < self._most

    def _hurry(self) -> None:
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("the time for this exchange is over")
        self._sock.settimeout(left)

    def sendall(self, data: bytes) -> None:
        """Send it all, or raise TimeoutError at the deadline."""
        view = memoryview(data)
        for start in range(0, len(view), _SLICE):
            self._hurry()
            self._sock.sendall(view[start : start + _SLICE])

    def read_into(self, buffer: WriteableBuffer) -> int:
        """Read what has arrived; raises TimeoutError at the deadline, and TooMuch beyond the number of bytes."""
        if self._left <= 0:
            raise TooMuch
        self._hurry()
        count = self._sock.recv_into(buffer)
        self._left -= count
        return count

    def makefile(self, *_: object) -> io.BufferedReader:
        """What http.client reads an answer from."""
        self._readers += 1
        return io.BufferedReader(_Arriving(self))

    def fileno(self) -> int:
        """The descriptor, to see whether something has arrived."""
        return self._sock.fileno()

    def close(self) -> None:
        """Hang up, once what reads an answer is closed: http.client closes first, and reads the rest of it then."""
        self._closing = True
        if self._readers <= 0:
            self._sock.close()

    def release(self) -> None:
        """One that reads an answer is closed."""
        self._readers -= 1
        if self._closing:
            self.close()


class _Arriving(io.RawIOBase):
    """One answer as a file; closing it leaves the connection open for the next."""

    def __init__(self, source: BoundedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._source.read_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._source.release()
