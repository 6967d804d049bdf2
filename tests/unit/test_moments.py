"""Moments as people and programs give them."""

from datetime import UTC, datetime

import pytest

from webhook.moments import moment_of

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.250Z", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00 02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00-07:00", datetime(2026, 1, 31, 19, tzinfo=UTC)),
        ("90m", datetime(2026, 3, 14, 10, 30, tzinfo=UTC)),
        ("24h", datetime(2026, 3, 13, 12, tzinfo=UTC)),
        ("7d", datetime(2026, 3, 7, 12, tzinfo=UTC)),
    ],
)
def test_what_is_taken(text: str, expected: datetime) -> None:
    assert moment_of(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "yesterday",
            "2026-13-01",
            "2026-02-30",
            "2026-1-1",
            "20260131",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00",
        ),
        *("7w", "-7d", "7 d", "999999d", "٣d", "0001-01-01T00:00:00+14:00", "2026-01-31T12:00:00Z\n", "1769860800"),
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be 2026-01-31"):
        moment_of(text, NOW)
