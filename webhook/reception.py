"""From an SNS envelope to its effects: authentic or not, and what it changes. Every way in comes through here."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from webhook.domain.effects import Effects, Source, Subscription
from webhook.domain.envelope import Envelope, MessageType
from webhook.pipeline import accept


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


class Reception:
    """What all ways in share; safe among threads. `now` is the clock."""

    def __init__(self, verifier: Verifier, confirmer: Confirmer, now: Callable[[], datetime], memory: Memory) -> None:
        self._verifier = verifier
        self._confirmer = confirmer
        self._now = now
        self._memory = memory

    def prepare(self) -> None:
        """Finds out what must be known before the first message; raises Unavailable."""
        self._memory()

    def is_warm(self, envelope: Envelope) -> bool:
        """True if neither `verify` nor `effects` will wait for anything."""
        known = self._memory.known and envelope.type is not MessageType.SUBSCRIPTION
        return known and self._verifier.is_warm(envelope)

    def verify(self, envelope: Envelope) -> None:
        """Returns if it is authentic, from a topic of ours and recent; may fetch a certificate.

        Raises:
            Rejected: it is not.
            Unavailable: the certificate's host can't be reached.
        """
        self._verifier.verify(envelope)

    def effects(self, envelope: Envelope, endpoint: str = "") -> Effects:
        """What a verified message changes; confirms a subscription. `endpoint` is the name of the door it came to.

        Raises:
            Rejected: a subscription whose address is not safe to ask.
            Unavailable: SNS, or the database, can't be reached.
        """
        source = Source(envelope.topic_arn, envelope.message_id, envelope.message, endpoint)
        if envelope.type is MessageType.NOTIFICATION:
            return accept(source, self._now(), self._memory())
        state, arn = "unsubscribed", ""
        if envelope.type is MessageType.SUBSCRIPTION:
            state, arn = "confirmed", self._confirmer.confirm(envelope)
        subscription = Subscription(envelope.topic_arn, state, arn, envelope.message_id)
        return Effects(kind=envelope.type.value, subscription=subscription, source=source)
