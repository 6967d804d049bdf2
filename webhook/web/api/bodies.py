"""What the API takes, as types: bodies are read by them, and the documentation is made of them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

Name = Annotated[str, Meta(min_length=1, max_length=500, examples=["example.com"])]
Owner = Annotated[str, Meta(pattern=r"^[\w.@-]{1,64}$", examples=["acme"])]
Why = Annotated[str, Meta(min_length=1, max_length=500, examples=["asked for by the customer"])]
Address = Annotated[str, Meta(min_length=3, max_length=320, examples=["ann@example.net"])]
Accounts = Annotated[int, Meta(ge=1, le=1_000_000_000, description="Mailboxes that the platform allows.")]


class Body(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A body that is taken: a field it does not know is an error."""


class NewDomain(Body, frozen=True, kw_only=True):
    domain: Name
    max_accounts: Accounts | None = None
    owner: Owner | None = None
    mail_from_domain: Annotated[str, Meta(min_length=1, max_length=500, examples=["bounce.example.com"])] | None = None


class DomainChanges(Body, frozen=True, kw_only=True):
    max_accounts: Accounts | UnsetType = UNSET
    owner: Owner | UnsetType | None = UNSET
    mail_from_domain: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType | None = UNSET
    dkim_signing: bool | UnsetType = UNSET


class Reason(Body, frozen=True, kw_only=True):
    why: Why


class NewSuppression(Body, frozen=True, kw_only=True):
    address: Address
    reason: Literal["bounce", "complaint", "unsubscribe", "manual"]
    domain: Name | None = None
    owner: Owner | None = None
    expires_at: datetime | None = None
    note: Annotated[str, Meta(max_length=500)] | None = None


class Check(Body, frozen=True, kw_only=True):
    addresses: Annotated[list[Address], Meta(min_length=1, max_length=1000)]
    domain: Name | None = None


class Mail(Body, frozen=True, kw_only=True):
    """A mail by its parts (`subject`, and `text`, `html` or both), or whole (`raw`); never both.

    `from`, `to`, `cc` and `bcc` are the envelope in either case: 50 recipients at most.
    """

    sender: Annotated[str, Meta(examples=["Shop <shop@example.com>"])] = field(name="from")
    to: Annotated[list[str], Meta(min_length=1, max_length=50, examples=[["ann@example.net"]])]
    cc: Annotated[list[str], Meta(max_length=50)] | UnsetType = UNSET
    bcc: Annotated[list[str], Meta(max_length=50)] | UnsetType = UNSET
    reply_to: list[str] | UnsetType = UNSET
    subject: Annotated[str, Meta(max_length=998, examples=["Your order"])] | UnsetType = UNSET
    text: Annotated[str, Meta(examples=["It is on its way."])] | UnsetType = UNSET
    html: str | UnsetType = UNSET
    tags: dict[str, str] | UnsetType = UNSET
    raw: Annotated[str, Meta(description="A whole MIME message, in base64.")] | UnsetType = UNSET
