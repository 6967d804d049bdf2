"""The account at SES: its quota and standing, asked for once a minute by all processes together."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from webhook.domain import quota
from webhook.domain.quota import Known
from webhook.domain.ses import AccountState
from webhook.errors import AwsError, Limited
from webhook.logs import get_logger

#: How long an answer is good for; and how old one may be that is told since SES gives no newer one.
FRESH, STALE = timedelta(seconds=60), timedelta(minutes=10)
#: How long whoever asks has it alone; and how long an error is told without asking again.
LEASE, SULK = timedelta(seconds=15), timedelta(seconds=10)
#: How long the worker leaves it after an error that passes, and after one that a person must mend.
PASSES, MENDED = timedelta(minutes=1), timedelta(minutes=5)

log = get_logger(__name__)


class Ses(Protocol):
    """SES, as far as the account goes."""

    def get_account(self) -> AccountState:
        """The account now; raises AwsError, and Limited if no call is free soon."""


class Accounts(Protocol):
    """Where the answer is kept for all processes. Raises Unavailable."""

    def load(self) -> Known:
        """What is known."""

    def claim(self, now: datetime, until: datetime) -> bool:
        """True if the caller is the one to ask, until then."""

    def answered(self, state: AccountState, at: datetime) -> tuple[Known, list[dict[str, Any]]]:
        """Keeps an answer together with the notices that it gives rise to, and ends the claim; gives both."""

    def failed(self, error: Mapping[str, Any], at: datetime) -> None:
        """Keeps why there is none, and ends the claim."""


class Account:
    """Tells of the account. Any number of threads and processes cost one call a minute."""

    def __init__(self, ses: Ses, store: Accounts, now: Callable[[], datetime]) -> None:
        self._ses = ses
        self._store = store
        self._now = now

    def quota(self) -> dict[str, Any]:
        """Quota: `region`, `max24HourSend`, `sentLast24Hours`, `remaining`, `maxSendRate`, `usedShare`, `exhaustedAt`.

        None of a maximum is unlimited. At most a minute old; up to ten if SES does not answer (`checkedAt`). Raises
        AwsError if nothing younger is known, Unavailable.
        """
        known, state, at = self._answer()
        return quota.quota_of(state, known.samples, at)

    def account(self) -> dict[str, Any]:
        """Standing: `region`, `sandbox`, `sendingEnabled`, `enforcementStatus`, `explanation`; as `quota` otherwise."""
        _, state, at = self._answer()
        return quota.account_of(state, at)

    def work(self) -> bool:
        """Asks if the answer is no longer fresh, so that thresholds are noticed though nobody looks; True if it asked.

        What SES has against it is kept and told to whoever asks.
        """
        known, now = self._store.load(), self._now()
        patience = PASSES if known.error is None or known.error["retryable"] else MENDED
        if known.within(FRESH, now) or known.failed_within(patience, now) or not self._store.claim(now, now + LEASE):
            return False
        try:
            self._ask(known)
        except (AwsError, Limited):
            return False
        return True

    def _answer(self) -> tuple[Known, AccountState, datetime]:
        known, now = self._store.load(), self._now()
        if not known.within(FRESH, now):
            known = self._renewed(known, now)
        if known.state is None or known.at is None:
            told = "SES is just being asked"
            raise AwsError("aws_throttled", told, "Ask again in a moment.", retryable=True, retry_after=2)
        return known, known.state, known.at

    def _renewed(self, known: Known, now: datetime) -> Known:
        """What is known by now: asked for, unless somebody else is asking and the old answer will do."""
        usable = known.within(STALE, now)
        if known.failed_within(SULK, now) and known.error:
            if usable:
                return known
            raise _error_of(known.error)
        if not self._store.claim(now, now + LEASE):
            # Somebody else is asking; without an old answer there is no use in waiting for his.
            return known if usable else self._ask(known)
        try:
            return self._ask(known)
        except (AwsError, Limited):
            if usable:
                return known
            raise

    def _ask(self, known: Known) -> Known:
        try:
            state = self._ses.get_account()
        except AwsError as error:
            if known.error is None or known.error["code"] != error.code:
                log.warning("[AWS SES] account_unknown", code=error.code, why=error.detail)
            told = {"code": error.code, "detail": error.detail, "hint": error.hint, "retryable": error.retryable}
            self._store.failed(told, self._now())
            raise
        after, notices = self._store.answered(state, self._now())
        for notice in notices:
            log.warning("[AWS SES] quota_threshold_reached", threshold=notice["threshold"], used=notice["used"])
        return after


def _error_of(told: Mapping[str, Any]) -> AwsError:
    """The error that another process met."""
    after = SULK.total_seconds()
    return AwsError(told["code"], told["detail"], told["hint"], retryable=told["retryable"], retry_after=after)
