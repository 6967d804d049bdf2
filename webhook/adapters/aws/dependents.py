"""Who else hangs on what is ours: told before anything is taken away, and never touched."""

from collections.abc import Callable, Iterator, Mapping

from webhook.adapters.aws.identities import Identities
from webhook.adapters.aws.sets import destinations_of
from webhook.adapters.aws.subscriptions import Subscriptions
from webhook.amazon import Amazon
from webhook.domain.blueprint import Found, Kind, Place, Resource

#: Identities that one question may name (SES's first API).
_ASKED = 100
_TOPICS = ("BounceTopic", "ComplaintTopic", "DeliveryTopic")


class Dependents:
    """Finds them in one region; `ours` are names and endpoints of pieces of our own, which don't count."""

    def __init__(self, amazon: Amazon, place: Place, ours: frozenset[str]) -> None:
        self._amazon = amazon
        self._place = place
        self._ours = ours
        self._finders: Mapping[Kind, Callable[[Resource, Found], Iterator[str]]] = {
            Kind.TOPIC: self._of_topic,
            Kind.QUEUE: self._of_queue,
            Kind.CONFIGURATION_SET: self._of_set,
        }

    def of(self, resource: Resource, found: Found) -> list[str]:
        """One sentence for each that would miss it; raises AwsError."""
        finder = self._finders.get(resource.kind)
        return list(finder(resource, found)) if finder else []

    def _of_topic(self, resource: Resource, found: Found) -> Iterator[str]:
        arn, region = found.reference, self._place.region
        for listed in Subscriptions(self._amazon, self._place).of_topic(arn):
            if listed["Endpoint"] not in self._ours:
                yield f"{listed['Endpoint']} is subscribed to the topic {resource.name} as well, and gets nothing more."
        request = {"TargetArn": arn}
        for page in self._amazon.pages("events", "ListRuleNamesByTarget", request, region=region):
            for rule in page["RuleNames"]:
                if rule not in self._ours:
                    yield f"The EventBridge rule {rule} leads to the topic {resource.name}, which goes."
        yield from self._publishing_sets(resource.name, arn)
        yield from self._notifying_identities(resource.name, arn)

    def _publishing_sets(self, topic: str, arn: str) -> Iterator[str]:
        pages = self._amazon.pages("sesv2", "ListConfigurationSets", {"PageSize": 1000}, region=self._place.region)
        for name in (name for page in pages for name in page.get("ConfigurationSets", []) if name not in self._ours):
            for destination in destinations_of(self._amazon, self._place, name):
                if destination.get("SnsDestination", {}).get("TopicArn") == arn:
                    yield f"The configuration set {name} publishes to the topic {topic}, which goes."

    def _notifying_identities(self, topic: str, arn: str) -> Iterator[str]:
        names = Identities(self._amazon, self._place).names()
        for start in range(0, len(names), _ASKED):
            request = {"Identities": names[start : start + _ASKED]}
            region = self._place.region
            answer = self._amazon.call("ses", "GetIdentityNotificationAttributes", request, region=region)
            for name, told in answer.get("NotificationAttributes", {}).items():
                if arn in (told.get(kind) for kind in _TOPICS):
                    yield f"The identity {name} sends its feedback to the topic {topic}, which goes."

    def _of_queue(self, resource: Resource, found: Found) -> Iterator[str]:
        request = {"QueueUrl": found.reference}
        pages = self._amazon.pages("sqs", "ListDeadLetterSourceQueues", request, region=self._place.region)
        for url in (url for page in pages for url in page.get("queueUrls", [])):
            name = url.rpartition("/")[2]
            if name not in self._ours:
                yield f"The SQS queue {name} has its dead letters in {resource.name}, which goes."

    def _of_set(self, resource: Resource, _found: Found) -> Iterator[str]:
        for destination in destinations_of(self._amazon, self._place, resource.name):
            if destination["Name"] not in self._ours:
                yield f"The event destination {destination['Name']} of the set {resource.name} goes with it."
