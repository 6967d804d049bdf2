"""A moment as a person or a program gives it."""

import re
from datetime import UTC, datetime, timedelta

#: What `moment_of` takes, for messages.
FORMS = "2026-01-31, 2026-01-31T12:00:00Z, or an age such as 90m, 24h or 7d"

_AGE = re.compile(r"(\d{1,6})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+ -]\d{2}:\d{2}))?", re.ASCII)


def moment_of(text: str, now: datetime) -> datetime:
    """The moment, in UTC; a day is its beginning. Raises ValueError, whose message says what is taken.

    A time without its offset is refused: it would mean something else to everyone. A blank before the offset is what
    becomes of a `+` in a web address.
    """
    try:
        if age := _AGE.fullmatch(text):
            return now - int(age[1]) * _UNITS[age[2]]
        at = datetime.fromisoformat(text.replace(" ", "+") if _STAMP.fullmatch(text) else "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"must be {FORMS}") from error
