"""What commands print on a terminal, and into a pipe that nobody reads to its end."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from tests.alerting import endpoint
from tests.telling import NOW, Teller
from webhook.adapters.mongo.deliveries import delivery_document
from webhook.adapters.mongo.endpoints import endpoint_document
from webhook.adapters.mongo.outbox import alert_document
from webhook.children import ROOT
from webhook.config import Settings
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import Alert
from webhook.domain.endpoints import Health, State, disabled

pytestmark = pytest.mark.mongo
COMMAND = [sys.executable, "-m", "webhook", "domains"]


@pytest.fixture
def environment(database: Database[dict[str, Any]], mongodb_uri: str) -> Mapping[str, str]:
    teller = Teller(database, Settings(mongodb_uri=mongodb_uri))
    teller.traffic("bad.example", sent=100, bounces=6)
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**kept, "MONGODB_URI": mongodb_uri, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "140"}


def on_screen(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    """What a command prints on a terminal."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        with subprocess.Popen(command, env=environment, cwd=folder, stdout=theirs) as running:
            os.close(theirs)
            shown = b""
            try:
                while piece := screen.read(4096):
                    shown += piece
            except OSError:
                pass  # how a terminal says that its last writer has gone
        assert running.returncode == 0
    return shown.decode()


def test_a_terminal_gets_a_drawn_table_with_colours(environment: Mapping[str, str], tmp_path: Path) -> None:
    text = on_screen(COMMAND, environment, tmp_path)
    assert "\x1b[1;31mflagged (bounce)" in text
    assert "6/100 (6.00 %)" in text
    assert "│" in text


def test_how_endpoints_and_deliveries_fare_has_its_colour_beside_the_word(
    environment: Mapping[str, str], tmp_path: Path, database: Database[dict[str, Any]]
) -> None:
    health = {"ep_1": Health(), "ep_2": Health(State.FAILING, 3, NOW, why="it answered 500")}
    health["ep_3"] = disabled(Health(), NOW, "moving house")
    for identity, fares in health.items():
        database.endpoints.insert_one(endpoint_document(endpoint(identity, health=fares)))
    for number, state in enumerate(("pending", "delivered", "dead")):
        alert = alert_document(Alert(f"alt_{number}", AlertType.PAUSED, NOW, "bad.example", None, number, {}), NOW)
        database.deliveries.insert_one(delivery_document(alert, "ep_1", NOW) | {"state": state})
    command = [sys.executable, "-m", "webhook", "alerts", "endpoints"]
    text = on_screen([*command, "list"], environment, tmp_path)
    for told in ("\x1b[32mactive", "\x1b[33mfailing (it answered 500)", "\x1b[1;31mdisabled (moving house)"):
        assert told in text
    text = on_screen([*command, "deliveries", "ep_1"], environment, tmp_path)
    for told in ("\x1b[33mpending", "\x1b[32mdelivered", "\x1b[1;31mdead"):
        assert told in text


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
