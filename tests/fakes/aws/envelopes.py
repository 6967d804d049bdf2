"""What a topic says, signed as SNS signs it with the topic's SignatureVersion."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from moto.sns.models import Subscription

from webhook.domain.envelope import MessageType
from webhook.emulator.notary import Notary
from webhook.emulator.topic import Signed, Topic


@cache
def notary() -> Notary:
    """The key of all fakes of this process: making one takes its time."""
    return Notary.fresh(datetime.now(UTC))


class Line(Topic, frozen=True):
    """A topic as one of its subscriptions sees it."""

    subscription: str = ""

    @property
    def subscription_arn(self) -> str:
        return self.subscription


def line(subscription: Subscription, origin: str) -> Line:
    """The topic of the subscription; certificates and confirmations are at `origin`."""
    version = str(getattr(subscription.topic, "signature_version", None) or "1")
    return Line(subscription.topic.arn, notary(), origin, version, subscription.arn)


def confirmation(subscription: Subscription, origin: str, token: str, now: datetime) -> Signed:
    """The request to confirm the subscription."""
    return line(subscription, origin).confirmation(
        MessageType.SUBSCRIPTION, token=token, message_id=str(uuid4()), at=now
    )


def notification(subscription: Subscription, origin: str, published: "Published") -> Signed:
    """A published message, or the bare message if the subscription wants it raw."""
    signed = line(subscription, origin).notification(
        published.message, message_id=published.message_id, subject=published.subject, at=published.at
    )
    if subscription.attributes.get("RawMessageDelivery"):
        return Signed(signed.headers | {"x-amz-sns-rawdelivery": "true"}, published.message.encode())
    if not published.attributes:
        return signed
    body = json.loads(signed.body) | {"MessageAttributes": published.attributes}
    return Signed(signed.headers, json.dumps(body, indent=2).encode())


class Published:
    """A message that was published; `attributes` as they stand in an envelope: {name: {"Type", "Value"}}."""

    def __init__(
        self, message: str, subject: str | None, attributes: dict[str, Any] | None, structure: str | None, at: datetime
    ) -> None:
        self.message = message
        self.subject = subject
        self.attributes = attributes or {}
        self.structure = structure
        self.at = at
        self.message_id = str(uuid4())

    def for_protocol(self, protocol: str) -> "Published":
        """The same, with the text that is meant for the protocol."""
        if self.structure != "json":
            return self
        texts = json.loads(self.message)
        meant = Published(texts.get(protocol, texts["default"]), self.subject, self.attributes, None, self.at)
        meant.message_id = self.message_id
        return meant
