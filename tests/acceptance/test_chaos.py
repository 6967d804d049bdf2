"""The short form of `python -m bench chaos`: every role is killed once under load, and every number is right."""

import sys

import pytest

from bench.chaos import ROLES, Plan, unleash

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")


def test_nothing_is_lost_and_nothing_counts_twice_whoever_is_killed() -> None:
    said: list[str] = []
    damage = unleash(Plan(messages=1500, kills=len(ROLES), seed=3, rate=100.0), said.append)
    assert damage.none, damage
    assert damage.acknowledged == 1500
    assert set(damage.kills) == set(ROLES), said
