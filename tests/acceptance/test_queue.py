"""The short form of `python -m bench queue`: worker and mongod are killed while messages come by SQS and HTTPS."""

import sys

import pytest

from bench.queue import Plan, unleash

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")


def test_what_comes_from_a_queue_and_over_https_counts_once_whoever_is_killed() -> None:
    said: list[str] = []
    damage = unleash(Plan(messages=400, kills=2, seed=3, rate=150.0, patience=60), said.append)
    assert damage.none, damage
    assert damage.queued == 400
    assert damage.acknowledged == 200
    assert set(damage.kills) == {"worker", "mongod"}, said
