"""What commands print on a terminal, and into a pipe that nobody reads to its end."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.telling import Teller
from webhook.children import ROOT
from webhook.config import Settings

pytestmark = pytest.mark.mongo
COMMAND = [sys.executable, "-m", "webhook", "domains"]


@pytest.fixture
def environment(database: Database[dict[str, Any]], mongodb_uri: str) -> Mapping[str, str]:
    teller = Teller(database, Settings(mongodb_uri=mongodb_uri))
    teller.traffic("bad.example", sent=100, bounces=6)
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**kept, "MONGODB_URI": mongodb_uri, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "140"}


def test_a_terminal_gets_a_drawn_table_with_colours(environment: Mapping[str, str], tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with subprocess.Popen(COMMAND, env=environment, cwd=tmp_path, stdout=theirs) as command:
            os.close(theirs)
            shown = b""
            try:
                while piece := screen.read(4096):
                    shown += piece
            except OSError:
                pass  # how a terminal says that its last writer has gone
        assert command.returncode == 0
    text = shown.decode()
    assert "\x1b[1;31mflagged (bounce)" in text
    assert "6/100 (6.00 %)" in text
    assert "│" in text


def test_who_has_seen_enough_is_not_answered_with_a_traceback(environment: Mapping[str, str], tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run(
            COMMAND, env=environment, cwd=tmp_path, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, "")
