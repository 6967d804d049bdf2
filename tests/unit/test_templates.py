"""The blueprint as templates: valid by the tools' own judges, and of the same pieces and properties."""

import json
import re
from collections.abc import Mapping
from typing import Any

import hcl2
import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from webhook.domain.blueprint import (
    CLOUDFORMATION,
    CLOUDFORMATION_URL,
    EVENTS,
    OPEN_CLICK,
    TERRAFORM,
    TERRAFORM_URL,
    Wanted,
    blueprint,
    cloudformation,
    terraform,
)

KEY = "arn:aws:kms:eu-north-1:123456789012:key/0b4a1c7e-0000-4000-8000-000000000000"
WISHES: dict[str, dict[str, Any]] = {
    "https": {},
    "all": {"queue": True, "events": EVENTS + OPEN_CLICK, "kms_key": KEY, "name": "staging"},
}
#: Terraform's names, by CloudFormation's.
TYPES = {
    "AWS::SQS::Queue": "aws_sqs_queue",
    "AWS::SQS::QueuePolicy": "aws_sqs_queue_policy",
    "AWS::SNS::Topic": "aws_sns_topic",
    "AWS::SNS::TopicPolicy": "aws_sns_topic_policy",
    "AWS::SNS::Subscription": "aws_sns_topic_subscription",
    "AWS::SES::ConfigurationSet": "aws_sesv2_configuration_set",
    "AWS::SES::ConfigurationSetEventDestination": "aws_sesv2_configuration_set_event_destination",
    "AWS::Events::Rule": "aws_cloudwatch_event_rule",
}
#: Where a property of CloudFormation stands in Terraform, if not at its name in small letters.
PLACES = {
    "QueueName": "name",
    "TopicName": "name",
    "MessageRetentionPeriod": "message_retention_seconds",
    "VisibilityTimeout": "visibility_timeout_seconds",
    "ReceiveMessageWaitTimeSeconds": "receive_wait_time_seconds",
    "PolicyDocument": "policy",
}


def template(wish: Mapping[str, Any]) -> Any:
    wanted = Wanted(configuration_set="outgoing", endpoint=f"{CLOUDFORMATION_URL}/webhooks/sns", **wish)
    return json.loads(json.dumps(cloudformation(blueprint(CLOUDFORMATION, wanted), "https://sentinel.example.com")))


def configuration(wish: Mapping[str, Any]) -> str:
    wanted = Wanted(configuration_set="outgoing", endpoint=f"{TERRAFORM_URL}/webhooks/sns", **wish)
    return terraform(blueprint(TERRAFORM, wanted), "https://sentinel.example.com")


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_cloudformations_judge_finds_nothing_wrong(wish: Any) -> None:
    regions = ManualArgs(regions=["eu-north-1", "us-east-1"])
    assert lint(json.dumps(template(wish)), config=regions) == []


def test_a_placeholder_is_always_one_that_cloudformation_fills_in() -> None:
    text = json.dumps(template(WISHES["all"]))
    known = {"AWS::Partition", "AWS::Region", "AWS::AccountId", "AWS::URLSuffix", "PublicUrl"}
    assert set(re.findall(r"\$\{([^}]*)\}", text)) == known
    assert re.findall(r'(?<!"Fn::Sub": )"[^"]*\$\{', text) == []


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_terraform_makes_the_same_pieces_with_the_same_properties(wish: Any) -> None:
    made = resources(configuration(wish))
    expected = template(wish)["Resources"]
    assert len(made) == len(expected) + 2  # the two rules' targets are pieces of their own
    for key, resource in expected.items():
        body = made[TYPES[resource["Type"]], re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()]
        for name, value in plain(resource["Properties"]).items():
            assert_same(body, name, value)


def test_terraforms_targets_and_dependencies_lead_somewhere() -> None:
    made = resources(configuration(WISHES["all"]))
    known = {f"{kind}.{label}" for kind, label in made}
    for body in made.values():
        assert known.issuperset(body.get("depends_on", []))
    targets = {label: body for (kind, label), body in made.items() if kind == "aws_cloudwatch_event_target"}
    assert targets.keys() == {"ses_rule", "health_rule"}
    assert targets["ses_rule"]["rule"] == "aws_cloudwatch_event_rule.ses_rule.name"


def assert_same(body: dict[str, Any], name: str, value: Any) -> None:
    special = SPECIAL.get(name)
    if special:
        special(body, value)
        return
    place = PLACES.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    if name == "Name" and place not in body:
        place = "configuration_set_name"
    found = body[place]
    assert (str(found) if name == "SignatureVersion" else found) == value, name


def _event_destination(body: dict[str, Any], value: Any) -> None:
    [inside] = body["event_destination"]
    assert body["event_destination_name"] == value["Name"]
    assert inside["enabled"] is value["Enabled"]
    assert inside["sns_destination"][0]["topic_arn"] == value["SnsDestination"]["TopicARN"]
    assert [one.replace("_", "").lower() for one in inside["matching_event_types"]] == [
        one.lower() for one in value["MatchingEventTypes"]
    ]


def _reputation(body: dict[str, Any], value: Any) -> None:
    assert body["reputation_options"][0]["reputation_metrics_enabled"] is value["ReputationMetricsEnabled"]


def _is(place: str, index: bool = False) -> Any:
    def check(body: dict[str, Any], value: Any) -> None:
        assert body[place] == (value[0] if index else value)

    return check


def _tags(body: dict[str, Any], value: Any) -> None:
    assert body["tags"] == {tag["Key"]: tag["Value"] for tag in value}


SPECIAL: dict[str, Any] = {
    "Tags": _tags,
    "EventDestination": _event_destination,
    "ReputationOptions": _reputation,
    "Queues": _is("queue_url", index=True),
    "Topics": _is("arn", index=True),
    "Targets": lambda _body, _value: None,
}


def plain(value: Any) -> Any:
    """A value of the CloudFormation template with Terraform's placeholders."""
    names = {
        "AWS::Partition": "data.aws_partition.current.partition",
        "AWS::Region": "data.aws_region.current.name",
        "AWS::AccountId": "data.aws_caller_identity.current.account_id",
        "AWS::URLSuffix": "data.aws_partition.current.dns_suffix",
        "PublicUrl": "var.public_url",
    }
    if isinstance(value, dict) and value.keys() == {"Fn::Sub"}:
        return re.sub(r"\$\{([^}]*)\}", lambda match: f"${{{names[match[1]]}}}", value["Fn::Sub"])
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def resources(text: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The resources of a configuration by type and label, as python-hcl2 reads them."""
    found = {}
    for block in hcl2.loads(text)["resource"]:
        for kind, labelled in block.items():
            for label, body in labelled.items():
                found[kind.strip('"'), label.strip('"')] = bare(body)
    return found


def bare(value: Any) -> Any:
    """Without the quotes that the reader leaves; a jsonencode is read as what it encodes."""
    if isinstance(value, dict):
        return {key.strip('"'): bare(each) for key, each in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [bare(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("${jsonencode("):
        return json.loads(value.removeprefix("${jsonencode(").removesuffix(")}").replace('" = ', '": '))
    return value[1:-1] if value.startswith('"') else value.removeprefix("${").removesuffix("}")
