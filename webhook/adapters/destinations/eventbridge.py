"""A bus of Amazon EventBridge: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""

from webhook.adapters.destinations.aws import Arn, Aws
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer, DeliveryFailed
from webhook.domain.endpoints import Endpoint
from webhook.domain.rendering.documents import with_id
from webhook.errors import Invalid

SOURCE = "ses-sentinel"


class EventBridge:
    """Puts the alert as an event: its type is the detail-type; an endpoint's address is the ARN of the bus."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if that is no ARN of a bus."""
        _bus_of(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, _attempt: int) -> Answer:
        """One event; raises DeliveryFailed if EventBridge does not take it, which it may say in an answer of 200."""
        entry = {
            "EventBusName": endpoint.url,
            "Source": SOURCE,
            "DetailType": alert.type.value,
            "Detail": with_id(alert),
            "Time": alert.at,
            "Resources": [alert.domain] if alert.domain else [],
        }
        region = _bus_of(endpoint.url).region
        told, ms = self._aws.call("events", region, "put_events", {"Entries": [entry]})
        result = told["Entries"][0] if told.get("Entries") else {}
        if told.get("FailedEntryCount"):
            why = f"{result.get('ErrorCode', 'unknown')}): {result.get('ErrorMessage', 'it does not say why')}"
            raise DeliveryFailed(False, f"EVENTS refuses it ({why}", 200, ms=ms)
        return Answer(200, None, ms, f"EventId {result.get('EventId', '')}")


def _bus_of(url: str) -> Arn:
    arn = Arn.from_text(url)
    if arn is None or arn.service != "events" or not arn.name.startswith("event-bus/"):
        hint = "give the ARN of the bus, as in arn:aws:events:eu-north-1:123456789012:event-bus/default"
        raise Invalid("url", "this is no event bus", hint)
    return arn
