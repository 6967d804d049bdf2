"""Watching the account: every quarter of an hour one reading of its quota, its standing and the rates AWS judges by."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from webhook.errors import AwsError, Limited
from webhook.logs import get_logger

EVERY = timedelta(minutes=15)
_OF_QUOTA = ("max24HourSend", "sentLast24Hours", "maxSendRate", "usedShare")
_OF_ACCOUNT = ("region", "sandbox", "sendingEnabled", "enforcementStatus")

log = get_logger(__name__)


class Account(Protocol):
    """The account as it is known anyway: asking costs no call of its own."""

    def quota(self) -> dict[str, Any]:
        """See `account.Account`."""

    def account(self) -> dict[str, Any]:
        """See `account.Account`."""


class Rates(Protocol):
    """What AWS judges the account by."""

    def rates(self, now: datetime) -> tuple[float | None, float | None]:
        """The bounce rate and the complaint rate, as shares; raises AwsError, Limited."""


class Series(Protocol):
    """Where readings are kept. Raises Unavailable."""

    def claim(self, slot: datetime) -> bool:
        """True if the caller is the one to make this quarter's reading."""

    def keep(self, slot: datetime, reading: Mapping[str, Any]) -> None:
        """Keeps it."""


class Watch:
    """Makes the readings; of all processes together one for each quarter of an hour."""

    def __init__(self, account: Account, rates: Rates, series: Series, now: Callable[[], datetime]) -> None:
        self._account = account
        self._rates = rates
        self._series = series
        self._now = now
        self._made: datetime | None = None

    def work(self) -> bool:
        """Makes this quarter's reading if it is not made yet; never True: there is one at a time.

        What AWS does not tell is None, and `problem` says why: a gap in the series is then no riddle.
        """
        now = self._now()
        slot = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        if slot == self._made or not self._series.claim(slot):
            self._made = slot
            return False
        self._series.keep(slot, self._reading(now))
        self._made = slot
        return False

    def _reading(self, now: datetime) -> dict[str, Any]:
        reading: dict[str, Any] = {"at": now, "bounceRate": None, "complaintRate": None, "problem": None}
        try:
            quota, account = self._account.quota(), self._account.account()
            reading |= {name: quota[name] for name in _OF_QUOTA} | {name: account[name] for name in _OF_ACCOUNT}
            reading["bounceRate"], reading["complaintRate"] = self._rates.rates(now)
        except AwsError as error:
            log.warning("[AWS SES] reading_incomplete", code=error.code, why=error.detail)
            reading["problem"] = {"code": error.code, "detail": error.detail, "hint": error.hint}
        except Limited as error:
            reading["problem"] = {"code": "aws_throttled", "detail": error.detail, "hint": ""}
        return reading
