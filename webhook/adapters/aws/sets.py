"""SES configuration sets and what they tell of to whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.adapters.aws.tags import are_ours
from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource, camel, snake
from webhook.errors import AwsError

_UNPUBLISHED = "If the topic is encrypted, its key's policy must let SES and EventBridge use it: plan prints how."


class ConfigurationSets:
    """Looks after configuration sets of one region."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The set of this name, or None."""
        request = {"ConfigurationSetName": resource.name}
        try:
            answer = self._amazon.call("sesv2", "GetConfigurationSet", request, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise
            return None
        tags = answer.get("Tags", [])
        reputation = {"ReputationMetricsEnabled": answer.get("ReputationOptions", {}).get("ReputationMetricsEnabled")}
        properties = {"Name": resource.name, "ReputationOptions": reputation, "Tags": tags}
        return Found(properties=properties, managed=are_ours(tags, resource), reference=resource.name)

    def create(self, resource: Resource) -> None:
        """Makes the set with its options and tags in one; SES lets it send."""
        request = {
            "ConfigurationSetName": resource.name,
            "ReputationOptions": resource.properties["ReputationOptions"],
            "Tags": resource.properties["Tags"],
        }
        self._amazon.call("sesv2", "CreateConfigurationSet", request, region=self._place.region)

    def update(self, resource: Resource, _found: Found, _wrong: Sequence[Difference]) -> None:
        """Switches its reputation metrics on: the only option of ours."""
        request = {"ConfigurationSetName": resource.name, **resource.properties["ReputationOptions"]}
        self._amazon.call("sesv2", "PutConfigurationSetReputationOptions", request, region=self._place.region)

    def delete(self, resource: Resource, _found: Found) -> None:
        """Deletes the set with its event destinations."""
        request = {"ConfigurationSetName": resource.name}
        try:
            self._amazon.call("sesv2", "DeleteConfigurationSet", request, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise


class EventDestinations:
    """Looks after event destinations of configuration sets; the properties are spelled as CloudFormation does."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The set's destination of this name, or None."""
        name = resource.properties["ConfigurationSetName"]
        for destination in destinations_of(self._amazon, self._place, name):
            if destination["Name"] == resource.name:
                properties = {"ConfigurationSetName": name, "EventDestination": _read(destination)}
                return Found(properties=properties, reference=resource.name)
        return None

    def create(self, resource: Resource) -> None:
        """Makes the destination; SES tries right away whether it may publish."""
        request = _request(resource)
        try:
            self._amazon.call("sesv2", "CreateConfigurationSetEventDestination", request, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_bad_request" or "publish" not in error.detail:
                raise
            raise AwsError(error.code, error.detail, _UNPUBLISHED, retryable=False) from error

    def update(self, resource: Resource, _found: Found, _wrong: Sequence[Difference]) -> None:
        """Sets the destination as a whole."""
        request = _request(resource)
        self._amazon.call("sesv2", "UpdateConfigurationSetEventDestination", request, region=self._place.region)

    def delete(self, resource: Resource, _found: Found) -> None:
        """Deletes the destination."""
        request = {
            "ConfigurationSetName": resource.properties["ConfigurationSetName"],
            "EventDestinationName": resource.name,
        }
        try:
            self._amazon.call("sesv2", "DeleteConfigurationSetEventDestination", request, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise


def destinations_of(amazon: Amazon, place: Place, configuration_set: str) -> list[Mapping[str, Any]]:
    """The event destinations of a set, as SES gives them; none for a set that is not there."""
    request = {"ConfigurationSetName": configuration_set}
    try:
        answer = amazon.call("sesv2", "GetConfigurationSetEventDestinations", request, region=place.region)
    except AwsError as error:
        if error.code != "aws_not_found":
            raise
        return []
    destinations: list[Mapping[str, Any]] = answer.get("EventDestinations", [])
    return destinations


def _read(destination: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Name": destination["Name"],
        "Enabled": destination.get("Enabled", False),
        "MatchingEventTypes": [camel(event) for event in destination.get("MatchingEventTypes", [])],
        "SnsDestination": {"TopicARN": destination.get("SnsDestination", {}).get("TopicArn")},
    }


def _request(resource: Resource) -> dict[str, Any]:
    wanted = resource.properties["EventDestination"]
    return {
        "ConfigurationSetName": resource.properties["ConfigurationSetName"],
        "EventDestinationName": wanted["Name"],
        "EventDestination": {
            "Enabled": wanted["Enabled"],
            "MatchingEventTypes": [snake(event).upper() for event in wanted["MatchingEventTypes"]],
            "SnsDestination": {"TopicArn": wanted["SnsDestination"]["TopicARN"]},
        },
    }
