"""The schedule, by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.alert_payloads import AlertType
from webhook.domain.retry import ATTEMPTS, GAPS, holds_up, next_attempt

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def after(made: int, chance: float = 0.5, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt."""
    due = next_attempt(made, NOW, chance, retry_after)
    return None if due is None else (due - NOW).total_seconds()


def test_the_schedule_is_the_documented_one() -> None:
    hours = 3600
    gaps = [5, 300, 1800, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours, None]
    assert [after(made) for made in range(1, ATTEMPTS + 1)] == gaps
    assert timedelta(days=3) < timedelta(seconds=sum(GAPS)) < timedelta(days=3.5)


@given(made=st.integers(1, ATTEMPTS - 1), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_is_ten_per_cent(made: int, chance: float) -> None:
    waited = after(made, chance)
    assert waited is not None
    assert 0.9 * GAPS[made] - 1e-3 <= waited <= 1.1 * GAPS[made] + 1e-3


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        pytest.param(120, 120, id="later than ours"),
        pytest.param(1, 5, id="sooner than ours"),
        pytest.param(-5, 5, id="in the past"),
        pytest.param(10**9, 86_400, id="next year"),
        pytest.param(None, 5, id="not at all"),
    ],
)
def test_a_receiver_may_ask_for_more_time_up_to_a_day(asked: float | None, waited: float) -> None:
    assert after(1, retry_after=asked) == waited


def test_the_last_attempt_is_the_last_whatever_the_receiver_asks_for() -> None:
    assert after(ATTEMPTS, retry_after=60) is None


def test_only_first_attempts_about_a_domain_hold_up_the_next_alert() -> None:
    assert [holds_up(AlertType.FLAGGED, "example.com", made) for made in range(4)] == [True, True, False, False]
    assert not holds_up(AlertType.QUOTA, None, 0)
    assert not holds_up(AlertType.BOUNCED, "example.com", 0)
