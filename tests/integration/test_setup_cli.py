"""`setup`, as it is typed: what it prints, asks, and ends with."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import hcl2
import pytest
from pymongo.database import Database

from tests.fakes.aws import FakeAws
from tests.integration.conftest import Run
from tests.loopback import Server
from tests.setting_up import TOPIC, account, assert_as_templated, wiped, world
from webhook.amazon import caller
from webhook.cli import COMMANDS

pytestmark = pytest.mark.mongo

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def lasting() -> Iterator[FakeAws]:
    with account() as fake:
        yield fake


@pytest.fixture
def aws(lasting: FakeAws) -> FakeAws:
    return wiped(lasting, "example.com")


@pytest.fixture
def setup(run: Run, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `setup …` with credentials, at the fake AWS, which nobody else asks: so as fast as it can."""
    monkeypatch.setitem(COMMANDS, "setup", "setup")
    monkeypatch.setattr(caller, "API_RATE", 10_000)
    for name, value in {
        "AWS_SDK_REGION": "eu-north-1",
        "AWS_SDK_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SDK_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": aws.origin,
        "PUBLIC_URL": "https://sentinel.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return lambda *arguments: run("setup", *arguments)


@pytest.fixture
def service(aws: FakeAws, database: Database[Any], monkeypatch: pytest.MonkeyPatch, setup: Command) -> Iterator[Server]:
    """A stand-in for our service at PUBLIC_URL: confirms, and notes it as the service does."""

    def confirm(request: BaseHTTPRequestHandler) -> None:
        told = json.loads(server.asked[-1].body)
        answer = aws.client("sns").confirm_subscription(TopicArn=told["TopicArn"], Token=told["Token"])
        note = {"state": "confirmed", "arn": answer["SubscriptionArn"], "at": datetime.now(UTC)}
        database.subscriptions.update_one({"_id": told["TopicArn"]}, {"$set": note}, upsert=True)
        request.send_response(200)
        request.send_header("Content-Length", "0")
        request.end_headers()

    assert setup
    aws.deliver_confirmations = True
    with Server(confirm) as server:
        monkeypatch.setenv("PUBLIC_URL", server.origin)
        monkeypatch.setenv("SNS_TOPIC_ARNS", TOPIC)
        monkeypatch.setenv("SES_CONFIGURATION_SET", "ses-sentinel")
        yield server


# -- plan


def test_a_plan_says_what_would_be_done_why_and_what_must_be_in_env(setup: Command, aws: FakeAws) -> None:
    before = world(aws)
    code, out, _ = setup("plan")
    assert code == 0
    assert "Region eu-north-1 of the AWS account 123456789012" in out
    assert "create  SNS topic                   ses-sentinel-events" in out
    assert "it has no default set" in out
    assert "9 to create, 1 to change." in out
    ours = "arn:aws:sns:eu-north-1:123456789012:ses-events"
    lines = f"SNS_TOPIC_ARNS={ours},{TOPIC}\nSES_CONFIGURATION_SET=ses-sentinel\n"
    assert out.endswith(f"\nIn .env must be:\n{lines}")
    assert "SQS_QUEUE_URLS" not in out
    assert world(aws) == before


def test_a_plan_in_json_has_it_all(setup: Command) -> None:
    code, out, _ = setup("plan", "--json", "--queue", "--region", "eu-north-1", "--region", "us-east-1")
    told = json.loads(out)
    assert code == 0
    assert [region["region"] for region in told["regions"]] == ["eu-north-1", "us-east-1"]
    assert told["changes"] == sum(len(region["steps"]) for region in told["regions"])
    assert told["settings"]["SQS_QUEUE_URLS"].split(",") == [
        f"https://sqs.{region}.amazonaws.com/123456789012/ses-sentinel-events" for region in ("eu-north-1", "us-east-1")
    ]


def test_an_encrypted_topics_key_is_told_what_it_must_allow(setup: Command) -> None:
    key = "arn:aws:kms:eu-north-1:123456789012:alias/mail"
    _, out, _ = setup("plan", "--kms-key", key)
    assert f"The topic is encrypted with {key}: its key policy must have these statements." in out
    assert '"ses.amazonaws.com"' in out


def test_of_identities_that_are_as_they_should_be_the_number_is_told(setup: Command, aws: FakeAws) -> None:
    setup("apply", "--yes", "--wait", "0")
    assert "SES identity's default set  1 identity " in setup("plan")[1]
    aws.ses.create_outside("example.org", verified=True)
    setup("apply", "--yes", "--wait", "0")
    assert "SES identities' default sets  2 identities " in setup("plan")[1]


def test_what_differs_is_shown_property_by_property(setup: Command, aws: FakeAws, service: Server) -> None:
    setup("apply", "--yes")
    aws.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="SignatureVersion", AttributeValue="1")
    _, out, _ = setup("plan")
    assert "SignatureVersion is 1, should be 2" in out
    assert "1 to change" in out
    assert service.asked


# -- apply


def test_applied_confirmed_and_noted_it_ends_well(setup: Command, service: Server) -> None:
    code, out, err = setup("apply", "--yes")
    assert code == 0, out + err
    assert f"confirmed {TOPIC}: its messages come here" in out
    assert "1/10: create SQS queue ses-sentinel-dead-letters" in err
    assert "PUBLIC_URL is http" in err
    assert service.asked
    code, out, _ = setup("apply", "--yes")
    assert (code, "Nothing to do." in out) == (0, True)
    assert out.endswith("\nAlready right in .env: SNS_TOPIC_ARNS, SES_CONFIGURATION_SET\n")


def test_without_confirmation_it_says_why_and_fails(setup: Command, aws: FakeAws) -> None:
    code, out, _ = setup("apply", "--yes", "--wait", "0")
    assert code == 1
    assert f"pending {TOPIC}: SNS's confirmation has not arrived here" in out
    assert f"  - SNS_TOPIC_ARNS does not have {TOPIC}" in out
    assert_as_templated(aws)


def test_applied_in_json_it_tells_how_the_subscriptions_stand(setup: Command, service: Server) -> None:
    code, out, _ = setup("apply", "--yes", "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["confirmed"] and one["noted"] for one in told["subscriptions"]] == [True]
    assert service.asked


def test_without_a_terminal_it_refuses_at_once_unless_yes_is_given(setup: Command, aws: FakeAws) -> None:
    assert setup("apply") == (1, "", "There is no terminal to ask on: give --yes to do it.\n")
    assert aws.calls == []


class Terminal(io.StringIO):
    """Somebody sits there and types this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "done"), [("y\n", True), ("Yes\n", True), ("\n", False), ("no\n", False), ("", False)]
)
def test_it_asks_before_it_changes_anything(
    setup: Command, aws: FakeAws, monkeypatch: pytest.MonkeyPatch, typed: str, done: bool
) -> None:
    before = world(aws)
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    _, _, err = setup("apply", "--wait", "0")
    assert "Do this? [y/N]" in err
    assert (world(aws) != before) is done
    assert err.endswith("Nothing was changed.\n") is not done


def test_a_name_that_is_taken_stops_it_before_anything_is_done(setup: Command, aws: FakeAws) -> None:
    aws.client("sns").create_topic(Name="ses-sentinel-events")
    before = world(aws)
    code, out, err = setup("apply", "--yes")
    assert code == 1
    assert "blocked" in out
    assert "The SNS topic ses-sentinel-events in eu-north-1 is somebody else's: choose another --name" in err
    assert world(aws) == before
    code, out, _ = setup("plan")
    assert (code, "In .env" in out) == (1, False)
    assert setup("plan", "--name", "mine")[0] == 0


def test_another_name_with_the_same_set_is_told_what_to_do(
    setup: Command, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup("apply", "--yes", "--wait", "0")
    before = world(aws)
    monkeypatch.setenv("SES_CONFIGURATION_SET", "ses-sentinel")
    code, _, err = setup("apply", "--yes", "--name", "staging")
    assert code == 1
    assert err.endswith(
        "The SES configuration set ses-sentinel in eu-north-1 is that of the installation ses-sentinel: give --name"
        " ses-sentinel to work on that one, or set SES_CONFIGURATION_SET to another set for this one."
        " Nothing was changed.\n"
    )
    code, out, _ = setup("destroy", "--yes", "--name", "staging")
    assert (code, "Nothing to do." in out) == (0, True)
    assert world(aws) == before


def test_what_is_not_allowed_is_one_sentence(setup: Command, aws: FakeAws) -> None:
    aws.deny("events:PutRule")
    code, _, err = setup("apply", "--yes")
    assert code == 1
    assert "Stopped at: create EventBridge rule ses-sentinel-ses in eu-north-1." in err
    assert "add events:PutRule to the IAM policy" in err


# -- destroy


def test_taken_away_nothing_of_ours_is_left(setup: Command, aws: FakeAws, service: Server) -> None:
    before = world(aws)
    setup("apply", "--yes")
    code, out, _ = setup("destroy", "--yes")
    assert code == 0
    assert "8 to delete." in out
    assert world(aws) == before
    code, out, _ = setup("destroy", "--yes", "--json")
    assert (code, json.loads(out)["changes"]) == (0, 0)
    assert service.asked


def test_what_is_in_the_dead_letters_is_told_before(setup: Command, aws: FakeAws) -> None:
    setup("apply", "--yes", "--wait", "0")
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="ses-sentinel-dead-letters")["QueueUrl"], MessageBody="x")
    code, out, err = setup("destroy")
    assert (code, "give --yes" in err) == (1, True)
    assert "warning The SQS queue ses-sentinel-dead-letters has about 1 message, which goes with it." in out


# -- what is missing


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PUBLIC_URL", "PUBLIC_URL is not set: set it in .env"),
        ("AWS_SDK_REGION", "set AWS_SDK_REGION"),
    ],
)
def test_a_setting_that_is_missing_is_one_sentence(
    setup: Command, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.delenv(name)
    code, out, err = setup("plan")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert told in err


def test_without_credentials_it_says_so(setup: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_SDK_ACCESS_KEY_ID", "AWS_SDK_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, _, err = setup("plan")
    assert code == 1
    assert "There are no AWS credentials: set AWS_SDK_ACCESS_KEY_ID" in err


@pytest.mark.parametrize("given", [("--name", "a b"), ("--kms-key", "alias/aws/sns")])
def test_an_argument_that_is_of_no_use_is_named(setup: Command, given: tuple[str, str]) -> None:
    code, _, err = setup("plan", *given)
    assert code == 2
    assert f"{given[0]} must be" in err


def test_an_identity_that_ses_does_not_have_is_named(setup: Command) -> None:
    code, _, err = setup("plan", "--domain", "nobody.example.com")
    assert code == 1
    assert "SES has no identity nobody.example.com in eu-north-1" in err


# -- template


def test_the_template_is_printed_without_asking_anybody(setup: Command, aws: FakeAws) -> None:
    code, out, _ = setup("template", "--queue")
    template = json.loads(out)
    assert code == 0
    assert template["Parameters"]["PublicUrl"]["Default"] == "https://sentinel.example.com"
    assert template["Resources"]["Queue"]["Properties"]["QueueName"] == "ses-sentinel-events"
    assert aws.calls == []


def test_terraform_is_printed_as_a_file_of_it(setup: Command) -> None:
    code, out, _ = setup("template", "--format", "terraform", "--name", "mine")
    assert code == 0
    assert hcl2.loads(out)["terraform"]
    assert '"mine-events"' in out
    assert json.loads(setup("template", "--format", "terraform", "--name", "mine", "--json")[1])["terraform"] == out
