"""What keeping two suppression lists in step needs of others."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from webhook.domain.restoring import Listed
from webhook.domain.suppression_sync import Own, Row
from webhook.domain.sync_state import State


class TheirList(Protocol):
    """The list of the SES account; one call each. Raises AwsError, Limited."""

    def page(self, since: datetime | None, token: str | None) -> tuple[list[Listed], str | None]:
        """A thousand addresses that changed since then (None: all), and the token of the next page."""

    def find(self, address: str) -> Listed | None:
        """One address, in just these letters."""

    def put(self, address: str, reason: str) -> None:
        """Puts it on the list, or anew."""

    def delete(self, address: str) -> bool:
        """Takes it off, in just these letters; False if it was not there."""


class Book(Protocol):
    """Where it is written down. Only who holds the lease changes anything; all others meet Conflict."""

    def take(self, now: datetime, until: datetime) -> State | None:
        """The state, leased until then; None while another has it."""

    def release(self) -> None:
        """Ends the lease."""

    def peek(self) -> State:
        """The state as it is."""

    def update(self, **changes: object) -> State:
        """Changes the state; gives it as it is then."""

    def begin(self, now: datetime, **changes: object) -> State:
        """The same, as a round begins: what the last came to is put into the audit trail."""

    def notice(self, listed: Sequence[Listed], state: State, now: datetime) -> None:
        """What a page of theirs says; all of it is told to ours that is news."""

    def missing(self, state: State) -> tuple[int, int]:
        """How many that were known a full listing lacked, and how many are known."""

    def suspect(self, state: State) -> Row | None:
        """The first address after the cursor that the full listing lacked."""

    def miss(self, row: Row, now: datetime) -> None:
        """SES has it no more: ours lets go of what only theirs said."""

    def sweep(self, state: State, since: datetime | None, before: datetime, now: datetime) -> str | None:
        """Goes on through ours, entered since then and before: what theirs lacks is to be put. None at the end."""

    def prune(self, state: State, now: datetime) -> str | None:
        """Goes on through what we put: what ours has no more is to be deleted. None at the end."""

    def due(self) -> Row | None:
        """What is to be done at SES next."""

    def own(self, row: Row, now: datetime) -> Own | None:
        """What ours has against it at this moment."""

    def save(self, row: Row, after: Row | None, count: Mapping[str, int] | None = None) -> None:
        """The row becomes another (None: is forgotten), and so much is counted."""


class Survey(Protocol):
    """The same lists, read only."""

    def news(self, listed: Sequence[Listed]) -> int:
        """How many of these would be told to ours."""

    def lacking(self, seen: "set[int]") -> int:
        """How many that were known are not among these (hashes of addresses)."""

    def to_put(self, keys: "set[int]", now: datetime) -> int:
        """How many of ours theirs lacks, these not counted (hashes of addresses as ours compare)."""

    def to_delete(self, now: datetime) -> int:
        """How many that we put ours has no more."""

    def counts(self, now: datetime) -> dict[str, int]:
        """How many are `there`, `here`, and were taken off there by somebody (`removedThere`)."""

    def removed_there(self, limit: int) -> list[Row]:
        """Of those some, the newest first."""
