"""The blueprint: every piece, in the order in which they can be made."""

from typing import Any

from webhook.domain.blueprint.place import Place
from webhook.domain.blueprint.policies import queue_policy, topic_policy
from webhook.domain.blueprint.resources import Kind, Resource, Wanted
from webhook.domain.blueprint.retries import DELIVERY_POLICY
from webhook.domain.blueprint.spelling import camel

#: Seconds that a queue keeps a message, the longest that SQS can: 14 days.
KEPT = 1_209_600
#: How often a message is taken from the queue before it counts as undeliverable. While our database is away each comes
#: back every other minute, so that this is hours.
RECEIVES = 100
#: Seconds for which a message that was taken is hidden from others.
HIDDEN = 120

#: What EventBridge tells of SES. "Closed" is in one of Amazon's lists and "Resolved" in the other.
SES_PATTERN: dict[str, Any] = {
    "source": ["aws.ses"],
    "detail-type": [
        "Advisor Recommendation Status Open",
        "Advisor Recommendation Status Resolved",
        "Advisor Recommendation Status Closed",
        "Sending Status Enabled",
        "Sending Status Disabled",
    ],
}
HEALTH_PATTERN: dict[str, Any] = {
    "source": ["aws.health"],
    "detail-type": ["AWS Health Event"],
    "detail": {"service": ["SES"]},
}


def blueprint(place: Place, wanted: Wanted) -> tuple[Resource, ...]:
    """All pieces for one region, each after what it needs."""
    return (
        _queue("DeadLetters", wanted.dead_letters, wanted),
        _topic(wanted),
        _queue_policy(place, "DeadLetters", wanted.dead_letters, wanted),
        _topic_policy(place, wanted),
        *(_second_way(place, wanted) if wanted.queue else ()),
        _configuration_set(wanted),
        _event_destination(place, wanted),
        _rule(place, wanted, "SesRule", f"{wanted.name}-ses", SES_PATTERN),
        _rule(place, wanted, "HealthRule", f"{wanted.name}-health", HEALTH_PATTERN),
        _subscription(place, wanted, "Subscription", wanted.endpoint),
    )


def assignment(identity: str, configuration_set: str) -> Resource:
    """That an identity's mails are told of: the configuration set that they have where the sender names none."""
    return Resource(
        key=f"Identity:{identity}",
        kind=Kind.IDENTITY,
        name=identity,
        properties={"ConfigurationSetName": configuration_set},
        needs=("ConfigurationSet",),
        on="ConfigurationSet",
    )


def _queue(key: str, name: str, wanted: Wanted, **more: object) -> Resource:
    properties = {"QueueName": name, "MessageRetentionPeriod": KEPT, "SqsManagedSseEnabled": True, **more}
    return Resource(
        key=key,
        kind=Kind.QUEUE,
        name=name,
        properties={**properties, "Tags": wanted.tags},
        needs=("DeadLetters",) if more else (),
    )


def _queue_policy(place: Place, queue_key: str, queue: str, wanted: Wanted) -> Resource:
    return Resource(
        key=f"{queue_key}Policy",
        kind=Kind.QUEUE_POLICY,
        name=queue,
        properties={
            "Queues": [place.queue_url(queue)],
            "PolicyDocument": queue_policy(place, queue, wanted.topic),
        },
        needs=(queue_key, "Topic"),
        on=queue_key,
    )


def _topic(wanted: Wanted) -> Resource:
    encrypted = {"KmsMasterKeyId": wanted.kms_key} if wanted.kms_key else {}
    properties = {"TopicName": wanted.topic, "SignatureVersion": "2", **encrypted, "Tags": wanted.tags}
    return Resource(key="Topic", kind=Kind.TOPIC, name=wanted.topic, properties=properties)


def _topic_policy(place: Place, wanted: Wanted) -> Resource:
    rules = (f"{wanted.name}-ses", f"{wanted.name}-health")
    return Resource(
        key="TopicPolicy",
        kind=Kind.TOPIC_POLICY,
        name=wanted.topic,
        properties={
            "Topics": [place.topic(wanted.topic)],
            "PolicyDocument": topic_policy(place, wanted.topic, wanted.configuration_set, rules),
        },
        needs=("Topic",),
        on="Topic",
    )


def _second_way(place: Place, wanted: Wanted) -> tuple[Resource, ...]:
    redrive = {"deadLetterTargetArn": place.queue(wanted.dead_letters), "maxReceiveCount": RECEIVES}
    return (
        _queue(
            "Queue",
            wanted.queue_name,
            wanted,
            VisibilityTimeout=HIDDEN,
            ReceiveMessageWaitTimeSeconds=20,
            RedrivePolicy=redrive,
        ),
        _queue_policy(place, "Queue", wanted.queue_name, wanted),
        _subscription(place, wanted, "QueueSubscription", place.queue(wanted.queue_name)),
    )


def _configuration_set(wanted: Wanted) -> Resource:
    # Nothing of SendingOptions: whether this set may send is for whoever pauses it to say.
    properties = {
        "Name": wanted.configuration_set,
        "ReputationOptions": {"ReputationMetricsEnabled": True},
        "Tags": wanted.tags,
    }
    return Resource(
        key="ConfigurationSet", kind=Kind.CONFIGURATION_SET, name=wanted.configuration_set, properties=properties
    )


def _event_destination(place: Place, wanted: Wanted) -> Resource:
    destination = {
        "Name": wanted.name,
        "Enabled": True,
        "MatchingEventTypes": [camel(event) for event in wanted.events],
        "SnsDestination": {"TopicARN": place.topic(wanted.topic)},
    }
    return Resource(
        key="EventDestination",
        kind=Kind.EVENT_DESTINATION,
        name=wanted.name,
        properties={"ConfigurationSetName": wanted.configuration_set, "EventDestination": destination},
        # SES tries the topic when the destination is made: it must be allowed to publish by then.
        needs=("ConfigurationSet", "TopicPolicy"),
        on="ConfigurationSet",
    )


def _rule(place: Place, wanted: Wanted, key: str, name: str, pattern: dict[str, Any]) -> Resource:
    properties = {
        "Name": name,
        "Description": "What AWS tells of Amazon SES, for SES Sentinel",
        "EventPattern": pattern,
        "State": "ENABLED",
        "Targets": [{"Id": wanted.topic, "Arn": place.topic(wanted.topic)}],
        "Tags": wanted.tags,
    }
    return Resource(key=key, kind=Kind.RULE, name=name, properties=properties, needs=("TopicPolicy",))


def _subscription(place: Place, wanted: Wanted, key: str, endpoint: str) -> Resource:
    to_queue = key == "QueueSubscription"
    protocol = "sqs" if to_queue else endpoint.partition("://")[0] if endpoint.startswith("http") else "https"
    properties: dict[str, Any] = {
        "TopicArn": place.topic(wanted.topic),
        "Protocol": protocol,
        "Endpoint": endpoint,
        "RawMessageDelivery": False,
        "RedrivePolicy": {"deadLetterTargetArn": place.queue(wanted.dead_letters)},
    }
    if not to_queue:
        properties["DeliveryPolicy"] = DELIVERY_POLICY
    queues = ("Queue", "QueuePolicy") if to_queue else ()
    return Resource(
        key=key,
        kind=Kind.SUBSCRIPTION,
        name=endpoint,
        properties=properties,
        needs=("Topic", "DeadLetters", "DeadLettersPolicy", *queues),
        on="Topic",
    )
