"""MongoDB goes away and comes back: 503 meanwhile, never a hang, never a 4xx, and no restart."""

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.acceptance.posting import envelope, post, trust
from tests.acceptance.serving import Server, await_that, serving
from tests.builders import mail, send

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left of it in /proc")


def mongod_of(server: Server) -> int:
    return int(json.loads((server.data_dir / "mongod.json").read_text())["pid"])


def message(mail_id: str) -> bytes:
    return envelope(send(mail(mail_id, timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))))


def is_accepted(server: Server, content: bytes) -> bool:
    status, _, told = post(server.port, content)
    assert status in (200, 503)
    return status == 200 and told["status"] in ("accepted", "duplicate")


def test_a_database_that_hangs_is_answered_503_and_serves_again_when_it_comes_to(tmp_path: Path) -> None:
    with serving(tmp_path, **trust(tmp_path / "certificates")) as (server, _):
        assert post(server.port, message("before"))[2] == {"status": "accepted"}
        mongod = mongod_of(server)
        os.kill(mongod, signal.SIGSTOP)
        try:
            status, headers, told = post(server.port, message("during"))
        finally:
            os.kill(mongod, signal.SIGCONT)
        assert status == 503
        assert int(headers["retry-after"]) > 0
        assert told["error"] == "unavailable"
        await_that(lambda: is_accepted(server, message("during")))
        assert post(server.port, message("before"))[2] == {"status": "duplicate"}


def test_a_database_that_is_killed_is_answered_503_until_it_is_back(tmp_path: Path) -> None:
    with serving(tmp_path, **trust(tmp_path / "certificates")) as (server, _):
        web = server.processes("gunicorn")
        assert post(server.port, message("before"))[2] == {"status": "accepted"}
        os.kill(mongod_of(server), signal.SIGKILL)
        await_that(lambda: is_accepted(server, message("after")))
        assert post(server.port, message("before"))[2] == {"status": "duplicate"}
        assert server.processes("gunicorn") == web


def test_an_unknown_certificate_that_can_not_be_fetched_is_our_fault(tmp_path: Path) -> None:
    with serving(tmp_path, **trust(tmp_path / "certificates")) as (server, _):
        (tmp_path / "certificates").rename(tmp_path / "elsewhere")
        assert post(server.port, message("mail"))[0] == 503
