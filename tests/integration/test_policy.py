"""The command that prints the policy, at a fake AWS and a real database."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from tests.alerting import endpoint
from tests.fakes.aws import FakeAws
from tests.integration.conftest import Run
from tests.signer import TOPIC
from webhook.adapters.mongo.endpoints import endpoint_document
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.domain.endpoints import Kind

pytestmark = pytest.mark.mongo
ACCOUNT, REGION = "123456789012", "eu-north-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    with FakeAws(region=REGION) as fake:
        for name, value in (
            ("AWS_ENDPOINT_URL", fake.origin),
            ("AWS_SDK_REGION", REGION),
            ("AWS_SDK_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SDK_SECRET_ACCESS_KEY", "secret"),
        ):
            monkeypatch.setenv(name, value)
        yield fake


def statements_of(out: str) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in json.loads(out)["Statement"]}


class TestPrinting:
    def test_it_names_the_account_the_region_and_the_topics(self, run: Run, aws: FakeAws) -> None:
        code, out, err = run("policy")
        found = statements_of(out)
        assert code == 0
        identities = f"arn:aws:ses:{REGION}:{aws.account_id}:identity/*"
        assert found["RegisterDomainsIdentities"]["Resource"] == [identities]
        assert found["ConfirmSubscriptions"]["Resource"] == [TOPIC]
        assert found["ConfirmSubscriptions"]["Action"] == ["sns:ConfirmSubscription"]
        assert "SendMail" not in statements_of(run("policy", "--for", "service")[1])
        assert "policy --explain" in err

    def test_json_is_the_policy_alone(self, run: Run, aws: FakeAws) -> None:
        assert aws
        code, out, err = run("policy", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out)["Version"] == "2012-10-17"

    def test_settings_switch_features_on(self, run: Run, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
        assert aws
        monkeypatch.setenv("AWS_SES_AUTO_REGISTER", "false")
        monkeypatch.setenv("AWS_SES_ENABLE_SENDING", "true")
        monkeypatch.setenv("SES_TENANT_PREFIX", "shop-")
        monkeypatch.setenv("ALERT_EMAIL_FROM", "alerts@example.com")
        monkeypatch.setenv("SQS_QUEUE_URLS", f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/events")
        found = statements_of(run("policy")[1])
        assert "ses:SendRawEmail" in found["SendMail"]["Action"]
        assert "ses:CreateEmailIdentity" not in run("policy")[1]
        assert found["KeepTenantsTenants"]["Resource"] == [f"arn:aws:ses:{REGION}:{ACCOUNT}:tenant/shop-*"]
        assert found["ReadQueues"]["Resource"] == [f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"]
        assert f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com" in found["AlertMail"]["Resource"]

    def test_alerts_go_where_their_endpoints_are(
        self, run: Run, aws: FakeAws, database: Database[dict[str, Any]]
    ) -> None:
        assert aws
        ensure_indexes(database)
        topic = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alerts"
        bus = f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/default"
        places = {
            Kind.SNS: topic,
            Kind.SQS: f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/alerts",
            Kind.EVENTBRIDGE: bus,
            Kind.WEBHOOK: "https://example.net/alerts",
        }
        for kind, url in places.items():
            database.endpoints.insert_one(endpoint_document(endpoint(f"ep_{kind}", url, kind=kind)))
        found = statements_of(run("policy")[1])
        assert (found["AlertTopics"]["Action"], found["AlertTopics"]["Resource"]) == (["sns:Publish"], [topic])
        assert found["AlertQueues"]["Resource"] == [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:alerts"]
        assert found["AlertBuses"]["Resource"] == [bus]

    def test_the_service_needs_less(self, run: Run, aws: FakeAws) -> None:
        assert aws
        assert "sns:CreateTopic" in run("policy")[1]
        assert "sns:CreateTopic" not in run("policy", "--for", "service")[1]
        assert "sns:ConfirmSubscription" not in run("policy", "--for", "commands")[1]

    def test_pieces_of_setup_may_have_another_name(self, run: Run, aws: FakeAws) -> None:
        assert aws
        assert f"arn:aws:sns:*:{ACCOUNT}:other-events" in run("policy", "--name", "other")[1]

    def test_everything_is_what_settings_could_switch_on(self, run: Run, aws: FakeAws) -> None:
        assert aws
        found = statements_of(run("policy", "--everything")[1])
        assert {"SendMail", "ReadQueues", "AlertTopics", "AlertQueues", "AlertBuses"} <= set(found)

    def test_reasons_are_told(self, run: Run, aws: FakeAws) -> None:
        assert aws
        code, out, _ = run("policy", "--explain")
        assert code == 0
        assert "confirms subscriptions of our topics so that nobody else can end them" in out
        told = json.loads(run("policy", "--explain", "--json")[1])["items"]
        assert {"sid", "actions", "why", "when"} == set(told[0])

    def test_without_credentials_stars_stand_for_what_is_not_known(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SDK_REGION", "cn-north-1")
        code, out, err = run("policy")
        assert code == 0
        assert "arn:aws-cn:ses:cn-north-1:*:identity/*" in out
        assert "AWS does not say whose account it is, so * stands in its place: There are no AWS credentials." in err


class TestChecking:
    def test_nothing_is_lacking(self, run: Run, aws: FakeAws) -> None:
        code, out, _ = run("policy", "--check")
        assert code == 0
        assert out.splitlines() == [f"{aws.permissions.caller}: IAM was asked", "ok nothing is lacking"]

    def test_what_is_lacking_is_named(self, run: Run, aws: FakeAws) -> None:
        aws.deny("ses:CreateEmailIdentity")
        code, out, _ = run("policy", "--check")
        assert code == 1
        [row] = [line.split() for line in out.splitlines() if "ses:CreateEmailIdentity" in line]
        identities = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/*"
        assert row == ["lacking", "ses:CreateEmailIdentity", identities, "RegisterDomains"]
        told = json.loads(run("policy", "--check", "--json")[1])
        assert told["how"] == "simulated"
        assert {one["action"] for one in told["items"] if one["may"] == "no"} == {"ses:CreateEmailIdentity"}

    def test_features_are_called_as_their_reasons_are(self, run: Run, aws: FakeAws) -> None:
        aws.deny("sns:*", "ses:SendEmail")
        lacking = [line.split() for line in run("policy", "--check")[1].splitlines() if line.startswith("lacking")]
        explained = {one["sid"] for one in json.loads(run("policy", "--explain", "--json")[1])["items"]}
        assert {"SetUp", "Examine", "TryLive"} <= {row[3] for row in lacking} <= explained
        assert len({tuple(row) for row in lacking}) == len(lacking)
        told = json.loads(run("policy", "--check", "--json")[1])["items"]
        assert {one["feature"] for one in told} <= explained

    def test_of_a_roles_session_the_role_is_asked_about(self, run: Run, aws: FakeAws) -> None:
        aws.permissions.caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/sentinel/i-0abc"
        assert run("policy", "--check")[0] == 0

    def test_a_role_under_a_path_is_found(self, run: Run, aws: FakeAws) -> None:
        iam = aws.client("iam")
        iam.create_role(RoleName="sentinel", Path="/services/", AssumeRolePolicyDocument="{}")
        aws.permissions.caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/sentinel/i-0abc"
        aws.fail_next("iam", "SimulatePrincipalPolicy", "NoSuchEntity", 404)
        code, out, _ = run("policy", "--check")
        assert (code, out.splitlines()[1]) == (0, "ok nothing is lacking")
        assert ("iam", "GetRole") in aws.calls

    def test_where_iam_may_not_be_asked_calls_are_tried(self, run: Run, aws: FakeAws) -> None:
        aws.deny("iam:SimulatePrincipalPolicy")
        aws.deny("ses:ListEmailIdentities")
        code, out, _ = run("policy", "--check")
        assert code == 1
        lines = out.splitlines()
        assert lines[0].endswith(": calls that change nothing were tried")
        assert lines[1].startswith("warning IAM could not be asked (AWS does not allow iam:SimulatePrincipalPolicy")
        lacking = {line.split()[1] for line in lines if line.startswith("lacking")}
        assert lacking == {"ses:ListEmailIdentities"}
        assert any("actions could not be checked" in line for line in lines)
        assert all(call.operation.startswith(("Get", "List", "Simulate")) for call in aws.calls)

    def test_root_may_do_everything(self, run: Run, aws: FakeAws) -> None:
        aws.permissions.caller = f"arn:aws:iam::{ACCOUNT}:root"
        code, out, _ = run("policy", "--check")
        assert code == 0
        assert "the account's root user may do everything" in out

    def test_without_credentials_nothing_can_be_checked(self, run: Run) -> None:
        code, out, err = run("policy", "--check")
        assert (code, out) == (1, "")
        assert "AWS can't be asked what these credentials may do: there are no AWS credentials: set AWS_SDK_" in err
