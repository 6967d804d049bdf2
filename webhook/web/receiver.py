"""One SNS message, from bytes to effects and from outcome to answer. Both doors, WSGI and ASGI, come through here."""

from collections.abc import Mapping
from time import perf_counter

import msgspec
from msgspec import Struct

from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import MAX_BYTES, Envelope
from webhook.errors import Rejected, Unavailable
from webhook.reception import Reception

COMMON = "/webhooks/sns"
#: Path to the endpoint's name; the common one has none.
ENDPOINTS: Mapping[str, str] = {
    COMMON: "",
    **{f"{COMMON}/{name}": name for name in ("bounces", "complaints", "identity")},
}
JSON = "application/json"


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


class Receiver(Reception):
    """What the doors share."""

    def read(self, request: Request, body: bytes, header_type: str | None, raw_delivery: str | None) -> Envelope:
        """The envelope in a request; raises Rejected."""
        raw = raw_delivery is not None and raw_delivery.lower() == "true"
        envelope = Envelope.from_bytes(body, header_type=header_type, raw_delivery=raw)
        request.message_id = envelope.message_id
        request.topic_arn = envelope.topic_arn
        return envelope

    def understand(self, request: Request, envelope: Envelope) -> Effects:
        """What the message changes; may fetch a certificate, and confirms a subscription.

        Raises:
            Rejected: it is not authentic.
            Unavailable: certificate host or confirmation can't be reached.
        """
        began = perf_counter()
        self.verify(envelope)
        request.verified = perf_counter() - began
        return self.effects(envelope, request.endpoint)


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
