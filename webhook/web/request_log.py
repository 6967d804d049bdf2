"""One canonical line for each SNS message, and its count; lines are written many at once, as messages come."""

import atexit
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from typing import TextIO

import msgspec
from msgspec import Struct
from prometheus_client import Counter

from webhook.domain.envelope import Envelope
from webhook.logs import mask_text
from webhook.metrics import MESSAGES
from webhook.web.receiver import Answer

FLUSH_EVERY = 0.1


class Request(Struct):
    """What is known of a message under way."""

    endpoint: str
    began: float
    message_id: str = ""
    topic_arn: str = ""

    def name(self, envelope: Envelope) -> None:
        """Notes which message it is."""
        self.message_id = envelope.message_id
        self.topic_arn = envelope.topic_arn


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
    """Counts messages by outcome and, unless the level forbids it, writes a line for each."""

    def __init__(self, now: Callable[[], datetime], level: str, fmt: str, stream: TextIO | None = None) -> None:
        self._now = now
        self._threshold = {"debug": 0, "info": 0}.get(level, 1)
        self._text = fmt == "text"
        self._stream = stream or sys.stdout
        self._lines: list[bytes] = []
        self._counts: dict[str, Counter] = {}
        self._wake = threading.Event()
        self._encode = msgspec.json.Encoder().encode
        threading.Thread(target=self._write_lines, name="request-log", daemon=True).start()
        atexit.register(self.flush)

    def begin(self, endpoint: str) -> Request:
        """A message begins to be read."""
        return Request(endpoint, perf_counter())

    def end(self, request: Request, answer: Answer) -> None:
        """It was answered."""
        count = self._counts.get(answer.outcome)
        if count is None:
            count = self._counts[answer.outcome] = MESSAGES.labels(answer.outcome)
        count.inc()
        troubled = answer.status != 200
        if troubled < self._threshold:
            return
        line = Line(
            at=self._now(),
            level="warning" if troubled else "info",
            event="sns_message",
            endpoint=request.endpoint,
            outcome=answer.outcome,
            status=answer.status,
            ms=round((perf_counter() - request.began) * 1000, 2),
            message_id=mask_text(request.message_id[:100]) if troubled else request.message_id,
            topic_arn=mask_text(request.topic_arn[:300]) if troubled else request.topic_arn,
        )
        self._lines.append(self._as_text(line) if self._text else self._encode(line))
        self._wake.set()

    def flush(self) -> None:
        """Writes what has gathered."""
        lines, self._lines = self._lines, []
        if lines:
            self._stream.write(b"\n".join(lines).decode() + "\n")
            self._stream.flush()

    def _write_lines(self) -> None:
        while True:
            self._wake.wait()
            threading.Event().wait(FLUSH_EVERY)
            self._wake.clear()
            self.flush()

    def _as_text(self, line: Line) -> bytes:
        words = (f"{key}={value!r}" if isinstance(value, str) else f"{key}={value}" for key, value in _told(line))
        return f"{line.at.isoformat(timespec='milliseconds')} [{line.level:<7}] {line.event} {' '.join(words)}".encode()


def _told(line: Line) -> list[tuple[str, str | float]]:
    names = ("endpoint", "outcome", "status", "ms", "message_id", "topic_arn")
    return [(name, getattr(line, name)) for name in names]
