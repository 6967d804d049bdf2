"""POSTing to an address that a customer wrote, and telling in one sentence what went wrong."""

import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException, HTTPResponse, IncompleteRead

import msgspec

from webhook import __version__
from webhook.adapters.outgoing.connections import Idle, Pinned, tls_context
from webhook.adapters.outgoing.deadline import TooMuch
from webhook.adapters.outgoing.guard import Guard, Unresolvable
from webhook.domain.addresses import Address, Target, target_of
from webhook.domain.delivery_errors import DeliveryFailed
from webhook.errors import Invalid

MAX_BODY = 16 * 1024
"""How much of an answer's body is read, in bytes."""
MAX_HEAD = 48 * 1024
"""How much of everything else of an answer is read: status line, headers, and the marks between chunks."""
MAX_ADDRESSES = 3
"""How many addresses of a host are tried."""

# RemoteDisconnected of http.client is a ConnectionError.
_HUNG_UP = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Reply(msgspec.Struct, frozen=True):
    """What the server answered: header names in lower case, at most MAX_BODY of the body, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    ms: int


class Outgoing:
    """POSTs to guarded addresses: no redirects followed, no proxies or passwords of the environment, no cookies.

    `connect` bounds connecting and the TLS handshake, each, and `total` everything together, from the name's look-up to
    the last byte of the answer; both in seconds. `idle` is how many connections are kept open for the next POST.
    """

    def __init__(
        self,
        guard: Guard,
        monotonic: Callable[[], float],
        *,
        connect: float = 5.0,
        total: float = 15.0,
        idle: int = 64,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._monotonic = monotonic
        self._connect = connect
        self._total = total
        self._context = context or tls_context()
        self._idle = Idle(idle, monotonic)

    def check(self, url: str) -> None:
        """Checks an address as it can be known before the first delivery; raises Invalid naming `url`."""
        self._guard.check(url, self._connect)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the server answered, whatever its status.

        Raises:
            DeliveryFailed: there was no complete answer in time, or the address may not be asked.
        """
        begun = self._monotonic()
        try:
            target = target_of(url)
            addresses = self._guard.resolved(target, min(self._connect, self._total))
            status, told, content = self._ask(target, addresses, headers, body, begun + self._total)
        except (Invalid, Unresolvable, TooMuch, OSError, HTTPException, ValueError) as error:
            limits = f"{self._total:g} s ({self._connect:g} s to connect)"
            raise DeliveryFailed(False, _explained(url, error, limits), ms=self._since(begun)) from error
        return Reply(status, told, content, self._since(begun))

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._idle.close()

    def _since(self, begun: float) -> int:
        return round((self._monotonic() - begun) * 1000)

    def _ask(
        self, target: Target, addresses: Sequence[Address], headers: Mapping[str, str], body: bytes, deadline: float
    ) -> tuple[int, dict[str, str], bytes]:
        sent = {"User-Agent": f"SES-Sentinel/{__version__}", **headers}
        kept = self._idle.take(target, addresses)
        if kept is not None:
            try:
                return self._exchange(kept, sent, body, deadline)
            except _HUNG_UP:
                # As a server may between two requests. One that began to answer has had this one.
                if kept.was_answered:
                    raise
        return self._exchange(self._opened(target, addresses, deadline), sent, body, deadline)

    def _opened(self, target: Target, addresses: Sequence[Address], deadline: float) -> Pinned:
        """A new connection to the first of the addresses that takes one."""
        failure: OSError = TimeoutError()
        for address in addresses[:MAX_ADDRESSES]:
            left = deadline - self._monotonic()
            if left <= 0:
                break
            connection = Pinned(target, address, self._context, self._monotonic)
            try:
                connection.open(min(self._connect, left))
            except OSError as error:
                failure = error
            else:
                return connection
        raise failure

    def _exchange(
        self, connection: Pinned, headers: dict[str, str], body: bytes, deadline: float
    ) -> tuple[int, dict[str, str], bytes]:
        reusable = False
        try:
            with connection.exchange(headers, body, deadline, MAX_BODY + MAX_HEAD) as response:
                content, complete = _read(response)
                reusable = complete and not response.will_close
                return response.status, {name.lower(): value for name, value in response.getheaders()}, content
        finally:
            if reusable:
                self._idle.keep(connection)
            else:
                connection.close()


def _explained(url: str, error: Exception, limits: str) -> str:
    """What went wrong, in one sentence with the fix where there is one."""
    # Whatever ends the place: what comes after it may hold secrets.
    place = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0][:260]
    match error:
        case Invalid(detail=detail, hint=hint):
            said = f"{detail}: {hint}"
        case Unresolvable():
            said = str(error)
        case ssl.SSLCertVerificationError(verify_message=reason):
            said = f"the certificate of {place} is not valid for it: {reason}"
        case ssl.SSLError(reason=reason):
            said = f"{place} does not speak TLS 1.2 or later as it should: {reason or 'the handshake failed'}"
        case TimeoutError():
            said = f"{place} did not answer completely within {limits}"
        case TooMuch():
            said = f"{place} answers with more than is read: answer with a status and a few words"
        case ConnectionRefusedError():
            said = f"nobody listens at {place}"
        case OSError(strerror=reason):
            said = f"{place} can't be reached: {reason or 'it hung up'}"
        case ValueError():
            said = "one of the endpoint's headers can't be sent: it must be plain text on one line"
        case _:
            said = f"{place} does not answer in HTTP"
    return said


def _read(response: HTTPResponse) -> tuple[bytes, bool]:
    """The body up to MAX_BODY, and whether that was all of it."""
    try:
        body = response.read(MAX_BODY)
    except TooMuch:
        return b"", False
    # http.client raises this itself only where it is asked for the whole.
    if len(body) < MAX_BODY and response.length:
        raise IncompleteRead(body, response.length)
    return body, response.isclosed()
