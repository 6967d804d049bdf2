"""Deliveries, as values: an attempt that is somebody's to make, and what became of one."""

from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.alerts import Alert
from webhook.domain.endpoints import Health, State
from webhook.domain.retry import RETRY_AFTER_MAX


class Claim(Struct, frozen=True):
    """One attempt that is ours alone to make, until the lease runs out.

    `attempt` numbers all attempts of this alert at this endpoint and is never given twice; `tries` those of this round
    of the schedule. `token` proves whose claim it is.
    """

    delivery: str
    alert: Alert
    endpoint: str
    attempt: int
    tries: int
    token: str


class Attempt(Struct, frozen=True):
    """What became of an attempt, as it is kept. `error` is None if the alert was taken."""

    number: int
    at: datetime
    ms: int
    status: int | None = None
    error: str | None = None
    body: str = ""


def left_alone(before: Health, after: Health, now: datetime, asked: float | None) -> Health:
    """The health that a failure just made of another, with what the endpoint `asked` for: seconds of `Retry-After`.

    It holds for the whole endpoint, up to a day, and no other failure cuts it short. The latest of all moments counts:
    what was asked for, the next probe, and how long it was to be left alone before.
    """
    if after.state is State.DISABLED:
        return after
    wait = now + timedelta(seconds=min(max(asked or 0.0, 0.0), RETRY_AFTER_MAX))
    moments = (moment for moment in (before.not_before, after.not_before, wait) if moment and moment > now)
    return replace(after, not_before=max(moments, default=None))
