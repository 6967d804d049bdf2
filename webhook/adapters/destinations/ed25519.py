"""Signing with a key pair (`v1a` of Standard Webhooks): who can verify cannot sign."""

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from webhook.domain.key_pairs import PRIVATE_PREFIX
from webhook.domain.signing import Signer


def ed25519_signer(private: str) -> Signer:
    """Signs with this private key; ValueError if it is none (the message does not repeat it)."""
    key = _key_of(private)

    def sign(signed: bytes) -> str:
        return "v1a," + base64.b64encode(key.sign(signed)).decode()

    return sign


def _key_of(private: str) -> Ed25519PrivateKey:
    try:
        raw = base64.b64decode(private.removeprefix(PRIVATE_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a private key is whsk_ followed by base64") from error
    if not private.startswith(PRIVATE_PREFIX) or len(raw) not in {32, 64}:
        raise ValueError("a private key is whsk_ followed by the base64 of 32 or 64 bytes")
    key = Ed25519PrivateKey.from_private_bytes(raw[:32])
    if raw[32:] not in {b"", key.public_key().public_bytes_raw()}:
        raise ValueError("the halves of this private key don't belong together")
    return key
