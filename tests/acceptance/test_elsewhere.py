"""`serve` started in another directory than its own: all that it starts goes by the settings that are there."""

import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.serving import ROOT, TOPIC
from webhook.config import child_environment
from webhook.supervisor import free_port

pytestmark = [
    pytest.mark.mongo,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for its processes in /proc"),
]

SETTINGS = f"""
SNS_TOPIC_ARNS={TOPIC}
API_TOKENS=ann:secret
DATA_DIR=kept
SNS_CERT_DIR=certificates
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with settings, and with a program of its own that is called like one of ours; by another name."""
    there = tmp_path / "there"
    (there / "certificates").mkdir(parents=True)
    (there / ".env").write_text(SETTINGS)
    (there / "wsgi.py").write_text("raise RuntimeError('somebody else is served')")
    (tmp_path / "link").symlink_to(there)
    return tmp_path / "link"


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`serve`, as a shell starts it there."""
    given = {
        "PYTHONPATH": str(ROOT),
        "PWD": str(folder),
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
        "LOG_FORMAT": "json",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "webhook", "serve"],
        cwd=folder,
        env=child_environment(given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def said_until_ready(process: subprocess.Popen[str]) -> str:
    """What it said until it was ready; stops at the first program that dies."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        assert "program_died" not in line, said
        if "is ready" in line:
            return said
    pytest.fail(said)


def status(port: int, path: str, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def directories(folder: Path) -> set[str]:
    """Which of our programs work there."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder.resolve():
                found |= set((entry / "cmdline").read_text().split("\0"))
        except OSError:
            continue
    return found & {"serve", "worker", "gunicorn"}


def test_web_server_and_worker_go_by_its_settings(folder: Path) -> None:
    port = free_port()
    with serving(folder, port) as process:
        said = said_until_ready(process)
        assert status(port, "/api/email-domains", "secret") == 200
        assert directories(folder) == {"serve", "worker", "gunicorn"}
        process.send_signal(signal.SIGTERM)
        said += process.communicate()[0]
        assert process.returncode == 0
    assert "is not set" not in said
    assert (folder / "kept" / "mongo").is_dir()
    assert not (ROOT / "kept").exists()
