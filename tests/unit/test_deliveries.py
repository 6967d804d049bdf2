"""For how long an endpoint is left alone after a failure."""

from datetime import UTC, datetime, timedelta

import pytest

from webhook.domain.deliveries import left_alone
from webhook.domain.endpoints import BREAKS_AFTER, PROBE_EVERY, Health, State, failed

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BROKEN = Health(State.FAILING, BREAKS_AFTER, NOW)


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("before", "asked", "until"),
    [
        pytest.param(Health(), None, None, id="it asks for nothing"),
        pytest.param(Health(), 0.0, None, id="it asks for no time"),
        pytest.param(Health(), 600.0, after(10), id="what it asks for"),
        pytest.param(Health(), 3e9, after(24 * 60), id="a day at most"),
        pytest.param(BROKEN, None, NOW + PROBE_EVERY, id="the next probe"),
        pytest.param(BROKEN, 5.0, NOW + PROBE_EVERY, id="the next probe, being later"),
        pytest.param(BROKEN, 600.0, after(10), id="what it asks for, being later than the next probe"),
        pytest.param(Health(not_before=after(30)), None, after(30), id="another failure does not cut it short"),
        pytest.param(Health(not_before=after(30)), 600.0, after(30), id="nor what another asks for"),
        pytest.param(Health(not_before=after(-1)), None, None, id="what is over is over"),
    ],
)
def test_the_latest_moment_counts(before: Health, asked: float | None, until: datetime | None) -> None:
    failure, _ = failed(before, NOW, "it answered 429")
    assert left_alone(before, failure, NOW, asked).not_before == until


def test_who_is_disabled_is_not_waited_for() -> None:
    disabled, _ = failed(Health(), NOW, "it answered 410", gone=True)
    assert left_alone(Health(not_before=after(30)), disabled, NOW, 600.0) == disabled
