"""Several web processes answer /metrics as one."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from threading import Event

import pytest

from webhook.children import ROOT
from webhook.config import child_environment
from webhook.supervisor import answers, free_port

pytestmark = pytest.mark.mongo
POSTS = 40


@pytest.fixture
def port(mongodb_uri: str) -> Iterator[int]:
    """Where a web server of two processes listens."""
    number = free_port()
    environment = child_environment(
        {"PORT": str(number), "MONGODB_URI": mongodb_uri, "WEB_CONCURRENCY": "2", "LOG_LEVEL": "error"}
    )
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as server:
        try:
            for _ in range(600):
                if answers(number):
                    break
                assert server.poll() is None
                Event().wait(0.1)
            yield number
        finally:
            server.terminate()


def ask(port: int, method: str, path: str) -> tuple[int, str]:
    """One request on a connection of its own, so that any of the processes may get it."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, "{}" if method == "POST" else None)
        response = connection.getresponse()
        return response.status, response.read().decode()


def counted_at(port: int) -> list[float]:
    return counted(ask(port, "GET", "/metrics")[1])


def counted(told: str) -> list[float]:
    """How many messages of each outcome."""
    return [float(line.split()[-1]) for line in told.splitlines() if line.startswith("sentinel_messages_total{")]


def test_each_process_speaks_for_all(port: int) -> None:
    assert {ask(port, "POST", "/webhooks/sns")[0] for _ in range(POSTS)} == {400}
    while sum(counted_at(port)) != POSTS:  # each process adds up a moment later; how long to wait is pytest's limit
        pass
    for _ in range(10):
        status, told = ask(port, "GET", "/metrics")
        assert status == 200
        assert sum(counted(told)) == POSTS
        assert "sentinel_database_up 1.0" in told
