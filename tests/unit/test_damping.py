"""What a domain's ups and downs make others hear: by hand, and a hundred times to and fro."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.alert_payloads import AlertType
from webhook.domain.damping import COOLDOWN, Alerting, alerting_document, alerting_of, damp
from webhook.domain.reputation import Status

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
STATUSES = {"h": Status.HEALTHY, "w": Status.WARNING, "f": Status.FLAGGED, "?": Status.INSUFFICIENT}
WORDS = {AlertType.WARNING: "warning", AlertType.FLAGGED: "flagged", AlertType.RECOVERED: "recovered"}

Step = tuple[float, Status, tuple[str, ...]]


def tell(steps: list[Step], alerting: Alerting | None = None) -> list[tuple[float, str]]:
    """What is told, and when, of verdicts at so many hours from the start."""
    alerting = alerting or Alerting()
    told = []
    for hours, status, flags in steps:
        # Every state is stored and read back in between, as it is in truth.
        alerting = alerting_of(alerting_document(alerting))
        kind, alerting = damp(alerting, status, flags, START + timedelta(hours=hours))
        if kind:
            told.append((hours, WORDS[kind]))
    return told


def steps_of(letters: str, every: float = 0.01, begin: float = 0.0) -> list[Step]:
    return [
        (begin + every * number, STATUSES[letter], ("bounce",) if letter == "f" else ())
        for number, letter in enumerate(letters)
    ]


COURSES = [
    pytest.param("h", [], id="healthy from the start"),
    pytest.param("hwh", ["warning", "recovered"], id="warned and well again"),
    pytest.param("hwfwh", ["warning", "flagged", "recovered"], id="all the way and back"),
    pytest.param("f", ["flagged"], id="flagged by its first verdict"),
    pytest.param("fffff", ["flagged"], id="a flag that stays is told once"),
    pytest.param("hfh", ["flagged", "recovered"], id="straight to flagged"),
    pytest.param("hfw", ["flagged"], id="back in the warning band is not told yet"),
    pytest.param("hfwf", ["flagged"], id="flagged again from within the band"),
    pytest.param("hfhf", ["flagged", "recovered", "flagged"], id="flagged again after it was healthy is told at once"),
    pytest.param("hwfw?wf", ["warning", "flagged"], id="not being judged forgets nothing"),
    pytest.param("?h?h", [], id="nothing was told, so there is nothing to recover from"),
    pytest.param("hw?h", ["warning", "recovered"], id="recovered after it could not be judged"),
]


@pytest.mark.parametrize(("letters", "told"), COURSES)
def test_what_is_told(letters: str, told: list[str]) -> None:
    assert [word for _, word in tell(steps_of(letters))] == told


OSCILLATIONS = [
    pytest.param("wf", {"warning": 1, "flagged": 1}, id="around the limit"),
    pytest.param("hw", {"warning": 2, "recovered": 1}, id="around the warning"),
    pytest.param("hf", {"flagged": 2, "recovered": 1}, id="over the whole band at once"),
    pytest.param("hwfw", {"warning": 2, "flagged": 2, "recovered": 1}, id="through the whole band"),
]


@pytest.mark.parametrize(("turn", "told"), OSCILLATIONS)
def test_a_hundred_oscillations_within_the_cool_down(turn: str, told: dict[str, int]) -> None:
    assert Counter(word for _, word in tell(steps_of(turn * 100, every=0.02))) == told


def test_what_was_held_back_is_told_after_the_cool_down_though_nothing_changes_then() -> None:
    steps = [*steps_of("hwhwh"), *steps_of("h", begin=23), *steps_of("hh", begin=25)]
    assert tell(steps) == [(0.01, "warning"), (0.02, "recovered"), (0.03, "warning"), (25, "recovered")]
    steps = [*steps_of("hfw"), *steps_of("w", begin=23), *steps_of("wwf", begin=25)]
    assert tell(steps) == [(0.01, "flagged"), (25, "warning"), (25.02, "flagged")]


def test_a_crossing_after_the_cool_down_is_told_again_a_flag_that_stayed_is_not() -> None:
    assert tell([*steps_of("f"), *steps_of("w", begin=23.9), *steps_of("f", begin=24.1)]) == [
        (0, "flagged"),
        (24.1, "flagged"),
    ]
    assert tell([*steps_of("f"), *steps_of("f", begin=24.1), *steps_of("f", begin=240)]) == [(0, "flagged")]
    assert tell([*steps_of("f"), *steps_of("?", begin=24.1), *steps_of("f", begin=240)]) == [
        (0, "flagged"),
        (240, "flagged"),
    ]


def test_another_limit_exceeded_is_told_once_though_it_comes_and_goes() -> None:
    one, both, other = ("bounce",), ("bounce", "complaint"), ("complaint",)
    steps = [(0.1 * number, Status.FLAGGED, flags) for number, flags in enumerate([one, both, one, other, both, one])]
    assert [word for _, word in tell(steps)] == ["flagged", "flagged"]


@given(letters=st.text("hwf?", min_size=1, max_size=80), every=st.sampled_from([0.1, 1.0, 5.0, 12.0, 24.0, 30.0]))
def test_never_more_than_five_within_a_cool_down_and_the_last_word_is_never_too_mild(
    letters: str, every: float
) -> None:
    told = tell(steps_of(letters, every=every))
    hours = COOLDOWN.total_seconds() / 3600
    assert all(sum(at <= other < at + hours for other, _ in told) <= 5 for at, _ in told)
    assert all(second != "recovered" or first != "recovered" for (_, first), (_, second) in pairwise(told))
    # Whoever believes the last word believes nothing better than it is.
    rank = {"recovered": 0, "warning": 1, "flagged": 2}
    judged = [letter for letter in letters if letter != "?"]
    if judged and told:
        assert rank[told[-1][1]] >= "hwf".index(judged[-1])
    # Once the cool-down is over, the next verdict of the same kind makes it exactly what it is.
    if judged:
        later = every * len(letters) + hours
        final = [*steps_of(letters, every=every), *steps_of(judged[-1], begin=later)]
        words = [word for _, word in tell(final)]
        assert (rank[words[-1]] if words else 0) == "hwf".index(judged[-1])


def test_a_domain_that_was_given_a_new_start_is_told_of_at_once() -> None:
    assert tell(steps_of("f", begin=1), Alerting()) == [(1, "flagged")]
    assert alerting_of(None) == alerting_of({}) == Alerting()
