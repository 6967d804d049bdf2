"""Subscriptions of SNS topics."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.adapters.aws.documents import decoded, encoded
from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource, differences
from webhook.errors import AwsError

#: Attributes of a subscription that are JSON documents.
_DOCUMENTS = ("DeliveryPolicy", "RedrivePolicy")
_SUBSCRIBED = "arn:"


class Subscriptions:
    """Looks after subscriptions of one region; one is known by its topic, protocol and endpoint."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The subscription, or None. One that nobody has confirmed has no ARN yet to ask for its attributes by."""
        for listed in self.of_topic(resource.properties["TopicArn"]):
            if (listed["Protocol"], listed["Endpoint"]) == (resource.properties["Protocol"], resource.name):
                arn = listed["SubscriptionArn"]
                if arn == "Deleted":
                    continue
                if not arn.startswith(_SUBSCRIBED):
                    return Found(properties={}, pending=True)
                return self._read(arn)
        return None

    def create(self, resource: Resource) -> None:
        """Subscribes with all attributes in one; for one that is pending, SNS asks for the confirmation anew.

        What SNS says: the same subscription with other attributes is an error, so those are then set by themselves.
        """
        wanted = _attributes(resource.properties)
        request = {
            "TopicArn": resource.properties["TopicArn"],
            "Protocol": resource.properties["Protocol"],
            "Endpoint": resource.name,
            "ReturnSubscriptionArn": True,
        }
        try:
            self._amazon.call("sns", "Subscribe", {**request, "Attributes": wanted}, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_bad_request" or "already exists" not in error.detail:
                raise
            arn = self._amazon.call("sns", "Subscribe", request, region=self._place.region)["SubscriptionArn"]
            found = self._read(arn)
            self.update(resource, found, differences(resource.properties, found.properties))

    def update(self, resource: Resource, found: Found, wrong: Sequence[Difference]) -> None:
        """Sets the attributes that are wrong."""
        wanted = _attributes(resource.properties)
        for name in dict.fromkeys(difference.property for difference in wrong):
            request = {
                "SubscriptionArn": found.reference,
                "AttributeName": name,
                "AttributeValue": wanted[name],
            }
            self._amazon.call("sns", "SetSubscriptionAttributes", request, region=self._place.region)

    def delete(self, _resource: Resource, found: Found) -> None:
        """Unsubscribes; one that nobody confirmed goes with its topic, or by itself."""
        if found.reference:
            request = {"SubscriptionArn": found.reference}
            self._amazon.call("sns", "Unsubscribe", request, region=self._place.region)

    def of_topic(self, topic: str) -> list[Mapping[str, Any]]:
        """All subscriptions of a topic, as SNS lists them."""
        pages = self._amazon.pages("sns", "ListSubscriptionsByTopic", {"TopicArn": topic}, region=self._place.region)
        return [listed for page in pages for listed in page["Subscriptions"]]

    def _read(self, arn: str) -> Found:
        request = {"SubscriptionArn": arn}
        answer = self._amazon.call("sns", "GetSubscriptionAttributes", request, region=self._place.region)
        attributes = answer["Attributes"]
        properties = {
            **{name: attributes.get(name) for name in ("TopicArn", "Protocol", "Endpoint")},
            "RawMessageDelivery": attributes.get("RawMessageDelivery") == "true",
            **{name: decoded(attributes.get(name)) for name in _DOCUMENTS},
        }
        return Found(properties=properties, pending=attributes.get("PendingConfirmation") == "true", reference=arn)


def _attributes(properties: Mapping[str, Any]) -> dict[str, str]:
    documents = {name: encoded(properties[name]) for name in _DOCUMENTS if name in properties}
    return {"RawMessageDelivery": str(properties["RawMessageDelivery"]).lower(), **documents}
