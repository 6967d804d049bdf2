"""What CloudWatch has counted at topics: "Monitoring Amazon SNS topics using CloudWatch", SNS Developer Guide."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from webhook.amazon import Amazon
from webhook.domain.live import Counted

_METRICS = {"published": "NumberOfMessagesPublished", "failed": "NumberOfNotificationsFailed"}
_MINUTE = 60


class TopicFigures:
    """Reads one region; raises AwsError. SNS counts every five minutes, so 0 may mean that it did not yet."""

    def __init__(self, amazon: Amazon, region: str) -> None:
        self._amazon = amazon
        self._region = region

    def since(self, start: datetime, now: datetime, topics: Sequence[str]) -> Counted:
        """What was published to these topics (ARNs), and failed to be delivered, since the minute of `start`."""
        queries = [
            {"Id": f"{name}{place}", "MetricStat": {"Metric": _metric(metric, arn), "Period": _MINUTE, "Stat": "Sum"}}
            for place, arn in enumerate(topics)
            for name, metric in _METRICS.items()
        ]
        if not queries:
            return Counted(0, 0)
        request = {
            "MetricDataQueries": queries,
            "StartTime": start.replace(second=0, microsecond=0),
            "EndTime": now + timedelta(seconds=_MINUTE),
        }
        told = self._amazon.call("cloudwatch", "GetMetricData", request, region=self._region)
        sums = dict.fromkeys(_METRICS, 0)
        for result in told.get("MetricDataResults") or ():
            sums[result["Id"].rstrip("0123456789")] += int(sum(result.get("Values") or ()))
        return Counted(sums["published"], sums["failed"])


def _metric(name: str, arn: str) -> dict[str, object]:
    topic = {"Name": "TopicName", "Value": arn.rpartition(":")[2]}
    return {"Namespace": "AWS/SNS", "MetricName": name, "Dimensions": [topic]}
