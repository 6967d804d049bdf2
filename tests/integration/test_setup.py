"""The set-up in AWS, against a fake AWS over real HTTP: made, kept, mended, and taken away again."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.fakes.aws import FakeAws
from tests.setting_up import (
    OURS,
    REGION,
    TOPIC,
    WANTED,
    Clock,
    account,
    apply,
    assert_as_templated,
    confirm,
    setting_up,
    wiped,
    world,
)
from webhook.domain.blueprint import OPEN_CLICK, Kind, Place, key_policy_statements
from webhook.errors import AwsError, NotFound
from webhook.setup import Action, Installation, Plan, Stopped

ROOT = Path(__file__).resolve().parents[2]
QUEUED = replace(WANTED, queue=True)


@pytest.fixture(scope="module")
def lasting() -> Iterator[FakeAws]:
    with account() as fake:
        yield fake


@pytest.fixture
def aws(lasting: FakeAws) -> FakeAws:
    return wiped(lasting, "example.com")


def planned(aws: FakeAws, wanted: Any = WANTED, identities: Any = None, **given: Any) -> Plan:
    setup = setting_up(aws.origin, wanted, **given)
    [plan] = setup.plan(identities)
    return plan


def destroyed(aws: FakeAws, wanted: Any = WANTED) -> list[str]:
    """Takes all away; the remarks."""
    setup = setting_up(aws.origin, wanted)
    plans = setup.demolition()
    setup.apply(plans)
    assert not any(plan.changes for plan in setup.demolition())
    return [remark for plan in plans for remark in plan.remarks]


def actions(plan: Plan) -> dict[str, Action]:
    return {step.resource.key: step.action for step in plan.steps if step.action is not Action.KEEP}


# -- the round


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED,
        QUEUED,
        replace(WANTED, events=WANTED.events + OPEN_CLICK),
        replace(WANTED, name="staging", configuration_set="outgoing"),
    ],
    ids=["https", "queue", "open and click", "another name"],
)
def test_what_is_made_is_what_the_template_says_stays_and_goes_without_a_trace(aws: FakeAws, wanted: Any) -> None:
    before = world(aws)
    apply(aws, wanted)
    confirm(aws)
    assert_as_templated(aws, wanted)
    assert world(aws)["identity", "example.com"] == {"ConfigurationSetName": wanted.configuration_set}
    assert planned(aws, wanted).changes == ()
    destroyed(aws, wanted)
    assert world(aws) == before


def test_a_plan_changes_nothing(aws: FakeAws) -> None:
    before = world(aws)
    assert all(step.action in (Action.CREATE, Action.CHANGE) for step in planned(aws).steps)
    assert world(aws) == before
    assert {asked.operation[:3] for asked in aws.requests} <= {"Get", "Lis", "Des"}


def test_a_second_apply_asks_for_nothing_to_be_changed(aws: FakeAws) -> None:
    apply(aws, QUEUED)
    confirm(aws)
    done = len(aws.calls)
    apply(aws, QUEUED)
    assert {call.operation[:3] for call in aws.calls[done:]} <= {"Get", "Lis", "Des"}


def test_two_regions_have_each_their_own(aws: FakeAws) -> None:
    regions = ("eu-north-1", "us-east-1")
    aws.ses_in("us-east-1").create_outside("example.org", verified=True)
    apply(aws, regions=regions)
    for region in regions:
        confirm(aws, region)
        assert_as_templated(aws, region=region)
    setup = setting_up(aws.origin, regions=regions)
    assert [plan.changes for plan in setup.plan(None)] == [(), ()]
    setup.apply(setup.demolition()[:1])
    assert world(aws, "eu-north-1").keys() == {("identity", "example.com")}
    assert_as_templated(aws, region="us-east-1")


def test_no_longer_wanted_the_queue_goes_with_its_subscription(aws: FakeAws) -> None:
    apply(aws, QUEUED)
    confirm(aws)
    assert actions(planned(aws)) == {"Queue": Action.DELETE, "QueueSubscription": Action.DELETE}
    apply(aws)
    assert_as_templated(aws)


def test_a_queue_that_the_service_reads_from_stays_without_being_asked_for(aws: FakeAws) -> None:
    apply(aws, QUEUED)
    confirm(aws)
    named = ["https://sqs.eu-north-1.amazonaws.com/123456789012/ses-sentinel-events"]
    assert planned(aws, named=named).changes == ()


def test_an_encrypted_topic_needs_what_the_plan_says_of_its_key(aws: FakeAws) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]
    wanted = replace(WANTED, kms_key=key["Arn"])
    with pytest.raises(Stopped, match="key's policy"):
        apply(aws, wanted)
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    policy["Statement"] += key_policy_statements(Place("aws", REGION, aws.account_id), "ses-sentinel")
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    apply(aws, wanted)
    assert_as_templated(aws, wanted)
    confirm(aws)
    assert planned(aws, wanted).changes == planned(aws).changes == ()


# -- cut off


def cut_off(aws: FakeAws, change: Callable[[Installation], None], calls: int, *, done: bool = False) -> bool:
    """Does it until so many calls are answered; whether it was cut off."""
    aws.kill_after(calls, done=done)
    try:
        change(setting_up(aws.origin))
    except (Stopped, AwsError):
        return True
    finally:
        aws.recover()
    return False


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done, the answer lost"])
def test_cut_off_after_any_call_it_is_gone_on_with(aws: FakeAws, done: bool) -> None:
    planned(aws)
    begun = len(aws.calls)
    for calls in count(begun):
        wiped(aws, "example.com")
        was = cut_off(aws, lambda setup: setup.apply(setup.plan(None)), calls, done=done)
        apply(aws)
        assert_as_templated(aws)
        assert world(aws)["identity", "example.com"] == {"ConfigurationSetName": "ses-sentinel"}
        if not was:
            break
    assert calls > begun + 10


def test_taking_it_away_can_be_cut_off_too(aws: FakeAws) -> None:
    before = world(aws)
    apply(aws)
    reads = len(aws.calls)
    setting_up(aws.origin).demolition()
    for calls in count(len(aws.calls) - reads):
        apply(aws)
        was = cut_off(aws, lambda setup: setup.apply(setup.demolition()), calls)
        destroyed(aws)
        assert world(aws) == before
        if not was:
            break


@pytest.mark.parametrize("step", [" 2/10", " 5/10", " 8/10", " 10/10"])
def test_a_killed_process_leaves_what_the_next_one_completes(aws: FakeAws, step: str) -> None:
    arguments = [sys.executable, "-m", "tests.setting_up", aws.origin]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(step in line for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    apply(aws)
    assert_as_templated(aws)


# -- somebody else's


def test_what_is_somebody_elses_is_never_touched(aws: FakeAws) -> None:
    sns, sqs, events = aws.client("sns"), aws.client("sqs"), aws.client("events")
    topic = sns.create_topic(Name="theirs")["TopicArn"]
    queue = sqs.create_queue(QueueName="theirs")["QueueUrl"]
    events.put_rule(Name="theirs", EventPattern='{"source":["aws.ses"]}')
    events.put_targets(Rule="theirs", Targets=[{"Id": "1", "Arn": topic}])
    aws.client("sesv2").create_configuration_set(ConfigurationSetName="theirs")
    aws.ses.create_outside("theirs.example.com", verified=True)
    aws.client("sesv2").put_email_identity_configuration_set_attributes(
        EmailIdentity="theirs.example.com", ConfigurationSetName="theirs"
    )
    before = world(aws)
    plan = planned(aws)
    [left] = [step for step in plan.steps if step.action is Action.LEAVE]
    assert (left.resource.name, "theirs" in left.why) == ("theirs.example.com", True)
    apply(aws, QUEUED)
    after = world(aws)
    assert {key: after[key] for key in before if key != ("identity", "example.com")} == {
        key: value for key, value in before.items() if key != ("identity", "example.com")
    }
    destroyed(aws)
    assert world(aws) == before
    assert queue


@pytest.mark.parametrize("kind", ["topic", "queue", "rule", "set"])
def test_a_name_that_is_taken_blocks_the_plan_and_says_how_to_go_on(aws: FakeAws, kind: str) -> None:
    made = {
        "topic": lambda: aws.client("sns").create_topic(Name="ses-sentinel-events"),
        "queue": lambda: aws.client("sqs").create_queue(QueueName="ses-sentinel-dead-letters"),
        "rule": lambda: aws.client("events").put_rule(Name="ses-sentinel-ses", EventPattern='{"source":["a"]}'),
        "set": lambda: aws.client("sesv2").create_configuration_set(ConfigurationSetName="ses-sentinel"),
    }
    made[kind]()
    before = world(aws)
    plan = planned(aws)
    [obstacle] = plan.obstacles
    assert "--name" in obstacle.why
    assert "give it the tags ses-sentinel: managed and ses-sentinel-name: ses-sentinel if" in obstacle.why
    destroyed(aws)
    assert world(aws) == before
    assert planned(aws, replace(WANTED, name="other", configuration_set="other")).obstacles == ()


#: Another --name, and the same SES_CONFIGURATION_SET.
OTHER = replace(WANTED, name="other")


def test_under_another_name_destroy_touches_nothing(aws: FakeAws) -> None:
    apply(aws)
    confirm(aws)
    before = world(aws)
    [plan] = setting_up(aws.origin, OTHER).demolition()
    [left] = plan.steps
    assert (left.action, left.resource.name) == (Action.LEAVE, "ses-sentinel")
    assert left.why == "it is that of the installation ses-sentinel"
    destroyed(aws, OTHER)
    assert world(aws) == before


def test_under_another_name_apply_does_not_take_the_set_over(aws: FakeAws) -> None:
    apply(aws)
    plan = planned(aws, OTHER)
    [obstacle] = plan.obstacles
    assert obstacle.why == (
        "that of the installation ses-sentinel: give --name ses-sentinel to work on that one,"
        " or set SES_CONFIGURATION_SET to another set for this one"
    )
    assert not [step for step in plan.steps if step.resource.kind is Kind.IDENTITY]


def test_a_set_that_another_installation_made_in_between_is_not_taken_over(aws: FakeAws) -> None:
    setup = setting_up(aws.origin, OTHER)
    plans = setup.plan(None)
    apply(aws)
    theirs = {key: piece for key, piece in world(aws).items() if not key[1].startswith("other")}
    with pytest.raises(Stopped, match="SES has it already"):
        setup.apply(plans)
    assert {key: piece for key, piece in world(aws).items() if key in theirs} == theirs


def test_two_installations_with_a_set_each_stand_beside_each_other(aws: FakeAws) -> None:
    apply(aws)
    confirm(aws)
    before = world(aws)
    own = replace(OTHER, configuration_set="other")
    apply(aws, own)
    assert planned(aws).changes == ()
    destroyed(aws, own)
    assert world(aws) == before


def test_a_set_with_our_tag_and_no_name_is_not_ours(aws: FakeAws) -> None:
    """As identities are tagged; whose it is must be said by whoever knows."""
    ses = aws.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="ses-sentinel", Tags=OURS[:1])
    [obstacle] = planned(aws).obstacles
    assert "give it the tags" in obstacle.why
    destroyed(aws)
    arn = f"arn:aws:ses:{REGION}:{aws.account_id}:configuration-set/ses-sentinel"
    ses.tag_resource(ResourceArn=arn, Tags=OURS[1:])
    apply(aws)
    assert_as_templated(aws)


def test_who_hangs_on_it_is_told_before_it_goes(aws: FakeAws) -> None:
    apply(aws, QUEUED)
    sns, sqs, events, ses = (aws.client(name) for name in ("sns", "sqs", "events", "sesv2"))
    sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="ops@example.com")
    events.put_rule(Name="theirs", EventPattern='{"source":["aws.ses"]}')
    events.put_targets(Rule="theirs", Targets=[{"Id": "1", "Arn": TOPIC}])
    events.put_targets(Rule="ses-sentinel-ses", Targets=[{"Id": "theirs", "Arn": f"{TOPIC}-other"}])
    letters = f"arn:aws:sqs:{REGION}:123456789012:ses-sentinel-dead-letters"
    redrive = f'{{"deadLetterTargetArn": "{letters}", "maxReceiveCount": 3}}'
    sqs.create_queue(QueueName="theirs", Attributes={"RedrivePolicy": redrive})
    url = sqs.get_queue_url(QueueName="ses-sentinel-dead-letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="undelivered")
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="ses-sentinel",
        EventDestinationName="theirs",
        EventDestination={"Enabled": False, "MatchingEventTypes": ["SEND"], "SnsDestination": {"TopicArn": TOPIC}},
    )
    anyone = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=json.dumps({"Statement": [anyone]}))
    feedback = {"Identity": "example.com", "NotificationType": "Bounce", "SnsTopic": TOPIC}
    aws.client("ses").set_identity_notification_topic(**feedback)
    remarks = " ".join(destroyed(aws, QUEUED))
    for told in (
        "ops@example.com is subscribed",
        "EventBridge rule theirs",
        "ses-sentinel-events-other",
        "SQS queue theirs",
        "ses-sentinel-dead-letters has about 1 message, which goes with it.",
        "event destination theirs",
        "identity example.com sends its feedback",
    ):
        assert told in remarks
    assert ("AWS::Events::Rule", "theirs") in world(aws)


# -- identities


def test_addresses_and_domains_get_the_default_set_and_others_keep_theirs(aws: FakeAws) -> None:
    aws.ses.create_outside("new.example.com")
    ses = aws.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="chosen")
    aws.ses.create_outside("chosen.example.com")
    ses.put_email_identity_configuration_set_attributes(
        EmailIdentity="chosen.example.com", ConfigurationSetName="chosen"
    )
    apply(aws)
    there = world(aws)
    sets = {name: there["identity", name]["ConfigurationSetName"] for kind, name in there if kind == "identity"}
    assert sets == {"example.com": "ses-sentinel", "new.example.com": "ses-sentinel", "chosen.example.com": "chosen"}


def test_only_the_identities_that_were_named_are_asked_for(aws: FakeAws) -> None:
    aws.ses.create_outside("other.example.com")
    apply(aws, identities=["example.com"])
    assert world(aws)["identity", "other.example.com"] == {"ConfigurationSetName": None}
    assert ("sesv2", "ListEmailIdentities") not in aws.calls


def test_an_identity_that_is_in_no_region_is_an_error_in_one_of_them_is_none(aws: FakeAws) -> None:
    regions = ("us-east-1", "eu-north-1")
    setup = setting_up(aws.origin, regions=regions)
    setup.plan(["example.com"])
    with pytest.raises(NotFound, match=r"no identity nobody\.example\.com in us-east-1, eu-north-1"):
        setup.plan(["nobody.example.com"])


# -- drift


def _policy(aws: FakeAws) -> None:
    aws.client("sns").add_permission(
        TopicArn=TOPIC, Label="strangers", AWSAccountId=["111122223333"], ActionName=["Publish"]
    )


def _attribute(name: str, value: str) -> Any:
    return lambda aws: aws.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)


def _subscription(name: str, value: str) -> Any:
    def change(aws: FakeAws) -> None:
        sns = aws.client("sns")
        [arn] = [
            one["SubscriptionArn"]
            for one in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
            if one["Protocol"] == "https"
        ]
        sns.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)

    return change


def _queue(queue: str, **attributes: str) -> Any:
    def change(aws: FakeAws) -> None:
        sqs = aws.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    return change


def _destination(**changed: Any) -> Any:
    wanted = {
        "Enabled": True,
        "MatchingEventTypes": list(WANTED.events),
        "SnsDestination": {"TopicArn": TOPIC},
        **changed,
    }
    return lambda aws: aws.client("sesv2").update_configuration_set_event_destination(
        ConfigurationSetName="ses-sentinel", EventDestinationName="ses-sentinel", EventDestination=wanted
    )


DRIFTS: dict[str, tuple[Any, str]] = {
    "topic signs by SHA1": (_attribute("SignatureVersion", "1"), "SignatureVersion"),
    "topic policy widened": (_policy, "PolicyDocument"),
    "topic policy gone": (_attribute("Policy", '{"Version":"2012-10-17","Statement":[]}'), "PolicyDocument"),
    "raw delivery": (_subscription("RawMessageDelivery", "true"), "RawMessageDelivery"),
    "few retries": (
        _subscription("DeliveryPolicy", '{"healthyRetryPolicy":{"numRetries":3,"minDelayTarget":5}}'),
        "DeliveryPolicy.healthyRetryPolicy",
    ),
    "dead letters elsewhere": (
        _subscription("RedrivePolicy", f'{{"deadLetterTargetArn":"arn:aws:sqs:{REGION}:123456789012:other"}}'),
        "RedrivePolicy.deadLetterTargetArn",
    ),
    "dead letters kept a day": (_queue("ses-sentinel-dead-letters", MessageRetentionPeriod="86400"), "MessageRet"),
    "dead letters unencrypted": (_queue("ses-sentinel-dead-letters", SqsManagedSseEnabled="false"), "SqsManagedSse"),
    "dead letters' policy": (_queue("ses-sentinel-dead-letters", Policy=""), ""),
    "queue hides briefly": (_queue("ses-sentinel-events", VisibilityTimeout="5"), "VisibilityTimeout"),
    "queue gives up early": (
        _queue(
            "ses-sentinel-events",
            RedrivePolicy=(
                f'{{"deadLetterTargetArn":"arn:aws:sqs:{REGION}:123456789012:ses-sentinel-dead-letters",'
                '"maxReceiveCount":"3"}'
            ),
        ),
        "RedrivePolicy.maxReceiveCount",
    ),
    "reputation metrics off": (
        lambda aws: aws.client("sesv2").put_configuration_set_reputation_options(
            ConfigurationSetName="ses-sentinel", ReputationMetricsEnabled=False
        ),
        "ReputationOptions.ReputationMetricsEnabled",
    ),
    "destination off": (_destination(Enabled=False), "EventDestination.Enabled"),
    "destination without sends": (_destination(MatchingEventTypes=["BOUNCE"]), "EventDestination.MatchingEventTypes"),
    "destination deleted": (
        lambda aws: aws.client("sesv2").delete_configuration_set_event_destination(
            ConfigurationSetName="ses-sentinel", EventDestinationName="ses-sentinel"
        ),
        "",
    ),
    "rule off": (lambda aws: aws.client("events").disable_rule(Name="ses-sentinel-ses"), "State"),
    "rule narrowed": (
        lambda aws: aws.client("events").put_rule(
            Name="ses-sentinel-health", EventPattern='{"source":["aws.health"],"detail":{"service":["EC2"]}}'
        ),
        "EventPattern",
    ),
    "rule without target": (
        lambda aws: aws.client("events").remove_targets(Rule="ses-sentinel-ses", Ids=["ses-sentinel-events"]),
        "Targets",
    ),
    "identity without set": (
        lambda aws: aws.client("sesv2").put_email_identity_configuration_set_attributes(EmailIdentity="example.com"),
        "",
    ),
    "queue deleted": (
        lambda aws: aws.client("sqs").delete_queue(
            QueueUrl=aws.client("sqs").get_queue_url(QueueName="ses-sentinel-events")["QueueUrl"]
        ),
        "",
    ),
}


@pytest.mark.parametrize(("drift", "path"), DRIFTS.values(), ids=DRIFTS.keys())
def test_what_somebody_changed_is_found_and_set_right(aws: FakeAws, drift: Any, path: str) -> None:
    apply(aws, QUEUED)
    confirm(aws)
    drift(aws)
    plan = planned(aws, QUEUED)
    assert plan.changes
    wrong = [difference.path for step in plan.changes for difference in step.wrong]
    assert any(one.startswith(path) for one in wrong) if path else not wrong
    apply(aws, QUEUED)
    assert_as_templated(aws, QUEUED)
    assert world(aws)["identity", "example.com"] == {"ConfigurationSetName": "ses-sentinel"}
    assert planned(aws, QUEUED).changes == ()


def test_what_nothing_is_said_of_stays_as_somebody_wants_it(aws: FakeAws) -> None:
    apply(aws)
    confirm(aws)
    sns, ses = aws.client("sns"), aws.client("sesv2")
    sns.tag_resource(ResourceArn=TOPIC, Tags=[{"Key": "cost-centre", "Value": "mail"}])
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="DisplayName", AttributeValue="Mail")
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue="1")
    ses.put_configuration_set_sending_options(ConfigurationSetName="ses-sentinel", SendingEnabled=False)
    apply(aws)
    there = world(aws)
    assert there["AWS::SNS::Topic", "ses-sentinel-events"]["Tags"] == [*OURS, {"Key": "cost-centre", "Value": "mail"}]
    assert sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["DisplayName"] == "Mail"
    assert there["AWS::SES::ConfigurationSet", "ses-sentinel"]["SendingOptions"] == {"SendingEnabled": False}


# -- the confirmation that SNS wants


def test_a_subscription_that_nobody_confirmed_is_asked_for_again(aws: FakeAws) -> None:
    apply(aws)
    assert actions(planned(aws)) == {"Subscription": Action.CONFIRM}
    asked = len(aws.asked("sns", "Subscribe"))
    apply(aws)
    assert len(aws.asked("sns", "Subscribe")) == asked + 1
    assert_as_templated(aws)
    confirm(aws)
    assert planned(aws).changes == ()


def test_one_that_was_begun_otherwise_is_set_right_while_it_waits(aws: FakeAws) -> None:
    apply(aws)
    [arn] = aws.topics.tokens
    aws.client("sns").set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    apply(aws)
    assert_as_templated(aws)


# -- what AWS has against it


def test_what_is_not_allowed_is_named_and_gone_on_with_once_it_is(aws: FakeAws) -> None:
    aws.deny("sns:Subscribe")
    with pytest.raises(Stopped, match=r"create SNS subscription .*sns:Subscribe.*goes on from there"):
        apply(aws)
    aws.allow()
    apply(aws)
    assert_as_templated(aws)


def test_what_passes_by_itself_is_waited_for(aws: FakeAws) -> None:
    clock = Clock()
    aws.fail_next("sqs", "CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", 400)
    aws.fail_next("sns", "CreateTopic", "Throttling", 400, times=2)
    aws.fail_next("sesv2", "CreateConfigurationSetEventDestination", "BadRequestException", 400)
    apply(aws, clock=clock)
    assert clock.slept == [61, 2, 2, 1]
    assert_as_templated(aws)


def test_what_does_not_pass_ends_it_after_a_few_attempts(aws: FakeAws) -> None:
    aws.fail_next("sesv2", "CreateConfigurationSet", "LimitExceededException", 400)
    with pytest.raises(Stopped, match="limit of the AWS account"):
        apply(aws)
    aws.fail_next("events", "PutRule", "InternalException", 500, times=99)
    with pytest.raises(Stopped, match="EventBridge rule ses-sentinel-ses"):
        apply(aws)
    assert len(aws.asked("events", "PutRule")) == 5


def test_made_by_a_call_whose_answer_got_lost_it_is_not_an_error(aws: FakeAws) -> None:
    aws.reset_next("sesv2", "CreateConfigurationSet", done=True)
    aws.reset_next("sesv2", "CreateConfigurationSetEventDestination", done=True)
    aws.reset_next("sqs", "CreateQueue", done=True)
    apply(aws)
    assert_as_templated(aws)


def test_a_set_that_a_stranger_made_in_between_is_not_taken_over(aws: FakeAws) -> None:
    setup = setting_up(aws.origin)
    plans = setup.plan(None)
    aws.client("sesv2").create_configuration_set(ConfigurationSetName="ses-sentinel")
    with pytest.raises(Stopped, match="SES has it already"):
        setup.apply(plans)


def test_a_reader_without_rights_is_told_which(aws: FakeAws) -> None:
    aws.deny("sqs:GetQueueUrl")
    with pytest.raises(AwsError, match="sqs:GetQueueUrl") as refused:
        planned(aws)
    assert refused.value.code == "aws_access_denied"


def test_the_kinds_of_piece_are_all_looked_after(aws: FakeAws) -> None:
    assert {step.resource.kind for step in planned(aws, QUEUED).steps} == set(Kind)
