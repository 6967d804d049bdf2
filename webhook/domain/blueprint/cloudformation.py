"""The blueprint as a CloudFormation template."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.domain.blueprint.place import Place
from webhook.domain.blueprint.resources import Resource

#: Where a stack stands: CloudFormation fills it in (its pseudo parameters).
CLOUDFORMATION = Place("${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}", "${AWS::URLSuffix}")
#: What stands for PUBLIC_URL in the template.
CLOUDFORMATION_URL = "${PublicUrl}"


def cloudformation(resources: Sequence[Resource], public_url: str | None) -> dict[str, Any]:
    """The template of pieces drawn for `CLOUDFORMATION`, the endpoint under `CLOUDFORMATION_URL`."""
    default = {"Default": public_url} if public_url else {}
    topic = next(resource.properties["TopicArn"] for resource in resources if "TopicArn" in resource.properties)
    queues = [url for resource in resources if resource.key == "QueuePolicy" for url in resource.properties["Queues"]]
    outputs = {"SnsTopicArns": topic, **({"SqsQueueUrls": queues[0]} if queues else {})}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "SES events for SES Sentinel: topic, dead-letter queue, configuration set, rules, subscription",
        "Parameters": {
            "PublicUrl": {
                "Type": "String",
                "Description": "PUBLIC_URL: how the outside reaches SES Sentinel, without a slash at the end",
                "AllowedPattern": "https?://.*[^/]",
                **default,
            }
        },
        "Resources": {resource.key: _resource(resource) for resource in resources},
        "Outputs": {name: {"Description": "For .env", "Value": _substituted(value)} for name, value in outputs.items()},
    }


def _resource(resource: Resource) -> dict[str, Any]:
    needs = {"DependsOn": list(resource.needs)} if resource.needs else {}
    return {"Type": str(resource.kind), **needs, "Properties": _substituted(resource.properties)}


def _substituted(value: object) -> object:
    """The value, with whatever has placeholders marked for CloudFormation to fill them in."""
    if isinstance(value, Mapping):
        return {key: _substituted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_substituted(each) for each in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value
