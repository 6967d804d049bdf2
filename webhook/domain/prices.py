"""What SES charges for mail, by the day: https://aws.amazon.com/ses/pricing/. Pure; US dollars, never floats."""

import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=1)]


class Volume(Struct, frozen=True, forbid_unknown_fields=True):
    """Another price for the recipients of a month above so many."""

    above: _Count
    per_thousand: Decimal


class Choice(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The plan that the account, or one region of it, is on from a day on."""

    plan: str
    valid_from: date
    region: str = ""


class Price(Choice, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a plan costs from a day on: for 1,000 recipients, and for a GB of attachments if that is charged apart."""

    per_thousand: Decimal
    per_gb: Decimal | None = None
    volume: tuple[Volume, ...] = ()

    def check(self) -> None:
        """Raises ValueError if it makes no sense."""
        steps = [step.above for step in self.volume]
        if steps != sorted(set(steps)):
            raise ValueError(f"the volumes of {self.plan!r} do not rise")
        for money in (self.per_thousand, self.per_gb or Decimal(0), *(step.per_thousand for step in self.volume)):
            if not (money.is_finite() and money >= 0):
                raise ValueError(f"a price of {self.plan!r} is {money}: it must be dollars, 0 or more")

    def charge(self, before: Fraction, recipients: Fraction) -> Fraction:
        """Dollars for these recipients, if there were `before` in the same month already."""
        steps = [Volume(1, self.per_thousand), *self.volume]
        charged = Fraction(0)
        for place, step in enumerate(steps):
            low = Fraction(step.above) if place else Fraction(0)
            high = Fraction(steps[place + 1].above) if place + 1 < len(steps) else before + recipients
            within = min(before + recipients, high) - max(before, low)
            charged += max(within, Fraction(0)) * Fraction(step.per_thousand) / 1000
        return charged


class Free(Struct, frozen=True, forbid_unknown_fields=True):
    """Recipients a month that cost nothing, in each month that has a day of these."""

    recipients_per_month: _Count
    first: date
    last: date


_Dated = TypeVar("_Dated", bound=Choice)


class PriceList(Struct, frozen=True, forbid_unknown_fields=True):
    """All prices, and what of them holds for this account."""

    price: tuple[Price, ...]
    account: tuple[Choice, ...]
    free: tuple[Free, ...] = ()

    @classmethod
    def from_toml(cls, text: str) -> "PriceList":
        """The list in a TOML document such as webhook/prices.toml.

        Raises:
            ValueError: what is wrong there, in words.
        """
        told: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
        prices = msgspec.convert(told, cls)
        unknown = sorted({choice.plan for choice in prices.account} - {price.plan for price in prices.price})
        if unknown:
            raise ValueError(f"[[account]] names the plan {unknown[0]!r}, of which there is no [[price]]")
        for price in prices.price:
            price.check()
        return prices

    def on(self, day: date, region: str) -> Price | None:
        """The price of the account's plan on that day in that region, None if the list has none."""
        choice = _holding(self.account, day, region)
        if choice is None:
            return None
        return _holding([price for price in self.price if price.plan == choice.plan], day, region)

    def changes(self, first: date, last: date) -> tuple[date, ...]:
        """The days, `first` among them, on which a period of this span begins that has one price throughout."""
        plans = {choice.plan for choice in self.account}
        entries: list[Choice] = [*self.account, *(price for price in self.price if price.plan in plans)]
        begun = {entry.valid_from for entry in entries if first < entry.valid_from <= last}
        return (first, *sorted(begun))

    def free_between(self, first: date, last: date) -> int:
        """Recipients of that month that cost nothing."""
        return sum(free.recipients_per_month for free in self.free if free.first <= last and free.last >= first)


def _holding(entries: Iterable[_Dated], day: date, region: str) -> _Dated | None:
    """The one that began last; of the region's own and those of all regions the region's own."""
    begun = [entry for entry in entries if entry.valid_from <= day and entry.region in ("", region)]
    return max(begun, key=lambda entry: (entry.region != "", entry.valid_from), default=None)
