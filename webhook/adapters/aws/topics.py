"""SNS topics and their policies."""

from collections.abc import Mapping, Sequence

from webhook.adapters.aws.documents import decoded, encoded
from webhook.adapters.aws.tags import are_ours
from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource
from webhook.errors import AwsError

#: Properties that are attributes of the topic by the same name.
_ATTRIBUTES = ("SignatureVersion", "KmsMasterKeyId")


class Topics:
    """Looks after topics of one region."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The topic of this name, or None."""
        arn = self._place.topic(resource.name)
        attributes = attributes_of(self._amazon, self._place, arn)
        if attributes is None:
            return None
        answer = self._amazon.call("sns", "ListTagsForResource", {"ResourceArn": arn}, region=self._place.region)
        tags = answer.get("Tags", [])
        # A topic that never heard of versions signs by the first.
        properties = {"SignatureVersion": "1", **{name: attributes[name] for name in _ATTRIBUTES if name in attributes}}
        return Found(
            properties={"TopicName": resource.name, "Tags": tags, **properties},
            managed=are_ours(tags, resource),
            reference=arn,
        )

    def create(self, resource: Resource) -> None:
        """Makes the topic with its attributes and tags in one."""
        attributes = {name: resource.properties[name] for name in _ATTRIBUTES if name in resource.properties}
        request = {"Name": resource.name, "Attributes": attributes, "Tags": resource.properties["Tags"]}
        self._amazon.call("sns", "CreateTopic", request, region=self._place.region)

    def update(self, resource: Resource, found: Found, wrong: Sequence[Difference]) -> None:
        """Sets the attributes that are wrong."""
        for difference in wrong:
            value = resource.properties[difference.property]
            set_attribute(self._amazon, self._place, found.reference, difference.property, value)

    def delete(self, _resource: Resource, found: Found) -> None:
        """Deletes the topic, and SNS its subscriptions; one that is gone already is no error of SNS."""
        self._amazon.call("sns", "DeleteTopic", {"TopicArn": found.reference}, region=self._place.region)


class TopicPolicies:
    """Looks after the policies of topics."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The policy of the topic; it always has one."""
        arn = self._place.topic(resource.name)
        attributes = attributes_of(self._amazon, self._place, arn)
        if attributes is None:
            return None
        return Found(properties={"Topics": [arn], "PolicyDocument": decoded(attributes.get("Policy"))}, reference=arn)

    def create(self, resource: Resource) -> None:
        """Sets the policy."""
        arn = self._place.topic(resource.name)
        set_attribute(self._amazon, self._place, arn, "Policy", encoded(resource.properties["PolicyDocument"]))

    def update(self, resource: Resource, _found: Found, _wrong: Sequence[Difference]) -> None:
        """Sets the policy as a whole."""
        self.create(resource)

    def delete(self, _resource: Resource, _found: Found) -> None:
        """Nothing: it goes with its topic."""


def attributes_of(amazon: Amazon, place: Place, arn: str) -> Mapping[str, str] | None:
    """A topic's attributes, or None if there is no such topic."""
    try:
        answer = amazon.call("sns", "GetTopicAttributes", {"TopicArn": arn}, region=place.region)
    except AwsError as error:
        if error.code != "aws_not_found":
            raise
        return None
    attributes: Mapping[str, str] = answer["Attributes"]
    return attributes


def set_attribute(amazon: Amazon, place: Place, arn: str, name: str, value: str) -> None:
    """Sets one attribute of a topic."""
    request = {"TopicArn": arn, "AttributeName": name, "AttributeValue": value}
    amazon.call("sns", "SetTopicAttributes", request, region=place.region)
