"""What the API answers about costs, as types; see `replies`."""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from webhook.web.api.replies import Reply

_Dollars = Annotated[str, Meta(examples=["12.3400"], description="US dollars, exact.")]
_Share = Annotated[float | None, Meta(description="Of the amount told; null if that is nothing.")]


class CostVolume(Reply, frozen=True, kw_only=True):
    above: int
    per_thousand: _Dollars


class CostPrice(Reply, frozen=True, kw_only=True):
    first: date = msgspec.field(name="from")
    to: date
    region: str | None
    plan: str
    valid_from: date
    per_thousand: _Dollars
    volume: list[CostVolume]
    per_gb: _Dollars | None
    recipients: int | UnsetType = UNSET
    amount: _Dollars | UnsetType = UNSET


class CostOfOwner(Reply, frozen=True, kw_only=True):
    owner: str | None
    domains: int
    recipients: int
    held: int
    amount: _Dollars
    share: _Share


class CostOfDomain(Reply, frozen=True, kw_only=True):
    domain: str
    owner: str | None
    recipients: Annotated[int, Meta(description="Those that SES charges for, with those it held back.")]
    held: int
    amount: _Dollars
    share: _Share
    whole: Annotated[bool, Meta(description="False if it costs more: nothing tells how much was sent.")]


class Costs(Reply, frozen=True, kw_only=True):
    """A month's costs. The amounts of all items add up to `amount`."""

    month: Annotated[str, Meta(examples=["2026-03"])]
    first: date = msgspec.field(name="from")
    to: date
    so_far: bool
    currency: Literal["USD"]
    domains: int
    recipients: int
    held: int
    amount: _Dollars
    free: Annotated[int | None, Meta(description="Recipients of the account that cost nothing; for those who see all.")]
    attachments: None
    prices: list[CostPrice]
    price_file: str
    notes: list[str]
    owners: list[CostOfOwner]
    items: list[CostOfDomain]
    next_cursor: str | None
