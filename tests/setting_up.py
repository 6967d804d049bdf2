"""What tests of the set-up in AWS share: the set-up at a fake AWS, and a reader of their own for what is there.

`python -m tests.setting_up ORIGIN` applies it in a process of its own, which can be killed.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.fakes.aws import FakeAws
from tests.fakes.aws.moto_app import Moto
from webhook.adapters.aws.whoami import WhoAmI
from webhook.amazon import Access, Amazon
from webhook.assembling.setup import site
from webhook.domain.blueprint import CLOUDFORMATION, CLOUDFORMATION_URL, Wanted, blueprint, cloudformation
from webhook.setup import Installation, Waiting

REGION = "eu-north-1"
PUBLIC_URL = "https://sentinel.example.com"
WANTED = Wanted(configuration_set="ses-sentinel", endpoint=f"{PUBLIC_URL}/webhooks/sns")
TOPIC = f"arn:aws:sns:{REGION}:123456789012:ses-sentinel-events"
OURS = [{"Key": "ses-sentinel", "Value": "managed"}, {"Key": "ses-sentinel-name", "Value": "ses-sentinel"}]

World = dict[tuple[str, str], dict[str, Any]]


class Clock:
    """Time that passes only by sleeping; what was slept is written down."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.at = 0.0
        self.then: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        self.then()

    def monotonic(self) -> float:
        return self.at


def setting_up(
    origin: str,
    wanted: Wanted = WANTED,
    *,
    regions: Sequence[str] = (REGION,),
    clock: Clock | None = None,
    tell: Callable[[str], object] = lambda _: None,
    noted: Callable[[], Mapping[str, Mapping[str, Any]]] = dict,
    knock: Callable[[str], str | None] = lambda _: None,
    topic_arns: Sequence[str] = (TOPIC,),
    public_url: str = PUBLIC_URL,
    named: Sequence[str] = (),
) -> Installation:
    """The set-up at this address of AWS; nothing takes real time, and SES is asked without a pause."""
    clock = clock or Clock()
    amazon = _WAYS.setdefault(origin, Amazon(Access(REGION, "AKIAEXAMPLE", "secret", origin), _at_once, clock.sleep))
    places = [WhoAmI(amazon).place(region) for region in regions]
    waiting = Waiting(
        noted,
        knock,
        topic_arns=topic_arns,
        public_url=public_url,
        pause=clock.sleep,
        monotonic=clock.monotonic,
        tell=tell,
    )
    sites = [site(amazon, place, wanted) for place in places]
    return Installation(sites, wanted, waiting, named=named, pause=clock.sleep, tell=tell)


def _at_once(*_: Any, **__: Any) -> float:
    return 0.0


#: Making the clients of a way takes longer than all that is done by it.
_WAYS: dict[str, Amazon] = {}


@contextmanager
def account() -> Iterator[FakeAws]:
    """A fake AWS for many tests, each of which begins with `wiped`."""
    with FakeAws() as aws:
        try:
            yield aws
        finally:
            if aws.origin in _WAYS:
                _WAYS.pop(aws.origin).close()


def wiped(aws: FakeAws, *identities: str) -> FakeAws:
    """The same with nothing in it but these verified identities; it posts no confirmations."""
    Moto()
    aws.recover()
    aws.topics.tokens.clear()
    aws._ses.clear()
    aws._gateway.requests.clear()
    aws.deliver_confirmations = False
    for identity in identities:
        aws.ses.create_outside(identity, verified=True)
    return aws


def apply(aws: FakeAws, wanted: Wanted = WANTED, identities: Sequence[str] | None = None, **given: Any) -> None:
    """Plans and applies."""
    setup = setting_up(aws.origin, wanted, **given)
    setup.apply(setup.plan(identities))


def confirm(aws: FakeAws, region: str = REGION) -> None:
    """Confirms all that waits to be."""
    sns = aws.client("sns", region)
    for arn, token in dict(aws.topics.tokens).items():
        if arn.split(":")[3] == region:
            sns.confirm_subscription(TopicArn=arn.rpartition(":")[0], Token=token, AuthenticateOnUnsubscribe="true")


# -- what is there, read by other code than the product's


def world(aws: FakeAws, region: str = REGION) -> World:
    """Everything of the kinds we make that is in the region, whosever it is, in CloudFormation's shape."""
    there: World = {}
    for reader in (_queues, _topics, _subscriptions, _rules, _sets):
        there |= reader(aws, region)
    ses = aws.client("sesv2", region)
    for identity in ses.list_email_identities()["EmailIdentities"]:
        told = ses.get_email_identity(EmailIdentity=identity["IdentityName"])
        there["identity", identity["IdentityName"]] = {"ConfigurationSetName": told.get("ConfigurationSetName")}
    return there


def _queues(aws: FakeAws, region: str) -> World:
    sqs = aws.client("sqs", region)
    there: World = {}
    for url in sqs.list_queues().get("QueueUrls", []):
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        name = told["QueueArn"].rpartition(":")[2]
        there["AWS::SQS::Queue", name] = {
            "QueueName": name,
            "MessageRetentionPeriod": int(told["MessageRetentionPeriod"]),
            "VisibilityTimeout": int(told["VisibilityTimeout"]),
            "ReceiveMessageWaitTimeSeconds": int(told["ReceiveMessageWaitTimeSeconds"]),
            "SqsManagedSseEnabled": told.get("SqsManagedSseEnabled") == "true",
            "RedrivePolicy": json.loads(told.get("RedrivePolicy", "null")),
            "Tags": [{"Key": k, "Value": v} for k, v in sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).items()],
        }
        if "Policy" in told:
            address = f"https://sqs.{region}.amazonaws.com/{aws.account_id}/{name}"
            there["AWS::SQS::QueuePolicy", address] = {
                "Queues": [address],
                "PolicyDocument": json.loads(told["Policy"]),
            }
    return there


def _topics(aws: FakeAws, region: str) -> World:
    sns = aws.client("sns", region)
    there: World = {}
    for listed in sns.list_topics()["Topics"]:
        arn = listed["TopicArn"]
        told = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        name = arn.rpartition(":")[2]
        there["AWS::SNS::Topic", name] = {
            "TopicName": name,
            "SignatureVersion": told.get("SignatureVersion", "1"),
            "KmsMasterKeyId": told.get("KmsMasterKeyId"),
            "Tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
        }
        there["AWS::SNS::TopicPolicy", arn] = {"Topics": [arn], "PolicyDocument": json.loads(told["Policy"])}
    return there


def _subscriptions(aws: FakeAws, region: str) -> World:
    sns = aws.client("sns", region)
    there: World = {}
    for arn, listed in _subscribed(aws, region):
        told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        there["AWS::SNS::Subscription", f"{listed['TopicArn']} {listed['Endpoint']}"] = {
            "TopicArn": listed["TopicArn"],
            "Protocol": listed["Protocol"],
            "Endpoint": listed["Endpoint"],
            "RawMessageDelivery": told.get("RawMessageDelivery") == "true",
            "RedrivePolicy": json.loads(told.get("RedrivePolicy", "null")),
            "DeliveryPolicy": json.loads(told.get("DeliveryPolicy", "null")),
        }
    return there


def _subscribed(aws: FakeAws, region: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The subscriptions with their ARNs, those included that SNS does not tell yet."""
    waiting = {arn.rpartition(":")[0]: arn for arn in aws.topics.tokens}
    for listed in aws.client("sns", region).list_subscriptions()["Subscriptions"]:
        arn = listed["SubscriptionArn"]
        yield waiting[listed["TopicArn"]] if arn == "PendingConfirmation" else arn, listed


def _rules(aws: FakeAws, region: str) -> World:
    events = aws.client("events", region)
    there: World = {}
    for rule in events.list_rules()["Rules"]:
        there["AWS::Events::Rule", rule["Name"]] = {
            "Name": rule["Name"],
            "Description": rule.get("Description"),
            "EventPattern": json.loads(rule.get("EventPattern", "null")),
            "State": rule["State"],
            "Targets": events.list_targets_by_rule(Rule=rule["Name"])["Targets"],
            "Tags": events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"],
        }
    return there


def _sets(aws: FakeAws, region: str) -> World:
    ses = aws.client("sesv2", region)
    there: World = {}
    for name in ses.list_configuration_sets()["ConfigurationSets"]:
        told = ses.get_configuration_set(ConfigurationSetName=name)
        there["AWS::SES::ConfigurationSet", name] = {
            "Name": name,
            "ReputationOptions": {"ReputationMetricsEnabled": told["ReputationOptions"]["ReputationMetricsEnabled"]},
            "SendingOptions": told["SendingOptions"],
            "Tags": told.get("Tags", []),
        }
        found = ses.get_configuration_set_event_destinations(ConfigurationSetName=name).get("EventDestinations", [])
        for one in found:
            there["AWS::SES::ConfigurationSetEventDestination", f"{name} {one['Name']}"] = {
                "ConfigurationSetName": name,
                "EventDestination": {
                    "Name": one["Name"],
                    "Enabled": one["Enabled"],
                    "MatchingEventTypes": [_SPELLED.get(event, event.lower()) for event in one["MatchingEventTypes"]],
                    "SnsDestination": {"TopicARN": one.get("SnsDestination", {}).get("TopicArn")},
                },
            }
    return there


_SPELLED = {"RENDERING_FAILURE": "renderingFailure", "DELIVERY_DELAY": "deliveryDelay"}

#: What AWS has where a template says nothing.
DEFAULTS: dict[str, Any] = {
    "VisibilityTimeout": 30,
    "ReceiveMessageWaitTimeSeconds": 0,
    "RedrivePolicy": None,
    "DeliveryPolicy": None,
    "KmsMasterKeyId": None,
    "SendingOptions": {"SendingEnabled": True},
}


# -- the same, as the template says


def templated(aws: FakeAws, wanted: Wanted = WANTED, region: str = REGION) -> World:
    """The resources of the CloudFormation template with its placeholders filled in, defaults included."""
    drawn = Wanted(
        configuration_set=wanted.configuration_set,
        endpoint=f"{CLOUDFORMATION_URL}/webhooks/sns",
        name=wanted.name,
        events=wanted.events,
        queue=wanted.queue,
        kms_key=wanted.kms_key,
    )
    template = json.loads(json.dumps(cloudformation(blueprint(CLOUDFORMATION, drawn), None)))
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::AccountId": aws.account_id,
        "AWS::URLSuffix": "amazonaws.com",
        "PublicUrl": PUBLIC_URL,
    }
    there: World = {}
    for resource in template["Resources"].values():
        properties = _filled(resource["Properties"], values)
        there[resource["Type"], _name(resource["Type"], properties)] = properties
    return there


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict) and value.keys() == {"Fn::Sub"}:
        text = value["Fn::Sub"]
        for name, filling in values.items():
            text = text.replace(f"${{{name}}}", filling)
        assert "${" not in text
        return text
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    return [_filled(each, values) for each in value] if isinstance(value, list) else value


def _name(kind: str, properties: dict[str, Any]) -> str:
    names: dict[str, Callable[[dict[str, Any]], str]] = {
        "AWS::SQS::Queue": lambda one: one["QueueName"],
        "AWS::SQS::QueuePolicy": lambda one: one["Queues"][0],
        "AWS::SNS::Topic": lambda one: one["TopicName"],
        "AWS::SNS::TopicPolicy": lambda one: one["Topics"][0],
        "AWS::SNS::Subscription": lambda one: f"{one['TopicArn']} {one['Endpoint']}",
        "AWS::SES::ConfigurationSetEventDestination": lambda one: (
            f"{one['ConfigurationSetName']} {one['EventDestination']['Name']}"
        ),
    }
    return names.get(kind, lambda one: one["Name"])(properties)


def assert_as_templated(aws: FakeAws, wanted: Wanted = WANTED, region: str = REGION) -> None:
    """What is there, read by these clients, is what the template would have made: no piece more, none otherwise."""
    expected, there = templated(aws, wanted, region), world(aws, region)
    assert {key for key in there if key[0] != "identity"} == expected.keys()
    for key, properties in expected.items():
        full = {**{name: DEFAULTS[name] for name in there[key] if name in DEFAULTS}, **properties}
        assert there[key] == full, key


if __name__ == "__main__":
    process = setting_up(sys.argv[1], tell=lambda line: print(line, flush=True))
    process.apply(process.plan(None))
