"""`doctor --live` against a running product: set up by one command, tried by the next, shown on a terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.serving import ROOT, serving
from tests.acceptance.test_setup import settings, setup
from tests.fakes.aws import FakeAws
from webhook.config import child_environment

pytestmark = pytest.mark.mongo
COMMAND = [sys.executable, "-m", "webhook", "doctor", "--live", "--wait", "60"]


def test_the_chain_is_tried_from_end_to_end(tmp_path: Path) -> None:
    with FakeAws() as aws:
        aws.ses.create_outside("example.com", verified=True)
        aws.ses.emits = True
        with serving(tmp_path, **settings(aws)) as (server, _):
            own = {"PUBLIC_URL": f"http://127.0.0.1:{server.port}", "DATA_DIR": str(server.data_dir)}
            given = {**settings(aws), **own}
            applied = setup("apply", "--yes", "--json", **given)
            assert applied.returncode == 0, applied.stderr
            code, shown = on_screen(given)
            assert code == 0, shown
            assert "┏" in shown
            assert "complained" in shown
            assert "The chain works: 4 mails, 9 events" in shown


def on_screen(environment: dict[str, str]) -> tuple[int, str]:
    """The command's exit code, and what it shows on a terminal."""
    ours, theirs = os.openpty()
    given = child_environment({**environment, "TERM": "xterm-256color", "COLUMNS": "140"})
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with subprocess.Popen(COMMAND, env=given, cwd=ROOT, stdout=theirs, stderr=theirs) as running:
            os.close(theirs)
            shown = b""
            try:
                while piece := screen.read(4096):
                    shown += piece
            except OSError:
                pass  # how a terminal says that its last writer has gone
        return running.returncode, shown.decode()
