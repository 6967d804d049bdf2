"""The bare cost of a message, in this process and thread: what no server around it can undercut."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import TypeVar

import msgspec

from bench.messages import TOPIC_ARN
from bench.peers import bare
from bench.pool import Pool
from webhook.adapters.clock import Clock
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.domain.effects import Effects, Source
from webhook.domain.envelope import Envelope
from webhook.domain.topics import TopicAllowList
from webhook.pipeline import accept

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
        Cost("all three, one after the other", _each(lambda body: bare.understand(key, body), bodies)),
        Cost("what the product does with it before the commit", _each(_product(pool), bodies)),
    ]


def _product(pool: Pool) -> Callable[[bytes], Effects]:
    """Everything between a request's body and its effects: all checks, the typed events, the facts they state."""
    clock = Clock()
    verifier = Verifier(
        certificates=Certificates(fetch=Fetcher(clock), clock=clock, cert_dir=pool.certificates),
        topics=TopicAllowList.from_patterns((TOPIC_ARN,)),
        clock=clock,
        max_age=timedelta(days=14),
    )

    def effects(body: bytes) -> Effects:
        envelope = Envelope.from_bytes(body, header_type="Notification")
        verifier.verify(envelope)
        source = Source(envelope.topic_arn, envelope.message_id, envelope.message)
        return accept(source, clock.now(), timedelta(days=30))

    return effects


def _each(work: Callable[[Item], object], items: list[Item]) -> float:
    return median(_pass(work, items) for _ in range(REPEATS)) * 1e6 / len(items)


def _pass(work: Callable[[Item], object], items: list[Item]) -> float:
    begun = time.perf_counter()
    for item in items:
        work(item)
    return time.perf_counter() - begun
