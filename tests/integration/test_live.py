"""`doctor --live` through a fake SES and SNS to a running service: it passes, and names each link that is cut."""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pymongo.database import Database

from tests.fakes.aws import FakeAws
from tests.setting_up import TOPIC, account
from tests.trying import DOMAIN, SET, Stage, staged
from webhook import bootstrap
from webhook.adapters.clock import Clock
from webhook.cli import parser_of
from webhook.domain.live import Link, Mailbox, State
from webhook.domain.mail import Kind
from webhook.errors import NotFound, Unavailable
from webhook.worker import Worker

pytestmark = pytest.mark.mongo

Cut = Callable[[Stage], object]


@pytest.fixture(scope="module")
def lasting() -> Iterator[FakeAws]:
    with account() as aws:
        yield aws


@pytest.fixture
def stage(lasting: FakeAws, mongodb_uri: str, database: Database[dict[str, Any]]) -> Iterator[Stage]:
    database.emaildomains.insert_one({"domain": DOMAIN, "awsSes": {"registered": True, "verifiedForSending": True}})
    with staged(lasting, mongodb_uri) as made:
        yield made


def test_all_that_befalls_the_mails_is_followed_hop_by_hop(stage: Stage, database: Database[dict[str, Any]]) -> None:
    stage.serve()
    report = stage.try_it()
    assert report.verdict.works, report.verdict
    assert [hop.state for hop in report.hops] == [State.OK] * 5
    heard = {one.mailbox: {fact.kind for fact in one.heard} for one in report.passages}
    assert heard == {
        Mailbox.SUCCESS: {Kind.SENT, Kind.DELIVERED},
        Mailbox.BOUNCE: {Kind.SENT, Kind.BOUNCED},
        Mailbox.COMPLAINT: {Kind.SENT, Kind.DELIVERED, Kind.COMPLAINED},
        Mailbox.SUPPRESSED: {Kind.SENT, Kind.BOUNCED},
    }
    assert all(one.told and one.address.endswith(f"+{report.run}@simulator.amazonses.com") for one in report.passages)
    assert [mail.request["FromEmailAddress"] for mail in stage.aws.ses.sent] == [f"ses-sentinel@{DOMAIN}"] * 4
    assert database.journal.count_documents({}) == 0
    assert database.counters.count_documents({}) == 0
    assert database.suppressions.count_documents({}) == 0


# -- every link cut, one at a time


def deny_sending(stage: Stage) -> None:
    stage.aws.deny("ses:SendEmail")


def bad_credentials(stage: Stage) -> None:
    stage.aws.fail_next("sesv2", "SendEmail", "UnrecognizedClientException", 403)


def pause_account(stage: Stage) -> None:
    stage.client("sesv2").put_account_sending_attributes(SendingEnabled=False)


def unverify(stage: Stage) -> None:
    stage.aws.ses.dns_vanishes(DOMAIN)
    stage.aws.ses.identities.pop(DOMAIN, None)


def drop_set(stage: Stage) -> None:
    stage.client("sesv2").put_email_identity_configuration_set_attributes(EmailIdentity=DOMAIN)
    stage.client("sesv2").delete_configuration_set(ConfigurationSetName=SET)


def set_policy(stage: Stage, *statements: dict[str, Any]) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    stage.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=text)


def shut_ses_out(stage: Stage) -> None:
    may = {"Sid": "Own", "Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}
    set_policy(stage, may | {"Principal": {"AWS": "123456789012"}})


def leave_ses_the_default(stage: Stage) -> None:
    told = stage.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"]
    set_policy(stage, *(one for one in json.loads(told)["Statement"] if one["Sid"] != "SesMayPublish"))


def drop_topic(stage: Stage) -> None:
    stage.client("sns").delete_topic(TopicArn=TOPIC)


def unsubscribe(stage: Stage) -> None:
    stage.client("sns").unsubscribe(SubscriptionArn=stage.subscription)


CUTS: dict[str, tuple[Cut, Link, str]] = {
    "sending is not allowed": (deny_sending, Link.SENDING, "AWS does not allow ses:SendEmail"),
    "credentials are wrong": (bad_credentials, Link.SENDING, "does not accept the credentials"),
    "the account's sending is paused": (pause_account, Link.SENDING, "has paused sending"),
    "the domain is not verified": (unverify, Link.SENDING, "an identity is not verified"),
    "the configuration set is gone": (drop_set, Link.SENDING, f"{SET}"),
    "the set publishes nowhere": (Stage.drop_destination, Link.EVENTS, "E641"),
    "the destination is off": (lambda stage: stage.change_destination(set, enabled=False), Link.EVENTS, "E642"),
    "complaints are not told of": (
        lambda stage: stage.change_destination(lambda types: types - {"COMPLAINT"}),
        Link.EVENTS,
        "E643",
    ),
    "deliveries are not told of": (
        lambda stage: stage.change_destination(lambda types: types - {"DELIVERY"}),
        Link.EVENTS,
        "W645",
    ),
    "the topic's policy shuts SES out": (shut_ses_out, Link.TOPIC, "E612"),
    "the topic's policy does not name SES": (leave_ses_the_default, Link.TOPIC, "W618"),
    "the topic is gone": (drop_topic, Link.TOPIC, "E611"),
    "nothing is subscribed": (unsubscribe, Link.SUBSCRIPTION, "E620"),
    "the subscription is not confirmed": (
        lambda stage: stage.resubscribe(f"{stage.service.origin}/webhooks/sns", confirmed=False),
        Link.SUBSCRIPTION,
        "E621",
    ),
    "delivery is raw": (
        lambda stage: stage.set_subscription("RawMessageDelivery", "true"),
        Link.SUBSCRIPTION,
        "E622",
    ),
    "another address is subscribed": (
        lambda stage: stage.resubscribe("http://127.0.0.1:9/webhooks/sns"),
        Link.SUBSCRIPTION,
        "E623",
    ),
    "a filter holds everything back": (
        lambda stage: stage.set_subscription("FilterPolicy", '{"colour": ["green"]}'),
        Link.SUBSCRIPTION,
        "E624",
    ),
    "each door takes its own kind": (
        lambda stage: stage.resubscribe(f"{stage.service.origin}/webhooks/sns/bounces"),
        Link.READING,
        "misrouted",
    ),
    "SNS is kept out": (
        lambda stage: stage.aws.post.routes.update({stage.service.origin: "http://127.0.0.1:9"}),
        Link.ENDPOINT,
        "SNS could not deliver",
    ),
}


@pytest.mark.parametrize(("cut", "link", "told"), CUTS.values(), ids=CUTS)
def test_a_link_that_is_cut_is_named(stage: Stage, cut: Cut, link: Link, told: str) -> None:
    stage.serve()
    cut(stage)
    verdict = stage.try_it().verdict
    assert verdict.link is link, verdict
    assert told in (verdict.sentence if verdict.code is None or not told[1:].isdigit() else verdict.code.value)
    assert verdict.fix


SERVED: dict[str, tuple[dict[str, Any], Link, str]] = {
    "the topic is not allowed": (
        {"sns_topic_arns": ("arn:aws:sns:eu-north-1:123456789012:another",)},
        Link.ADMISSION,
        "403 (topic_not_allowed)",
    ),
    "certificates are not believed": ({"sns_trusted_origins": ()}, Link.ADMISSION, "403 (bad_certificate_url)"),
    "the service's database is down": (
        {"mongodb_uri": "mongodb://127.0.0.1:9/x?replicaSet=rs0"},
        Link.DATABASE,
        "E686",
    ),
}


@pytest.mark.parametrize(("served", "link", "told"), SERVED.values(), ids=SERVED)
def test_a_service_that_turns_messages_away_is_named(
    stage: Stage, served: dict[str, Any], link: Link, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.assembly.HASTY", 0.2)
    monkeypatch.setattr(stage.aws.post, "retries", 0)
    stage.serve(**served)
    verdict = stage.try_it().verdict
    assert verdict.link is link, verdict
    assert told in verdict.sentence or (verdict.code and verdict.code.value == told)


def test_a_topic_that_no_setting_names_is_told_from_one_that_is_not_led_to(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = ("arn:aws:sns:eu-north-1:123456789012:another",)
    stage.serve()
    verdict = stage.try_it().verdict
    assert (verdict.link, "SNS_TOPIC_ARNS" in verdict.fix) == (Link.ADMISSION, True), verdict


def test_a_service_that_has_stopped_is_named(stage: Stage) -> None:
    stage.serve()
    stage.service.end()
    verdict = stage.try_it().verdict
    assert (verdict.link, verdict.code and verdict.code.value) == (Link.ENDPOINT, "E682")
    assert any(clue.startswith("The dead-letter queue ses-sentinel-dead-letters grew by") for clue in verdict.clues)


def test_a_worker_that_does_not_work_is_named(stage: Stage, database: Database[dict[str, Any]]) -> None:
    stage.works = False
    stage.serve()
    report = stage.try_it(wait=120)
    assert (report.verdict.link, report.hops[3].state) == (Link.WORKER, State.OK)
    assert report.elapsed < 60
    assert all(entry["wirings"] for entry in database.journal.find())


# -- who sends


def test_without_a_domain_of_ours_the_first_that_ses_has_verified_sends(
    stage: Stage, database: Database[dict[str, Any]]
) -> None:
    database.emaildomains.delete_many({})
    stage.aws.ses.create_outside("absent.example")
    stage.serve()
    report = stage.try_it()
    assert report.verdict.works
    assert report.sender
    assert report.sender.identity == DOMAIN


def test_a_paused_domain_is_not_chosen(stage: Stage, database: Database[dict[str, Any]]) -> None:
    database.emaildomains.insert_one(
        {"domain": "a.example", "awsSes": {"verifiedForSending": True}, "paused": {"by": "staff"}}
    )
    stage.serve()
    report = stage.try_it()
    assert report.sender
    assert report.sender.identity == DOMAIN


def test_nobody_may_send_where_nothing_is_verified(stage: Stage, database: Database[dict[str, Any]]) -> None:
    database.emaildomains.delete_many({})
    stage.aws.ses.identities.clear()
    stage.serve()
    with pytest.raises(NotFound, match="--domain"):
        stage.try_it()


def test_an_identity_with_a_set_of_its_own_sends_by_that(stage: Stage) -> None:
    ses = stage.client("sesv2")
    ses.create_configuration_set(ConfigurationSetName="own")
    ses.put_email_identity_configuration_set_attributes(EmailIdentity=DOMAIN, ConfigurationSetName="own")
    stage.serve()
    report = stage.try_it(DOMAIN)
    assert report.sender
    assert report.sender.configuration_set == "own"
    assert (report.verdict.link, report.verdict.code and report.verdict.code.value) == (Link.EVENTS, "E641")


def test_an_identity_without_a_default_set_is_noted(stage: Stage) -> None:
    stage.client("sesv2").put_email_identity_configuration_set_attributes(EmailIdentity=DOMAIN)
    stage.serve()
    report = stage.try_it()
    assert report.verdict.works
    assert [note.startswith(f"{DOMAIN} has no default configuration set") for note in report.notes] == [True]


def test_notifications_of_the_identity_are_followed_as_well(stage: Stage) -> None:
    stage.client("sesv2").put_email_identity_configuration_set_attributes(EmailIdentity=DOMAIN)
    may = {"Sid": "Ses", "Effect": "Allow", "Principal": {"Service": "ses.amazonaws.com"}, "Action": "SNS:Publish"}
    set_policy(stage, may | {"Resource": TOPIC, "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}}})
    ses = stage.client("ses")
    for kind in ("Bounce", "Complaint", "Delivery"):
        ses.set_identity_notification_topic(Identity=DOMAIN, NotificationType=kind, SnsTopic=TOPIC)
    stage.given["ses_configuration_set"] = None
    stage.serve()
    report = stage.try_it()
    assert report.verdict.works, report.verdict
    assert [len(one.heard) for one in report.passages] == [1, 1, 2, 1]
    ses.set_identity_notification_topic(Identity=DOMAIN, NotificationType="Complaint")
    verdict = stage.try_it().verdict
    assert (verdict.link, verdict.code and verdict.code.value) == (Link.EVENTS, "E653")


def test_what_may_not_be_read_does_not_keep_the_trial_from_working(stage: Stage) -> None:
    stage.aws.deny("ses:Get*", "sqs:*", "sns:*", "cloudwatch:*")
    stage.serve()
    assert stage.try_it().verdict.works


def test_what_may_not_be_read_is_told_where_nothing_arrives(stage: Stage) -> None:
    stage.serve()
    stage.drop_destination()
    stage.aws.deny("ses:Get*", "sqs:*", "sns:*", "cloudwatch:*")
    verdict = stage.try_it().verdict
    assert (verdict.link, "could not be looked at" in verdict.sentence) == (Link.UNKNOWN, True)
    assert any("ses:GetConfigurationSet" in clue for clue in verdict.clues)


def test_a_rate_that_is_too_high_is_waited_out(stage: Stage) -> None:
    stage.aws.fail_next("sesv2", "SendEmail", "TooManyRequestsException", 429, times=2)
    stage.serve()
    assert stage.try_it().verdict.works


def test_a_database_that_does_not_answer_ends_the_trial_in_plain_words(stage: Stage) -> None:
    stage.serve()
    stage.given["mongodb_uri"] = "mongodb://127.0.0.1:9/x?replicaSet=rs0"
    with pytest.raises(Unavailable, match="MongoDB does not answer"):
        stage.try_it(patience=0.2)


# -- numbers of CloudWatch, and queues


def test_deliveries_that_cloudwatch_saw_fail_are_evidence(stage: Stage) -> None:
    stage.serve()
    stage.aws.post.routes[stage.service.origin] = "http://127.0.0.1:9"
    stage.set_subscription("RedrivePolicy", "{}")
    dimension = [{"Name": "TopicName", "Value": TOPIC.rpartition(":")[2]}]
    names = ("NumberOfMessagesPublished", "NumberOfNotificationsFailed")
    data = [{"MetricName": name, "Dimensions": dimension, "Value": 9.0} for name in names]
    stage.client("cloudwatch").put_metric_data(Namespace="AWS/SNS", MetricData=data)
    verdict = stage.try_it().verdict
    assert verdict.link is Link.ENDPOINT, verdict
    assert verdict.clues == ("CloudWatch counts 9 messages published to the topics so far, and 9 failed deliveries.",)


# -- the command


def command(*arguments: str) -> int:
    """Its exit code."""
    asked = parser_of("doctor").parse_args(["doctor", "--live", *arguments])
    code: int = asked.run(asked)
    return code


@contextmanager
def environment_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command is given the same settings, asks at once, and a worker works."""
    given = {"mongodb_uri": stage.mongodb_uri, **stage.given}
    for name, value in given.items():
        monkeypatch.setenv(name.upper(), ",".join(value) if isinstance(value, tuple) else str(value))
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    monkeypatch.setattr("webhook.live.trial.RATE", 10_000.0)
    settings = stage.settings()
    with bootstrap.database(settings) as db:
        worker = Worker(bootstrap.journal(db, settings, Clock()), Clock())
        thread = Thread(target=worker.work)
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join()


@pytest.fixture
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_apart")
def test_the_command_tells_what_happens_line_by_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.serve()
    with environment_of(stage, monkeypatch):
        code = command("--domain", "Example.COM.")
    out = capsys.readouterr().out
    assert code == 0, out
    for told in ("SES took it in", ": complained, here", "ok 5 the mails' stories", "ok The chain works: 4 mails"):
        assert told in out


@pytest.mark.usefixtures("_apart")
def test_the_command_gives_json_and_fails_where_the_chain_is_broken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.serve()
    unsubscribe(stage)
    with environment_of(stage, monkeypatch):
        code = command("--json", "--wait", "0.2")
    told = json.loads(capsys.readouterr().out)
    assert (code, told["ok"], told["broken"]["link"], told["broken"]["code"]) == (1, False, "subscription", "E620")
    assert [hop["state"] for hop in told["hops"]] == ["ok", "ok", "broken", "unknown", "unknown"]
    assert told["mails"][0]["missing"] == ["sent", "delivered"]


@pytest.mark.usefixtures("_apart")
def test_the_command_names_the_broken_link_in_words(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.serve()
    stage.aws.deny("ses:SendEmail")
    with environment_of(stage, monkeypatch):
        assert command() == 1
    out = capsys.readouterr().out
    assert "error The chain is broken where SES takes the mail.\n" in out
    assert (
        "  Fix: let an administrator of the AWS account add ses:SendEmail to the IAM policy of this user or role\n"
        in out
    )
    assert "unknown 2 SES published their events to SNS: not reached\n" in out


@pytest.mark.usefixtures("_apart")
def test_the_fix_is_a_command_that_can_be_copied_as_it_stands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.serve()
    stage.set_subscription("RawMessageDelivery", "true")
    with environment_of(stage, monkeypatch):
        assert command("--wait", "0.2") == 1
    out = capsys.readouterr().out
    assert "ok 2 SES published their events to SNS: nothing came, but nothing is wrong there\n" in out
    assert out.endswith(" --attribute-name RawMessageDelivery --attribute-value false\n")


@pytest.mark.usefixtures("_apart")
def test_without_a_region_nothing_is_tried(
    mongodb_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    for name in ("AWS_SDK_REGION", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert command() == 1
    assert capsys.readouterr().err == "No AWS region is set: set AWS_SDK_REGION, for example to eu-north-1.\n"


@pytest.mark.parametrize("arguments", [("--wait", "0"), ("--domain", "a.example", "--domain", "b.example")])
def test_what_can_not_be_meant_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(argparse.ArgumentError):
        command(*arguments)
