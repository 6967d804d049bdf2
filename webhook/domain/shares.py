"""Each domain's share in the account's mail, bounces and complaints: whom the account owes its rates to. Pure."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct


class Tally(Struct, frozen=True):
    """What a domain sent, and what came of it."""

    domain: str
    sent: int
    bounces: int
    complaints: int


def share_rows(tallies: Iterable[Tally]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row for each domain, the largest part in bounces or complaints first; and the account's own. Shares of 1."""
    found = list(tallies)
    sent, bounces, complaints = (
        sum(getattr(tally, name) for tally in found) for name in ("sent", "bounces", "complaints")
    )
    account = {
        "sent": sent,
        "bounces": bounces,
        "complaints": complaints,
        "bounceRate": _share(bounces, sent),
        "complaintRate": _share(complaints, sent),
    }
    rows = [
        {
            "domain": tally.domain,
            "sent": tally.sent,
            "bounces": tally.bounces,
            "complaints": tally.complaints,
            "sentShare": _share(tally.sent, sent),
            "bounceShare": _share(tally.bounces, bounces),
            "complaintShare": _share(tally.complaints, complaints),
            "bounceRate": _share(tally.bounces, tally.sent),
            "complaintRate": _share(tally.complaints, tally.sent),
        }
        for tally in found
    ]
    rows.sort(key=_weight)
    return rows, account


def _weight(row: dict[str, Any]) -> tuple[float, float, str]:
    blame = max(row["bounceShare"] or 0.0, row["complaintShare"] or 0.0)
    return -blame, -(row["sentShare"] or 0.0), row["domain"]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
