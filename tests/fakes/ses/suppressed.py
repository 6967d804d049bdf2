"""The account's suppression list: addresses as they were written, found only when they are written so again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors
from tests.fakes.ses.paging import page

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
REASONS = ("BOUNCE", "COMPLAINT")


@dataclass(frozen=True)
class Suppressed:
    """One address; the ids are those of the mail and the feedback for which SES itself put it there."""

    address: str
    reason: str
    at: datetime
    message_id: str | None = None
    feedback_id: str | None = None

    def brief(self) -> Answer:
        return {"EmailAddress": self.address, "Reason": self.reason, "LastUpdateTime": self.at.timestamp()}

    def told(self) -> Answer:
        ids = {"MessageId": self.message_id, "FeedbackId": self.feedback_id}
        known = {name: value for name, value in ids.items() if value}
        return {**self.brief(), **({"Attributes": known} if known else {})}


def put(state: State, asked: Answer) -> Answer:
    if not state.account.production:
        raise errors.bad_request("This operation is not available while the account is in the sandbox.")
    address, reason = asked["EmailAddress"], asked["Reason"]
    if "@" not in address or reason not in REASONS:
        raise errors.bad_request("An email address and the reason BOUNCE or COMPLAINT must be given.")
    state.suppressed[address] = Suppressed(address, reason, state.clock.now())
    return {}


def get(state: State, asked: Answer) -> Answer:
    return {"SuppressedDestination": _known(state, asked).told()}


def delete(state: State, asked: Answer) -> Answer:
    del state.suppressed[_known(state, asked).address]
    return {}


def list_all(state: State, asked: Answer) -> Answer:
    """By address; StartDate is the first moment that counts, EndDate the first that counts no more."""
    reasons = asked.get("Reasons") or REASONS
    start, end = asked.get("StartDate", float("-inf")), asked.get("EndDate", float("inf"))
    wanted = [one for one in state.suppressed.values() if one.reason in reasons and start <= one.at.timestamp() < end]
    rows, more = page(sorted(wanted, key=lambda one: one.address), asked)
    return {"SuppressedDestinationSummaries": [one.brief() for one in rows], **more}


def _known(state: State, asked: Answer) -> Suppressed:
    address = asked["EmailAddress"]
    if address not in state.suppressed:
        raise errors.not_found(f"Email address {address} on your suppression list")
    return state.suppressed[address]


SUPPRESSION_OPERATIONS: dict[str, Callable[[State, Answer], Answer]] = {
    "PutSuppressedDestination": put,
    "GetSuppressedDestination": get,
    "DeleteSuppressedDestination": delete,
    "ListSuppressedDestinations": list_all,
}
