"""The bare cost of a message, in this process and thread: what no server around it can undercut."""

import time
from collections.abc import Callable
from statistics import median
from typing import TypeVar

import msgspec

from bench.peers import bare
from bench.pool import Pool

Item = TypeVar("Item")

MESSAGES = 2_000
REPEATS = 5


class Cost(msgspec.Struct, frozen=True):
    """Microseconds per message of one step."""

    step: str
    microseconds: float


def costs(pool: Pool) -> list[Cost]:
    """Median over several passes for each step, and for all of them together."""
    key = bare.key_of(str(pool.certificate))
    bodies = [pool.body(index) for index in range(min(MESSAGES, len(pool)))]
    notifications = [bare.read_notification(body) for body in bodies]
    payloads = [notification.message for notification in notifications]
    return [
        Cost("read the envelope", _each(bare.read_notification, bodies)),
        Cost("verify the signature (RSA-2048, SHA-1)", _each(lambda one: bare.verify(key, one), notifications)),
        Cost("read the SES event", _each(bare.read_event, payloads)),
        Cost("all of it", _each(lambda body: bare.understand(key, body), bodies)),
    ]


def _each(work: Callable[[Item], object], items: list[Item]) -> float:
    return median(_pass(work, items) for _ in range(REPEATS)) * 1e6 / len(items)


def _pass(work: Callable[[Item], object], items: list[Item]) -> float:
    begun = time.perf_counter()
    for item in items:
        work(item)
    return time.perf_counter() - begun
