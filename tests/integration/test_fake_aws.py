"""The fake AWS is worth its name: asked through boto3, it does what AWS does where moto does not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.fakes.aws import FakeAws
from tests.fakes.aws.endpoint import Endpoint
from tests.fakes.aws.making import queue_for, received, topic_for
from webhook.adapters.clock import Clock
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.domain.envelope import Envelope
from webhook.domain.topics import TopicAllowList

ACCOUNT = "123456789012"


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with FakeAws() as fake:
        yield fake


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint().serving() as serving:
        yield serving


@cache
def session() -> boto3.Session:
    return boto3.Session("AKIAEXAMPLE", "secret")


@contextmanager
def client_of(aws: FakeAws, service: str, region: str = "eu-north-1") -> Iterator[Any]:
    """As the product asks: one attempt, and a key of its own."""
    config = Config(retries={"total_max_attempts": 1})
    client = session().client(service, region, endpoint_url=aws.origin, config=config)
    try:
        yield client
    finally:
        client.close()


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def subscribe(aws: FakeAws, topic: str, endpoint: Endpoint, **attributes: str) -> str:
    """A confirmed subscription."""
    sns = aws.client("sns")
    made = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=endpoint.url, Attributes=attributes, ReturnSubscriptionArn=True
    )
    aws.settle()
    sns.confirm_subscription(TopicArn=topic, Token=endpoint.posted[-1].fields["Token"])
    endpoint.posted.clear()
    return str(made["SubscriptionArn"])


def verify(aws: FakeAws, body: bytes, topic: str) -> None:
    """By the product's own verifier, with the certificate that the fake serves."""
    clock, topics = Clock(), TopicAllowList.from_patterns([topic])
    certificates = Certificates(fetch=Fetcher(clock), clock=clock, trusted_origins=(aws.origin,))
    verifier = Verifier(topics=topics, certificates=certificates, clock=clock, max_age=timedelta(days=14))
    verifier.verify(Envelope.from_bytes(body))


def test_a_subscription_waits_for_its_token(aws: FakeAws, endpoint: Endpoint) -> None:
    topic, sns = topic_for(aws), aws.client("sns")
    asked = {"TopicArn": topic, "Protocol": "http", "Endpoint": endpoint.url}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    aws.settle()
    assert [post.headers["x-amz-sns-message-type"] for post in endpoint.posted] == ["SubscriptionConfirmation"] * 2
    assert (
        sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    )
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "true"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    aws.publish(topic, "too early")
    aws.settle()
    assert len(endpoint.posted) == 2
    with pytest.raises(ClientError) as refused:
        sns.confirm_subscription(TopicArn=topic, Token="guessed")
    assert code_of(refused) == "InvalidParameter"
    verify(aws, endpoint.posted[0].body, topic)
    with urlopen(endpoint.posted[0].fields["SubscribeURL"], timeout=5) as answer:  # noqa: S310 - our own
        assert arn in answer.read().decode()
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (attributes["PendingConfirmation"], attributes["ConfirmationWasAuthenticated"]) == ("false", "false")
    assert sns.list_subscriptions()["Subscriptions"][0]["SubscriptionArn"] == arn


def test_the_endpoint_need_not_hear_of_it(aws: FakeAws, endpoint: Endpoint) -> None:
    aws.deliver_confirmations = False
    aws.client("sns").subscribe(TopicArn=topic_for(aws), Protocol="http", Endpoint=endpoint.url)
    aws.settle()
    assert endpoint.posted == []


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_is_published_arrives_signed(aws: FakeAws, endpoint: Endpoint, version: str) -> None:
    topic = topic_for(aws, SignatureVersion=version)
    arn = subscribe(aws, topic, endpoint)
    published = aws.client("sns").publish(TopicArn=topic, Message="ä\n", Subject="Hello")["MessageId"]
    aws.settle()
    (post,) = endpoint.posted
    verify(aws, post.body, topic)
    fields = post.fields
    assert (fields["Message"], fields["Subject"], fields["SignatureVersion"]) == ("ä\n", "Hello", version)
    assert (post.headers["x-amz-sns-message-id"], post.headers["x-amz-sns-subscription-arn"]) == (published, arn)
    assert post.headers["Content-Type"] == "text/plain; charset=UTF-8"


def test_raw_messages_come_bare(aws: FakeAws, endpoint: Endpoint) -> None:
    topic = topic_for(aws)
    subscribe(aws, topic, endpoint, RawMessageDelivery="true")
    aws.publish(topic, "bare")
    aws.settle()
    assert (endpoint.posted[0].body, endpoint.posted[0].headers["x-amz-sns-rawdelivery"]) == (b"bare", "true")


@pytest.mark.parametrize(("status", "tries", "dead"), [(200, 1, 0), (403, 1, 0), (503, 3, 1)])
def test_what_cannot_be_delivered_is_buried(
    aws: FakeAws, endpoint: Endpoint, status: int, tries: int, dead: int
) -> None:
    topic = topic_for(aws, SignatureVersion="2")
    queue, url = queue_for(aws, "dead-letters")
    subscribe(aws, topic, endpoint, RedrivePolicy=json.dumps({"deadLetterTargetArn": queue}))
    endpoint.status = status
    aws.publish(topic, "hello")
    aws.settle()
    assert len(endpoint.posted) == tries
    bodies = received(aws, url)
    assert len(bodies) == dead
    for body in bodies:
        verify(aws, body.encode(), topic)


def test_a_queue_hears_only_whom_its_policy_lets(aws: FakeAws) -> None:
    topic = topic_for(aws)
    queues = {name: queue_for(aws, name, open_to=who) for name, who in (("open", "sns.amazonaws.com"), ("shut", None))}
    for arn, _ in queues.values():
        made = aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        assert made["SubscriptionArn"].startswith(topic)
    aws.publish(topic, "hello")
    assert received(aws, queues["shut"][1]) == []
    (body,) = received(aws, queues["open"][1])
    verify(aws, body.encode(), topic)
    assert queues["open"][1].startswith(aws.origin)


def test_a_topic_is_made_once_and_as_it_was(aws: FakeAws) -> None:
    sns = aws.client("sns")
    asked = {"Name": "events", "Attributes": {"SignatureVersion": "2"}, "Tags": [{"Key": "a", "Value": "b"}]}
    assert sns.create_topic(**asked)["TopicArn"] == sns.create_topic(**asked)["TopicArn"]
    for other in ({"Attributes": {"SignatureVersion": "1"}}, {"Tags": [{"Key": "a", "Value": "c"}]}):
        with pytest.raises(ClientError) as refused:
            sns.create_topic(**asked | other)
        assert code_of(refused) == "InvalidParameter"


def test_eventbridge_tells_topics_that_let_it(aws: FakeAws, endpoint: Endpoint) -> None:
    may = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
    }
    topics = [topic_for(aws, may), topic_for(aws, name="shut")]
    events = aws.client("events")
    events.put_rule(Name="ses", EventPattern=json.dumps({"source": ["aws.ses"]}))
    events.put_targets(Rule="ses", Targets=[{"Id": str(n), "Arn": arn} for n, arn in enumerate(topics)])
    subscribe(aws, topics[0], endpoint)
    aws.happen({"source": "aws.ses", "detail-type": "Sending Status Disabled", "detail": {}})
    aws.happen({"source": "aws.health", "detail-type": "AWS Health Event", "detail": {}})
    aws.settle()
    (post,) = endpoint.posted
    assert json.loads(post.fields["Message"])["detail-type"] == "Sending Status Disabled"
    assert [arn for arn, _ in aws.publishing.published] == topics[:1]


# -- what goes wrong


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action", "code"),
    [
        ("sns", "list_topics", {}, "sns:ListTopics", "AuthorizationError"),
        ("sqs", "list_queues", {}, "sqs:*", "AccessDenied"),
        ("events", "list_rules", {}, "events:ListRules", "AccessDeniedException"),
        ("sesv2", "get_account", {}, "ses:GetAccount", "AccessDeniedException"),
        ("ses", "get_send_statistics", {}, "ses:GetSendStatistics", "AccessDenied"),
        ("cloudwatch", "list_metrics", {}, "cloudwatch:ListMetrics", "AccessDenied"),
        ("kms", "list_keys", {}, "kms:ListKeys", "AccessDeniedException"),
    ],
)
def test_what_is_denied_is_denied_until_it_is_allowed(
    aws: FakeAws, service: str, operation: str, arguments: dict[str, Any], action: str, code: str
) -> None:
    with client_of(aws, service) as client:
        aws.deny(action)
        with pytest.raises(ClientError) as refused:
            getattr(client, operation)(**arguments)
        assert (code_of(refused), refused.value.response["ResponseMetadata"]["HTTPStatusCode"]) == (code, 403)
        assert "is not authorized to perform" in str(refused.value)
        iam = aws.client("iam").simulate_principal_policy
        asked = {
            "PolicySourceArn": aws.permissions.caller,
            "ActionNames": [action.replace("*", "Send"), "sts:AssumeRole"],
        }
        decisions = [one["EvalDecision"] for one in iam(**asked)["EvaluationResults"]]
        assert decisions == ["implicitDeny", "allowed"]
        aws.allow(action)
        getattr(client, operation)(**arguments)


def test_the_next_call_may_fail_as_one_likes(aws: FakeAws) -> None:
    with client_of(aws, "sns") as sns, client_of(aws, "cloudwatch") as cloudwatch:
        aws.fail_next("sns", "CreateTopic", "Throttled", 400)
        aws.fail_next("cloudwatch", "*", "InternalServiceFault", 500, message="Not now.")
        for call in (lambda: sns.create_topic(Name="a"), cloudwatch.list_metrics):
            with pytest.raises(ClientError, match=r"Throttled|Not now"):
                call()
            call()
    assert aws.calls == [("sns", "CreateTopic")] * 2 + [("cloudwatch", "ListMetrics")] * 2


@pytest.mark.parametrize("done", [False, True])
def test_the_connection_breaks_after_so_many_calls(aws: FakeAws, done: bool) -> None:
    with client_of(aws, "sns") as sns:
        aws.kill_after(1, done=done)
        sns.create_topic(Name="a")
        for name in ("b", "c"):
            with pytest.raises(BotoCoreError):
                sns.create_topic(Name=name)
        aws.recover()
        sns.create_topic(Name="d")
    there = {one["TopicArn"].rpartition(":")[2] for one in aws.client("sns").list_topics()["Topics"]}
    assert there == {"a", "d"} | ({"b"} if done else set())
    assert [one["Name"] for one in aws.asked("sns", "CreateTopic")] == ["a", "b", "c", "d"]


def test_state_is_a_fakes_own_and_a_regions_own() -> None:
    for _ in range(2):
        with FakeAws() as aws:
            assert aws.client("sns").list_topics()["Topics"] == []
            for region in ("eu-north-1", "us-east-1"):
                arn = aws.client("sns", region).create_topic(Name="t")["TopicArn"]
                assert f":{region}:" in arn
                aws.client("sesv2", region).create_email_identity(EmailIdentity=f"{region}.example")
            assert list(aws.ses_in("us-east-1").identities) == ["us-east-1.example"]
            assert aws.client("sts").get_caller_identity()["Account"] == aws.account_id
    with pytest.raises(HTTPError, match="404"), FakeAws() as aws:
        urlopen(f"{aws.origin}/other.pem", timeout=5)  # noqa: S310 - our own


def test_cloudwatch_speaks_in_its_own_binary_way(aws: FakeAws) -> None:
    cloudwatch, now = aws.client("cloudwatch"), datetime.now(UTC)
    dimensions = [{"Name": "ses:configuration-set", "Value": "main"}]
    point = {"MetricName": "Reputation.BounceRate", "Value": 0.25, "Timestamp": now, "Dimensions": dimensions}
    cloudwatch.put_metric_data(Namespace="AWS/SES", MetricData=[point])
    stat = {"Metric": {"Namespace": "AWS/SES", "MetricName": "Reputation.BounceRate", "Dimensions": dimensions}}
    query = {"Id": "a", "MetricStat": {**stat, "Period": 300, "Stat": "Average"}}
    span = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **span)["MetricDataResults"]
    assert result["Values"] == [0.25]
    assert abs(result["Timestamps"][0] - now) < timedelta(minutes=10)


@pytest.mark.parametrize(("service", "operation"), [("service-quotas", "list_services"), ("ses", "list_identities")])
def test_what_nobody_plays_is_refused(aws: FakeAws, service: str, operation: str) -> None:
    with pytest.raises(ClientError, match="is not played by this fake"):
        getattr(aws.client(service), operation)()
