"""The command `doctor`: what it prints, and how it ends."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.aws import FakeAws
from tests.loopback import Server, answering
from tests.setting_up import REGION, TOPIC
from webhook.cli import parser_of
from webhook.cli.doctor import document, show
from webhook.domain.findings import Code, Finding
from webhook.examination import Examination, Part

DATABASE = pytest.mark.mongo
Doctor = Callable[..., tuple[int, str, str]]


@pytest.fixture
def doctor(mongodb_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command; gives its exit code and what it printed on standard output and standard error."""
    monkeypatch.setenv("MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SNS_TOPIC_ARNS", TOPIC)
    monkeypatch.setenv("AWS_SDK_REGION", REGION)

    def run(*arguments: str) -> tuple[int, str, str]:
        asked = parser_of("doctor").parse_args(["doctor", *arguments])
        code: int = asked.run(asked)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def house() -> Iterator[str]:
    with Server(answering(200, b"{}")) as server:
        yield server.origin


@DATABASE
def test_without_credentials_the_rest_is_looked_at(doctor: Doctor, house: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", house)
    code, out, err = doctor()
    assert (code, err) == (1, "")
    assert out == (
        "AWS account\n"
        "error E601: There are no AWS credentials.\n"
        "  Should be: credentials that may read.\n"
        "  Fix: set AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY to a key that is in force,"
        " or give this machine a role\n"
        "PUBLIC_URL and clocks\n"
        f"warning W681: PUBLIC_URL is not https: SNS posts addresses of recipients to {house} in the clear.\n"
        "  Should be: an https address.\n"
        "  Fix: put a proxy with a certificate before the service, and set PUBLIC_URL to its https address\n"
        "Looked at:\n"
        f"  PUBLIC_URL: {house}, its certificate, /healthz and /readyz\n"
        "  domains registered here: 0\n"
        "1 error, 1 warning, 0 notes.\n"
    )


@DATABASE
def test_an_account_with_nothing_in_it(
    doctor: Doctor, house: str, monkeypatch: pytest.MonkeyPatch, database: Any
) -> None:
    database.emaildomains.insert_many(
        [{"domain": "example.com", "awsSes": {"registered": True}}, {"domain": "b.example"}]
    )
    monkeypatch.setenv("PUBLIC_URL", house)
    monkeypatch.setenv("AWS_SDK_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SDK_SECRET_ACCESS_KEY", "secret")
    with FakeAws() as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.origin)
        code, out, _ = doctor("--json")
    told = json.loads(out)
    assert (code, told["ok"], told["nextCursor"]) == (1, False, None)
    assert [item["code"] for item in told["items"]] == ["E611", "W660", "W661", "W681", "N690"]
    assert told["items"][0] == {
        "code": "E611",
        "severity": "error",
        "hop": "SNS topics",
        "region": REGION,
        "sentence": f"The topic {TOPIC} does not exist.",
        "should": "a topic that is there",
        "fix": "python -m webhook setup apply, or take it out of SNS_TOPIC_ARNS",
    }
    assert told["items"][-1]["region"] is None
    assert [part["region"] for part in told["looked"]] == [REGION, None]


def found(*codes: Code) -> Examination:
    findings = tuple(Finding(code, "It is so.", "change it", "otherwise") for code in codes)
    return Examination((Part(REGION, findings, ("topics: 1",)), Part("", (), ("PUBLIC_URL: not set",))))


def test_findings_are_grouped_by_hop(capsys: pytest.CaptureFixture[str]) -> None:
    show(found(Code.NO_CREDENTIALS, Code.RAW, Code.FORWARDING, Code.SANDBOX))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(("  ", "error", "warning", "note"))] == [
        "AWS account",
        "Subscriptions",
        "Identities",
        "Looked at:",
        "2 errors, 1 warning, 1 note.",
    ]


def test_several_regions_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    one, here = found(Code.RAW).parts
    show(Examination((one, Part("us-east-1", one.findings, one.looked), here)))
    told = capsys.readouterr().out
    assert f"Subscriptions in {REGION}\n" in told
    assert "Subscriptions in us-east-1\n" in told
    assert "  us-east-1: topics: 1\n" in told


def test_when_nothing_is_found_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(found())
    assert capsys.readouterr().out == (
        "Looked at:\n  topics: 1\n  PUBLIC_URL: not set\nEverything is as it should be.\n"
    )


@pytest.mark.parametrize(("code", "sound"), [(Code.RAW, False), (Code.SANDBOX, True), (Code.FORWARDING, True)])
def test_only_an_error_makes_it_fail(code: Code, *, sound: bool) -> None:
    assert found(code).sound is sound
    assert document(found(code))["ok"] is sound
