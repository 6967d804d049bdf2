"""What AWS says of identities: EventBridge's `aws.ses`, AWS Health and CloudTrail. Hints, parsed defensively."""

import re
from collections.abc import Callable
from datetime import datetime

from webhook.domain import events as ev
from webhook.domain.address import well_formed
from webhook.domain.payload import Advice, ApiCall, Health, Payload, read_detail
from webhook.errors import NotUnderstood

MAX_DETAIL = 500
_DOMAIN_IN_TEXT = re.compile(r"\b((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})\b", re.IGNORECASE)


def read_identity_event(payload: Payload, at: datetime) -> ev.IdentityEvent:
    """The event in an EventBridge envelope that is not about a single mail.

    Raises:
        NotUnderstood: `unknown_type`, or `malformed` with the path to the field.
    """
    source, kind = payload.source or "", payload.detail_type or ""
    for origin, prefix, reader in _READERS:
        if source == origin and kind.startswith(prefix):
            return reader(payload, at)
    raise NotUnderstood("unknown_type", f"`{kind[:80]}` of `{source[:80]}` tells nothing about SES identities")


def _id(payload: Payload) -> str:
    if not payload.id:
        raise NotUnderstood("malformed", "Object missing required field `id` - at `$`")
    return payload.id


def _advised(payload: Payload, at: datetime) -> ev.IdentityEvent:
    advice = read_detail(payload.detail, Advice)
    detail = f"{payload.detail_type}: {advice.data}"[:MAX_DETAIL]
    return ev.AdviceChanged(_id(payload), at, _identity_in(payload.resources), detail)


def _sending_changed(payload: Payload, at: datetime) -> ev.IdentityEvent:
    status = read_detail(payload.detail, Advice)
    detail = f"{payload.detail_type}: {status.data}"[:MAX_DETAIL]
    return ev.SendingStatusChanged(_id(payload), at, _identity_in(payload.resources), detail)


def _health_reported(payload: Payload, at: datetime) -> ev.IdentityEvent:
    health = read_detail(payload.detail, Health)
    if health.service != "SES":
        raise NotUnderstood("unknown_type", f"AWS Health speaks of `{(health.service or '')[:80]}`, not of SES")
    # Cut short: searching for a name in text without end takes time without end.
    values = [(entity.entity_value or "")[:MAX_DETAIL] for entity in health.affected_entities or ()]
    domains = [match[1].lower() for value in values for match in [_DOMAIN_IN_TEXT.search(value)] if match]
    return ev.HealthReported(_id(payload), at, domains[0] if domains else "", health.event_type_code or "")


def _called(payload: Payload, at: datetime) -> ev.IdentityEvent:
    call = read_detail(payload.detail, ApiCall)
    if call.event_source != "ses.amazonaws.com":
        raise NotUnderstood("unknown_type", f"a call of `{(call.event_source or '')[:80]}`, not of SES")
    asked = call.request_parameters or {}
    named = next((asked[key] for key in ("emailIdentity", "domain", "identity") if isinstance(asked.get(key), str)), "")
    return ev.ApiCalled(_id(payload), at, well_formed(named.rpartition("@")[2]), call.event_name or "")


def _identity_in(resources: list[str] | None) -> str:
    """The domain of the first identity ARN; "" for tenants."""
    for resource in resources or ():
        named = resource.partition(":identity/")[2]
        if named:
            return well_formed(named.rpartition("@")[2])
    return ""


_Reader = Callable[[Payload, datetime], ev.IdentityEvent]

_READERS: tuple[tuple[str, str, _Reader], ...] = (
    ("aws.ses", "Advisor Recommendation Status ", _advised),
    ("aws.ses", "Sending Status ", _sending_changed),
    ("aws.health", "AWS Health", _health_reported),
    ("aws.ses", "AWS API Call via CloudTrail", _called),
)
