"""Endpoints as documents of MongoDB, there and back."""

from webhook.adapters.mongo.client import Document
from webhook.domain.endpoints import Endpoint, Format, Health, Kind, Secret, State


def endpoint_document(endpoint: Endpoint) -> Document:
    """An endpoint as it is stored."""
    made = {"kind": endpoint.kind.value, "owner": endpoint.owner, "createdAt": endpoint.created_at}
    return {"_id": endpoint.id, **made, **said_document(endpoint), **health_document(endpoint.health)}


def said_document(endpoint: Endpoint) -> Document:
    """The fields that a person may change."""
    return {
        "url": endpoint.url,
        "types": list(endpoint.types),
        "domains": list(endpoint.domains),
        "description": endpoint.description,
        "headers": headers_document(endpoint),
        "rate": endpoint.rate,
        "format": endpoint.format.value,
        "secrets": secret_documents(endpoint),
    }


def secret_documents(endpoint: Endpoint) -> list[Document]:
    """What it signs with, sealed."""
    return [_secret_document(secret) for secret in endpoint.secrets]


def _secret_document(secret: Secret) -> Document:
    stored: Document = {"sealed": secret.sealed, "createdAt": secret.created_at, "until": secret.until}
    return stored if secret.public is None else stored | {"public": secret.public}


def _secret_of(row: Document) -> Secret:
    return Secret(row["sealed"], row["createdAt"], row["until"], row.get("public"))


def headers_document(endpoint: Endpoint) -> Document | list[Document]:
    """What is sent with each delivery: a list, sealed. Where it was stored before it was sealed, an object."""
    if endpoint.headers_sealed:
        return [{"name": name, "sealed": sealed} for name, sealed in endpoint.headers.items()]
    return dict(endpoint.headers)


def health_document(health: Health) -> Document:
    """The fields that say how an endpoint fares."""
    is_disabled = health.state is State.DISABLED
    return {
        "state": health.state.value,
        "failures": health.failures,
        "failingSince": health.failing_since,
        "warnedAt": health.warned_at,
        "notBefore": health.not_before,
        "why": health.why,
        "disabled": {"at": health.disabled_at, "why": health.why} if is_disabled else None,
    }


def endpoint_of(document: Document) -> Endpoint:
    """The endpoint in a stored document."""
    headers = document["headers"]
    is_sealed = isinstance(headers, list)
    return Endpoint(
        id=document["_id"],
        url=document["url"],
        kind=Kind(document["kind"]),
        types=tuple(document["types"]),
        created_at=document["createdAt"],
        domains=tuple(document["domains"]),
        owner=document["owner"],
        description=document["description"],
        headers={row["name"]: row["sealed"] for row in headers} if is_sealed else headers,
        headers_sealed=is_sealed,
        rate=document["rate"],
        format=Format(document["format"]),
        secrets=tuple(_secret_of(row) for row in document["secrets"]),
        health=Health(
            state=State(document["state"]),
            failures=document["failures"],
            failing_since=document["failingSince"],
            warned_at=document["warnedAt"],
            not_before=document["notBefore"],
            why=document["why"],
            disabled_at=(document["disabled"] or {}).get("at"),
        ),
    )
