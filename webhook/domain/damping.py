"""Damping: which of a domain's changes of status are told. The status itself stays literal.

The rules, over what was told last (nothing, `warning` or `flagged`):

1. Worse than what was told, or another limit exceeded: told at once.
2. Healthy after something was told: `recovered`, at once; but a second time only after the cool-down, and until then
   the domain counts as not recovered.
3. Back within the warning band after `flagged`: told as `warning` once the cool-down since the last alert is over.
4. The same as was told, after something else in between: told again only if that cool-down is over.
5. Not judged (`insufficient_data`): never told, and forgets nothing.

So within the length of one cool-down a domain causes at most five alerts, however often it crosses: `warning`,
`flagged`, `recovered`, and after that `warning` and `flagged` once more; exceeding the second limit as well may add one
to each `flagged`. Whatever was held back is told by the first verdict after the cool-down, if it is still so.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alert_payloads import AlertType
from webhook.domain.reputation import Status

COOLDOWN = timedelta(hours=24)

_RANK = {Status.HEALTHY: 0, Status.WARNING: 1, Status.FLAGGED: 2}
_TYPES = {Status.WARNING: AlertType.WARNING, Status.FLAGGED: AlertType.FLAGGED}


class Alerting(Struct, frozen=True):
    """What was told of a domain: `told` last and `at` when, with which flags; HEALTHY is nothing, or `recovered`.

    `seen` is the last status, told or not; `recovered_at` when `recovered` was told last.
    """

    told: Status = Status.HEALTHY
    flags: tuple[str, ...] = ()
    at: datetime | None = None
    seen: Status | None = None
    recovered_at: datetime | None = None


def alerting_of(document: Mapping[str, Any] | None) -> Alerting:
    """The state in the field `alerting` of a domain's document; a new one if there is none."""
    if not document:
        return Alerting()
    seen = document.get("seen")
    return Alerting(
        told=Status(document["told"]),
        flags=tuple(document.get("flags") or ()),
        at=document.get("at"),
        seen=Status(seen) if seen else None,
        recovered_at=document.get("recoveredAt"),
    )


def alerting_document(alerting: Alerting) -> dict[str, Any]:
    """The state as it is stored in the field `alerting`."""
    return {
        "told": alerting.told.value,
        "flags": list(alerting.flags),
        "at": alerting.at,
        "seen": alerting.seen.value if alerting.seen else None,
        "recoveredAt": alerting.recovered_at,
    }


def damp(
    alerting: Alerting, status: Status, flags: tuple[str, ...], now: datetime, cooldown: timedelta = COOLDOWN
) -> tuple[AlertType | None, Alerting]:
    """Whether this verdict is told, as which type, and the state afterwards.

    To be asked at every verdict, not only at changes of status: what was held back is told by a later one.
    """
    after = replace(alerting, seen=status)
    if status is Status.INSUFFICIENT:
        return None, after
    if status is Status.HEALTHY:
        return _recover(alerting, after, now, cooldown)
    return _fall(alerting, after, flags, now, cooldown)


def _recover(
    before: Alerting, after: Alerting, now: datetime, cooldown: timedelta
) -> tuple[AlertType | None, Alerting]:
    if before.told is Status.HEALTHY or not _is_over(before.recovered_at, now, cooldown):
        return None, after
    return AlertType.RECOVERED, replace(after, told=Status.HEALTHY, flags=(), at=now, recovered_at=now)


def _fall(
    before: Alerting, after: Alerting, flags: tuple[str, ...], now: datetime, cooldown: timedelta
) -> tuple[AlertType | None, Alerting]:
    status = after.seen or Status.HEALTHY
    worse = _RANK[status] > _RANK[before.told] or not set(flags) <= set(before.flags)
    news = status is not before.told or status is not before.seen
    if not (worse or (news and _is_over(before.at, now, cooldown))):
        return None, after
    # A limit that was told stays told while the domain is flagged: that it swings around it is no news.
    known = set(before.flags) if before.told is Status.FLAGGED and worse else set()
    told = tuple(sorted(known | set(flags))) if status is Status.FLAGGED else ()
    return _TYPES[status], replace(after, told=status, flags=told, at=now)


def _is_over(since: datetime | None, now: datetime, cooldown: timedelta) -> bool:
    return since is None or now - since >= cooldown
