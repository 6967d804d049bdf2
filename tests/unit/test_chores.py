"""Chores: each gets its turn, and one that fails holds up no other."""

import pytest

from webhook.chores import PAUSE, Chores
from webhook.errors import AwsError, Unavailable


class Hand:
    """Time that a test moves, and chores that note their turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[str] = []

    def monotonic(self) -> float:
        return self.now

    def works(self) -> bool:
        self.done.append("works")
        return True

    def idles(self) -> bool:
        self.done.append("idles")
        return False


FAILURES = [
    pytest.param(Unavailable("MongoDB does not answer"), id="database away"),
    pytest.param(AwsError("aws_timeout", "SES did not answer", "", retryable=True), id="AWS away"),
    pytest.param(KeyError("x"), id="a defect"),
]


def test_every_chore_gets_a_turn_in_every_round() -> None:
    hand = Hand()
    chores = Chores({"a": hand.works, "b": hand.idles}, hand.monotonic)
    assert chores.round()
    assert hand.done == ["works", "idles"]


def test_a_round_without_work_says_so() -> None:
    hand = Hand()
    assert not Chores({"b": hand.idles}, hand.monotonic).round()


@pytest.mark.parametrize("error", FAILURES)
def test_a_chore_that_fails_is_left_alone_for_a_while_and_the_others_go_on(error: Exception) -> None:
    hand = Hand()

    def fails() -> bool:
        hand.done.append("fails")
        raise error

    chores = Chores({"a": fails, "b": hand.works}, hand.monotonic)
    chores.round()
    chores.round()
    assert hand.done == ["fails", "works", "works"]
    hand.now = PAUSE
    chores.round()
    hand.now = PAUSE * 2
    chores.round()
    assert hand.done.count("fails") == 2, "the second pause is longer"
    hand.now = PAUSE * 3
    chores.round()
    assert hand.done.count("fails") == 3


def test_stopping_waits_for_the_step_under_way() -> None:
    hand = Hand()
    chores = Chores({"a": hand.works}, hand.monotonic)
    chores.start()
    chores.stop()
    done = len(hand.done)
    chores.round()
    assert len(hand.done) == done
