"""Deliveries, as values: an attempt that is somebody's to make, and what became of one."""

from datetime import datetime

from msgspec import Struct

from webhook.domain.alerts import Alert


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
