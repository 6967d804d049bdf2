"""Putting ours on SES's list, and deleting from it what we put: an address for each step."""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import structs

from webhook.domain.suppression_sync import Own, Row, Standing, withdrawn
from webhook.domain.sync_state import State
from webhook.errors import AwsError
from webhook.logs import get_logger
from webhook.syncing.ports import Book, TheirList

#: How long nothing is written after SES did not let us.
HELD = timedelta(hours=1)
_SANDBOX = {
    "code": "aws_sandbox",
    "detail": "SES lets no account in the sandbox put addresses on its suppression list",
    "hint": "Ask AWS for production access, or set SES_SUPPRESSION_SYNC to pull.",
}

log = get_logger(__name__)


class Writer:
    """Does what is due. `sandbox` tells whether the account is in the sandbox. Raises AwsError, Limited, Conflict."""

    def __init__(self, theirs: TheirList, book: Book, now: Callable[[], datetime], sandbox: Callable[[], bool]) -> None:
        self._theirs = theirs
        self._book = book
        self._now = now
        self._sandbox = sandbox

    def step(self, state: State) -> bool:
        """Does the next; False if nothing is due, or SES does not let us."""
        now = self._now()
        if state.writes_at is not None and now < state.writes_at:
            return False
        row = self._book.due()
        if row is None:
            return False
        # What was due when it was written down need not be so still.
        own = self._book.own(row, now)
        try:
            (self._put if row.standing is Standing.PUTTING else self._delete)(row, own, state)
        except AwsError as error:
            self._refused(row, state, error)
        else:
            if "writing" in state.problems:
                problems = {name: told for name, told in state.problems.items() if name != "writing"}
                self._book.update(problems=problems)
        return True

    def _put(self, row: Row, own: Own | None, state: State) -> None:
        if own is None:
            self._book.save(row, withdrawn(row))
            return
        if row.asked_at is None:
            # Before the call: if its answer is lost, what is then found on the list is known to be ours.
            asked = structs.replace(row, asked_at=self._now(), reason=own.reason)
            self._book.save(row, asked)
            row = asked
        self._theirs.put(row.address, row.reason)
        put = structs.replace(row, standing=Standing.PUT, put_at=self._now(), at=None, seen=state.generation)
        self._book.save(row, put, {"put": 1})

    def _delete(self, row: Row, own: Own | None, _state: State) -> None:
        if own is not None:
            self._book.save(row, structs.replace(row, standing=Standing.PUT))
            return
        self._theirs.delete(row.address)
        self._book.save(row, None, {"deleted": 1})

    def _refused(self, row: Row, state: State, error: AwsError) -> None:
        """An address that SES does not like stops no other; that SES does not let us write is told once."""
        if error.retryable:
            raise error
        now = self._now()
        told = {"code": error.code, "detail": error.detail, "hint": error.hint}
        if error.code == "aws_bad_request":
            if row.standing is Standing.DELETING or not self._sandbox():
                refused = Row(
                    address=row.address, standing=Standing.REFUSED, reason=row.reason, since=now, why=error.detail
                )
                self._book.save(row, refused, {"failed": 1})
                return
            told = _SANDBOX
        if state.problems.get("writing", {}).get("code") != told["code"]:
            log.warning("[AWS SES] suppressions_not_written", code=told["code"], why=told["detail"])
        self._book.update(writes_at=now + HELD, problems=state.problems | {"writing": told})
