"""What SES counted: the daily figures of the Virtual Deliverability Manager, and the account's quarter hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
MOST_QUERIES = 160


def batch(state: State, asked: Answer) -> Answer:
    """Daily points by identity, or of all identities where no dimension is given; days without mail have none."""
    if not state.account.vdm_enabled(state.vdm):
        raise errors.bad_request("Virtual Deliverability Manager is not enabled for this account.")
    queries = asked["Queries"]
    if not 1 <= len(queries) <= MOST_QUERIES:
        raise errors.bad_request(f"There must be 1 to {MOST_QUERIES} queries.")
    if len({query["Id"] for query in queries}) < len(queries):
        raise errors.bad_request("Ids of queries must be distinct.")
    lost = [
        {"Id": one["Id"], "Code": "INTERNAL_FAILURE", "Message": "Try again."} for one in queries if _lost(state, one)
    ]
    return {"Results": [_points(state, query) for query in queries if not _lost(state, query)], "Errors": lost}


def _lost(state: State, query: Answer) -> bool:
    return query.get("Dimensions", {}).get("EMAIL_IDENTITY") in state.vdm_failing


def _points(state: State, query: Answer) -> Answer:
    """Of the days that begin from StartDate to before EndDate."""
    dimensions = query.get("Dimensions") or {}
    days: dict[float, int] = {}
    for (identity, metric, day), count in sorted(state.vdm.items(), key=lambda item: item[0][2]):
        at = _midnight(day)
        if metric == query["Metric"] and query["StartDate"] <= at < query["EndDate"] and _is(dimensions, identity):
            days[at] = days.get(at, 0) + count
    return {"Id": query["Id"], "Timestamps": list(days), "Values": list(days.values())}


def _is(dimensions: Answer, identity: str) -> bool:
    return all(name == "EMAIL_IDENTITY" and value == identity for name, value in dimensions.items())


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


def send_statistics(state: State, _asked: Answer) -> Answer:
    return {"SendDataPoints": [{**point, "Timestamp": point["Timestamp"].timestamp()} for point in state.statistics]}


def send_quota(state: State, _asked: Answer) -> Answer:
    return dict(state.account.told(state.clock.now())["SendQuota"])


def sending_enabled(state: State, _asked: Answer) -> Answer:
    return {"Enabled": state.account.sending_enabled}


FIGURES: dict[str, Callable[[State, Answer], Answer]] = {"BatchGetMetricData": batch}
CLASSIC_FIGURES: dict[str, Callable[[State, Answer], Answer]] = {
    "GetSendStatistics": send_statistics,
    "GetSendQuota": send_quota,
    "GetAccountSendingEnabled": sending_enabled,
}
