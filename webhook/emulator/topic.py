"""A topic and its one subscription: turns what was published into the signed request that SNS posts.

https://docs.aws.amazon.com/sns/latest/dg/http-header.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from datetime import datetime
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import msgspec

from webhook.domain.envelope import Envelope, MessageType, string_to_sign
from webhook.emulator.notary import Notary, base64
from webhook.emulator.payloads import timestamp

USER_AGENT = "Amazon Simple Notification Service Agent"
CONTENT_TYPE = "text/plain; charset=UTF-8"

_VISIT = "visit the SubscribeURL included in this message."
_CHOSEN = {
    MessageType.SUBSCRIPTION: (
        f"You have chosen to subscribe to the topic {{topic}}.\nTo confirm the subscription, {_VISIT}"
    ),
    MessageType.UNSUBSCRIBE: (
        "You have chosen to deactivate subscription {subscription}.\n"
        f"To cancel this operation and restore the subscription, {_VISIT}"
    ),
}


class Signed(msgspec.Struct, frozen=True):
    """A request as SNS would post it: the same bytes, however often it is tried."""

    headers: dict[str, str]
    body: bytes


class Topic(msgspec.Struct, frozen=True):
    """`arn` is the topic's; certificates and confirmations are served at `origin` (`http://127.0.0.1:4566`)."""

    arn: str
    notary: Notary
    origin: str
    signature_version: str = "2"

    @property
    def subscription_arn(self) -> str:
        """The ARN of the endpoint's subscription."""
        return f"{self.arn}:{uuid5(NAMESPACE_URL, self.arn)}"

    @property
    def certificate_url(self) -> str:
        """Where a receiver finds the certificate."""
        return f"{self.origin}/{self.notary.file_name}"

    def subscribe_url(self, token: str) -> str:
        """What the endpoint must visit to confirm its subscription."""
        return f"{self.origin}/?{urlencode({'Action': 'ConfirmSubscription', 'TopicArn': self.arn, 'Token': token})}"

    def notification(self, message: str, *, message_id: str, subject: str | None, at: datetime) -> Signed:
        """A published message, signed and addressed; `at` becomes its Timestamp."""
        return self._signed(self._unsigned(MessageType.NOTIFICATION, message, message_id, at, subject=subject))

    def confirmation(self, kind: MessageType, *, token: str, message_id: str, at: datetime) -> Signed:
        """A SubscriptionConfirmation, or the UnsubscribeConfirmation that offers to subscribe again."""
        url = self.subscribe_url(token)
        text = _CHOSEN[kind].format(topic=self.arn, subscription=self.subscription_arn)
        return self._signed(self._unsigned(kind, text, message_id, at, token=token, subscribe_url=url))

    def _unsigned(
        self,
        kind: MessageType,
        message: str,
        message_id: str,
        at: datetime,
        *,
        subject: str | None = None,
        token: str | None = None,
        subscribe_url: str | None = None,
    ) -> Envelope:
        return Envelope(
            type=kind,
            message_id=message_id,
            topic_arn=self.arn,
            message=message,
            timestamp=timestamp(at),
            signed_at=at,
            signature_version=self.signature_version,
            signature=b"",
            signing_cert_url=self.certificate_url,
            subject=subject,
            token=token,
            subscribe_url=subscribe_url,
        )

    def _signed(self, envelope: Envelope) -> Signed:
        signature = self.notary.sign(string_to_sign(envelope), self.signature_version)
        body = {
            "Type": envelope.type,
            "MessageId": envelope.message_id,
            "Token": envelope.token,
            "TopicArn": envelope.topic_arn,
            "Subject": envelope.subject,
            "Message": envelope.message,
            "SubscribeURL": envelope.subscribe_url,
            "Timestamp": envelope.timestamp,
            "SignatureVersion": envelope.signature_version,
            "Signature": base64(signature),
            "SigningCertURL": envelope.signing_cert_url,
            "UnsubscribeURL": self._unsubscribe_url() if envelope.type is MessageType.NOTIFICATION else None,
        }
        present = {key: value for key, value in body.items() if value is not None}
        return Signed(self._headers(envelope), msgspec.json.format(msgspec.json.encode(present), indent=2))

    def _headers(self, envelope: Envelope) -> dict[str, str]:
        headers = {
            "x-amz-sns-message-type": envelope.type.value,
            "x-amz-sns-message-id": envelope.message_id,
            "x-amz-sns-topic-arn": envelope.topic_arn,
        }
        if envelope.type is not MessageType.SUBSCRIPTION:
            headers["x-amz-sns-subscription-arn"] = self.subscription_arn
        return headers | {"Content-Type": CONTENT_TYPE, "User-Agent": USER_AGENT}

    def _unsubscribe_url(self) -> str:
        return f"{self.origin}/?{urlencode({'Action': 'Unsubscribe', 'SubscriptionArn': self.subscription_arn})}"
