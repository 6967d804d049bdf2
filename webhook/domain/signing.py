"""Signing what is sent to endpoints, as in Standard Webhooks, so that receivers know who wrote it and when.

Source: https://www.standardwebhooks.com and its specification,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

PREFIX = "whsec_"
"""How every secret begins."""
SECRET_BYTES = range(24, 65)
"""How long a secret may be, in bytes."""

Signer = Callable[[bytes], str]
"""Signs bytes: `v1,<base64>` or `v1a,<base64>`."""


def secret_of(entropy: bytes) -> str:
    """The secret made of these random bytes: `whsec_` and their base64; ValueError unless there are 24 to 64."""
    if len(entropy) not in SECRET_BYTES:
        raise ValueError(f"a signing secret has 24 to 64 random bytes, not {len(entropy)}")
    return PREFIX + base64.b64encode(entropy).decode()


def hmac_signer(secret: str) -> Signer:
    """Signs with HMAC-SHA256 and this secret; ValueError if it is none (the message does not repeat it)."""
    key = _key_of(secret)

    def sign(signed: bytes) -> str:
        return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

    return sign


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a signing secret is whsec_ followed by base64") from error
    if not secret.startswith(PREFIX) or len(key) not in SECRET_BYTES:
        raise ValueError("a signing secret is whsec_ followed by the base64 of 24 to 64 bytes")
    return key


def signed_headers(identity: str, at: datetime, body: bytes, signers: Sequence[Signer]) -> dict[str, str]:
    """The three headers of Standard Webhooks for this body.

    `identity` is the alert's, the same in every attempt; `at` is the moment of this attempt, aware of its time zone.
    Each signer adds a signature, the newest first: while a secret is being replaced the receiver may know either.

    Raises:
        ValueError: there is no signer, `at` has no time zone, or the identity has a full stop or blank in it.
    """
    if not signers:
        raise ValueError("there is no secret to sign with")
    if at.tzinfo is None:
        raise ValueError("the moment of an attempt must have a time zone")
    # A full stop ends the identity in what is signed: with one inside it, two readings would have one signature.
    if not identity or not identity.isascii() or not identity.isprintable() or set(identity) & {".", " "}:
        raise ValueError(f"an alert's id can't be {identity!r}: it is part of what is signed")
    timestamp = str(int(at.timestamp()))
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    return {
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(sign(signed) for sign in signers),
    }
