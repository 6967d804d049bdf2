"""What tests of commands share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.signer import TOPIC
from webhook.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(mongodb_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command; gives its exit code and what it printed on standard output and standard error."""
    monkeypatch.setenv("MONGODB_URI", mongodb_uri)
    monkeypatch.setenv("SNS_TOPIC_ARNS", TOPIC)
    monkeypatch.setenv("API_TOKENS", "ops:s3cret")
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run_command
