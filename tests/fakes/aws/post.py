"""The post: carries what topics publish to endpoints, in threads of its own, with few and quick retries."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webhook.emulator.topic import Signed

#: Hosts that may be posted to: this machine.
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUT = 15


class Attempted(NamedTuple):
    """One attempt to deliver: to whom, a message of what type, and the status answered (0: nobody answered)."""

    endpoint: str
    kind: str
    message_id: str
    status: int

    @property
    def delivered(self) -> bool:
        """By SNS's rule: any status from 200 to 499."""
        return 200 <= self.status < 500


class Post:
    """Does things on threads, and can be waited for.

    `routes` says which address of this machine stands in for an origin (`https://sentinel.example.com`).
    """

    def __init__(self, retries: int, delay: float) -> None:
        self.retries = retries
        self.delay = delay
        self.routes: dict[str, str] = {}
        self.attempts: list[Attempted] = []
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="fake-aws")
        self._errands: list[Future[Any]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()

    def start(self, errand: Callable[..., Any], *arguments: Any) -> None:
        """Does it soon, in another thread."""
        with self._lock:
            if not self._over.is_set():
                self._errands.append(self._pool.submit(errand, *arguments))

    def settle(self, timeout: float = 30) -> None:
        """Waits until nothing is under way; raises TimeoutError, and what an errand failed with."""
        while pending := [errand for errand in list(self._errands) if not errand.done()]:
            if not wait(pending, timeout, FIRST_COMPLETED).done:
                raise TimeoutError(f"{len(pending)} errands are still under way")
        for errand in list(self._errands):
            errand.result()

    def stop(self) -> None:
        """Begins nothing more, and gives up what waits for a retry."""
        with self._lock:
            self._over.set()
        self._pool.shutdown(cancel_futures=True)

    def deliver(self, endpoint: str, signed: Signed) -> bool:
        """Tries until it is delivered, or given up."""
        for attempt in range(self.retries + 1):
            if attempt and self._over.wait(self.delay):
                return False
            kind, name = signed.headers["x-amz-sns-message-type"], signed.headers["x-amz-sns-message-id"]
            tried = Attempted(endpoint, kind, name, self._status(endpoint, signed))
            self.attempts.append(tried)
            if tried.delivered:
                return True
        return False

    def _status(self, endpoint: str, signed: Signed) -> int:
        split = urlsplit(endpoint)
        origin = f"{split.scheme}://{split.netloc}"
        target = urlsplit(self.routes.get(origin, origin))
        if target.hostname not in _HERE:
            return 0
        kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
        connection = kind(target.hostname, target.port, timeout=TIMEOUT)
        path = (split.path or "/") + (f"?{split.query}" if split.query else "")
        try:
            connection.request("POST", path, signed.body, signed.headers | {"Host": split.netloc.rpartition("@")[2]})
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            return 0
        else:
            return response.status
        finally:
            connection.close()
