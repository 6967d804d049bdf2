"""Endpoints: which alerts one gets, and what its successes and failures make of it. Pure.

An endpoint is `active`; from its first failure `failing`; and `disabled` at once if it says that it is gone for good
(410), or after five days of nothing but failures. Two days before that it is warned of. Only a person enables it again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alert_payloads import AlertType, EndpointTold
from webhook.domain.alerts import OPT_IN

WARNED_AFTER = timedelta(days=3)
DISABLED_AFTER = timedelta(days=5)
#: Failures in a row after which only one delivery at a time probes whether it is back, and how often.
BREAKS_AFTER = 5
PROBE_EVERY = timedelta(seconds=60)
#: Alerts a second that a rate may allow: from one an hour.
RATE_MIN, RATE_MAX = 1 / 3600, 1000.0

GONE = "it answered 410: it is gone for good"
SILENT = f"it took nothing for {DISABLED_AFTER.days} days"
UNTOUCHED = f"it took nothing for {WARNED_AFTER.days} days; after {DISABLED_AFTER.days} it is disabled"


class Kind(StrEnum):
    """What stands behind an endpoint."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    SNS = "sns"
    SQS = "sqs"
    EVENTBRIDGE = "eventbridge"
    EMAIL = "email"


#: These act with the credentials of this service: what they reach is for its operators to say.
OURS = frozenset({Kind.SNS, Kind.SQS, Kind.EVENTBRIDGE, Kind.EMAIL})


class Format(StrEnum):
    """How a webhook's body looks."""

    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


class Signing(StrEnum):
    """How a webhook's deliveries are signed: with a secret that both sides hold, or with a key that only one has."""

    HMAC = "hmac"
    ED25519 = "ed25519"


class State(StrEnum):
    """Whether an endpoint gets anything."""

    ACTIVE = "active"
    FAILING = "failing"
    DISABLED = "disabled"


class Secret(Struct, frozen=True):
    """A signing secret or private key, sealed. One that is being replaced signs as well, `until` its time is over.

    `public` is the other half of a key: what its signatures are verified with.
    """

    sealed: str
    created_at: datetime
    until: datetime | None = None
    public: str | None = None


class Health(Struct, frozen=True):
    """How an endpoint fares: `failures` in a row since `failing_since`; `warned_at` when it was warned of.

    `not_before`: nothing is delivered until then, because it is being probed or has a rate.
    """

    state: State = State.ACTIVE
    failures: int = 0
    failing_since: datetime | None = None
    warned_at: datetime | None = None
    not_before: datetime | None = None
    why: str | None = None
    disabled_at: datetime | None = None

    @property
    def broken(self) -> bool:
        """True if only probes get through."""
        return self.failures >= BREAKS_AFTER


class Endpoint(Struct, frozen=True):
    """Somebody who wants to be told. No `domains` means all, no `owner` all owners; `rate` is per second.

    The values of `headers` are sealed where `headers_sealed` says so; what was stored before there was that is not.
    """

    id: str
    url: str
    kind: Kind
    types: tuple[str, ...]
    created_at: datetime
    domains: tuple[str, ...] = ()
    owner: str | None = None
    description: str = ""
    headers: Mapping[str, str] = {}
    headers_sealed: bool = False
    rate: float | None = None
    format: Format = Format.STANDARD
    secrets: tuple[Secret, ...] = ()
    health: Health = Health()

    @property
    def state(self) -> State:
        """Whether it gets anything."""
        return self.health.state

    @property
    def told(self) -> EndpointTold:
        """What alerts say of it."""
        return EndpointTold(self.id, self.kind.value, self.description)

    @property
    def public_key(self) -> str | None:
        """What its newest signatures are verified with; None if that is a secret, or nothing is signed."""
        return max(self.secrets, key=lambda secret: secret.created_at).public if self.secrets else None

    @property
    def signing(self) -> Signing | None:
        """How its deliveries are signed; None if they are not."""
        if not self.secrets:
            return None
        return Signing.ED25519 if self.public_key else Signing.HMAC

    def secrets_at(self, now: datetime) -> tuple[Secret, ...]:
        """The secrets that sign now, the newest first."""
        valid = (secret for secret in self.secrets if secret.until is None or secret.until > now)
        return tuple(sorted(valid, key=lambda secret: secret.created_at, reverse=True))


def wants(
    endpoint: Endpoint, kind: AlertType, domain: str | None, owner: str | None, *, even_disabled: bool = False
) -> bool:
    """Whether an endpoint is to get an alert of this type, about this domain of this owner."""
    return (
        (even_disabled or endpoint.state is not State.DISABLED)
        and (endpoint.owner is None or endpoint.owner == owner)
        and (not endpoint.domains or domain in endpoint.domains)
        and any(covers(pattern, kind) for pattern in endpoint.types)
    )


def concerns(endpoint: Endpoint, data: Mapping[str, Any]) -> bool:
    """Whether an alert is about this very endpoint: it is told to the others only.

    A bounced or unwanted mail to the mailbox that is told by mail is about that mailbox: telling it would be the next.
    """
    told = data.get("endpoint")
    if isinstance(told, dict) and told.get("id") == endpoint.id:
        return True
    recipient = data.get("recipient")
    return endpoint.kind is Kind.EMAIL and isinstance(recipient, str) and _mailbox(recipient) == _mailbox(endpoint.url)


def _mailbox(text: str) -> str:
    return text.strip().lower().removeprefix("mailto:")


def covers(pattern: str, kind: AlertType) -> bool:
    """Whether a type is meant: by its name, or by its beginning and `*`. What is opt-in must be named by its family."""
    if pattern == kind:
        return True
    beginning = pattern.removesuffix("*")
    if beginning == pattern or not kind.startswith(beginning):
        return False
    return kind not in OPT_IN or beginning.startswith(kind.partition(".")[0] + ".")


def is_pattern(text: str) -> bool:
    """Whether a text names at least one type."""
    return any(covers(text, kind) for kind in AlertType)


# -- what happens to it


class Notice(StrEnum):
    """What the others are to be told of an endpoint."""

    FAILING = AlertType.ENDPOINT_FAILING.value
    DISABLED = AlertType.ENDPOINT_DISABLED.value


def succeeded(health: Health) -> Health:
    """After a delivery that was taken; one that is disabled stays so, since a person decided or will."""
    return health if health.state is State.DISABLED else Health()


def failed(health: Health, now: datetime, detail: str, *, gone: bool = False) -> tuple[Health, Notice | None]:
    """After a delivery that was not taken, for the reason in `detail`; `gone` if it never will be."""
    if health.state is State.DISABLED:
        return health, None
    since = health.failing_since or now
    failures = health.failures + 1
    probe = now + PROBE_EVERY if failures >= BREAKS_AFTER else None
    after = replace(
        health, state=State.FAILING, failures=failures, failing_since=since, not_before=probe, why=detail or None
    )
    if gone or now - since >= DISABLED_AFTER:
        return disabled(after, now, GONE if gone else f"{SILENT}; the last time: {detail}"), Notice.DISABLED
    return reviewed(after, now)


def reviewed(health: Health, now: datetime) -> tuple[Health, Notice | None]:
    """As time goes by without a delivery: one that has been failing for long is warned of, once."""
    since = health.failing_since
    if health.state is not State.FAILING or since is None or health.warned_at or now - since < WARNED_AFTER:
        return health, None
    return replace(health, warned_at=now), Notice.FAILING


def disabled(health: Health, now: datetime, why: str) -> Health:
    """Gets nothing from now on, until a person enables it."""
    return replace(health, state=State.DISABLED, disabled_at=now, why=why, not_before=None)


def disabled_by(who: str, why: str = "") -> str:
    """The reason that is told of an endpoint that a person disabled."""
    return f"disabled by {who}: {why}" if why else f"disabled by {who}"


def enabled() -> Health:
    """A person enabled it: all begins anew."""
    return Health()


def held_until(endpoint: Endpoint, count: int, now: datetime) -> datetime | None:
    """Until when nothing more is delivered after `count` at once: while it is probed, and where it has a rate."""
    if endpoint.health.broken:
        return now + PROBE_EVERY
    rate = _rate(endpoint)
    return now + timedelta(seconds=count / rate) if rate else None


def most_at_once(endpoint: Endpoint, now: datetime, pace: timedelta) -> int | None:
    """How many deliveries its health and rate allow now, if there is a look every `pace`; None if any number."""
    health = endpoint.health
    if health.not_before and health.not_before > now:
        return 0
    if health.broken:
        return 1
    rate = _rate(endpoint)
    return max(1, int(rate * pace.total_seconds())) if rate else None


def _rate(endpoint: Endpoint) -> float | None:
    """Its rate, held to what one may be: a stored one is from before there was a least, or from another hand."""
    rate = endpoint.rate
    if not rate:
        return None
    return min(rate, RATE_MAX) if rate >= RATE_MIN else RATE_MIN  # not a number is not at least anything
