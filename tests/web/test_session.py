"""The session in docs/api.md, run for real: its commands with curl, against a server that asks an SES over HTTP."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from tests.fakes.ses import FakeSes
from tests.telling import Teller
from tests.web.conftest import TOKENS
from webhook.children import ROOT
from webhook.config import child_environment

pytestmark = pytest.mark.mongo
ANYTHING = "…"
BASH = shutil.which("bash") or "/bin/bash"
PUBLISHED = "# the records are published"


def session() -> list[str]:
    """The lines of the page's console."""
    (block,) = re.findall(r"^```console\n(.*?)^```", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE | re.DOTALL)
    return block.splitlines()


@pytest.fixture
def address(stranger: FlaskClient, teller: Teller) -> Iterator[str]:
    """Where the service listens."""
    assert teller.db.emaildomains.count_documents({}) == 0
    server = make_server("127.0.0.1", 0, stranger.application, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fits(told: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows of it."""
    if isinstance(shown, dict) and isinstance(told, dict):
        return all(name in told and fits(told[name], value) for name, value in shown.items())
    if isinstance(shown, list) and isinstance(told, list):
        more = shown[-1:] == [ANYTHING]
        shown = shown[:-1] if more else shown
        long_enough = len(told) >= len(shown) if more else len(told) == len(shown)
        return long_enough and all(map(fits, told, shown))
    if shown == ANYTHING:
        return True
    if isinstance(shown, str) and ANYTHING in shown:
        pattern = ".+".join(map(re.escape, shown.split(ANYTHING))).removeprefix(".+").removesuffix(".+")
        return isinstance(told, str) and re.search(pattern, told, re.IGNORECASE) is not None
    return bool(told == shown)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_session_goes_as_it_is_told(address: str, ses: FakeSes) -> None:
    environment = child_environment({"API": address, "TOKEN": TOKENS[0][1]})
    answer: Any = None
    answered = 0
    for line in session():
        if line == PUBLISHED:
            ses.dns_appears("example.com")
        elif line.startswith("$ "):
            done = subprocess.run([BASH, "-c", line[2:]], env=environment, capture_output=True, check=True)
            answer = json.loads(done.stdout)
        elif not line.startswith("#"):
            shown = json.loads(line)
            assert fits(answer, shown), f"{json.dumps(answer)} is not like {line}"
            answered += 1
    assert answered == sum(line.startswith("$ ") for line in session()) > 5
    assert [mail.recipients for mail in ses.sent] == [["bob@example.net"]]
