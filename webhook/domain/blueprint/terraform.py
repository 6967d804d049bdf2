"""The blueprint as Terraform's configuration, for the AWS provider from version 5."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webhook.domain.blueprint.hcl import Block, Json, Word, written
from webhook.domain.blueprint.place import Place
from webhook.domain.blueprint.resources import Kind, Resource
from webhook.domain.blueprint.spelling import snake

#: Where Terraform works: the provider says.
TERRAFORM = Place(
    "${data.aws_partition.current.partition}",
    "${data.aws_region.current.name}",
    "${data.aws_caller_identity.current.account_id}",
    "${data.aws_partition.current.dns_suffix}",
)
#: What stands for PUBLIC_URL there.
TERRAFORM_URL = "${var.public_url}"

_Body = dict[str, Any]
_Written = Callable[[Any], Any]


def terraform(resources: Sequence[Resource], public_url: str | None) -> str:
    """The configuration of pieces drawn for `TERRAFORM` with an endpoint under `TERRAFORM_URL`."""
    provider = {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}
    description = "PUBLIC_URL: how the outside reaches SES Sentinel, without a slash at the end"
    default = {"default": public_url} if public_url else {}
    topic = next(resource.properties["TopicArn"] for resource in resources if "TopicArn" in resource.properties)
    kinds = {resource.key: resource.kind for resource in resources}
    return written(
        (
            Block("terraform", {"providers": Block("required_providers", provider)}),
            Block('variable "public_url"', {"type": Word("string"), "description": description, **default}),
            *(Block(f'data "{source}" "current"', {}) for source in _SOURCES),
            *(block for resource in resources for block in _blocks(resource, kinds)),
            Block('output "sns_topic_arns"', {"value": topic}),
        )
    )


_SOURCES = ("aws_partition", "aws_region", "aws_caller_identity")


def _blocks(resource: Resource, kinds: Mapping[str, Kind]) -> list[Block]:
    kind, attributes = _KINDS[resource.kind]
    body: _Body = {}
    for name, value in resource.properties.items():
        body |= attributes[name](value)
    if resource.properties.get("Protocol") in ("http", "https"):
        body["endpoint_auto_confirms"] = True
    needs = {"depends_on": [Word(_address(key, kinds[key])) for key in resource.needs]} if resource.needs else {}
    return [Block(f'resource "{kind}" "{_label(resource.key)}"', body | needs), *_targets(resource)]


def _targets(resource: Resource) -> list[Block]:
    """An EventBridge rule's targets are resources of their own."""
    label, kind = _label(resource.key), _KINDS[resource.kind][0]
    return [
        Block(
            f'resource "aws_cloudwatch_event_target" "{label}"',
            {"rule": Word(f"{kind}.{label}.name"), "target_id": target["Id"], "arn": target["Arn"]},
        )
        for target in resource.properties.get("Targets", ())
    ]


def _address(key: str, kind: Kind) -> str:
    return f"{_KINDS[kind][0]}.{_label(key)}"


def _label(key: str) -> str:
    return snake(key)


def _as(name: str, convert: _Written = lambda value: value) -> Callable[[Any], _Body]:
    return lambda value: {name: convert(value)}


def _tags(tags: list[dict[str, str]]) -> _Body:
    return {"tags": {tag["Key"]: tag["Value"] for tag in tags}}


def _reputation(options: Mapping[str, Any]) -> _Body:
    body = {"reputation_metrics_enabled": options["ReputationMetricsEnabled"]}
    return {"reputation_options": Block("reputation_options", body)}


def _destination(destination: Mapping[str, Any]) -> _Body:
    topic = {"topic_arn": destination["SnsDestination"]["TopicARN"]}
    body = {
        "enabled": destination["Enabled"],
        "matching_event_types": [snake(event).upper() for event in destination["MatchingEventTypes"]],
        "sns_destination": Block("sns_destination", topic),
    }
    return {"event_destination_name": destination["Name"], "event_destination": Block("event_destination", body)}


def _first(values: Sequence[str]) -> str:
    return values[0]


#: Each kind's name with Terraform, and how each property is written there.
_KINDS: Mapping[Kind, tuple[str, Mapping[str, Callable[[Any], _Body]]]] = {
    Kind.QUEUE: (
        "aws_sqs_queue",
        {
            "QueueName": _as("name"),
            "MessageRetentionPeriod": _as("message_retention_seconds"),
            "SqsManagedSseEnabled": _as("sqs_managed_sse_enabled"),
            "VisibilityTimeout": _as("visibility_timeout_seconds"),
            "ReceiveMessageWaitTimeSeconds": _as("receive_wait_time_seconds"),
            "RedrivePolicy": _as("redrive_policy", Json),
            "Tags": _tags,
        },
    ),
    Kind.QUEUE_POLICY: (
        "aws_sqs_queue_policy",
        {"Queues": _as("queue_url", _first), "PolicyDocument": _as("policy", Json)},
    ),
    Kind.TOPIC: (
        "aws_sns_topic",
        {
            "TopicName": _as("name"),
            "SignatureVersion": _as("signature_version", int),
            "KmsMasterKeyId": _as("kms_master_key_id"),
            "Tags": _tags,
        },
    ),
    Kind.TOPIC_POLICY: ("aws_sns_topic_policy", {"Topics": _as("arn", _first), "PolicyDocument": _as("policy", Json)}),
    Kind.SUBSCRIPTION: (
        "aws_sns_topic_subscription",
        {
            "TopicArn": _as("topic_arn"),
            "Protocol": _as("protocol"),
            "Endpoint": _as("endpoint"),
            "RawMessageDelivery": _as("raw_message_delivery"),
            "DeliveryPolicy": _as("delivery_policy", Json),
            "RedrivePolicy": _as("redrive_policy", Json),
        },
    ),
    Kind.CONFIGURATION_SET: (
        "aws_sesv2_configuration_set",
        {"Name": _as("configuration_set_name"), "ReputationOptions": _reputation, "Tags": _tags},
    ),
    Kind.EVENT_DESTINATION: (
        "aws_sesv2_configuration_set_event_destination",
        {"ConfigurationSetName": _as("configuration_set_name"), "EventDestination": _destination},
    ),
    Kind.RULE: (
        "aws_cloudwatch_event_rule",
        {
            "Name": _as("name"),
            "Description": _as("description"),
            "EventPattern": _as("event_pattern", Json),
            "State": _as("state"),
            "Targets": lambda _: {},
            "Tags": _tags,
        },
    ),
}
