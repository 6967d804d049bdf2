"""A topic of Amazon SNS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html."""

from webhook.adapters.destinations.aws import Arn, Aws, attributes_of, ordered
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint
from webhook.domain.rendering.documents import with_id
from webhook.errors import Invalid


class Sns:
    """Publishes the alert as JSON; an endpoint's address is the topic's ARN."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if that is no ARN of a topic."""
        _topic_of(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, _attempt: int) -> Answer:
        """One publication; raises DeliveryFailed if SNS does not take it."""
        topic = _topic_of(endpoint.url)
        parameters = {
            "TopicArn": endpoint.url,
            "Message": with_id(alert),
            "MessageAttributes": attributes_of(alert),
            **ordered(alert, topic.name),
        }
        told, ms = self._aws.call("sns", topic.region, "publish", parameters)
        return Answer(200, None, ms, f"MessageId {told['MessageId']}")


def _topic_of(url: str) -> Arn:
    arn = Arn.from_text(url)
    if arn is None or arn.service != "sns" or ":" in arn.name:
        raise Invalid(
            "url", "this is no topic", "give the topic's ARN, as in arn:aws:sns:eu-north-1:123456789012:alerts"
        )
    return arn
