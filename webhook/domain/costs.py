"""What a month's mail costs, by domain: how many recipients SES charges for, at which price, and whose they are. Pure.

SES charges for each recipient of a mail that it accepts (https://aws.amazon.com/ses/pricing/). One that it then holds
back is accepted too: "SES will still count it as a send, but delivery is suppressed"
(https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html), so he is charged for.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import NamedTuple

from msgspec import Struct

from webhook.domain.prices import Price, PriceList
from webhook.errors import Invalid

#: Dollars are shown to this part: what one recipient costs.
SHOWN = Decimal("0.0001")


class Usage(Struct, frozen=True):
    """What a domain sent within a period that began on `since`.

    `sent` and `held` are recipients, see `domain.counts`; `whole` is false if nothing tells how much was sent, but only
    what came of it.
    """

    domain: str
    owner: str | None
    region: str
    since: date
    sent: int
    held: int = 0
    whole: bool = True

    @property
    def recipients(self) -> int:
        """Those that SES charges for."""
        return self.sent + self.held


class Line(Struct, frozen=True):
    """What a domain of an owner costs in the month."""

    domain: str
    owner: str | None
    recipients: int
    held: int
    amount: Decimal
    whole: bool


class Charge(Struct, frozen=True):
    """What one price came to, in one region and from `first` to `last`."""

    first: date
    last: date
    region: str
    price: Price
    recipients: int
    amount: Decimal


class Bill(Struct, frozen=True):
    """A month: its lines, the dearest first, and how they came about. `free` are recipients that cost nothing."""

    lines: tuple[Line, ...]
    charges: tuple[Charge, ...]
    free: int


class _Part(NamedTuple):
    since: date
    region: str
    price: Price
    recipients: int
    amount: Fraction


def bill(usages: Iterable[Usage], prices: PriceList, first: date, last: date) -> Bill:
    """What these usages of the days from `first` to `last`, all of one month, cost.

    The free recipients are shared out in proportion, and so is what a lower price for volume saves. The amounts of the
    lines add up to those of the charges.

    Raises:
        Invalid: `month`, the list has no price for days on which something was sent.
    """
    found = [usage for usage in usages if usage.recipients]
    total = sum(usage.recipients for usage in found)
    free = min(prices.free_between(first, last), total)
    parts = _parts(found, prices, Fraction(total - free, total or 1))
    return Bill(
        _lines(found, {(part.since, part.region): part.amount / part.recipients for part in parts}),
        _charges(parts, prices.changes(first, last), last),
        free,
    )


def rounded(amounts: Sequence[Fraction]) -> list[Decimal]:
    """The amounts as they are shown: rounded such that they add up to their sum, rounded (largest remainders)."""
    exact = [amount / Fraction(SHOWN) for amount in amounts]
    units = [floor(amount) for amount in exact]
    lacking = floor(sum(exact, Fraction(0)) + Fraction(1, 2)) - sum(units)
    by_remainder = sorted(range(len(exact)), key=lambda place: (units[place] - exact[place], place))
    for place in by_remainder[:lacking]:
        units[place] += 1
    return [unit * SHOWN for unit in units]


def _parts(usages: Iterable[Usage], prices: PriceList, paid: Fraction) -> list[_Part]:
    """The month by period and region, in order: volumes count up through it. `paid` is the share that is not free."""
    counted: dict[tuple[date, str], int] = {}
    for usage in usages:
        key = (usage.since, usage.region)
        counted[key] = counted.get(key, 0) + usage.recipients
    parts: list[_Part] = []
    before: dict[tuple[str, str], Fraction] = {}
    for (since, region), recipients in sorted(counted.items()):
        price = prices.on(since, region)
        if price is None:
            raise _no_price(since, region)
        volume = (region, price.plan)
        charged = recipients * paid
        amount = price.charge(before.get(volume, Fraction(0)), charged)
        before[volume] = before.get(volume, Fraction(0)) + charged
        parts.append(_Part(since, region, price, recipients, amount))
    return parts


def _lines(usages: Iterable[Usage], each: Mapping[tuple[date, str], Fraction]) -> tuple[Line, ...]:
    of: dict[tuple[str, str | None], list[Usage]] = {}
    for usage in usages:
        of.setdefault((usage.domain, usage.owner), []).append(usage)
    exact = [
        sum((each[usage.since, usage.region] * usage.recipients for usage in own), Fraction(0)) for own in of.values()
    ]
    lines = [
        Line(
            domain=domain,
            owner=owner,
            recipients=sum(usage.recipients for usage in own),
            held=sum(usage.held for usage in own),
            amount=amount,
            whole=all(usage.whole for usage in own),
        )
        for ((domain, owner), own), amount in zip(of.items(), rounded(exact), strict=True)
    ]
    return tuple(sorted(lines, key=lambda line: (-line.amount, -line.recipients, line.domain, line.owner or "")))


def _charges(parts: Sequence[_Part], begins: Sequence[date], last: date) -> tuple[Charge, ...]:
    ends = dict(zip(begins, (*(begin - timedelta(days=1) for begin in begins[1:]), last), strict=True))
    amounts = rounded([part.amount for part in parts])
    return tuple(
        Charge(part.since, ends[part.since], part.region, part.price, part.recipients, amount)
        for part, amount in zip(parts, amounts, strict=True)
    )


def _no_price(day: date, region: str) -> Invalid:
    where = f" in {region}" if region else ""
    return Invalid(
        "month",
        f"there is no price of {day.isoformat()}{where}",
        "Add it to the file that PRICES_FILE names, with a valid_from that is not after that day.",
    )
