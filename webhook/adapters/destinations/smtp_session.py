"""A conversation with an SMTP server that is over at a deadline, whatever the other side does."""

from __future__ import annotations

import io
import smtplib
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from _typeshed import ReadableBuffer, WriteableBuffer

MAX_ADDRESSES = 3
"""How many addresses of the server are tried."""
_SLICE = 16 * 1024


class Session(smtplib.SMTP):
    """An SMTP client that has until `deadline`, in monotonic seconds, and `connect` seconds for each connection.

    A socket's own time-out bounds each wait, not their sum: a server that sends a byte every few seconds would hold the
    delivery beyond its lease, and somebody else would send the mail once more.
    """

    def __init__(self, monotonic: Callable[[], float], deadline: float, connect: float) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._deadline = deadline
        self._connect = connect

    def left(self) -> float:
        """Seconds that are left; raises TimeoutError if none are."""
        left = self._deadline - self._monotonic()
        if left <= 0:
            raise TimeoutError("the time for this mail is over")
        return left

    def open(self, host: str, port: int, context: ssl.SSLContext | None) -> tuple[int, bytes]:
        """Connect, with TLS from the start where there is a `context`; gives the greeting.

        Raises smtplib.SMTPConnectError if that is none, and OSError.
        """
        self._host = host  # what STARTTLS verifies the certificate against
        with ExitStack() as undo:
            sock = undo.enter_context(self._connected(host, port))
            if context is not None:
                sock.settimeout(min(self._connect, self.left()))
                sock = undo.enter_context(context.wrap_socket(sock, server_hostname=host))
            undo.pop_all()
        self.sock = sock
        code, said = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        return code, said

    def _connected(self, host: str, port: int) -> socket.socket:
        failure = OSError(f"the name {host} has no address")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found[:MAX_ADDRESSES]:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(min(self._connect, self.left()))
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                return sock
        raise failure

    def send(self, s: ReadableBuffer | str) -> None:
        """Send it all before the deadline."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        for start in range(0, len(data), _SLICE):
            self._hurry()
            super().send(data[start : start + _SLICE])

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer, read before the deadline."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Arriving(self.sock, self._hurry))
        return super().getreply()

    def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
        """One command and its answer; a handshake that follows has the time that is left."""
        answer = super().docmd(cmd, args)
        self._hurry()
        return answer

    def _hurry(self) -> None:
        left = self.left()
        if self.sock is not None:
            self.sock.settimeout(left)


class _Arriving(io.RawIOBase):
    """What the server sends, as a file."""

    def __init__(self, sock: socket.socket, hurry: Callable[[], None]) -> None:
        self._sock = sock
        self._hurry = hurry

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._hurry()
        return self._sock.recv_into(buffer)
