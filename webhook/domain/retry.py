"""When an alert that was not taken is tried again."""

from datetime import datetime, timedelta

from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import UNORDERED

_MINUTE, _HOUR = 60, 3600
#: Seconds after the attempt before; the first is made at once. Ten attempts, over a little more than three days.
GAPS = (
    0,
    5,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
ATTEMPTS = len(GAPS)
#: A gap is up to so much of itself longer or shorter, lest all that failed together come back together.
JITTER = 0.1
#: However long a receiver asks us to wait.
RETRY_AFTER_MAX = 24 * _HOUR
#: Attempts that come within seconds: while an alert is at these, the next one about its domain waits for it.
FIRST_ATTEMPTS = 2


def next_attempt(made: int, now: datetime, chance: float, retry_after: float | None = None) -> datetime | None:
    """When the next attempt is due after `made` of them failed, the last just now; None after the last.

    Args:
        made: attempts of this round that were made, 1 or more.
        now: when the last one failed.
        chance: random, from 0 up to 1, for the jitter.
        retry_after: seconds that the receiver asked for; the later of both holds, up to a day.
    """
    if made >= ATTEMPTS:
        return None
    gap = GAPS[made] * (1 + JITTER * (2 * chance - 1))
    asked = min(max(retry_after or 0.0, 0.0), RETRY_AFTER_MAX)
    return now + timedelta(seconds=max(gap, asked))


def holds_up(kind: AlertType, domain: str | None, made: int) -> bool:
    """Whether the next alert about the same domain waits for this one, of which so many attempts have failed."""
    return domain is not None and kind not in UNORDERED and made < FIRST_ATTEMPTS
