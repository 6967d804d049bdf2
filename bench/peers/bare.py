"""The least that any receiver must do with a message, and nothing more: parse, verify, parse; no database.

`verifying(…)` and `silent()` make ASGI callables for the same HTTP server as the product's.
"""

import base64
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Asgi = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Asgi]]
Send = Callable[[Asgi], Awaitable[None]]
App = Callable[[Asgi, Receive, Send], Awaitable[None]]

HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"21")]
ACCEPTED = b'{"status":"accepted"}'


class Notification(msgspec.Struct, frozen=True, rename="pascal"):
    """An SNS notification."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    subject: str | None = None


class Mail(msgspec.Struct, frozen=True, rename="camel"):
    """The mail that an event is about."""

    message_id: str
    timestamp: str
    source: str
    source_arn: str
    destination: list[str]
    tags: dict[str, list[str]] = {}


class BouncedRecipient(msgspec.Struct, frozen=True, rename="camel"):
    """One address that bounced."""

    email_address: str
    status: str | None = None


class Bounce(msgspec.Struct, frozen=True, rename="camel"):
    """What happened to it."""

    feedback_id: str
    bounce_type: str
    bounce_sub_type: str
    bounced_recipients: list[BouncedRecipient]
    timestamp: str


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """An SES event as published to SNS."""

    event_type: str
    mail: Mail
    bounce: Bounce | None = None


read_notification = msgspec.json.Decoder(Notification).decode
read_event = msgspec.json.Decoder(Event).decode


def key_of(certificate: str) -> rsa.RSAPublicKey:
    """The public key in a PEM file."""
    key = x509.load_pem_x509_certificate(Path(certificate).read_bytes()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def verify(key: rsa.RSAPublicKey, message: Notification) -> None:
    """Raise InvalidSignature unless the message was signed with this key."""
    subject = "" if message.subject is None else f"Subject\n{message.subject}\n"
    text = (
        f"Message\n{message.message}\nMessageId\n{message.message_id}\n{subject}"
        f"Timestamp\n{message.timestamp}\nTopicArn\n{message.topic_arn}\nType\n{message.type}\n"
    )
    signature = base64.b64decode(message.signature)
    key.verify(signature, text.encode(), padding.PKCS1v15(), HASHES[message.signature_version])


def understand(key: rsa.RSAPublicKey, body: bytes) -> Event:
    """The verified event in a request's body."""
    message = read_notification(body)
    verify(key, message)
    return read_event(message.message)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        body += part.get("body", b"")
        more = part.get("more_body", False)
    return body


async def _answer(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ACCEPTED})


def verifying(certificate: str) -> App:
    """An app that answers 200 to what is authentic and 403 to the rest."""
    key = key_of(certificate)

    async def app(_scope: Asgi, receive: Receive, send: Send) -> None:
        try:
            understand(key, await _body(receive))
        except (InvalidSignature, msgspec.ValidationError):
            await _answer(send, 403)
        else:
            await _answer(send, 200)

    return app


def silent() -> App:
    """An app that reads the request and answers 200 whatever it holds."""

    async def app(_scope: Asgi, receive: Receive, send: Send) -> None:
        await _body(receive)
        await _answer(send, 200)

    return app
