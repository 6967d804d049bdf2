"""What the API answers, as types: never made, only described; the documentation is made of them.

What is answered may have more fields than these: `emaildomains` is shared with the platform's own backend.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

_EXAMPLE = "example.com"
State = Literal["pending", "success", "failed", "temporary_failure", "not_started"]


class Reply(Struct, frozen=True, rename="camel", kw_only=True):
    """A body that is answered."""


class Problem(Reply, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Meta(examples=["about:blank"])]
    title: Annotated[str, Meta(examples=["Bad Request"])]
    status: Annotated[int, Meta(examples=[400])]
    detail: str
    instance: Annotated[str, Meta(examples=["/api/email-domains"])]
    success: Literal[False]
    code: Annotated[str, Meta(examples=["bad_parameter"], description="One word for programs.")]
    hint: Annotated[str, Meta(description="What would help.")]
    parameter: Annotated[str, Meta(description="Which parameter or field is wrong.")] | UnsetType = UNSET
    reason: Annotated[str, Meta(description="Why a message stays in quarantine.")] | UnsetType = UNSET


class DnsRecord(Reply, frozen=True, kw_only=True):
    type: Literal["CNAME", "MX", "TXT"]
    name: str
    value: str


class AwsProblem(Reply, frozen=True, kw_only=True):
    code: Annotated[str, Meta(examples=["aws_access_denied"])]
    detail: str
    hint: str


class MailFrom(Reply, frozen=True, kw_only=True):
    domain: str
    status: State | UnsetType | None = UNSET


class AwsSes(Reply, frozen=True, kw_only=True):
    """A domain at SES. What the platform's own backend put there has what it put there."""

    registered: bool | UnsetType = UNSET
    region: str | UnsetType | None = UNSET
    registered_at: Any = UNSET
    verification_status: State | UnsetType | None = UNSET
    dkim_status: State | UnsetType | None = UNSET
    verified_for_sending: bool | UnsetType | None = UNSET
    dkim_tokens: list[Annotated[str, Meta(examples=["t1._domainkey.example.com"])]] | UnsetType = UNSET
    dkim_records: list[DnsRecord] | UnsetType = UNSET
    mail_from: MailFrom | UnsetType | None = UNSET
    last_verification_check: Any = UNSET
    error: AwsProblem | UnsetType | None = UNSET


class Paused(Reply, frozen=True, kw_only=True):
    by: Literal["staff", "policy"]
    who: str
    why: str
    at: datetime


class Window(Reply, frozen=True, kw_only=True):
    days: int
    first: str = msgspec.field(name="from")
    to: str


class Verdict(Reply, frozen=True, kw_only=True):
    """A domain's verdict; see the documentation's page on counting."""

    status: Literal["healthy", "warning", "flagged", "insufficient_data"]
    flags: list[Literal["bounce", "complaint"]]
    reason: str | None
    bounce_rate: float | None
    complaint_rate: float | None
    sent: int
    bounces: int
    complaints: int
    window: Window
    sentence: str
    since: datetime | None
    evaluated_at: datetime


class Domain(Reply, frozen=True, kw_only=True):
    """The fields of `emaildomains`, the platform's own included."""

    domain: Annotated[str, Meta(examples=[_EXAMPLE])]
    max_accounts: Any = UNSET
    owner: Any = UNSET
    aws_ses: AwsSes | UnsetType = UNSET
    reputation: Verdict | None
    paused: Paused | None


class DomainPage(Reply, frozen=True, kw_only=True):
    items: list[Domain]
    next_cursor: str | None


class Added(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    message: str
    domain: Annotated[str, Meta(examples=[_EXAMPLE])]
    aws_ses: AwsSes


class Removed(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    message: str
    domain: str


class Finding(Reply, frozen=True, kw_only=True):
    type: str
    name: str
    expected: Any
    observed: Any
    status: str
    mistake: str | None
    advice: str


class Dns(Reply, frozen=True, kw_only=True):
    records: list[Finding]
    ok: bool


class Verified(Reply, frozen=True, kw_only=True):
    aws_ses: AwsSes
    dns: Dns


class Change(Reply, frozen=True, kw_only=True):
    at: datetime
    aspect: Literal["identity", "dkim", "mail_from", "sending"]
    before: Any = msgspec.field(name="from")
    to: Any
    cause: dict[str, Any]


class ChangePage(Reply, frozen=True, kw_only=True):
    items: list[Change]
    next_cursor: str | None


class Flip(Reply, frozen=True, kw_only=True):
    at: datetime
    before: str = msgspec.field(name="from")
    to: str
    flags: list[str]
    why: str


class Reputation(Reply, frozen=True, kw_only=True):
    domain: str
    reputation: Verdict
    daily: list[dict[str, Any]]
    providers: list[dict[str, Any]]
    history: list[Flip]


class Event(Reply, frozen=True, kw_only=True):
    kind: str
    at: datetime
    message_id: str
    domain: str
    sent_at: datetime
    recipient: str | None


class EventPage(Reply, frozen=True, kw_only=True):
    items: list[Event]
    next_cursor: str | None


class Story(Reply, frozen=True, kw_only=True):
    message_id: str
    domain: str
    sent_at: datetime
    recipients: list[str]
    wirings: list[str]
    events: list[Event]


class Sent(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    message_id: str


class Quota(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    region: str
    max24_hour_send: float | None = msgspec.field(name="max24HourSend")
    sent_last24_hours: float = msgspec.field(name="sentLast24Hours")
    remaining: float | None
    max_send_rate: float | None
    used_share: float | None
    exhausted_at: datetime | None


class AccountState(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    region: str
    sandbox: bool
    sending_enabled: bool
    enforcement_status: str
    explanation: str


class Suppression(Reply, frozen=True, kw_only=True):
    id: str
    address: str
    scope: Literal["account", "owner", "domain"]
    reason: Literal["bounce", "complaint", "unsubscribe", "manual"]
    created_at: datetime
    expires_at: datetime | None


class SuppressionPage(Reply, frozen=True, kw_only=True):
    items: list[Suppression]
    next_cursor: str | None


class Checked(Reply, frozen=True, kw_only=True):
    suppressed: dict[str, Any]


class Kept(Reply, frozen=True, kw_only=True):
    """A message that was not understood."""

    id: str
    reason: str
    detail: str
    topic_arn: str
    message_id: str
    at: datetime
    copies: int
    message: str | UnsetType = UNSET


class KeptPage(Reply, frozen=True, kw_only=True):
    items: list[Kept]
    next_cursor: str | None


class Done(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    id: str


class Replayed(Reply, frozen=True, kw_only=True):
    success: Literal[True]
    id: str
    status: str


class AuditRow(Reply, frozen=True, kw_only=True):
    at: datetime
    action: str
    who: str
    why: str | UnsetType | None = UNSET


class AuditPage(Reply, frozen=True, kw_only=True):
    items: list[AuditRow]
    next_cursor: str | None
