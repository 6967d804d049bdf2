"""Gaps in plain words: what is missing, when, why it may be, and what to do."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from webhook.domain.figures import MEASURES, Measure, Source
from webhook.domain.gaps import Reason, Row, Span, State

#: How each kind is called, one and many.
NAMES: Mapping[Measure, tuple[str, str]] = {
    Measure.SEND: ("send", "sends"),
    Measure.DELIVERY: ("delivery", "deliveries"),
    Measure.BOUNCE: ("bounce", "bounces"),
    Measure.SOFT_BOUNCE: ("soft bounce", "soft bounces"),
    Measure.COMPLAINT: ("complaint", "complaints"),
    Measure.REJECT: ("reject", "rejects"),
}
_REPAIR = (
    "Run `python -m webhook gaps --repair`: it takes what dead-letter queues and SES's suppression list still hold."
)
_ADVICE: Mapping[Reason, str] = {
    Reason.LOST: _REPAIR,
    Reason.UNHEARD: (
        "Nothing of this domain arrived on these days: give its identity the configuration set whose events come here"
        " (`python -m webhook check` shows what is wired)."
    ),
    Reason.UNWIRED: "No such event ever came from this domain: switch its type on in the event destination.",
    Reason.QUARANTINED: (
        "Messages of that day lie in quarantine: look at `python -m webhook quarantine`, then replay what can be read."
    ),
    Reason.BEGINNING: "Nothing to do: the first message came on this day, and what was before is not known here.",
    Reason.MORE: "Nothing is missing: AWS books some under another identity or day, or leaves them out.",
}
_WHY: Mapping[Reason, str] = {
    Reason.LOST: "messages that did not arrive",
    Reason.UNHEARD: "nothing was heard of this domain",
    Reason.UNWIRED: "this kind of event is not switched on",
    Reason.QUARANTINED: "messages not understood",
    Reason.BEGINNING: "the first day here",
    Reason.MORE: "AWS counts fewer",
}
#: What no comparison can show, told below every one.
LIMITS: Mapping[Source, str] = {
    Source.VDM: (
        "Mail to several recipients and to SES's simulator is left out on both sides, as VDM leaves it out."
        " Counts are compared, not rates: AWS's complaint rate is taken over mail to providers that report complaints"
        " only, and Gmail reports none to SES at all."
    ),
    Source.STATISTICS: (
        "Virtual Deliverability Manager is off: AWS then tells figures of the whole account only, of two weeks."
        " Switch it on in the SES console to see them by domain."
    ),
}


class Total(Struct, frozen=True, rename="camel"):
    """All days of one kind: what was heard, what AWS counts, and what is missing of it."""

    kind: Measure
    ours: int
    aws: int
    missing: int
    left_out: int


class Findings(Struct, frozen=True, rename="camel"):
    """What a comparison came to: of `domains` domains, or of the whole account where `source` is the statistics.

    `rows` holds what is not equal; `equal` is how many comparisons showed no difference.
    """

    source: Source
    first: str
    last: str
    at: datetime
    domains: int
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    equal: int
    unknown: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many are missing without a reason that is no loss."""
        return sum(total.missing for total in self.totals)


def totals(source: Source, rows: Iterable[Row]) -> tuple[Total, ...]:
    """The sums by kind; what is explained is not among the missing."""
    sums = {measure: [0, 0, 0, 0] for measure in MEASURES[source]}
    for row in rows:
        missing = row.missing if row.state is State.MISSING else 0
        for place, value in enumerate((row.ours, row.aws, missing, row.left_out)):
            sums[row.kind][place] += value
    return tuple(Total(measure, *values) for measure, values in sums.items())


def number(count: int, measure: Measure) -> str:
    """`1 bounce`, `1,234 bounces`."""
    one, many = NAMES[measure]
    return f"{count:,} {one if count == 1 else many}"


def sentence(row: Row) -> str:
    """What is missing of what, and where: one sentence."""
    where = f"{row.domain or 'the account'} on {row.day}"
    doubtful = f" and {row.doubtful:,} that AWS may leave out" if row.doubtful else ""
    told = f"AWS counts {row.aws:,}, {row.ours:,}{doubtful} were heard here"
    if row.reason is Reason.MORE:
        return f"{NAMES[row.kind][1].capitalize()} of {where}: {told}."
    if row.spans:
        times = _listed([_spanned(span, row.kind, first=place == 0) for place, span in enumerate(row.spans)])
        return f"{times} ({where}, UTC; {told})."
    verb = "is" if row.missing == 1 else "are"
    return f"{number(row.missing, row.kind)} of {where} {verb} missing: {told}."


def why(row: Row) -> str:
    """The likely reason, in a few words."""
    return _WHY[row.reason] if row.reason else ""


def advice(row: Row) -> str:
    """What to do."""
    return _ADVICE[row.reason] if row.reason else ""


def row_of(row: Row) -> dict[str, Any]:
    """The row as the API gives it."""
    return {
        "day": row.day.isoformat(),
        "domain": row.domain,
        "kind": row.kind.value,
        "state": row.state.value,
        "ours": row.ours,
        "doubtful": row.doubtful,
        "leftOut": row.left_out,
        "aws": row.aws,
        "missing": row.missing,
        "spans": [{"from": span.first, "to": span.last, "missing": span.missing} for span in row.spans],
        "reason": row.reason.value if row.reason else None,
        "sentence": sentence(row),
        "advice": advice(row),
    }


def findings_of(found: Findings) -> dict[str, Any]:
    """What is told beside the rows: where the figures came from, the days, and the sums by kind."""
    return {
        "checkedAt": found.at,
        "source": found.source.value,
        "from": found.first,
        "to": found.last,
        "domains": found.domains,
        "equal": found.equal,
        "missing": found.missing,
        "unknown": list(found.unknown),
        "totals": [
            {
                "kind": total.kind.value,
                "ours": total.ours,
                "aws": total.aws,
                "missing": total.missing,
                "leftOut": total.left_out,
            }
            for total in found.totals
        ],
        "limits": LIMITS[found.source],
    }


def _spanned(span: Span, measure: Measure, *, first: bool) -> str:
    what = f"{number(span.missing, measure)} missing" if first else f"{span.missing:,}"
    end = "24:00" if _is_midnight(span.last) and span.last - span.first <= timedelta(days=1) else f"{span.last:%H:%M}"
    return f"{what} between {span.first:%H:%M} and {end}"


def _is_midnight(at: datetime) -> bool:
    return (at.hour, at.minute) == (0, 0)


def _listed(parts: list[str], most: int = 5) -> str:
    shown = parts[:most]
    rest = len(parts) - most
    return ", ".join(shown) + (f" and in {rest} more spans" if rest > 0 else "")
