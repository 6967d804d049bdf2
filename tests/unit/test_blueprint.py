"""The blueprint of what stands in AWS: complete, in order, within Amazon's limits, and compared by meaning."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from webhook.domain.blueprint import (
    EVENTS,
    OPEN_CLICK,
    Place,
    Wanted,
    blueprint,
    camel,
    differences,
    key_policy_statements,
    snake,
)
from webhook.domain.blueprint.retries import RETRIES
from webhook.errors import Invalid

PLACE = Place("aws", "eu-north-1", "123456789012")
WANTED = Wanted(configuration_set="outgoing", endpoint="https://sentinel.example.com/webhooks/sns", queue=True)
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses-sentinel-events"


def properties(key: str, wanted: Wanted = WANTED) -> Any:
    return next(resource.properties for resource in blueprint(PLACE, wanted) if resource.key == key)


def statement(key: str, sid: str) -> Any:
    return next(one for one in properties(key)["PolicyDocument"]["Statement"] if one["Sid"] == sid)


def test_each_piece_comes_after_what_it_needs_and_what_it_hangs_on() -> None:
    seen = set[str]()
    for resource in blueprint(PLACE, WANTED):
        assert seen.issuperset(resource.needs)
        assert resource.on is None or resource.on in resource.needs
        seen.add(resource.key)


def test_what_can_bear_a_tag_does_and_hangs_on_nothing() -> None:
    for resource in blueprint(PLACE, WANTED):
        tagged = resource.properties.get("Tags") == [
            {"Key": "ses-sentinel", "Value": "managed"},
            {"Key": "ses-sentinel-name", "Value": "ses-sentinel"},
        ]
        assert tagged is (resource.on is None)


def test_sns_keeps_at_it_for_nearly_the_whole_hour_that_it_allows() -> None:
    whole: dict[str, Any] = dict(RETRIES)
    early, late = whole["numMinDelayRetries"], whole["numMaxDelayRetries"]
    assert whole["numRetries"] == whole["numNoDelayRetries"] + early + late <= 100
    assert 1 <= whole["minDelayTarget"] <= whole["maxDelayTarget"] <= 3600
    assert 3500 <= early * whole["minDelayTarget"] + late * whole["maxDelayTarget"] <= 3600
    assert properties("Subscription")["DeliveryPolicy"] == {"healthyRetryPolicy": whole}
    assert "DeliveryPolicy" not in properties("QueueSubscription")


def test_what_could_not_be_delivered_is_kept_encrypted_as_long_as_sqs_can() -> None:
    assert properties("DeadLetters")["MessageRetentionPeriod"] == 14 * 86_400
    assert properties("DeadLetters")["SqsManagedSseEnabled"] is True
    letters = "arn:aws:sqs:eu-north-1:123456789012:ses-sentinel-dead-letters"
    for key in ("Subscription", "QueueSubscription", "Queue"):
        assert properties(key)["RedrivePolicy"]["deadLetterTargetArn"] == letters


def test_ses_may_publish_for_one_configuration_set_of_this_account_only() -> None:
    assert statement("TopicPolicy", "SesMayPublish")["Condition"] == {
        "StringEquals": {
            "AWS:SourceAccount": "123456789012",
            "AWS:SourceArn": "arn:aws:ses:eu-north-1:123456789012:configuration-set/outgoing",
        }
    }


def test_eventbridge_may_publish_for_the_two_rules_only() -> None:
    rules = ["ses-sentinel-ses", "ses-sentinel-health"]
    assert statement("TopicPolicy", "EventBridgeMayPublish")["Condition"]["ArnEquals"]["aws:SourceArn"] == [
        f"arn:aws:events:eu-north-1:123456789012:rule/{rule}" for rule in rules
    ]
    assert [properties(key)["Name"] for key in ("SesRule", "HealthRule")] == rules


def test_the_owner_keeps_the_rights_that_sns_gives_by_itself() -> None:
    owner = statement("TopicPolicy", "OwnerMayDoAll")
    assert owner["Condition"] == {"StringEquals": {"AWS:SourceOwner": "123456789012"}}
    assert {"SNS:Publish", "SNS:Subscribe", "SNS:SetTopicAttributes"} <= set(owner["Action"])


def test_the_topic_alone_may_fill_the_queues() -> None:
    for key in ("DeadLettersPolicy", "QueuePolicy"):
        assert statement(key, "TopicMaySend")["Condition"] == {"ArnEquals": {"aws:SourceArn": TOPIC}}


def test_opens_and_clicks_are_told_of_only_if_asked_for() -> None:
    told = properties("EventDestination")["EventDestination"]["MatchingEventTypes"]
    assert told == [
        *("send", "reject", "bounce", "complaint", "delivery"),
        *("renderingFailure", "deliveryDelay", "subscription"),
    ]
    more = replace(WANTED, events=EVENTS + OPEN_CLICK)
    assert properties("EventDestination", more)["EventDestination"]["MatchingEventTypes"] == [*told, "open", "click"]


@pytest.mark.parametrize("event", [*EVENTS, *OPEN_CLICK])
def test_the_two_spellings_of_an_event_lead_to_each_other(event: str) -> None:
    assert snake(camel(event)).upper() == event


def test_http_is_subscribed_as_http() -> None:
    assert properties("Subscription")["Protocol"] == "https"
    plain = replace(WANTED, endpoint="http://127.0.0.1:8000/webhooks/sns")
    assert properties("Subscription", plain)["Protocol"] == "http"


def test_in_china_the_names_are_chinas() -> None:
    china = Place("aws-cn", "cn-north-1", "123456789012")
    [queue] = [one for one in blueprint(china, WANTED) if one.key == "QueuePolicy"]
    assert queue.properties["Queues"] == ["https://sqs.cn-north-1.amazonaws.com.cn/123456789012/ses-sentinel-events"]
    assert china.topic("a").startswith("arn:aws-cn:sns:cn-north-1:")


def test_a_key_must_let_both_who_publish_use_it() -> None:
    statements = {one["Principal"]["Service"]: one for one in key_policy_statements(PLACE, "outgoing")}
    assert statements.keys() == {"ses.amazonaws.com", "events.amazonaws.com"}
    assert "Condition" not in statements["events.amazonaws.com"]
    assert all(one["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"] for one in statements.values())


@pytest.mark.parametrize("name", ["", "-a", "a b", "a.b", "a" * 51, "ä"])
def test_a_name_that_aws_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        replace(WANTED, name=name)


@pytest.mark.parametrize(
    "key",
    ["", "alias/aws/sns", "arn:aws:kms:eu-north-1:123456789012:alias/aws/sns", "0b4a1c7e-0000-4000-8000-000000000000"],
)
def test_a_key_that_ses_could_not_use_is_refused(key: str) -> None:
    with pytest.raises(Invalid, match="kms-key"):
        replace(WANTED, kms_key=key)


# -- comparison

POLICY: dict[str, Any] = properties("TopicPolicy")["PolicyDocument"]


def otherwise(policy: dict[str, Any]) -> dict[str, Any]:
    """The same policy as Amazon may give it back."""
    told = json.loads(json.dumps(policy).replace("SNS:", "sns:").replace("AWS:SourceArn", "aws:sourcearn"))
    told["Statement"] = told["Statement"][::-1]
    for one in told["Statement"]:
        one["Action"] = [one["Action"]] if isinstance(one["Action"], str) else one["Action"][::-1]
        one["Resource"] = [one["Resource"]]
        one["Sid"] = "another"
    return {"Id": "__default_policy_ID", **told, "Version": "2008-10-17"}


def test_a_policy_in_other_words_is_the_same_policy() -> None:
    assert differences({"PolicyDocument": POLICY}, {"PolicyDocument": otherwise(POLICY)}) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy["Statement"].pop(),
        lambda policy: policy["Statement"].append({**policy["Statement"][0], "Condition": {}}),
        lambda policy: policy["Statement"][1].pop("Condition"),
        lambda policy: policy["Statement"][1].update(Effect="Deny"),
        lambda policy: policy["Statement"][1].update(Principal="*"),
        lambda policy: policy["Statement"][2].update(Action="sns:*"),
        lambda policy: policy.update(Statement=None),
    ],
    ids=["less", "more", "unbound", "denied", "anybody", "anything", "empty"],
)
def test_a_policy_that_allows_something_else_is_not(change: Any) -> None:
    found = json.loads(json.dumps(POLICY))
    change(found)
    [one] = differences({"PolicyDocument": POLICY}, {"PolicyDocument": found})
    assert (one.path, one.property) == ("PolicyDocument", "PolicyDocument")


TAGS = [{"Key": "ses-sentinel", "Value": "managed"}]
TARGETS = [{"Id": "t", "Arn": TOPIC}]


@pytest.mark.parametrize(
    ("wanted", "found", "paths"),
    [
        ({"A": 1}, {"A": 1, "B": 2}, []),
        ({"A": 1}, {"A": 2}, ["A"]),
        ({"A": 1}, {}, ["A"]),
        ({"A": {"B": {"C": 1}}}, {"A": {"B": {"C": 2}, "D": 3}}, ["A.B.C"]),
        ({"A": {"B": 1, "C": 2}}, {"A": None}, ["A.B", "A.C"]),
        ({"A": ["x", "y"]}, {"A": ["y", "x"]}, []),
        ({"A": ["x"]}, {"A": ["x", "y"]}, ["A"]),
        ({"Tags": TAGS}, {"Tags": [*TAGS, {"Key": "team", "Value": "mail"}]}, []),
        ({"Tags": TAGS}, {"Tags": None}, ["Tags"]),
        ({"Targets": TARGETS}, {"Targets": [{**TARGETS[0], "InputPath": "$"}, {"Id": "u", "Arn": "v"}]}, []),
        ({"Targets": TARGETS}, {"Targets": [{"Id": "t", "Arn": "elsewhere"}]}, ["Targets"]),
        ({"EventPattern": {"source": ["a"]}}, {"EventPattern": {"source": ["a"], "detail": {}}}, ["EventPattern"]),
    ],
)
def test_only_what_is_wanted_and_not_so_is_a_difference(wanted: Any, found: Any, paths: list[str]) -> None:
    assert [one.path for one in differences(wanted, found)] == paths
