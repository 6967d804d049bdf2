"""What Amazon SES tells and is told, as values: identities, the account, a mail to send. States are in lower case."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

#: Calls a second of the whole account that are no sends. SES takes one ("Service quotas in Amazon SES"),
#: and counts them as they arrive, not as they leave: the rest is room for what happens to them on the way.
API_RATE = 0.8
#: What MAIL FROM does while its MX record is missing: SES sends with its own domain instead of refusing.
USE_DEFAULT = "USE_DEFAULT_VALUE"
#: The tags of identities that we made: that it was us, and for whom.
MANAGED_TAG, MANAGED = "ses-sentinel", "managed"
OWNER_TAG = "ses-sentinel-owner"


class State(StrEnum):
    """How far an identity, its DKIM or its MAIL FROM has come (VerificationStatus, DkimStatus and so on)."""

    NOT_STARTED = "not_started"
    PENDING = "pending"
    SUCCESS = "success"
    TEMPORARY_FAILURE = "temporary_failure"
    FAILED = "failed"

    @classmethod
    def from_text(cls, text: str | None) -> "State":
        """The state that SES spells so, in whatever case; one that we don't know counts as not started."""
        lowered = (text or "").lower()
        return cls(lowered) if lowered in _STATES else cls.NOT_STARTED


_STATES = frozenset(state.value for state in State)


class Identity(Struct, frozen=True, kw_only=True):
    """An identity as SES described it. `dkim_tokens` are bare; `behavior` is what happens while MAIL FROM fails."""

    name: str
    verified_for_sending: bool = False
    verification: State = State.NOT_STARTED
    dkim_status: State = State.NOT_STARTED
    dkim_tokens: tuple[str, ...] = ()
    signing_hosted_zone: str = ""
    signing_enabled: bool = False
    mail_from_domain: str | None = None
    mail_from_status: State | None = None
    behavior: str | None = None
    configuration_set: str | None = None
    last_success: datetime | None = None
    last_checked: datetime | None = None
    error_type: str | None = None
    tags: Mapping[str, str] = {}


class Listed(Struct, frozen=True):
    """A line of the list of identities."""

    name: str
    sending_enabled: bool
    verification: State


class ListedPage(Struct, frozen=True):
    """Up to 1000 domain identities; `next_token` of None ends the list. Address identities are left out."""

    items: tuple[Listed, ...]
    next_token: str | None


class Tenant(Struct, frozen=True):
    """A tenant: `arn` is `arn:aws:ses:REGION:ACCOUNT:tenant/NAME/ID`."""

    name: str
    arn: str

    def arn_of(self, resource: str) -> str:
        """The ARN of a resource (`identity/example.com`) in the tenant's account and region."""
        return ":".join([*self.arn.split(":")[:5], resource])


class AccountState(Struct, frozen=True, kw_only=True):
    """The account in its region. A `max_24_hour_send` of None is unlimited (SES says -1); the rate is a second's."""

    region: str
    production_access: bool
    sending_enabled: bool
    enforcement_status: str
    max_24_hour_send: float | None
    sent_last_24_hours: float
    max_send_rate: float | None


class Outgoing(Struct, frozen=True, kw_only=True):
    """A mail for SES to send: `raw` (a whole MIME message), or a subject with a text, an HTML body, or both."""

    source: str
    to: Sequence[str]
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    raw: bytes | None = None
    tags: Mapping[str, str] = {}
    configuration_set: str | None = None
    tenant: str | None = None


def backoff(attempts: int, jitter: float, *, base: float = 2.0, cap: float = 3600.0) -> float:
    """Seconds to wait after the so-manieth failure: between half of base·2^(attempts-1) and all of it, at most `cap`.

    `jitter` in [0, 1) keeps those who failed together from coming back together.
    """
    whole = min(cap, base * 2.0 ** min(max(attempts, 1) - 1, 30))
    return whole * (0.5 + jitter / 2)
