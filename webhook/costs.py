"""What mail costs, by month, domain and owner, as it is told."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from webhook.domain.costs import SHOWN, Charge, Line, Usage, bill
from webhook.domain.prices import PriceList
from webhook.errors import Invalid, NotFound
from webhook.paging import LIMIT, BadCursor, Item, page_of, unseal
from webhook.pipeline import HISTORY

CURRENCY = "USD"
NOTHING = 0 * SHOWN
_MONTH = re.compile(r"[1-9]\d{3}-(?:0[1-9]|1[0-2])", re.ASCII)


class Spendings(Protocol):
    """Who knows how much was sent."""

    def between(self, first: date, last: date, begins: Sequence[date], region: str) -> list[Usage]:
        """What each domain sent on these days, by the periods that begin on `begins`."""
        ...


class Costs:
    """Tells what a month costs. `region` is where domains are that don't say; `source` names the list of prices."""

    def __init__(
        self, spendings: Spendings, prices: PriceList, now: Callable[[], datetime], *, region: str, source: str
    ) -> None:
        self._spendings = spendings
        self._prices = prices
        self._now = now
        self._region = region
        self._source = source

    def of_month(self, month: str = "", *, owner: str | None = None, domain: str = "") -> Item:
        """A month's costs, `YYYY-MM`, this month's if it is left out; all of them, or one owner's, or one domain's.

        `{month, from, to, soFar, currency, recipients, amount, free, items: [line, …], owners: [sum, …], prices,
        priceFile, attachments: None, notes}`. Amounts are dollars, and those of `items` add up to `amount`. What is of
        the account as a whole is told only where all of it is asked for.

        Raises:
            Invalid: `month` is none, has not begun, is not counted any more, or has no price.
            NotFound: nothing was sent in that month by the domain that was asked for.
        """
        today = self._now().date()
        first = _first_of(month, today)
        last = _last_of(first)
        usages = self._spendings.between(first, last, self._prices.changes(first, last), self._region)
        found = bill(usages, self._prices, first, last)
        lines = [line for line in found.lines if owner in (None, line.owner) and domain in ("", line.domain)]
        if domain and not lines:
            raise NotFound(f"{domain} sent nothing in {first:%Y-%m}: look at its name and the month")
        whole, total = owner is None and not domain, _total(lines)
        return {
            "month": f"{first:%Y-%m}",
            "from": first,
            "to": min(last, today),
            "soFar": today <= last,
            "currency": CURRENCY,
            **_sum(lines),
            "free": found.free if whole else None,
            "attachments": None,
            "prices": [_price(charge, whole=whole) for charge in found.charges],
            "priceFile": self._source,
            "notes": list(_notes(lines, first, today)),
            "owners": _owners(lines),
            "items": [_line(line, total) for line in lines],
        }

    def page(self, month: str = "", *, owner: str | None = None, cursor: str = "", limit: int = LIMIT) -> Item:
        """The same, its items page by page, with `nextCursor`; raises BadCursor too."""
        told = self.of_month(month, owner=owner)
        of, start = unseal(cursor, str, int) if cursor else (told["month"], 0)
        if of != told["month"] or start < 0:
            raise BadCursor
        page = page_of(told.pop("items")[start : start + limit + 1], limit, lambda _: [of, start + limit])
        return {**told, "items": page.items, "nextCursor": page.next_cursor}


def month_of(text: str) -> str:
    """A month as it is given, YYYY-MM; raises ValueError, whose message says what is taken."""
    if not _MONTH.fullmatch(text):
        raise ValueError("must be a month, as in 2026-03")
    return text


def _first_of(month: str, today: date) -> date:
    """The month's first day; raises Invalid unless it has begun and something of it is still counted."""
    if not month:
        return today.replace(day=1)
    try:
        first = date.fromisoformat(f"{month_of(month)}-01")
    except ValueError as error:
        raise Invalid("month", str(error), "Give YYYY-MM.") from error
    if first > today:
        raise Invalid("month", f"{month} has not begun", f"Give a month up to {today:%Y-%m}.")
    oldest = _oldest(today)
    if _last_of(first) < oldest:
        told = f"{month} is not counted any more: counters are kept {HISTORY.days} days"
        raise Invalid("month", told, f"Give a month from {oldest:%Y-%m} on.")
    return first


def _last_of(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _oldest(today: date) -> date:
    """The first day that is still counted for certain."""
    return today - HISTORY


def _notes(lines: Iterable[Line], first: date, today: date) -> Iterator[str]:
    oldest = _oldest(today)
    if first < oldest:
        yield f"Only the days from {oldest} on are in it: counters are kept {HISTORY.days} days."
    blind = sum(not line.whole for line in lines)
    if blind:
        yield (
            f"{blind} of the domains cost more than is told: wirings of theirs publish neither Send nor Delivery, so "
            "nothing says how much they sent. `python -m webhook check` tells what to switch on."
        )
    yield "Data of attachments is not in it: nothing tells how large mails were."
    yield (
        "Nor is mail to the mailbox simulator, nor what AWS charges by the month: dedicated addresses, a plan's fee, "
        "tenants, Virtual Deliverability Manager."
    )


def _total(lines: Iterable[Line]) -> Decimal:
    return sum((line.amount for line in lines), NOTHING)


def _sum(lines: Sequence[Line]) -> Item:
    recipients, held = sum(line.recipients for line in lines), sum(line.held for line in lines)
    return {
        "domains": len({line.domain for line in lines}),
        "recipients": recipients,
        "held": held,
        "amount": _total(lines),
    }


def _line(line: Line, total: Decimal) -> Item:
    return {
        "domain": line.domain,
        "owner": line.owner,
        "recipients": line.recipients,
        "held": line.held,
        "amount": line.amount,
        "share": _share(line.amount, total),
        "whole": line.whole,
    }


def _owners(lines: Sequence[Line]) -> list[Item]:
    """The sums by owner, the dearest first; None is whoever owns the rest."""
    of: dict[str | None, list[Line]] = {}
    for line in lines:
        of.setdefault(line.owner, []).append(line)
    total = _total(lines)
    sums = [{"owner": owner, **_sum(own), "share": _share(_total(own), total)} for owner, own in of.items()]
    return sorted(sums, key=lambda one: (-one["amount"], -one["recipients"], one["owner"] or ""))


def _share(amount: Decimal, total: Decimal) -> float | None:
    return round(float(amount / total), 4) if total else None


def _price(charge: Charge, *, whole: bool) -> Item:
    price = charge.price
    told: Item = {
        "from": charge.first,
        "to": charge.last,
        "region": charge.region or None,
        "plan": price.plan,
        "validFrom": price.valid_from,
        "perThousand": price.per_thousand,
        "volume": [{"above": step.above, "perThousand": step.per_thousand} for step in price.volume],
        "perGb": price.per_gb,
    }
    return {**told, "recipients": charge.recipients, "amount": charge.amount} if whole else told
