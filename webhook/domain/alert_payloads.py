"""What each type of alert carries in `data`: one value per type, and the JSON Schema of each that is published."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from webhook.domain.reputation import Status


class AlertType(StrEnum):
    """Everything that is told, by the words of the public contract."""

    WARNING = "domain.reputation.warning"
    FLAGGED = "domain.reputation.flagged"
    RECOVERED = "domain.reputation.recovered"
    VERIFICATION = "domain.verification.changed"
    PAUSED = "domain.paused"
    RESUMED = "domain.resumed"
    BOUNCED = "email.bounced"
    COMPLAINED = "email.complained"
    SUBSCRIPTION = "subscription.changed"
    QUOTA = "quota.threshold_reached"
    DIVERGED = "counts.diverged"
    ENDPOINT_FAILING = "endpoint.failing"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_TEST = "endpoint.test"


class Numbers(Struct, frozen=True):
    """What was counted."""

    sent: int
    bounces: int
    complaints: int


class Window(Struct, frozen=True):
    """Whole UTC days, both ends included."""

    days: int
    first: str = field(name="from")
    last: str = field(name="to")


class Bounds(Struct, frozen=True):
    """Between which shares the true rate lies with 95 % certainty; null where there is no rate."""

    bounce: tuple[float, float] | None
    complaint: tuple[float, float] | None


class Limits(Struct, frozen=True):
    """The shares above which a domain is flagged."""

    bounce: float
    complaint: float


class Reputation(Struct, frozen=True, rename="camel"):
    """A verdict as `emaildomains.reputation` holds it. Rates are shares: 0.0525 is 5.25 %."""

    status: Status
    flags: list[str]
    reason: str | None
    bounce_rate: float | None
    complaint_rate: float | None
    sent: int
    bounces: int
    complaints: int
    left_out: Numbers
    blind_wirings: list[str]
    window: Window
    bounds: Bounds
    limits: Limits
    sentence: str
    evaluated_at: datetime
    since: datetime | None = None


class Previous(Struct, frozen=True):
    """What was thought of the domain before."""

    status: Status
    flags: list[str]


class Payload(Struct, frozen=True, kw_only=True, rename="camel"):
    """What every alert carries. `sequence` rises with each alert about the same domain, or about none."""

    sequence: int | UnsetType = UNSET


class OfDomain(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every alert about a domain carries; `owner` where the domain has one."""

    domain: str
    owner: str | UnsetType = UNSET


class Judged(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """A change of reputation, with the sentence that explains it and the numbers behind it."""

    reputation: Reputation
    previous: Previous
    sentence: str
    window: Window
    link: str | UnsetType = UNSET


class Cause(Struct, frozen=True):
    """What made us look."""

    kind: str
    detail: str | None = None


class VerificationChanged(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """One aspect of a domain's verification (`identity`, `dkim`, `mail_from`, `sending`) is another than before."""

    aspect: str
    before: str | None = field(name="from")
    after: str | None = field(name="to")
    cause: Cause


class Paused(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """Sending was stopped, by `staff` or by `policy`."""

    by: str
    who: str
    why: str


class Resumed(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """Sending may go on."""

    who: str
    why: str


class Bounced(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """A recipient's mail bounced; `code` is the answer of the recipient's server."""

    message_id: str
    recipient: str
    bounce_type: str
    bounce_subtype: str
    code: str
    sent_at: datetime


class Complained(OfDomain, frozen=True, kw_only=True, rename="camel"):
    """A recipient complained; the recipient is empty where SES does not say which one."""

    message_id: str
    recipient: str
    feedback_id: str
    feedback_type: str
    sent_at: datetime


class SubscriptionChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """A topic's subscription was confirmed, or somebody ended it: then nothing more will be heard."""

    topic_arn: str
    state: str
    arn: str | UnsetType = UNSET


class QuotaReached(Payload, frozen=True, kw_only=True, rename="camel"):
    """So much of the account's sending quota of 24 hours is used; `threshold` is a share of it."""

    threshold: float
    used: float
    max: float
    region: str | None = None


class Diverged(Payload, frozen=True, kw_only=True, rename="camel"):
    """Our counts and AWS's own differ by more than is explained, over the days from `first` to `last`.

    Without `domain` it is of the whole account.
    """

    domain: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    first: str = field(name="from")
    last: str = field(name="to")
    ours: dict[str, int]
    theirs: dict[str, int]
    sentence: str


class EndpointTold(Struct, frozen=True):
    """An endpoint, without its address: for some kinds the address is a secret."""

    id: str
    kind: str
    description: str


class EndpointTrouble(Payload, frozen=True, kw_only=True, rename="camel"):
    """An endpoint takes nothing (`endpoint.failing`), or was given up (`endpoint.disabled`): a person may enable it."""

    endpoint: EndpointTold
    why: str
    failing_since: datetime | None = None


class EndpointTested(Payload, frozen=True, kw_only=True, rename="camel"):
    """Somebody tries an endpoint out; nothing has happened."""

    endpoint: EndpointTold
    sentence: str


PAYLOADS: dict[AlertType, type[Payload]] = {
    AlertType.WARNING: Judged,
    AlertType.FLAGGED: Judged,
    AlertType.RECOVERED: Judged,
    AlertType.VERIFICATION: VerificationChanged,
    AlertType.PAUSED: Paused,
    AlertType.RESUMED: Resumed,
    AlertType.BOUNCED: Bounced,
    AlertType.COMPLAINED: Complained,
    AlertType.SUBSCRIPTION: SubscriptionChanged,
    AlertType.QUOTA: QuotaReached,
    AlertType.DIVERGED: Diverged,
    AlertType.ENDPOINT_FAILING: EndpointTrouble,
    AlertType.ENDPOINT_DISABLED: EndpointTrouble,
    AlertType.ENDPOINT_TEST: EndpointTested,
}
#: Types without a number: what is not stored has no place among the others.
UNNUMBERED = frozenset({AlertType.ENDPOINT_TEST})


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each type's whole body, complete in itself. Receivers must allow for more fields."""
    return {kind.value: _schema(kind, payload) for kind, payload in PAYLOADS.items()}


def _schema(kind: AlertType, payload: type[Payload]) -> dict[str, Any]:
    (reference,), components = msgspec.json.schema_components([payload], ref_template="#/$defs/{name}")
    own = components[payload.__name__]
    if kind not in UNNUMBERED:
        own["required"] = ["sequence", *own.get("required", ())]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.value,
        "description": own.pop("description", ""),
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": kind.value},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": reference,
        },
        "$defs": components,
    }
