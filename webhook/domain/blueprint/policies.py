"""Who may do what with our topic, our queues and their key."""

from collections.abc import Sequence
from typing import Any

from webhook.domain.blueprint.place import Place

Policy = dict[str, Any]
_VERSION = "2012-10-17"
#: What SNS gives the owner of a topic by itself ("Amazon SNS access control use cases", the default policy).
_OWNERS = (
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
)


def topic_policy(place: Place, topic: str, configuration_set: str, rules: Sequence[str]) -> Policy:
    """The topic's policy: its owner may do all, SES publish for one configuration set, EventBridge for these rules.

    All by name of what stands in `place`. After "Configuring Amazon SNS notifications for Amazon SES" and "Using
    resource-based policies for Amazon EventBridge"; bound to the source, so that nobody else's SES or EventBridge can.
    """
    arn = place.topic(topic)
    owner: Policy = {
        "Sid": "OwnerMayDoAll",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": list(_OWNERS),
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": place.account}},
    }
    ses: Policy = {
        "Sid": "SesMayPublish",
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {
            "StringEquals": {
                "AWS:SourceAccount": place.account,
                "AWS:SourceArn": place.configuration_set(configuration_set),
            }
        },
    }
    events: Policy = {
        "Sid": "EventBridgeMayPublish",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [place.rule(rule) for rule in rules]}},
    }
    return {"Version": _VERSION, "Statement": [owner, ses, events]}


def queue_policy(place: Place, queue: str, topic: str) -> Policy:
    """The queue's policy: the topic may put messages into it, as its dead letters or as its subscriber."""
    statement: Policy = {
        "Sid": "TopicMaySend",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": place.queue(queue),
        "Condition": {"ArnEquals": {"aws:SourceArn": place.topic(topic)}},
    }
    return {"Version": _VERSION, "Statement": [statement]}


def key_policy_statements(place: Place, configuration_set: str) -> list[Policy]:
    """What the policy of an encrypted topic's key must have, or neither SES nor EventBridge can publish.

    EventBridge's can't be bound to its source ("Amazon SNS key management": not supported for encrypted topics).
    """
    actions = ["kms:GenerateDataKey*", "kms:Decrypt"]
    source = place.configuration_set(configuration_set)
    bound = {"StringEquals": {"AWS:SourceAccount": place.account, "AWS:SourceArn": source}}
    services: dict[str, Policy] = {"ses": {"Condition": bound}, "events": {}}
    return [
        {
            "Sid": f"{service.capitalize()}MayUseTheKey",
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": actions,
            "Resource": "*",
            **condition,
        }
        for service, condition in services.items()
    ]
