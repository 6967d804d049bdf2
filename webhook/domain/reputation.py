"""Judging a domain: its counters within the window, against SES's own limits. Pure; integers decide, never floats.

SES puts an account under review from 5 % bounces or 0.1 % complaints (SES developer guide, "Reputation dashboard
messages"); the rates are taken over a representative volume, not over a fixed time.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct

from webhook.domain.counts import Counts, add

WILSON_Z = 1.959963984540054  # 95 %
DENOMINATORS = frozenset({"Send", "Delivery"})


class Status(StrEnum):
    """What is thought of a domain."""

    HEALTHY = "healthy"
    WARNING = "warning"
    FLAGGED = "flagged"
    INSUFFICIENT = "insufficient_data"


class Reason(StrEnum):
    """Why a domain can't be judged."""

    TOO_FEW = "too_few"
    NO_DENOMINATOR = "no_denominator"


class Policy(Struct, frozen=True):
    """The limits (shares of what was sent) and the window they are taken over."""

    bounce_limit: Fraction
    complaint_limit: Fraction
    warn_at: Fraction
    min_sent: int
    volume: int
    min_days: int
    max_days: int


class Window(Struct, frozen=True):
    """Whole UTC days, both ends included. `spoken` is how many of them reach back to the first mail."""

    first: date
    last: date
    spoken: int

    @property
    def days(self) -> int:
        """How many days it holds."""
        return (self.last - self.first).days + 1


class Fresh(Struct, frozen=True):
    """A new start after a resume: no earlier day counts, and of that day only what came on top of `base`."""

    day: date
    base: Mapping[str, int]


class Numbers(Struct, frozen=True):
    """What a rate is made of; all in (mail, recipient) pairs, complaints in feedback ids."""

    sent: int = 0
    bounces: int = 0
    complaints: int = 0

    def without(self, other: "Numbers") -> "Numbers":
        """These, less the others."""
        return Numbers(self.sent - other.sent, self.bounces - other.bounces, self.complaints - other.complaints)


class Verdict(Struct, frozen=True):
    """What is thought of a domain, with all it was made of.

    `numbers` are all within the window; `blind` those of them whose wirings tell nothing of what was sent: they are
    left out of the rates. `totals` are the window's counters, for the sentence.
    """

    domain: str
    status: Status
    flags: tuple[str, ...]
    reason: Reason | None
    numbers: Numbers
    blind: Numbers
    blind_wirings: tuple[str, ...]
    window: Window
    totals: Counts
    policy: Policy
    at: datetime

    @property
    def judged(self) -> Numbers:
        """What the rates are made of."""
        return self.numbers.without(self.blind)

    def rate(self, flag: str) -> float | None:
        """The share of `bounce` or `complaint`, None where nothing says how much was sent."""
        judged = self.judged
        if judged.sent <= 0 or self.reason is Reason.NO_DENOMINATOR:
            return None
        return numerator(judged, flag) / judged.sent

    def bounds(self, flag: str) -> tuple[float, float] | None:
        """Between which rates the true one lies with 95 % certainty (Wilson's score interval)."""
        judged = self.judged
        if judged.sent <= 0 or self.reason is Reason.NO_DENOMINATOR:
            return None
        return wilson(numerator(judged, flag), judged.sent)


FLAGS = ("bounce", "complaint")


def numerator(numbers: Numbers, flag: str) -> int:
    """The count that a flag's rate is made of."""
    return numbers.bounces if flag == "bounce" else numbers.complaints


def limit(policy: Policy, flag: str) -> Fraction:
    """The share above which a domain is flagged."""
    return policy.bounce_limit if flag == "bounce" else policy.complaint_limit


def evaluate(
    domain: str,
    days: Mapping[date, Counts],
    kinds: Mapping[str, frozenset[str]],
    policy: Policy,
    now: datetime,
    fresh: Fresh | None = None,
) -> Verdict:
    """The verdict on a domain at a moment.

    Args:
        domain: its name.
        days: its counters by the UTC day the mails were sent; days outside the window may be there.
        kinds: per wiring, the kinds of event it has ever shown.
        policy: the limits.
        now: the moment, in UTC; its day is the window's last.
        fresh: where the domain was given a new start, if it was.
    """
    if fresh:
        days = since(days, fresh)
    window = window_of(days, policy, now.date())
    totals: Counts = {}
    for day, counters in days.items():
        if window.first <= day <= window.last:
            add(totals, counters)
    numbers = Numbers(totals.get("sent", 0), totals.get("bounces", 0), totals.get("complaints", 0))
    blind, wirings = _blind(totals, kinds)
    status, flags, reason = _judge(numbers.without(blind), blind, policy)
    return Verdict(domain, status, flags, reason, numbers, blind, wirings, window, totals, policy, now)


def window_of(days: Mapping[date, Counts], policy: Policy, today: date) -> Window:
    """Back from today, in whole days, until it holds the volume; at least and at most as far as the policy says."""
    held = 0
    length = 0
    spoken = 1
    while length < policy.max_days and (held < policy.volume or length < policy.min_days):
        counters = days.get(today - timedelta(days=length))
        length += 1
        if counters:
            held += counters.get("sent", 0)
            spoken = length
    return Window(today - timedelta(days=length - 1), today, spoken)


def since(days: Mapping[date, Counts], fresh: Fresh) -> dict[date, Counts]:
    """The counters from a new start on. What is taken back of what came before it leaves none below zero."""
    counted = {day: counters for day, counters in days.items() if day >= fresh.day}
    if fresh.day in counted:
        counted[fresh.day] = {
            name: more for name, count in counted[fresh.day].items() if (more := count - fresh.base.get(name, 0)) > 0
        }
    return counted


def _blind(totals: Counts, kinds: Mapping[str, frozenset[str]]) -> tuple[Numbers, tuple[str, ...]]:
    """What came by wirings that have shown neither Send nor Delivery: there, nothing says how much was sent."""
    found = {"sent": 0, "bounces": 0, "complaints": 0}
    blind_wirings: set[str] = set()
    for name, count in totals.items():
        if not name.startswith("blind/"):
            continue
        wirings, _, counter = name.removeprefix("blind/").rpartition("/")
        if any(kinds.get(wiring, frozenset()) & DENOMINATORS for wiring in wirings.split("|")):
            continue
        found[counter] += count
        blind_wirings.update(wirings.split("|"))
    return Numbers(**found), tuple(sorted(blind_wirings))


def _judge(judged: Numbers, blind: Numbers, policy: Policy) -> tuple[Status, tuple[str, ...], Reason | None]:
    enough = judged.sent >= policy.min_sent
    flags = tuple(flag for flag in FLAGS if enough and exceeds(judged, flag, policy))
    if flags:
        return Status.FLAGGED, flags, None
    if blind.bounces or blind.complaints:
        return Status.INSUFFICIENT, (), Reason.NO_DENOMINATOR
    if not enough:
        return Status.INSUFFICIENT, (), Reason.TOO_FEW
    near = any(nears(judged, flag, policy) for flag in FLAGS)
    return (Status.WARNING if near else Status.HEALTHY), (), None


def exceeds(judged: Numbers, flag: str, policy: Policy) -> bool:
    """Strictly above the limit.

    In integers: 50 of 1,000 is exactly 5 % and must not flag; floats would decide by rounding.
    """
    allowed = limit(policy, flag)
    return numerator(judged, flag) * allowed.denominator > judged.sent * allowed.numerator


def nears(judged: Numbers, flag: str, policy: Policy) -> bool:
    """At or above the share of the limit from which a domain is warned."""
    warned = limit(policy, flag) * policy.warn_at
    return numerator(judged, flag) * warned.denominator >= judged.sent * warned.numerator


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share. E. B. Wilson, JASA 22 (1927), p. 209."""
    z2 = WILSON_Z**2
    if not hits:
        return 0.0, z2 / (trials + z2)
    if hits >= trials:
        return trials / (trials + z2), 1.0
    share = hits / trials
    middle = share + z2 / (2 * trials)
    spread = WILSON_Z * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    whole = 1 + z2 / trials
    return (middle - spread) / whole, (middle + spread) / whole
