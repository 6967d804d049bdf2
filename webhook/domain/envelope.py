"""The envelope that Amazon SNS puts around every message it posts: from bytes to a typed value, and what was signed.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, and for the string to sign
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from datetime import datetime
from enum import StrEnum
from typing import Self

import msgspec

from webhook.errors import Rejected

# SNS posts at most 256 KiB of message; JSON escaping makes the body larger than that.
MAX_BYTES = 512 * 1024

SIGNATURE_VERSIONS = frozenset({"1", "2"})


class MessageType(StrEnum):
    """The three kinds of message that SNS posts to an HTTPS endpoint."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIBE = "UnsubscribeConfirmation"


class Envelope(msgspec.Struct, frozen=True):
    """One well-formed SNS message; nothing in it is trusted until the verifier has passed it.

    Strings are exactly as received (never stripped: Amazon SES ends its messages with a newline, and that is signed).
    `timestamp` is the text as signed, `signed_at` the same moment in UTC. `token` and `subscribe_url` are present on
    every confirmation.
    """

    type: MessageType
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signed_at: datetime
    signature_version: str
    signature: bytes
    signing_cert_url: str
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = None

    @classmethod
    def from_bytes(cls, body: bytes, *, header_type: str | None = None, raw_delivery: bool = False) -> Self:
        """The envelope in this request body; raises `Rejected` for anything else, and nothing but `Rejected`.

        `header_type` is the header `x-amz-sns-message-type`, if there was one; `raw_delivery` says whether the header
        `x-amz-sns-rawdelivery` was true. Both are unsigned, so they can only make the answer stricter.
        """
        if len(body) > MAX_BYTES:
            raise Rejected(413, "too_large", f"the body has {len(body)} bytes, the limit is {MAX_BYTES}")
        if raw_delivery:
            raise Rejected(403, "unsigned", "raw message delivery carries no signature; switch it off")
        wire = _decode(body)
        kind = _kind(wire.Type, header_type)
        if kind is not MessageType.NOTIFICATION:
            _require_confirmation_fields(wire)
        return cls(
            type=kind,
            message_id=wire.MessageId,
            topic_arn=wire.TopicArn,
            message=wire.Message,
            timestamp=wire.Timestamp,
            signed_at=_moment(wire.Timestamp),
            signature_version=_version(wire.SignatureVersion),
            signature=_signature(wire.Signature),
            signing_cert_url=wire.SigningCertURL or wire.SigningCertUrl,
            subject=wire.Subject,
            token=wire.Token,
            subscribe_url=wire.SubscribeURL,
        )


def string_to_sign(envelope: Envelope) -> bytes:
    """The bytes that SNS signed: `key, newline, value, newline` of the signed fields, sorted by key, in UTF-8.

    A subject counts only where there is one. SigningCertURL, UnsubscribeURL and MessageAttributes are not signed.
    """
    if envelope.type is MessageType.NOTIFICATION:
        subject = "" if envelope.subject is None else f"Subject\n{envelope.subject}\n"
        text = (
            f"Message\n{envelope.message}\nMessageId\n{envelope.message_id}\n{subject}"
            f"Timestamp\n{envelope.timestamp}\nTopicArn\n{envelope.topic_arn}\nType\n{envelope.type.value}\n"
        )
    else:
        text = (
            f"Message\n{envelope.message}\nMessageId\n{envelope.message_id}\nSubscribeURL\n{envelope.subscribe_url}\n"
            f"Timestamp\n{envelope.timestamp}\nToken\n{envelope.token}\nTopicArn\n{envelope.topic_arn}\n"
            f"Type\n{envelope.type.value}\n"
        )
    return text.encode()


class _Wire(msgspec.Struct):
    """The JSON as it travels, in SNS's own spelling; AWS Lambda's copies spell the addresses `...Url`."""

    Type: str
    MessageId: str
    TopicArn: str
    Message: str
    Timestamp: str
    SignatureVersion: str
    Signature: str
    SigningCertURL: str = ""
    SigningCertUrl: str = ""
    Subject: str | None = None
    Token: str | None = None
    SubscribeURL: str | None = None


_WIRE = msgspec.json.Decoder(_Wire)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TYPES = {kind.value: kind for kind in MessageType}
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_WRONG_FIELD = re.compile(r"at `\$\.(\w+)`$")
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`$")
# By these an unsigned body shows what it is meant as: an SNS envelope, an SES payload, an EventBridge event.
_MEANT_FOR_US = frozenset({"Type", "TopicArn", "eventType", "notificationType", "detail-type"})
# Invalid UTF-8 is a ValueError, and so is every msgspec error; nesting without end is a RecursionError.
_UNREADABLE = (ValueError, RecursionError)


def _not_sns(detail: str) -> Rejected:
    return Rejected(400, "not_sns", detail)


def _decode(body: bytes) -> _Wire:
    try:
        wire = _WIRE.decode(body)
    except _UNREADABLE as error:
        raise _why_unreadable(body, error) from error
    if not (wire.SigningCertURL or wire.SigningCertUrl):
        raise Rejected(403, "unsigned", "SigningCertURL: missing")
    return wire


def _why_unreadable(body: bytes, error: Exception) -> Rejected:
    """What is wrong with a body that is no envelope; off the hot path, so it may decode once more."""
    try:
        keys = _OBJECT.decode(body).keys()
    except _UNREADABLE:
        return _not_sns("the body is not a JSON object")
    signed = "Signature" in keys and not keys.isdisjoint({"SigningCertURL", "SigningCertUrl"})
    if not signed and not keys.isdisjoint(_MEANT_FOR_US):
        return Rejected(403, "unsigned", "the body carries no SNS signature")
    if wrong := _WRONG_FIELD.search(str(error)):
        return _not_sns(f"{wrong[1]}: expected a string")
    if missing := _MISSING_FIELD.search(str(error)):
        return _not_sns(f"{missing[1]}: missing")
    return _not_sns("a string in the body is not valid UTF-8")


def _kind(text: str, header_type: str | None) -> MessageType:
    kind = _TYPES.get(text)
    if kind is None:
        raise _not_sns("Type: not one that SNS posts")
    if header_type is not None and header_type != text:
        raise Rejected(403, "type_mismatch", f"the header says another type than the body, which says {text}")
    return kind


def _require_confirmation_fields(wire: _Wire) -> None:
    if not wire.Token:
        raise _not_sns("Token: missing")
    if not wire.SubscribeURL:
        raise _not_sns("SubscribeURL: missing")


def _moment(text: str) -> datetime:
    try:
        # Python reads more forms than SNS writes (offsets, week dates), so the pattern comes first.
        if _TIMESTAMP.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_sns("Timestamp: no such moment") from error
    raise _not_sns("Timestamp: expected the form 2026-01-31T12:34:56.789Z")


def _version(text: str) -> str:
    if text not in SIGNATURE_VERSIONS:
        raise Rejected(403, "bad_signature", "SignatureVersion: neither 1 nor 2")
    return text


def _signature(text: str) -> bytes:
    try:
        signature = a2b_base64(text, strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise Rejected(403, "bad_signature", "Signature: not base64") from error
    if not signature:
        raise Rejected(403, "bad_signature", "Signature: empty")
    return signature
