"""The load generator: `python -m bench.load`, one process on uvloop, raw protocols, one Measurement as JSON on stdout.

Closed loop: every connection posts its next message as soon as its answer is there. Open loop (`--rate`): messages fall
due at a fixed rate, and a latency counts from the moment its message was due, even if no connection was free then.
"""

import argparse
import asyncio
import re
import sys
import time
from collections import Counter, deque
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
import uvloop

from bench.measurement import Measurement, quantile
from bench.pool import Pool

DRAIN_SECONDS = 20.0
TICK = 0.001
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
CLOSES = re.compile(rb"(?i)\r\nconnection: *close|^HTTP/1\.0")
KNOWN_HEADS = 512


class Head(NamedTuple):
    """What matters of an answer's head; `length` is None when the body is chunked."""

    status: int
    length: int | None
    closes: bool

    @classmethod
    def parse(cls, head: bytes) -> "Head":
        """Read the bytes before the empty line."""
        length = LENGTH.search(head)
        unsized = None if CHUNKED.search(head) else 0
        return cls(int(head[9:12]), int(length[1]) if length else unsized, CLOSES.search(head) is not None)


class Run:
    """One measurement in progress: hands out messages, pairs them with connections, and keeps the books."""

    def __init__(self, pool: Pool, plan: argparse.Namespace, loop: asyncio.AbstractEventLoop) -> None:
        self.pool, self.plan, self.loop = pool, plan, loop
        self.next = plan.first
        self.last = plan.first + plan.count
        self.begun = self.deadline = self.ended = 0.0
        self.answers: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.late = self.in_flight = 0
        self.heads: dict[bytes, Head] = {}
        self.idle: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.over = loop.create_future()

    def request(self) -> bytes | None:
        """The next message, or None when the time is up or the messages are used up."""
        if self.next >= self.last:
            if not self.plan.wrap:
                return None
            self.next = self.plan.first
        self.next += 1
        return self.pool.request(self.next - 1)

    def ready(self, connection: "Connection") -> None:
        """Give a free connection its next message, if one is due."""
        now = time.perf_counter()
        if self.due:
            self.post(connection, self.due.popleft())
        elif now >= self.deadline:
            self.finish_if_drained()
        elif not self.plan.rate:
            self.post(connection, now)
        else:
            self.idle.append(connection)

    def post(self, connection: "Connection", since: float) -> None:
        request = self.request()
        if request is None:
            self.finish_if_drained()
            return
        self.in_flight += 1
        connection.post(request, since)

    def answered(self, outcome: str, since: float) -> None:
        """Book one answer (a status) or fault."""
        now = time.perf_counter()
        self.in_flight -= 1
        if now > self.deadline and not self.plan.rate:
            self.late += outcome == "200"
            return
        self.ended = now
        self.answers[outcome] += 1
        if outcome == "200":
            self.latencies.append(now - since)

    def finish_if_drained(self) -> None:
        if not self.in_flight and not self.due and not self.over.done():
            self.over.set_result(None)

    def head(self, raw: bytes) -> Head:
        head = self.heads.get(raw)
        if head is None:
            if len(self.heads) > KNOWN_HEADS:
                self.heads.clear()
            head = self.heads[raw] = Head.parse(raw)
        return head

    async def go(self) -> Measurement:
        """Open the connections, keep them busy until the deadline, let the last answers come."""
        plan = self.plan
        self.begun = time.perf_counter()
        self.deadline = self.ended = self.begun + plan.seconds
        used = time.process_time()
        connections = [Connection(self) for _ in range(plan.connections)]
        for connection in connections:
            connection.open()
        if plan.rate:
            self.loop.call_soon(self.tick, 0)
        else:
            self.loop.call_later(plan.seconds, self.finish_if_drained)
        await asyncio.wait({self.over}, timeout=plan.seconds + DRAIN_SECONDS)
        used = time.process_time() - used
        for connection in connections:
            connection.close()
        return self.measured(used)

    def tick(self, issued: int) -> None:
        now = time.perf_counter()
        until = int((min(now, self.deadline) - self.begun) * self.plan.rate) + 1  # the first is due at once
        for number in range(issued, until):
            since = self.begun + number / self.plan.rate
            if self.idle:
                self.post(self.idle.popleft(), since)
            else:
                self.due.append(since)
        if now < self.deadline:
            self.loop.call_later(TICK, self.tick, until)
        else:
            self.finish_if_drained()

    def measured(self, used: float) -> Measurement:
        ordered = sorted(1000 * each for each in self.latencies)
        refused = {outcome: count for outcome, count in self.answers.items() if outcome != "200"}
        # Messages that fell due and found no free connection to the end are failures of the server, not of the clock.
        lost = {"no answer": self.in_flight, "not taken": len(self.due)}
        ran_out = self.next >= self.last and not self.plan.wrap
        return Measurement(
            accepted=len(ordered),
            acknowledged=len(ordered) + self.late,
            refused=refused | {why: count for why, count in lost.items() if count},
            seconds=self.ended - self.begun if ran_out else self.plan.seconds,
            p50=quantile(ordered, 0.50),
            p99=quantile(ordered, 0.99),
            worst=ordered[-1] if ordered else 0.0,
            generator=used / self.plan.seconds,
        )


class Connection(asyncio.Protocol):
    """One client: connects, posts, reads the answer, and asks for the next; connects anew when it must."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.transport: asyncio.Transport | None = None
        self.opening: asyncio.Task[object] | None = None
        self.buffer = b""
        self.since: float | None = None
        self.closed = False

    def open(self) -> None:
        self.opening = self.run.loop.create_task(self._connect())

    async def _connect(self) -> None:
        while not self.closed:
            try:
                await self.run.loop.create_connection(lambda: self, self.run.plan.host, self.run.plan.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.run.ready(self)

    def post(self, request: bytes, since: float) -> None:
        assert self.transport is not None
        self.since = since
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        end = buffer.find(b"\r\n\r\n")
        head = self.run.head(buffer[:end]) if end > 0 else None
        if head is None or not _whole(buffer, end + 4, head.length):
            self.buffer = buffer
            return
        self.buffer = b""
        since, self.since = self.since, None
        if since is not None:
            self.run.answered(str(head.status), since)
        if head.closes or self.run.plan.fresh:
            assert self.transport is not None
            self.transport.close()
        else:
            self.run.ready(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.buffer = b""
        since, self.since = self.since, None
        if since is not None:
            self.run.answered("connection lost", since)
        self.run.finish_if_drained() if time.perf_counter() >= self.run.deadline else self.open()

    def close(self) -> None:
        self.closed = True
        if self.transport is not None:
            self.transport.abort()


def _whole(buffer: bytes, start: int, length: int | None) -> bool:
    return buffer.endswith(b"0\r\n\r\n") if length is None else len(buffer) - start >= length


def arguments() -> argparse.ArgumentParser:
    """The command line of the generator."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("pool", type=Path, help="folder of the signed messages")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=0.0, help="open loop: messages per second (0: closed loop)")
    parser.add_argument("--first", type=int, default=0, help="number of the first message")
    parser.add_argument("--count", type=int, default=0, help="how many messages there are (0: all that follow)")
    parser.add_argument("--wrap", action="store_true", help="begin again when the messages are used up")
    parser.add_argument("--fresh", action="store_true", help="a new connection for every request")
    return parser


async def _measure(plan: argparse.Namespace) -> Measurement:
    pool = Pool(plan.pool)
    plan.count = min(plan.count or len(pool), len(pool) - plan.first)
    return await Run(pool, plan, asyncio.get_running_loop()).go()


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_measure(arguments().parse_args()))) + b"\n")
