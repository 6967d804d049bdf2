"""The account's sending quota and standing: what is left, until when, which thresholds are reached, in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from webhook.domain.ses import AccountState

#: Shares of the quota, in percent, that are told when they are reached.
THRESHOLDS = (70, 90, 100)
#: The pace is taken over this long, and from no less than this much of it.
PACE_SPAN, PACE_LEAST = timedelta(hours=3), timedelta(minutes=1)
#: SES counts the last 24 hours: what would last longer than that lasts.
DAY = timedelta(hours=24)


class Sample(Struct, frozen=True):
    """How much had been sent in the last 24 hours at a moment."""

    at: datetime
    sent: float


class Known(Struct, frozen=True):
    """What is known of the account: the last answer and its time, the samples, thresholds reached; the last error."""

    state: AccountState | None = None
    at: datetime | None = None
    samples: tuple[Sample, ...] = ()
    reached: tuple[int, ...] = ()
    error: Mapping[str, Any] | None = None
    error_at: datetime | None = None

    def within(self, age: timedelta, now: datetime) -> bool:
        """Whether there is an answer no older than that."""
        return self.at is not None and now - self.at < age

    def failed_within(self, age: timedelta, now: datetime) -> bool:
        """Whether the last attempt failed, no longer ago than that."""
        return self.error_at is not None and now - self.error_at < age


def kept(samples: Sequence[Sample], newest: Sample) -> list[Sample]:
    """The samples that the pace is taken from, with the newest."""
    return [sample for sample in samples if newest.at - PACE_SPAN <= sample.at < newest.at] + [newest]


def exhausted_at(state: AccountState, samples: Sequence[Sample]) -> datetime | None:
    """When the quota will be used up if sending goes on at the pace of the last three hours, at the newest's moment.

    Linear: what was added between the oldest and the newest sample, by the time between. None if it is unlimited, does
    not rise, or would last for another 24 hours, after which today's mails no longer count. Used up: the newest's time.
    """
    if state.max_24_hour_send is None or not samples:
        return None
    first, last = samples[0], samples[-1]
    remaining = state.max_24_hour_send - last.sent
    if remaining <= 0:
        return last.at
    span, added = last.at - first.at, last.sent - first.sent
    if span < PACE_LEAST or added <= 0:
        return None
    left = span * (remaining / added)
    return last.at + left if left <= DAY else None


def reached(state: AccountState) -> tuple[int, ...]:
    """The thresholds that what was sent has reached; none if the quota is unlimited."""
    most = state.max_24_hour_send
    if most is None or most <= 0:
        return ()
    return tuple(share for share in THRESHOLDS if state.sent_last_24_hours * 100 >= most * share)


def crossed(before: Sequence[int], now: Sequence[int]) -> list[int]:
    """The thresholds that were not reached before. One that was left again in between is told again."""
    return [share for share in now if share not in before]


def quota_of(state: AccountState, samples: Sequence[Sample], at: datetime) -> dict[str, Any]:
    """The quota as the API gives it: counts of recipients, `maxSendRate` a second, None for unlimited."""
    most, sent = state.max_24_hour_send, state.sent_last_24_hours
    return {
        "success": True,
        "region": state.region,
        "max24HourSend": most,
        "sentLast24Hours": sent,
        "remaining": None if most is None else max(0.0, most - sent),
        "maxSendRate": state.max_send_rate,
        "usedShare": None if most is None else (sent / most if most else 1.0),
        "exhaustedAt": exhausted_at(state, samples),
        "checkedAt": at,
    }


def account_of(state: AccountState, at: datetime) -> dict[str, Any]:
    """The account's standing as the API gives it."""
    return {
        "success": True,
        "region": state.region,
        "sandbox": not state.production_access,
        "sendingEnabled": state.sending_enabled,
        "enforcementStatus": state.enforcement_status,
        "explanation": explanation(state),
        "checkedAt": at,
    }


_STANDING = {
    "PROBATION": "AWS has the account under review for its bounces or complaints: mend their cause, then tell AWS so.",
    "SHUTDOWN": "AWS has stopped the account from sending: answer AWS's case in the Support Center.",
}


def explanation(state: AccountState) -> str:
    """What the account may do, and what would change it, in plain words."""
    told = []
    if not state.production_access:
        told.append(
            f"The account is in the SES sandbox in {state.region}: mail reaches verified addresses and domains and the"
            f" mailbox simulator only, {_most(state)}. Ask for production access in the SES console under Account"
            " dashboard to send to everybody."
        )
    if standing := _STANDING.get(state.enforcement_status):
        told.append(standing)
    elif not state.sending_enabled:
        told.append("Sending is switched off for the account: switch it on in the SES console under Account dashboard.")
    return " ".join(told) or f"The account may send to everybody in {state.region}, {_most(state)}."


def _most(state: AccountState) -> str:
    day = "any number of mails" if state.max_24_hour_send is None else f"up to {state.max_24_hour_send:,.0f} mails"
    rate = "" if state.max_send_rate is None else f" and {state.max_send_rate:g} a second"
    return f"{day} in 24 hours{rate}"


def answered(known: Known, state: AccountState, at: datetime) -> tuple[Known, list[dict[str, Any]]]:
    """What is known after an answer, and a notice for each threshold that was reached by it."""
    sample = Sample(at, state.sent_last_24_hours)
    after = Known(state, at, tuple(kept(known.samples, sample)), reached(state))
    return after, [
        {
            "at": at,
            "type": "quota.threshold_reached",
            "threshold": share,
            "region": state.region,
            "used": state.sent_last_24_hours,
            "max": state.max_24_hour_send,
        }
        for share in crossed(known.reached, after.reached)
    ]
