"""One SNS message, from bytes to effects and from outcome to answer. Both doors, WSGI and ASGI, come through here."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol

import msgspec
from msgspec import Struct

from webhook.domain.effects import Effects, Outcome, Source, Subscription
from webhook.domain.envelope import MAX_BYTES, Envelope, MessageType
from webhook.errors import Rejected, Unavailable
from webhook.pipeline import accept

COMMON = "/webhooks/sns"
#: Path to the endpoint's name; the common one has none.
ENDPOINTS: Mapping[str, str] = {
    COMMON: "",
    **{f"{COMMON}/{name}": name for name in ("bounces", "complaints", "identity")},
}
JSON = "application/json"


class Verifier(Protocol):
    """Tells genuine messages from others."""

    def verify(self, envelope: Envelope) -> None:
        """Raises Rejected if it is not authentic, Unavailable if that can't be found out now."""

    def is_warm(self, envelope: Envelope) -> bool:
        """True if `verify` will touch neither network nor disk."""


class Memory(Protocol):
    """Knows how old a mail may be whose news is taken."""

    @property
    def known(self) -> bool:
        """True if asking will not wait."""

    def __call__(self) -> timedelta:
        """Raises Unavailable if that can't be found out now."""


class Confirmer(Protocol):
    """Confirms subscriptions."""

    def confirm(self, envelope: Envelope) -> str:
        """The ARN of the confirmed subscription; raises Rejected or Unavailable."""


class Request(Struct):
    """A message under way, for the log. `began` is by the performance counter; verifying took `verified` seconds."""

    endpoint: str
    began: float
    message_id: str = ""
    topic_arn: str = ""
    verified: float = 0.0


class Answer(Struct, frozen=True):
    """What goes back: an HTTP status, a JSON body, seconds for `Retry-After` (0: none), and the word for the log."""

    status: int
    body: bytes
    outcome: str
    retry_after: int = 0


class Receiver:
    """What the doors share. `now` is the clock."""

    def __init__(self, verifier: Verifier, confirmer: Confirmer, now: Callable[[], datetime], memory: Memory) -> None:
        self._verifier = verifier
        self._confirmer = confirmer
        self._now = now
        self._memory = memory

    def read(self, request: Request, body: bytes, header_type: str | None, raw_delivery: str | None) -> Envelope:
        """The envelope in a request; raises Rejected."""
        raw = raw_delivery is not None and raw_delivery.lower() == "true"
        envelope = Envelope.from_bytes(body, header_type=header_type, raw_delivery=raw)
        request.message_id = envelope.message_id
        request.topic_arn = envelope.topic_arn
        return envelope

    def is_warm(self, envelope: Envelope) -> bool:
        """True if `understand` will not wait for anything."""
        known = self._memory.known and envelope.type is not MessageType.SUBSCRIPTION
        return known and self._verifier.is_warm(envelope)

    def understand(self, request: Request, envelope: Envelope) -> Effects:
        """What the message changes; may fetch a certificate, and confirms a subscription.

        Raises:
            Rejected: it is not authentic.
            Unavailable: certificate host or confirmation can't be reached.
        """
        began = perf_counter()
        self._verifier.verify(envelope)
        request.verified = perf_counter() - began
        source = Source(envelope.topic_arn, envelope.message_id, envelope.message, request.endpoint)
        if envelope.type is MessageType.NOTIFICATION:
            return accept(source, self._now(), self._memory())
        state, arn = "unsubscribed", ""
        if envelope.type is MessageType.SUBSCRIPTION:
            state, arn = "confirmed", self._confirmer.confirm(envelope)
        subscription = Subscription(envelope.topic_arn, state, arn, envelope.message_id)
        return Effects(kind=envelope.type.value, subscription=subscription, source=source)


_PLAIN = {outcome: Answer(200, msgspec.json.encode({"status": outcome.value}), outcome.value) for outcome in Outcome}


def answer_outcome(outcome: Outcome, effects: Effects) -> Answer:
    """200: authentic, and durable."""
    kept = effects.quarantined
    if kept is None:
        return _PLAIN[outcome]
    body = {"status": outcome.value, "reason": kept.reason, "detail": kept.detail, "id": kept.id}
    return Answer(200, msgspec.json.encode(body), outcome.value)


def too_large() -> Rejected:
    """What a body over the limit is answered."""
    return Rejected(413, "too_large", f"an SNS message has at most {MAX_BYTES} bytes")


def answer_rejected(error: Rejected) -> Answer:
    """4xx: not authentic, not SNS or too large. SNS will not send it again."""
    return Answer(error.status, msgspec.json.encode({"error": error.code, "detail": error.detail}), error.code)


def answer_unavailable(error: Unavailable) -> Answer:
    """503: our fault; SNS sends it again."""
    body = {"error": "unavailable", "detail": error.detail}
    return Answer(503, msgspec.json.encode(body), "unavailable", retry_after=error.retry_after)
