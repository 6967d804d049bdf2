"""What is to go wrong next, and how."""

import threading
from collections import defaultdict, deque
from typing import NamedTuple


class Failure(NamedTuple):
    """An error as SES answers it. "{operation}" in the message is the API's name of the call."""

    code: str
    status: int = 400
    message: str = ""

    def told(self, operation: str) -> str:
        return self.message.replace("{operation}", operation)


ACCESS_DENIED = Failure(
    "AccessDeniedException",
    403,
    "User: arn:aws:iam::123456789012:user/sentinel is not authorized to perform: ses:{operation} on resource:"
    " arn:aws:ses:eu-north-1:123456789012:* because no identity-based policy allows the ses:{operation} action",
)
EXPIRED = Failure("ExpiredTokenException", 403, "The security token included in the request is expired")
BAD_SIGNATURE = Failure(
    "InvalidSignatureException",
    403,
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details.",
)
THROTTLED = Failure("TooManyRequestsException", 429, "Too many requests")
INTERNAL = Failure("InternalServiceErrorException", 500, "Internal service error")
UNAVAILABLE = Failure("ServiceUnavailable", 503, "Service is unavailable")


class Reset(NamedTuple):
    """The connection breaks: before anything is done, or after (`done`), so that only the answer is lost."""

    done: bool


class Held:
    """An answer that is held back until `release`; `arrived` is set when the call is there. `done`: it is done."""

    def __init__(self, *, done: bool) -> None:
        self.done = done
        self.arrived = threading.Event()
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    def wait(self) -> None:
        self.arrived.set()
        self._released.wait(60)


class Script:
    """The next happenings by operation; "*" stands for any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, deque[Failure | Reset | Held]] = defaultdict(deque)
        self._held: list[Held] = []

    def add(self, operation: str, happening: Failure | Reset | Held, times: int = 1) -> None:
        with self._lock:
            self._next[operation].extend([happening] * times)
            if isinstance(happening, Held):
                self._held.append(happening)

    def take(self, operation: str) -> Failure | Reset | Held | None:
        with self._lock:
            waiting = self._next[operation] or self._next["*"]
            return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Nothing goes wrong any more, and nothing is held back."""
        with self._lock:
            self._next.clear()
            for held in self._held:
                held.release()
