"""From an empty AWS account to events that are counted, by one command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.serving import ROOT, serving
from tests.fakes.aws import FakeAws
from tests.setting_up import TOPIC
from webhook.config import child_environment

pytestmark = pytest.mark.mongo


def test_one_command_brings_the_first_event_here(tmp_path: Path) -> None:
    with FakeAws() as aws:
        aws.ses.create_outside("example.com", verified=True)
        aws.ses.emits = True
        with serving(tmp_path, **settings(aws)) as (server, _):
            own = {"PUBLIC_URL": f"http://127.0.0.1:{server.port}", "DATA_DIR": str(server.data_dir)}
            applied = setup("apply", "--yes", "--json", **settings(aws), **own)
            assert applied.returncode == 0, applied.stderr
            [state] = json.loads(applied.stdout)["subscriptions"]
            assert (state["topicArn"], state["confirmed"], state["noted"]) == (TOPIC, True, True)
            aws.client("sesv2").send_email(
                FromEmailAddress="shop@example.com",
                Destination={"ToAddresses": ["reader@example.net"]},
                Content={"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
            )
            aws.settle()
            told = [attempt.status for attempt in aws.attempts if attempt.kind == "Notification"]
            assert told
            assert set(told) == {200}


def settings(aws: FakeAws) -> dict[str, str]:
    return {
        "SNS_TOPIC_ARNS": TOPIC,
        "SNS_TRUSTED_ORIGINS": aws.origin,
        "SES_CONFIGURATION_SET": "ses-sentinel",
        "AWS_ENDPOINT_URL": aws.origin,
        "AWS_SDK_REGION": "eu-north-1",
        "AWS_SDK_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SDK_SECRET_ACCESS_KEY": "secret",
    }


def setup(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "webhook", "setup", *arguments],
        cwd=ROOT,
        env=child_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
