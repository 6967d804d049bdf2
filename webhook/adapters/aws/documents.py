"""JSON documents inside the attributes that AWS gives: policies, mostly."""

from typing import Any

import msgspec


def decoded(text: str | None) -> dict[str, Any]:
    """The document in an attribute; one that is missing or not understood is empty, and so not as it should be."""
    try:
        document = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def encoded(value: object) -> str:
    """A document for an attribute."""
    return msgspec.json.encode(value).decode()
