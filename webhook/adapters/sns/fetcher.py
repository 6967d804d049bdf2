"""Getting one small document over HTTP, for certificates and confirmations."""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
import requests
from urllib3.exceptions import HTTPError

from webhook.errors import Unavailable
from webhook.ports import Clock

MAX_DOCUMENT_BYTES = 64 * 1024


class Answer(msgspec.Struct, frozen=True):
    """What a server answered to a GET; of a body over MAX_DOCUMENT_BYTES, at least one byte more than that."""

    status: int
    body: bytes


Fetch = Callable[[str], Answer]


class Fetcher:
    """GETs one small document: no redirects, no proxies or passwords from the environment, bounded in time and size.

    It asks whatever it is given, so the address must have been pinned before. `total` bounds the reading of the body,
    `read` each wait within it, all in seconds.
    """

    def __init__(self, clock: Clock, *, connect: float = 2.0, read: float = 3.0, total: float = 5.0) -> None:
        self._clock = clock
        self._timeout = (connect, read)
        self._total = total

    def __call__(self, url: str) -> Answer:
        """The answer of the server, whatever its status; raises Unavailable if there is none in time."""
        deadline = self._clock.monotonic() + self._total
        # Fetches are rare (a few a year for each region), so a session for each keeps threads from sharing one.
        with requests.Session() as session:
            session.trust_env = False
            try:
                return self._get(session, url, deadline)
            except (OSError, HTTPError) as error:
                raise Unavailable(f"{urlsplit(url).netloc} is not reachable: {type(error).__name__}") from error

    def _get(self, session: requests.Session, url: str, deadline: float) -> Answer:
        headers = {"Accept-Encoding": "identity"}
        with session.get(url, headers=headers, stream=True, allow_redirects=False, timeout=self._timeout) as response:
            body = bytearray()
            # read1 returns what has arrived, so that a server which drips cannot stretch one read for ever.
            while len(body) <= MAX_DOCUMENT_BYTES and (part := response.raw.read1(16 * 1024)):
                body += part
                if self._clock.monotonic() > deadline:
                    raise Unavailable(f"{urlsplit(url).netloc} answers too slowly")
            return Answer(response.status_code, bytes(body))
