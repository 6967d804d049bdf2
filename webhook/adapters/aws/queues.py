"""SQS queues and their policies."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webhook.adapters.aws.documents import decoded, encoded
from webhook.adapters.aws.tags import are_ours, by_name, listed
from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource
from webhook.errors import AwsError

#: Properties that are attributes of the queue by the same name, and how they are read.
_ATTRIBUTES: Mapping[str, Callable[[str], Any]] = {
    "MessageRetentionPeriod": int,
    "VisibilityTimeout": int,
    "ReceiveMessageWaitTimeSeconds": int,
    "SqsManagedSseEnabled": lambda text: text == "true",
    "RedrivePolicy": lambda text: _redrive(decoded(text)),
}


class Queues:
    """Looks after queues of one region."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The queue of this name, or None."""
        there = attributes_of(self._amazon, self._place, resource.name)
        if there is None:
            return None
        url, attributes = there
        tags = listed(
            self._amazon.call("sqs", "ListQueueTags", {"QueueUrl": url}, region=self._place.region).get("Tags", {})
        )
        properties = {name: read(attributes[name]) for name, read in _ATTRIBUTES.items() if name in attributes}
        waiting = int(attributes.get("ApproximateNumberOfMessages", 0))
        told = "1 message, which goes" if waiting == 1 else f"{waiting:,} messages, which go"
        lost = (f"The SQS queue {resource.name} has about {told} with it.",) if waiting else ()
        return Found(
            properties={"QueueName": resource.name, "Tags": tags, **properties},
            managed=are_ours(tags, resource),
            reference=url,
            remarks=lost,
        )

    def create(self, resource: Resource) -> None:
        """Makes the queue with its attributes and tags in one."""
        names = [name for name in _ATTRIBUTES if name in resource.properties]
        request = {
            "QueueName": resource.name,
            "Attributes": _texts(resource.properties, names),
            "tags": by_name(resource.properties["Tags"]),
        }
        self._amazon.call("sqs", "CreateQueue", request, region=self._place.region)

    def update(self, resource: Resource, found: Found, wrong: Sequence[Difference]) -> None:
        """Sets the attributes that are wrong, in one."""
        names = dict.fromkeys(difference.property for difference in wrong)
        request = {"QueueUrl": found.reference, "Attributes": _texts(resource.properties, names)}
        self._amazon.call("sqs", "SetQueueAttributes", request, region=self._place.region)

    def delete(self, _resource: Resource, found: Found) -> None:
        """Deletes the queue with what is in it."""
        try:
            self._amazon.call("sqs", "DeleteQueue", {"QueueUrl": found.reference}, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise


class QueuePolicies:
    """Looks after the policies of queues."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The policy of the queue, or None."""
        there = attributes_of(self._amazon, self._place, resource.name)
        policy = decoded(there[1].get("Policy")) if there else {}
        if there is None or not policy:
            return None
        queues = [self._place.queue_url(resource.name)]
        return Found(properties={"Queues": queues, "PolicyDocument": policy}, reference=there[0])

    def create(self, resource: Resource) -> None:
        """Sets the policy."""
        url = self._amazon.call("sqs", "GetQueueUrl", {"QueueName": resource.name}, region=self._place.region)
        policy = encoded(resource.properties["PolicyDocument"])
        request = {"QueueUrl": url["QueueUrl"], "Attributes": {"Policy": policy}}
        self._amazon.call("sqs", "SetQueueAttributes", request, region=self._place.region)

    def update(self, resource: Resource, _found: Found, _wrong: Sequence[Difference]) -> None:
        """Sets the policy as a whole."""
        self.create(resource)

    def delete(self, _resource: Resource, _found: Found) -> None:
        """Nothing: it goes with its queue."""


def attributes_of(amazon: Amazon, place: Place, name: str) -> tuple[str, Mapping[str, str]] | None:
    """A queue's address and attributes, or None if there is no such queue."""
    try:
        url = amazon.call("sqs", "GetQueueUrl", {"QueueName": name}, region=place.region)["QueueUrl"]
        request = {"QueueUrl": url, "AttributeNames": ["All"]}
        answer = amazon.call("sqs", "GetQueueAttributes", request, region=place.region)
    except AwsError as error:
        if error.code != "aws_not_found":
            raise
        return None
    return url, answer.get("Attributes", {})


def _redrive(policy: Mapping[str, Any]) -> dict[str, Any]:
    """SQS gives `maxReceiveCount` as number or as text, as it got it."""
    count = str(policy.get("maxReceiveCount", ""))
    return {**policy, "maxReceiveCount": int(count)} if count.isdigit() else dict(policy)


def _texts(properties: Mapping[str, Any], names: Sequence[str] | Mapping[str, None]) -> dict[str, str]:
    return {name: _text(properties[name]) for name in names}


def _text(value: object) -> str:
    return encoded(value) if isinstance(value, Mapping | bool) else str(value)
