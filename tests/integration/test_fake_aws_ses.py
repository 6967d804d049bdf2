"""SES inside the fake AWS, asked through boto3: sets and where they tell, what befalls a mail, lists and figures."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.aws import FakeAws
from tests.fakes.aws.making import SES_MAY, queue_for, received, topic_for

ACCOUNT = FakeAws.account_id


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with FakeAws() as fake:
        yield fake


def send(aws: FakeAws, to: str, **more: Any) -> str:
    text = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hi"}}}}
    answer = aws.client("sesv2").send_email(
        FromEmailAddress="Ann <ann@example.com>", Destination={"ToAddresses": [to]}, Content=text, **more
    )
    return str(answer["MessageId"])


def test_configuration_sets_and_their_destinations(aws: FakeAws) -> None:
    ses, topic = aws.client("sesv2"), topic_for(aws, SES_MAY)
    tags = [{"Key": "ses-sentinel", "Value": "managed"}]
    ses.create_configuration_set(
        ConfigurationSetName="main", ReputationOptions={"ReputationMetricsEnabled": True}, Tags=tags
    )
    ses.put_configuration_set_sending_options(ConfigurationSetName="main", SendingEnabled=False)
    told = ses.get_configuration_set(ConfigurationSetName="main")
    assert told["ReputationOptions"] == {"ReputationMetricsEnabled": True}
    assert (told["SendingOptions"], told["Tags"]) == ({"SendingEnabled": False}, tags)
    assert ses.list_configuration_sets()["ConfigurationSets"] == ["main"]
    wanted = {"Enabled": True, "MatchingEventTypes": ["SEND", "BOUNCE"], "SnsDestination": {"TopicArn": topic}}
    place = {"ConfigurationSetName": "main", "EventDestinationName": "sentinel"}
    ses.create_configuration_set_event_destination(**place, EventDestination=wanted)
    with pytest.raises(ses.exceptions.AlreadyExistsException):
        ses.create_configuration_set_event_destination(**place, EventDestination=wanted)
    ses.update_configuration_set_event_destination(**place, EventDestination=wanted | {"MatchingEventTypes": ["OPEN"]})
    (found,) = ses.get_configuration_set_event_destinations(ConfigurationSetName="main")["EventDestinations"]
    assert (found["Name"], found["Enabled"], found["MatchingEventTypes"]) == ("sentinel", True, ["OPEN"])
    arn = f"arn:aws:ses:eu-north-1:{ACCOUNT}:configuration-set/main"
    ses.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "c"}])
    ses.untag_resource(ResourceArn=arn, TagKeys=["ses-sentinel"])
    assert ses.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "c"}]
    ses.delete_configuration_set_event_destination(**place)
    ses.delete_configuration_set(ConfigurationSetName="main")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_configuration_set(ConfigurationSetName="main")


FOREIGN = {"StringEquals": {"AWS:SourceAccount": "999999999999"}}
ELSEWHERE = {"ArnLike": {"AWS:SourceArn": f"arn:aws:ses:eu-north-1:{ACCOUNT}:configuration-set/other"}}
HERE = {"ArnLike": {"AWS:SourceArn": f"arn:aws:ses:eu-north-1:{ACCOUNT}:configuration-set/ma*"}}


@pytest.mark.parametrize(
    ("statements", "attributes", "lets"),
    [
        ([], {}, False),
        ([SES_MAY], {}, True),
        ([SES_MAY | {"Condition": HERE}], {}, True),
        ([SES_MAY | {"Condition": FOREIGN}], {}, False),
        ([SES_MAY | {"Condition": ELSEWHERE}], {}, False),
        ([SES_MAY, SES_MAY | {"Effect": "Deny"}], {}, False),
        ([SES_MAY], {"KmsMasterKeyId": "alias/aws/sns"}, False),
    ],
)
def test_a_topic_must_let_ses_publish(
    aws: FakeAws, statements: list[dict[str, Any]], attributes: dict[str, str], lets: bool
) -> None:
    topic = topic_for(aws, *statements, **attributes)
    ses = aws.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="main")
    wanted = {"Enabled": True, "MatchingEventTypes": ["SEND"], "SnsDestination": {"TopicArn": topic}}
    asked = {"ConfigurationSetName": "main", "EventDestinationName": "x", "EventDestination": wanted}
    if lets:
        ses.create_configuration_set_event_destination(**asked)
        assert [text[:34] for _, text in aws.publishing.published] == ["Successfully validated SNS topic f"]
        return
    with pytest.raises(ses.exceptions.BadRequestException, match="Could not publish message to SNS topic"):
        ses.create_configuration_set_event_destination(**asked)
    aws.publishing.policies = False
    ses.create_configuration_set_event_destination(**asked)


@pytest.mark.parametrize(
    ("to", "kinds"),
    [
        ("success+1@simulator.amazonses.com", ["Send", "Delivery"]),
        ("Bounce@simulator.amazonses.com", ["Send", "Bounce"]),
        ("complaint@simulator.amazonses.com", ["Send", "Delivery", "Complaint"]),
        ("suppressionlist@simulator.amazonses.com", ["Send", "Bounce"]),
        ("bob@example.org", ["Send", "Delivery"]),
        ("gone@example.org", ["Send", "Bounce"]),
        ("listed@example.org", ["Send", "Bounce"]),
    ],
)
def test_a_mail_has_its_events(aws: FakeAws, to: str, kinds: list[str]) -> None:
    topic, (queue, url) = topic_for(aws, SES_MAY), queue_for(aws, "events")
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    wire(aws, topic)
    aws.ses.fates["gone@example.org"] = "bounce"
    aws.client("sesv2").put_suppressed_destination(EmailAddress="Listed@example.org", Reason="BOUNCE")
    mail = send(aws, to, ConfigurationSetName="main", EmailTags=[{"Name": "probe", "Value": "42"}])
    aws.settle()
    events = [json.loads(json.loads(body)["Message"]) for body in received(aws, url) if "eventType" in body]
    assert [event["eventType"] for event in events] == kinds
    for event in events:
        assert (event["mail"]["messageId"], event["mail"]["destination"]) == (mail, [to])
        assert event["mail"]["sourceArn"].endswith(":identity/example.com")
        assert (event["mail"]["tags"]["probe"], event["mail"]["tags"]["ses:from-domain"]) == (["42"], ["example.com"])
    assert list(aws.ses.suppressed) == ["Listed@example.org"] + ["gone@example.org"] * (to == "gone@example.org")


def wire(aws: FakeAws, topic: str) -> None:
    """A verified domain, and a set that tells the topic all."""
    ses = aws.client("sesv2")
    aws.ses.create_outside("example.com", verified=True)
    ses.create_configuration_set(ConfigurationSetName="main")
    kinds = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "DELIVERY_DELAY"]
    wanted = {"Enabled": True, "MatchingEventTypes": kinds, "SnsDestination": {"TopicArn": topic}}
    asked = {"ConfigurationSetName": "main", "EventDestinationName": "x", "EventDestination": wanted}
    ses.create_configuration_set_event_destination(**asked)


def test_an_identity_has_notifications_of_its_own(aws: FakeAws) -> None:
    topic, (queue, url) = topic_for(aws, SES_MAY), queue_for(aws, "events")
    aws.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    aws.ses.create_outside("example.com", verified=True)
    ses = aws.client("ses")
    ses.set_identity_notification_topic(Identity="example.com", NotificationType="Bounce", SnsTopic=topic)
    told = ses.get_identity_notification_attributes(Identities=["example.com", "other.com"])["NotificationAttributes"]
    assert list(told) == ["example.com"]
    assert (told["example.com"]["BounceTopic"], told["example.com"]["ForwardingEnabled"]) == (topic, True)
    send(aws, "complaint@simulator.amazonses.com")
    send(aws, "bounce@simulator.amazonses.com")
    aws.settle()
    heard = [json.loads(body)["notificationType"] for body in received(aws, url)]
    assert heard == ["AmazonSnsSubscriptionSucceeded", "Bounce"]
    aws.client("sesv2").put_email_identity_feedback_attributes(
        EmailIdentity="example.com", EmailForwardingEnabled=False
    )
    assert aws.client("sesv2").get_email_identity(EmailIdentity="example.com")["FeedbackForwardingStatus"] is False


def test_the_suppression_list_is_exact(aws: FakeAws) -> None:
    ses = aws.client("sesv2")
    for name, reason in (("Ann", "BOUNCE"), ("bob", "COMPLAINT"), ("eve", "BOUNCE")):
        ses.put_suppressed_destination(EmailAddress=f"{name}@example.org", Reason=reason)
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_suppressed_destination(EmailAddress="ann@example.org")
    found = ses.get_suppressed_destination(EmailAddress="Ann@example.org")["SuppressedDestination"]
    assert found["Reason"] == "BOUNCE"
    assert datetime.now(UTC) - found["LastUpdateTime"] < timedelta(minutes=5)
    first = ses.list_suppressed_destinations(Reasons=["BOUNCE"], PageSize=1)
    then = ses.list_suppressed_destinations(Reasons=["BOUNCE"], PageSize=1, NextToken=first["NextToken"])
    rows = first["SuppressedDestinationSummaries"] + then["SuppressedDestinationSummaries"]
    assert ([row["EmailAddress"] for row in rows], "NextToken" in then) == (
        ["Ann@example.org", "eve@example.org"],
        False,
    )
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert ses.list_suppressed_destinations(StartDate=tomorrow)["SuppressedDestinationSummaries"] == []
    ses.delete_suppressed_destination(EmailAddress="bob@example.org")
    assert list(aws.ses.suppressed) == ["Ann@example.org", "eve@example.org"]
    aws.ses.create_outside("example.com", verified=True)
    aws.ses.fates["gone@example.org"] = "bounce"
    mail = send(aws, "gone@example.org")
    aws.settle()
    found = ses.get_suppressed_destination(EmailAddress="gone@example.org")["SuppressedDestination"]
    assert found["Attributes"]["MessageId"] == mail


def test_ses_tells_its_own_figures(aws: FakeAws) -> None:
    ses, day = aws.client("sesv2"), date(2026, 3, 9)
    assert ses.get_account()["VdmAttributes"]["VdmEnabled"] == "DISABLED"
    query = {
        "Id": "a",
        "Namespace": "VDM",
        "Metric": "SEND",
        "Dimensions": {"EMAIL_IDENTITY": "example.com"},
        "StartDate": datetime(2026, 3, 8, tzinfo=UTC),
        "EndDate": datetime(2026, 3, 11, tzinfo=UTC),
    }
    with pytest.raises(ses.exceptions.BadRequestException):
        ses.batch_get_metric_data(Queries=[query])
    aws.ses.vdm = {("example.com", "SEND", day + timedelta(days=n)): n + 5 for n in range(4)}
    aws.ses.vdm["other.com", "SEND", day] = 99
    aws.ses.vdm_failing.add("failing.com")
    lost = query | {"Id": "b", "Dimensions": {"EMAIL_IDENTITY": "failing.com"}}
    answer = ses.batch_get_metric_data(Queries=[query, lost])
    (result,) = answer["Results"]
    assert result["Values"] == [5, 6]
    assert [at.astimezone(UTC).date() for at in result["Timestamps"]] == [day, day + timedelta(days=1)]
    assert [(one["Id"], one["Code"]) for one in answer["Errors"]] == [("b", "INTERNAL_FAILURE")]
    at = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)
    aws.ses.statistics.append({"Timestamp": at, "DeliveryAttempts": 9, "Bounces": 1, "Complaints": 0, "Rejects": 0})
    (point,) = aws.client("ses").get_send_statistics()["SendDataPoints"]
    assert (point["Timestamp"], point["DeliveryAttempts"], point["Bounces"]) == (at, 9, 1)
    ses.put_account_sending_attributes(SendingEnabled=False)
    assert aws.client("ses").get_account_sending_enabled()["Enabled"] is False
