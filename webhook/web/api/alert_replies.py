"""What the routes of alerts answer, as types."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from webhook.web.api.replies import Reply

_ID = Meta(examples=["ep_65ed8a40c0ffee0000000001"])
_SECRET = Meta(description="The signing secret: told this once, and never again.", examples=["whsec_…"])


_PUBLIC_KEY = Meta(description="What its signatures (`v1a`) are verified with.", examples=["whpk_…"])


class Disabled(Reply, frozen=True, kw_only=True):
    at: datetime | None
    why: str | None


class AlertEndpoint(Reply, frozen=True, kw_only=True):
    """An endpoint: without its secrets, the address of a chat's channel (but its end) and the values of its headers."""

    id: Annotated[str, _ID]
    kind: Literal["webhook", "slack", "teams", "sns", "sqs", "eventbridge", "email"]
    owner: str | None
    created_at: datetime
    url: str
    types: list[str]
    domains: list[str]
    description: str
    headers: dict[str, str]
    rate: float | None
    format: Literal["standard", "cloudevents"]
    signing: Literal["hmac", "ed25519"] | None
    public_key: Annotated[str, _PUBLIC_KEY] | None
    state: Literal["active", "failing", "disabled"]
    failures: int
    failing_since: datetime | None
    why: str | None
    disabled: Disabled | None


class AlertEndpointWithSecret(AlertEndpoint, frozen=True, kw_only=True):
    """The endpoint, with its secret if it has one that others are to know; a new one with its whole `url`.

    A repeated answer (`Idempotency-Replayed`) is as any other.
    """

    secret: Annotated[str, _SECRET] | UnsetType = UNSET


class AlertEndpointPage(Reply, frozen=True, kw_only=True):
    items: list[AlertEndpoint]
    next_cursor: str | None


class Tested(Reply, frozen=True, kw_only=True):
    """What came back; nothing is kept of it. `body` is the beginning of the answer."""

    delivered: bool
    status: int | None
    ms: int
    error: str | None
    body: str


class ToldAgain(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    id: str
    alerts: Annotated[int, Meta(description="How many alerts it gets again.")]


class Redelivered(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    id: str
    deliveries: Annotated[int, Meta(description="To how many endpoints it is delivered again.")]


class Attempt(Reply, frozen=True, kw_only=True):
    number: int
    at: datetime
    ms: int
    status: int | None
    error: str | None
    body: str


class Delivery(Reply, frozen=True, kw_only=True):
    """An alert at an endpoint; `due` is when it is tried next."""

    alert: str
    endpoint: str
    type: str
    domain: str | None
    sequence: int | None
    state: Literal["pending", "delivered", "dead"]
    due: datetime | None
    attempt: int
    attempts: list[Attempt]
    created_at: datetime
    delivered_at: datetime | None


class DeliveryPage(Reply, frozen=True, kw_only=True):
    items: list[Delivery]
    next_cursor: str | None


class Alert(Reply, frozen=True, kw_only=True):
    """An alert; what is in `data` is told by the JSON Schema of its type."""

    id: Annotated[str, Meta(examples=["alt_01k9xq3v5wfm8c2n7r4t6y9b0d"])]
    type: str
    timestamp: datetime
    domain: str | None
    owner: str | None
    sequence: int | None
    data: dict[str, Any]


class AlertPage(Reply, frozen=True, kw_only=True):
    items: list[Alert]
    next_cursor: str | None


class AlertWithDeliveries(Alert, frozen=True, kw_only=True):
    deliveries: list[Delivery]


class AlertTypes(Reply, frozen=True, kw_only=True):
    """The JSON Schema (2020-12) of the body of each type, by its name."""

    types: dict[str, dict[str, Any]]
