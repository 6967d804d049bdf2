"""A busy database ends no repair, one that stays away does."""

from collections.abc import Sequence

import pytest

from tests.builders import bounce, effects_of
from webhook.domain.effects import Effects, Outcome
from webhook.errors import Unavailable
from webhook.gaps.patience import PAUSES, PatientStore


class Busy:
    """Does not answer so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        self.times -= 1
        if self.times >= 0:
            raise Unavailable("MongoDB does not answer")
        return [Outcome.ACCEPTED] * len(batch)


def test_a_busy_database_is_asked_again() -> None:
    slept: list[float] = []
    assert PatientStore(Busy(2), slept.append).commit([effects_of(bounce())]) == [Outcome.ACCEPTED]
    assert slept == list(PAUSES[:2])


def test_one_that_stays_away_is_told() -> None:
    slept: list[float] = []
    with pytest.raises(Unavailable):
        PatientStore(Busy(100), slept.append).commit([effects_of(bounce())])
    assert slept == list(PAUSES)
