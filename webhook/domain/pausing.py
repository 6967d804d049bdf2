"""Pausing a domain: who may pause over whom, what a resume begins, when the policy pauses, and where SES is told. Pure.

The rules are told in docs/pausing.md.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from msgspec import Struct

from webhook.domain.explanation import explain
from webhook.domain.reputation import FLAGS, WILSON_Z, Numbers, Policy, Verdict, limit, numerator
from webhook.errors import Invalid, Refused

WHY_MAX = 500
#: Seconds between two attempts to carry a pause to SES: at first, and at most.
RETRY, RETRY_MAX = 30.0, 3600.0
_Z2 = Fraction(WILSON_Z) ** 2


class By(StrEnum):
    """Who pauses: a person, or the policy that watches rates."""

    STAFF = "staff"
    POLICY = "policy"


class Action(StrEnum):
    """What happens to a domain that is flagged beyond doubt (`REPUTATION_ACTION`)."""

    NONE = "none"
    PAUSE = "pause"


class Carried(StrEnum):
    """How SES was told of a pause. `none`: it was not, for want of a tenant or a configuration set of its own."""

    TENANT = "tenant"
    CONFIGURATION_SET = "configuration_set"
    NONE = "none"


class Pause(Struct, frozen=True):
    """Why a domain may not send. `owner` is that of a person who may only touch an owner's domains.

    `numbers` are those that the policy acted upon, or that a person saw. `carried` is None until SES was told, and
    `carried_to` the tenant or configuration set that was.
    """

    by: By
    who: str
    why: str
    at: datetime
    owner: str | None = None
    numbers: Mapping[str, Any] | None = None
    carried: Carried | None = None
    carried_to: str | None = None

    @property
    def rank(self) -> int:
        """A pause gives way to one of a higher rank: an owner's to the policy's, and that to the staff's."""
        if self.by is By.POLICY:
            return 1
        return 2 if self.owner is None else 0


def checked_why(text: str) -> str:
    """A reason as it is kept; raises Invalid unless it has 1 to 500 printable characters."""
    why = text.strip()
    if not 1 <= len(why) <= WHY_MAX or not why.isprintable():
        raise Invalid("why", f"must say why, in 1 to {WHY_MAX} printable characters")
    return why


def gives_way(current: Pause | None, new: Pause) -> bool:
    """Whether `new` takes the place of `current`; the same person who says the same again changes nothing."""
    if current is None or new.rank > current.rank:
        return True
    same = (current.who, current.why) == (new.who, new.why)
    return new.by is By.STAFF and new.rank == current.rank and not same


def check_resume(current: Pause, owner: str | None) -> None:
    """Raises Refused unless somebody who may touch `owner`'s domains (None: all) may end this pause.

    An owner must not lift what the policy or the platform's staff found necessary.
    """
    if owner is None or current.owner == owner:
        return
    whom = "the policy" if current.by is By.POLICY else "the platform's staff"
    raise Refused("pause_not_yours", f"The domain was paused by {whom}", "Ask the platform's staff to resume it", 403)


# -- the policy


def policy_pause(verdict: Verdict, action: str) -> Pause | None:
    """The pause that the policy asks for: only where a rate that flags is above its limit beyond reasonable doubt.

    That is, where the lower bound of its 95 % interval exceeds the limit too. `action` is `REPUTATION_ACTION`.
    """
    if action != Action.PAUSE:
        return None
    sure = tuple(flag for flag in verdict.flags if surely_exceeds(verdict.judged, flag, verdict.policy))
    if not sure:
        return None
    return Pause(By.POLICY, "policy", explain(verdict)[:WHY_MAX], verdict.at, numbers=_numbers(verdict, sure))


def surely_exceeds(judged: Numbers, flag: str, policy: Policy) -> bool:
    """Whether the lower bound of Wilson's 95 % interval is strictly above the limit.

    Without its square root, in whole numbers and fractions: the limit lies below the interval if the rate is above it
    by more than 1.96 standard deviations of a rate at the limit.
    """
    allowed, hits, sent = limit(policy, flag), numerator(judged, flag), judged.sent
    beyond = hits - sent * allowed
    return beyond > 0 and beyond**2 > _Z2 * sent * allowed * (1 - allowed)


def _numbers(verdict: Verdict, sure: tuple[str, ...]) -> dict[str, Any]:
    judged = verdict.judged
    return {
        "flags": list(sure),
        "sent": judged.sent,
        "bounces": judged.bounces,
        "complaints": judged.complaints,
        "rates": {flag: verdict.rate(flag) for flag in FLAGS},
        "bounds": {flag: verdict.bounds(flag) for flag in FLAGS},
        "limits": {flag: float(limit(verdict.policy, flag)) for flag in FLAGS},
        "window": {"from": verdict.window.first.isoformat(), "to": verdict.window.last.isoformat()},
    }


# -- telling SES


class Want(StrEnum):
    """What SES is to be told."""

    PAUSED = "paused"
    RESUMED = "resumed"


class Task(Struct, frozen=True):
    """SES is to be told of a domain's pause or resume. `claim` is the attempt's own, `attempts` counts it.

    `tenant` and `configuration_set` are the domain's; `shared` is true if other domains use that set as well.
    `carried` and `carried_to` say what a resume undoes.
    """

    domain: str
    want: Want
    attempts: int
    claim: str
    tenant: str | None = None
    configuration_set: str | None = None
    shared: bool = False
    carried: Carried | None = None
    carried_to: str | None = None


def target(task: Task, common_set: str | None) -> tuple[Carried, str | None]:
    """Where SES is told: what was told of the pause, else the domain's tenant, else a configuration set of its own.

    A set that other domains use, or that is everybody's (`SES_CONFIGURATION_SET`), would stop them as well.
    """
    if task.want is Want.RESUMED and task.carried is not None:
        return task.carried, task.carried_to
    if task.tenant:
        return Carried.TENANT, task.tenant
    own = task.configuration_set
    if own and own != common_set and not task.shared:
        return Carried.CONFIGURATION_SET, own
    return Carried.NONE, None


def retry_after(attempts: int, wait: float, *, retryable: bool) -> float:
    """Seconds until the next attempt: twice as long after each; hourly where somebody must mend something first."""
    if not retryable:
        return RETRY_MAX
    return min(max(wait, RETRY * 2.0 ** min(attempts - 1, 10)), RETRY_MAX)
