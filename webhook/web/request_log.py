"""One canonical line for each SNS message, and its count; lines are written many at once, as messages come."""

import atexit
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import perf_counter
from typing import TextIO

import msgspec
from msgspec import Struct

from webhook.logs import mask_text
from webhook.metrics import MESSAGES, VERIFIED, VERIFYING
from webhook.web.receiver import Answer, Request

FLUSH_EVERY = 0.1
LINES_KEPT = 100_000


class Line(Struct):
    """The line as it is written in JSON."""

    at: datetime
    level: str
    event: str
    endpoint: str
    outcome: str
    status: int
    ms: float
    message_id: str
    topic_arn: str


class RequestLog:
    """Counts messages by outcome and, unless the level forbids it, writes a line for each.

    Both are done by a thread of its own, many at once: a write to the terminal, or to the numbers that all processes
    share, costs more than what it tells of.
    """

    def __init__(self, now: Callable[[], datetime], level: str, fmt: str, stream: TextIO | None = None) -> None:
        self._now = now
        self._tells = {"debug": (True, False), "info": (True, False), "warning": (True,)}.get(level, ())
        self._text = fmt == "text"
        self._stream = stream or sys.stdout
        # Bounded: if nobody takes the lines any more, the oldest go.
        self._lines: deque[bytes] = deque(maxlen=LINES_KEPT)
        self._ended: deque[tuple[str, float]] = deque(maxlen=LINES_KEPT)
        self._wake = threading.Event()
        self._encode = msgspec.json.Encoder().encode
        self._process = 0
        atexit.register(self.flush)

    def begin(self, endpoint: str) -> Request:
        """A message begins to be read."""
        return Request(endpoint, perf_counter())

    def end(self, request: Request, answer: Answer) -> None:
        """It was answered."""
        self._ended.append((answer.outcome, request.verified))
        troubled = answer.status != 200
        if troubled in self._tells:
            self._lines.append(self._line(request, answer, troubled=troubled))
        if self._process != os.getpid():
            threading.Thread(target=self._write_on, name="request-log", daemon=True).start()
            self._process = os.getpid()
        if not self._wake.is_set():
            self._wake.set()

    def _line(self, request: Request, answer: Answer, *, troubled: bool) -> bytes:
        line = Line(
            at=self._now(),
            level="warning" if troubled else "info",
            event="sns_message",
            endpoint=request.endpoint or "all",
            outcome=answer.outcome,
            status=answer.status,
            ms=round((perf_counter() - request.began) * 1000, 2),
            # Of a message that was refused, nothing is known to be what it says.
            message_id=mask_text(request.message_id[:100]) if troubled else request.message_id,
            topic_arn=mask_text(request.topic_arn[:300]) if troubled else request.topic_arn,
        )
        return self._as_text(line) if self._text else self._encode(line)

    def flush(self) -> None:
        """Writes and counts what has gathered."""
        outcomes: Counter[str] = Counter()
        verified, seconds = 0, 0.0
        while self._ended:
            outcome, spent = self._ended.popleft()
            outcomes[outcome] += 1
            verified += spent > 0
            seconds += spent
        for outcome, count in outcomes.items():
            MESSAGES.labels(outcome).inc(count)
        VERIFIED.inc(verified)
        VERIFYING.inc(seconds)
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if lines:
            self._stream.write(b"\n".join(lines).decode() + "\n")
            self._stream.flush()

    def _write_on(self) -> None:
        while True:
            self._wake.wait()
            threading.Event().wait(FLUSH_EVERY)
            self._wake.clear()
            with suppress(OSError, ValueError):  # a full disk, or nobody there to read: the next lines may get through
                self.flush()

    def _as_text(self, line: Line) -> bytes:
        words = (f"{key}={value!r}" if isinstance(value, str) else f"{key}={value}" for key, value in _told(line))
        return f"{line.at.isoformat(timespec='milliseconds')} [{line.level:<7}] {line.event} {' '.join(words)}".encode()


def _told(line: Line) -> list[tuple[str, str | float]]:
    names = ("endpoint", "outcome", "status", "ms", "message_id", "topic_arn")
    return [(name, getattr(line, name)) for name in names]
