"""Key pairs of Standard Webhooks (`v1a`) as text: the private half signs, whoever has the public one verifies. Pure.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import binascii

PRIVATE_PREFIX = "whsk_"
PUBLIC_PREFIX = "whpk_"
_BYTES = 32


def private_of(private: bytes, public: bytes) -> str:
    """The private key of these halves: `whsk_` and the base64 of both, as libsodium has it."""
    return PRIVATE_PREFIX + base64.b64encode(private + public).decode()


def public_of(private: str) -> str | None:
    """What a receiver verifies with, `whpk_` and base64; None if this is no private key with both of its halves."""
    try:
        raw = base64.b64decode(private.removeprefix(PRIVATE_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not private.startswith(PRIVATE_PREFIX) or len(raw) != 2 * _BYTES:
        return None
    return PUBLIC_PREFIX + base64.b64encode(raw[_BYTES:]).decode()
