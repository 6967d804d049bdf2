"""What the routes of alerts take, as types and parameters."""

from typing import Annotated, TypedDict

from msgspec import UNSET, Meta, UnsetType

from webhook.dispatching.enrolment import DESCRIPTION_MAX, DOMAINS_MAX, OVERLAP, OVERLAP_MAX, TYPES_MAX
from webhook.domain.alert_payloads import AlertType
from webhook.domain.endpoints import RATE_MAX, RATE_MIN, Format, Kind, Signing
from webhook.moments import FORMS
from webhook.web.api.bodies import Body, Name, Owner, Why
from webhook.web.parameters import Parameter

#: `state` of a delivery.
DELIVERY_STATES = ("pending", "delivered", "dead")
_ID_MAX = 100

_TYPES = "Names of types, or their beginnings with `*` at the end; `*` is all but `email.*`."
_KINDS = Meta(description="What stands behind it.", extra_json_schema={"enum": [kind.value for kind in Kind]})
_SIGNINGS = Meta(
    description="How a webhook is signed: with a secret, or with a key whose public half it verifies with.",
    extra_json_schema={"enum": [signing.value for signing in Signing]},
)
_OVERLAP = (
    f"For how long the secrets of before sign as well: up to {OVERLAP_MAX.days}d, "
    f"{OVERLAP.days * 24}h without it, 0s for a secret that leaked."
)
_FORMATS = Meta(description="How its body looks.", extra_json_schema={"enum": [form.value for form in Format]})

Url = Annotated[str, Meta(min_length=1, max_length=2000, description="Where alerts go; its form depends on the kind.")]
Types = Annotated[list[str], Meta(description=_TYPES, max_length=TYPES_MAX, examples=[["domain.*"]])]
Domains = Annotated[list[str], Meta(description="Alerts about these domains only.", max_length=DOMAINS_MAX)]
Description = Annotated[str, Meta(max_length=DESCRIPTION_MAX, examples=["billing"])]
Headers = Annotated[dict[str, str], Meta(description="Sent with every delivery of a webhook.")]
_RATE = "Alerts a second, at most, from one an hour; null for no limit."
Rate = Annotated[float, Meta(description=_RATE, ge=RATE_MIN, le=RATE_MAX, examples=[5])]


class NewEndpoint(Body, frozen=True, kw_only=True):
    """What is left out is as in `Wanted`: a webhook that gets all types, of all domains."""

    url: Url
    kind: Annotated[str, _KINDS] | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    format: Annotated[str, _FORMATS] | UnsetType = UNSET
    signing: Annotated[str, _SIGNINGS] | UnsetType = UNSET
    owner: Owner | UnsetType | None = UNSET


class EndpointChanges(Body, frozen=True, kw_only=True):
    url: Url | UnsetType = UNSET
    types: Types | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    rate: Rate | UnsetType | None = UNSET
    format: Annotated[str, _FORMATS] | UnsetType = UNSET


class Disabling(Body, frozen=True, kw_only=True):
    why: Why | None = None


class Rotation(Body, frozen=True, kw_only=True):
    overlap: Annotated[str, Meta(max_length=50, description=_OVERLAP, examples=["24h"])] | None = None


class Replay(Body, frozen=True, kw_only=True):
    since: Annotated[str, Meta(max_length=50, description=f"Since when: {FORMS}.", examples=["24h"])]


class Redelivery(Body, frozen=True, kw_only=True):
    endpoint: Name | None = None


class OfType(TypedDict, total=False):
    """A parameter whose name Python has taken."""

    type: str


def _type(text: str) -> str:
    """A type, or the beginning of some."""
    beginning = text.removesuffix("*")
    if not any(kind == text or (beginning != text and kind.startswith(beginning)) for kind in AlertType):
        raise ValueError(f"must be one of {', '.join(AlertType)}, or the beginning of one and *, as in domain.*")
    return text


def _state(text: str) -> str:
    if text not in DELIVERY_STATES:
        raise ValueError(f"must be one of {', '.join(DELIVERY_STATES)}")
    return text


def _id(text: str) -> str:
    if len(text) > _ID_MAX or not text.isprintable():
        raise ValueError(f"must be the id of an endpoint, at most {_ID_MAX} characters")
    return text


_TYPE_TOLD = Meta(description="Only alerts of this type; its end may be `*`.", examples=["domain.reputation.*"])
_STATE_TOLD = Meta(description="Only deliveries of this state.", extra_json_schema={"enum": list(DELIVERY_STATES)})
TYPE = Parameter("type", _type, Annotated[str, _TYPE_TOLD])
STATE = Parameter("state", _state, Annotated[str, _STATE_TOLD])
_ENDPOINT_TOLD = Meta(description="To this endpoint only.", max_length=_ID_MAX)
ENDPOINT = Parameter("endpoint", _id, Annotated[str, _ENDPOINT_TOLD])
