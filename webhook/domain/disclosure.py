"""What people and the audit trail see of an endpoint: no secrets, neither those it signs with nor others. Pure."""

from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from webhook.domain.endpoints import Endpoint, Kind, State

#: Stands for what is hidden.
HIDDEN = "…"
#: The address that a chat's service made for a channel is a password: whoever knows it may post there.
SECRET_ADDRESSES = frozenset({Kind.SLACK, Kind.TEAMS})
#: Letters of such an address that are shown, to tell two of them apart, and how many there must be to hide them among.
_END, _HIDDEN_AT_LEAST = 3, 16

#: What a person says of an endpoint, and may see.
_SAID = ("url", "types", "domains", "description", "headers", "rate", "format")


class Deed(StrEnum):
    """What was done to an endpoint, as the audit trail has it."""

    ADDED = "endpoint.added"
    CHANGED = "endpoint.changed"
    ROTATED = "endpoint.secret_rotated"
    ENABLED = "endpoint.enabled"
    DISABLED = "endpoint.disabled"
    REMOVED = "endpoint.removed"


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as lists and answers have it: without secrets, a chat's address and the values of headers hidden."""
    health, made_at = endpoint.health, endpoint.created_at
    return {
        "id": endpoint.id,
        "kind": endpoint.kind.value,
        "owner": endpoint.owner,
        # One that was made this moment is told as the database keeps it.
        "createdAt": made_at.replace(microsecond=made_at.microsecond // 1000 * 1000),
        **_said(endpoint),
        "signing": endpoint.signing.value if endpoint.signing else None,
        "publicKey": endpoint.public_key,
        "state": health.state.value,
        "failures": health.failures,
        "failingSince": health.failing_since,
        "why": health.why,
        "disabled": {"at": health.disabled_at, "why": health.why} if health.state is State.DISABLED else None,
    }


def noted(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as a row of the audit trail names it."""
    said = {"id": endpoint.id, "kind": endpoint.kind.value, "url": shown_url(endpoint)}
    return said | ({"description": endpoint.description} if endpoint.description else {})


def changes(before: Endpoint, after: Endpoint) -> dict[str, dict[str, Any]]:
    """What a person changed: `{field: {from, to}}`. Where only what is hidden differs, both look alike."""
    old, new = _said(before), _said(after)
    hidden = {"url": before.url != after.url, "headers": before.headers != after.headers}
    return {name: {"from": old[name], "to": new[name]} for name in _SAID if hidden.get(name, old[name] != new[name])}


def shown_url(endpoint: Endpoint) -> str:
    """Its address: `https://hooks.slack.com/…9xQ` where the path is a secret."""
    if endpoint.kind not in SECRET_ADDRESSES:
        return endpoint.url
    scheme, host, *_ = urlsplit(endpoint.url)
    secret = endpoint.url[len(f"{scheme}://{host}") :].removeprefix("/")
    end = secret[-_END:] if len(secret) >= _HIDDEN_AT_LEAST + _END else ""
    return f"{scheme}://{host}/{HIDDEN}{end}"


def _said(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "url": shown_url(endpoint),
        "types": list(endpoint.types),
        "domains": list(endpoint.domains),
        "description": endpoint.description,
        "headers": dict.fromkeys(endpoint.headers, HIDDEN),
        "rate": endpoint.rate,
        "format": endpoint.format.value,
    }
