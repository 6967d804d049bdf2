"""AWS's own figures: VDM's by identity and day, the account's by quarters of an hour, and the rates it judges by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from webhook.amazon import Amazon
from webhook.domain.figures import DAY, MEASURES, Measure, Source
from webhook.domain.gaps import Place, Slot
from webhook.errors import AwsError

#: Queries in one call of BatchGetMetricData, and the seconds between two calls: 16 calls and 160 queries a second are
#: allowed.
BATCH, BREAK = 10, 1 / 12
#: Seconds to wait when that was too much, since others may ask as well.
THROTTLED = 2.0
#: Days that one query spans.
SPAN = 30
#: How often a query is asked that SES failed to answer.
TRIES = 3
_METRICS: Mapping[Measure, str] = {
    Measure.SEND: "SEND",
    Measure.DELIVERY: "DELIVERY",
    Measure.BOUNCE: "PERMANENT_BOUNCE",
    Measure.SOFT_BOUNCE: "TRANSIENT_BOUNCE",
    Measure.COMPLAINT: "COMPLAINT",
}
_COLUMNS: Mapping[Measure, str] = {
    Measure.SEND: "DeliveryAttempts",
    Measure.BOUNCE: "Bounces",
    Measure.COMPLAINT: "Complaints",
    Measure.REJECT: "Rejects",
}
#: How far back a rate may lie that is still told: AWS writes one every hour or so, and none while nothing is sent.
RATES_WITHIN = timedelta(days=1)
_RATES = {"bounces": "Reputation.BounceRate", "complaints": "Reputation.ComplaintRate"}

Asked = tuple[str, Measure, date, date]


class Figures:
    """Plays `gaps.Figures` and `watching.Rates`. Raises AwsError and Limited."""

    def __init__(self, amazon: Amazon, pause: Callable[[float], None]) -> None:
        self._amazon = amazon
        self._pause = pause

    def by_domain(self) -> bool:
        """Whether Virtual Deliverability Manager is on, so that there are figures by domain."""
        told = self._amazon.call("sesv2", "GetAccount").get("VdmAttributes") or {}
        return told.get("VdmEnabled") == "ENABLED"

    def daily(self, domains: Sequence[str], first: date, last: date) -> tuple[dict[Place, int], list[str]]:
        """What VDM counts of each domain, day and kind; and the domains that it did not answer for."""
        asked = [
            (domain, measure, start, min(start + DAY * (SPAN - 1), last))
            for domain in domains
            for measure in MEASURES[Source.VDM]
            for start in _starts(first, last)
        ]
        found: dict[Place, int] = {}
        for _ in range(TRIES):
            left: list[Asked] = []
            for batch in _batched(asked):
                left += self._batch(batch, found)
            asked = left
            if not asked:
                break
        return found, sorted({domain for domain, *_ in asked})

    def quarters(self) -> dict[Slot, int]:
        """What the account sent, by the times of AWS's points, of the last two weeks."""
        points = self._amazon.call("ses", "GetSendStatistics").get("SendDataPoints") or ()
        return {
            (point["Timestamp"].astimezone(UTC), measure): int(point.get(column) or 0)
            for point in points
            for measure, column in _COLUMNS.items()
        }

    def rates(self, now: datetime) -> tuple[float | None, float | None]:
        """The account's bounce and complaint rates as AWS judges them, as shares; None if there is none of today."""
        queries = [
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/SES", "MetricName": metric},
                    "Period": 900,
                    "Stat": "Maximum",
                },
            }
            for name, metric in _RATES.items()
        ]
        request = {
            "MetricDataQueries": queries,
            "StartTime": now - RATES_WITHIN,
            "EndTime": now,
            "ScanBy": "TimestampDescending",
        }
        results = self._amazon.call("cloudwatch", "GetMetricData", request).get("MetricDataResults") or ()
        newest = {result["Id"]: result["Values"][0] for result in results if result.get("Values")}
        return newest.get("bounces"), newest.get("complaints")

    def _batch(self, asked: Sequence[Asked], found: dict[Place, int]) -> list[Asked]:
        """Notes what is answered; gives what SES failed to answer."""
        queries = [_query(f"q{place}", *one) for place, one in enumerate(asked)]
        try:
            answer = self._amazon.call("sesv2", "BatchGetMetricData", {"Queries": queries})
        except AwsError as error:
            if error.code != "aws_throttled":
                raise
            self._pause(THROTTLED)
            return list(asked)
        self._pause(BREAK)
        for result in answer.get("Results") or ():
            domain, measure, first, last = asked[int(result["Id"][1:])]
            for at, value in zip(result.get("Timestamps") or (), result.get("Values") or (), strict=False):
                day = at.astimezone(UTC).date()
                if first <= day <= last:
                    found[domain, day, measure] = found.get((domain, day, measure), 0) + int(value)
        return [asked[int(error["Id"][1:])] for error in answer.get("Errors") or () if not _denied(error)]


def _query(name: str, domain: str, measure: Measure, first: date, last: date) -> dict[str, Any]:
    return {
        "Id": name,
        "Namespace": "VDM",
        "Metric": _METRICS[measure],
        "Dimensions": {"EMAIL_IDENTITY": domain},
        "StartDate": datetime.combine(first, time(), UTC),
        "EndDate": datetime.combine(last + DAY, time(), UTC),
    }


def _denied(error: Mapping[str, Any]) -> bool:
    """Raises AwsError if the figures are not for these credentials."""
    if error.get("Code") == "ACCESS_DENIED":
        hint = "Let an administrator of the AWS account add ses:BatchGetMetricData to the policy of this user or role."
        told = "AWS does not allow these credentials to see the figures of Virtual Deliverability Manager"
        raise AwsError("aws_access_denied", told, hint, retryable=False)
    return False


def _starts(first: date, last: date) -> Iterator[date]:
    start = first
    while start <= last:
        yield start
        start += DAY * SPAN


def _batched(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    rest = iter(asked)
    while batch := list(islice(rest, BATCH)):
        yield batch
