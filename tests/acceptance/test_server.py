"""The whole product as script/server runs it: real processes, real signals."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.serving import ROOT, TOPIC, await_that, serving
from webhook.config import child_environment

pytestmark = [
    pytest.mark.mongo,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left of it in /proc"),
]


def refused(environment: Mapping[str, str], *arguments: str) -> str:
    """The one line with which `serve` declines."""
    ended = subprocess.run(
        [sys.executable, "-m", "webhook", "serve", *arguments],
        cwd=ROOT,
        env=child_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def test_it_says_where_it_is_serves_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, SNS_TOPIC_ARNS=TOPIC) as (server, line):
        assert line.startswith(f"SES Sentinel is ready at http://127.0.0.1:{server.port} ")
        assert [server.get(path) for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 200]
        assert all(server.processes(word) for word in ("gunicorn", "webhook worker", "mongod"))
        assert server.end(signal.SIGTERM) == 0
        assert server.processes() == set()
        assert server.get("/healthz") == 0


@pytest.mark.parametrize("victim", ["gunicorn", "webhook worker", "bin/mongod"])
def test_what_is_killed_comes_back(tmp_path: Path, victim: str) -> None:
    with serving(tmp_path, SNS_TOPIC_ARNS=TOPIC) as (server, _):
        killed = server.processes(victim)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        await_that(lambda: bool(server.processes(victim) - killed) and server.get("/readyz") == 200)
        assert server.end(signal.SIGINT) == 0


def test_killed_outright_it_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, SNS_TOPIC_ARNS=TOPIC) as (server, _):
        server.end(signal.SIGKILL)
        await_that(lambda: not server.processes())


def test_a_database_of_ones_own_is_used_instead(tmp_path: Path, mongodb_uri: str) -> None:
    with serving(tmp_path, MONGODB_URI=mongodb_uri) as (server, _):
        assert server.get("/readyz") == 200
        assert not server.processes("mongod")
        assert not server.data_dir.exists()
        assert server.end(signal.SIGTERM) == 0


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = str(occupant.getsockname()[1])
        assert f"PORT {port} is taken" in refused({"PORT": port})


def test_a_wrong_setting_is_named() -> None:
    line = refused({"BOUNCE_RATE_LIMIT": "5", "SNS_TOPIC_ARN": TOPIC})
    assert "BOUNCE_RATE_LIMIT must be" in line
    assert "SNS_TOPIC_ARN is not a setting" in line


@pytest.mark.parametrize("name", ["SNS_TOPIC_ARNS", "MONGODB_URI"])
def test_made_up_mail_never_reaches_real_numbers(name: str) -> None:
    value = {"SNS_TOPIC_ARNS": TOPIC, "MONGODB_URI": "mongodb://127.0.0.1:1/x"}[name]
    assert "--demo refuses" in refused({name: value}, "--demo")


def test_the_demonstration_says_how_to_look_at_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as (server, line):
        assert "API token: demo" in line
        await_that(lambda: bool(server.processes("demo-feed")))
        assert (server.data_dir / "demo" / "mongo").is_dir()
        assert server.end(signal.SIGTERM) == 0
        assert server.processes() == set()
