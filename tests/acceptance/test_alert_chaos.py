"""The short form of `python -m bench alerts`: dispatchers are killed, and no alert is missing or made up."""

import sys

import pytest

from bench.dispatch import Plan, unleash

pytestmark = [pytest.mark.mongo, pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")]

RECEIVERS = ("well", "well", "well", "slow", "failing", "flapping", "hanging", "gone")


def test_no_alert_is_lost_or_made_up_whichever_dispatcher_is_killed(mongodb_uri: str) -> None:
    said: list[str] = []
    damage = unleash(Plan(alerts=200, receivers=RECEIVERS, kills=3, seed=5, patience=120), mongodb_uri, said.append)
    assert damage.none, damage
    assert (damage.alerts, damage.kills) == (200, 3), said
    assert damage.undone > 0
