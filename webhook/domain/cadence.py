"""How often an identity is read: soon after a change, ever slower after that.

SES allows one call a second for the whole account. The list of identities, a thousand in one call, shows every few
minutes whose verification changed; only what it can't show is read one by one.
"""

from datetime import datetime, timedelta
from zlib import crc32

from webhook.domain.verification import GRACE, State, Verification

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

#: Up to which age of the last change, how long until the next reading.
_PACE: tuple[tuple[timedelta, timedelta], ...] = (
    (2 * MINUTE, MINUTE / 2),
    (10 * MINUTE, MINUTE),
    (30 * MINUTE, 2 * MINUTE),
    (2 * HOUR, 5 * MINUTE),
    (12 * HOUR, 20 * MINUTE),
    # SES gives up after three days; nothing is expected to move after that.
    (4 * DAY, HOUR),
)
#: Younger ones are few, and somebody is waiting.
_FRESH = 10 * MINUTE
#: All others that may change share a quarter of the calls that the account has.
_SHARE = timedelta(seconds=4)
#: The list of identities is gone through this often, and takes no more than a tenth of the calls.
_SWEEP, _CALLS = 5 * MINUTE, timedelta(seconds=10)
_MOVING = frozenset({State.PENDING, State.TEMPORARY_FAILURE})


def settled(known: Verification) -> bool:
    """True if SES will not change anything of its own accord, or the list of identities shows it if it does."""
    if known.identity is State.NOT_STARTED or (known.reading and known.reading.identity in _MOVING):
        return False
    return not {known.identity, known.dkim, known.mail_from} & _MOVING


def next_check(domain: str, known: Verification, crowd: int, now: datetime) -> datetime:
    """When to read this identity again. `crowd` is how many identities are not settled."""
    age = now - (known.changed_at or now)
    pace = None if settled(known) else next((pace for limit, pace in _PACE if age < limit), None)
    if pace is None:
        return now + _daily(domain)
    if age >= _FRESH:
        pace = min(max(pace, crowd * _SHARE), DAY)
    if known.reading and known.reading.in_grace and known.reading.last_success:
        # At the end of the grace it counts.
        pace = min(pace, max(known.reading.last_success + GRACE - now, MINUTE))
    return now + pace


def next_sweep(started: datetime, calls: int, now: datetime) -> datetime:
    """When to go through the list of identities again, if it took that many calls."""
    return max(started + max(_SWEEP, calls * _CALLS), now)


def _daily(domain: str) -> timedelta:
    """About a day, different for each domain, so that those who came together don't stay together."""
    return DAY * (0.9 + 0.2 * (crc32(domain.encode()) % 1000) / 1000)
