"""Rounds: reading SES's list, and looking through ours for what it means; a page, an address or a batch each step."""

from datetime import datetime, timedelta

from webhook.domain.suppression_sync import can_enter, too_many
from webhook.domain.sync_state import Phase, State
from webhook.errors import AwsError
from webhook.logs import get_logger
from webhook.syncing.ports import Book, TheirList

#: How often SES is asked what changed, and how often for all of its list: only that shows what is gone.
EVERY, EVERY_FULL = timedelta(minutes=10), timedelta(hours=24)
#: What changed is asked for from that much earlier: SES's clock is not ours, nor are our processes' clocks one.
OVERLAP = timedelta(minutes=30)
#: Addresses that one transaction concerns.
GROUP = 250

log = get_logger(__name__)


class Rounds:
    """Makes the steps of rounds. `writes`: ours is put into theirs too. Raises AwsError, Limited, Conflict."""

    def __init__(self, theirs: TheirList, book: Book, *, writes: bool) -> None:
        self._theirs = theirs
        self._book = book
        self._writes = writes
        self._steps = {
            Phase.REST: self._begin,
            Phase.LIST: self._list,
            Phase.CONFIRM: self._confirm,
            Phase.SWEEP: self._sweep,
            Phase.PRUNE: self._prune,
        }

    def step(self, state: State, now: datetime) -> bool:
        """Makes the next; False if none is due."""
        if state.phase is Phase.REST and not _is_due(state, now):
            return False
        self._steps[state.phase](state, now)
        return True

    def _begin(self, state: State, now: datetime) -> None:
        full = _is_full_due(state, now)
        self._book.begin(
            now,
            phase=Phase.LIST,
            full=full,
            generation=state.generation + 1 if full else state.generation,
            since=None if full or state.listed_at is None else state.listed_at - OVERLAP,
            began=now,
            token=None,
            cursor="",
            retry_at=None,
        )

    def _list(self, state: State, now: datetime) -> None:
        try:
            listed, token = self._theirs.page(state.since, state.token)
        except AwsError as error:
            if error.code != "aws_bad_request" or not state.token:
                raise
            self._book.update(token=None)  # it has become too old: from the beginning
            return
        known = [one for one in listed if can_enter(one)]
        for start in range(0, len(known), GROUP):
            self._book.notice(known[start : start + GROUP], state, now)
        if token:
            self._book.update(token=token)
        elif state.full:
            self._compare(state, now)
        else:
            self._book.update(phase=Phase.SWEEP, token=None, cursor="", listed_at=state.began)

    def _compare(self, state: State, now: datetime) -> None:
        """What a full listing lacks is asked for, unless that is nearly all."""
        missing, known = self._book.missing(state)
        if not too_many(missing, known) or state.accepts:
            self._book.update(phase=Phase.CONFIRM, token=None, cursor="", listed_at=state.began)
            return
        told = {
            "code": "many_removed",
            "detail": f"SES's list lacks {missing:,} of the {known:,} addresses that it had: none was let go here",
            "hint": "If that is right, run `python -m webhook suppressions sync --accept-removals`; else look whether"
            " AWS_SDK_REGION and the credentials are those of before.",
        }
        log.warning("[AWS SES] suppressions_missing", missing=missing, known=known)
        self._book.update(
            phase=Phase.REST,
            token=None,
            listed_at=state.began,
            full_at=state.began,
            # Whichever list that is, we neither put nor delete anything there.
            writes_at=now + EVERY_FULL,
            problems=state.problems | {"removals": told},
        )

    def _confirm(self, state: State, now: datetime) -> None:
        """Asks for one address: pages may lack what moved from one to another while they were read."""
        row = self._book.suspect(state)
        if row is None:
            self._book.update(phase=Phase.SWEEP, cursor="")
            return
        try:
            found = self._theirs.find(row.address)
        except AwsError as error:
            if error.code != "aws_bad_request":
                raise
        else:
            if found is None:
                self._book.miss(row, now)
            else:
                self._book.notice([found], state, now)
        self._book.update(cursor=row.address)

    def _sweep(self, state: State, now: datetime) -> None:
        if not self._writes:
            self._finish(state, swept_at=None)
            return
        began = state.began or now
        since = None if state.full or state.swept_at is None else state.swept_at - OVERLAP
        # What was entered since the listing began may be on theirs as well by now: SES hears of a bounce first.
        cursor = self._book.sweep(state, since, began, now)
        if cursor is None:
            self._book.update(phase=Phase.PRUNE, cursor="", swept_at=began)
        else:
            self._book.update(cursor=cursor)

    def _prune(self, state: State, now: datetime) -> None:
        cursor = self._book.prune(state, now) if self._writes else None
        if cursor is None:
            self._finish(state)
        else:
            self._book.update(cursor=cursor)

    def _finish(self, state: State, **changes: object) -> None:
        if state.full:
            problems = {name: told for name, told in state.problems.items() if name != "removals"}
            changes |= {"full_at": state.began, "accepts": False, "problems": problems}
            if "removals" in state.problems:
                changes["writes_at"] = None
        after = self._book.update(phase=Phase.REST, cursor="", **changes)
        log.info("[AWS SES] suppressions_compared", full=state.full, **after.numbers)


def _is_due(state: State, now: datetime) -> bool:
    return _is_full_due(state, now) or state.listed_at is None or now - state.listed_at >= EVERY


def _is_full_due(state: State, now: datetime) -> bool:
    return state.full_at is None or now - state.full_at >= EVERY_FULL
