"""A queue of Amazon SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html."""

import re

import msgspec

from webhook.adapters.destinations.aws import Aws, attributes_of, ordered
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint
from webhook.domain.rendering.documents import with_id
from webhook.errors import Invalid

_QUEUE = re.compile(
    r"(?P<origin>https?://(?P<host>[a-z0-9.:\[\]-]+))/\d{12}/(?P<name>[\w-]{1,80}(?:\.fifo)?)", re.ASCII
)
_AMAZON = re.compile(r"sqs(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")


class Queue(msgspec.Struct, frozen=True):
    """A queue: its name, and its region where the address tells it."""

    name: str
    region: str | None


class Sqs:
    """Sends the alert as JSON; an endpoint's address is the queue's URL."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if that is no address of a queue at Amazon, or at AWS_ENDPOINT_URL."""
        self._queue_of(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, _attempt: int) -> Answer:
        """One message; raises DeliveryFailed if SQS does not take it."""
        queue = self._queue_of(endpoint.url)
        parameters = {
            "QueueUrl": endpoint.url,
            "MessageBody": with_id(alert),
            "MessageAttributes": attributes_of(alert),
            **ordered(alert, queue.name),
        }
        told, ms = self._aws.call("sqs", queue.region, "send_message", parameters)
        return Answer(200, None, ms, f"MessageId {told['MessageId']}")

    def _queue_of(self, url: str) -> Queue:
        found = _QUEUE.fullmatch(url)
        if found:
            amazon = _AMAZON.fullmatch(found["host"])
            if amazon and url.startswith("https://"):
                return Queue(found["name"], amazon["region"])
            if self._aws.access.endpoint_url and found["origin"] == self._aws.access.endpoint_url.rstrip("/"):
                return Queue(found["name"], None)
        hint = "give the queue's URL, as in https://sqs.eu-north-1.amazonaws.com/123456789012/alerts"
        raise Invalid("url", "this is no queue", hint)
