"""Our suppression list and that of the SES account, kept in step: what news of one means for the other. Pure.

Of each address that SES's list has, or is to have, one `Row` is kept: on whose account it stands there. The rules are
told in docs/suppression.md.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct, structs

from webhook.domain.address import domain_of, is_simulated, plain
from webhook.domain.restoring import Listed
from webhook.domain.suppression import Cause, Entry, Reason, Scope, entry_id

#: Who made the cause that stands while SES's list has the address, and its kind of event.
SES, LISTED = "ses", "listed"
#: How far AWS's clock may be from ours.
SKEW = timedelta(minutes=1)
#: An address that SES refused is offered again after this.
AGAIN = timedelta(hours=23)
#: A listing that lacks more than this many addresses, and more than half of those known, frees nobody by itself.
FEW = 50

BOUNCE, COMPLAINT = "BOUNCE", "COMPLAINT"
#: SES's words for reasons, and ours. SES knows these two only (API v2, SuppressedDestination).
REASONS = {BOUNCE: Reason.BOUNCE, COMPLAINT: Reason.COMPLAINT}
_AS_COMPLAINT = frozenset({Reason.COMPLAINT, Reason.UNSUBSCRIBE})


class Standing(StrEnum):
    """How an address stands on SES's list."""

    THEIRS = "theirs"  #: SES, or a person there, put it on
    PUT = "put"  #: it is there since we put it
    PUTTING = "putting"  #: we are to put it; we may have done so
    DELETING = "deleting"  #: we put it, and are to delete it
    REMOVED = "removed"  #: somebody took it off there; we don't put it again
    REFUSED = "refused"  #: SES did not take it


#: Of these SES's list has the address, as far as is known.
THERE = frozenset({Standing.THEIRS, Standing.PUT, Standing.DELETING})
#: Of these it must have; one that it lacks was taken off by somebody.
EXPECTED = frozenset({Standing.THEIRS, Standing.PUT})
#: These wait for a call.
DUE = frozenset({Standing.PUTTING, Standing.DELETING})
#: These depend on there being a cause of our own.
OWN = frozenset(Standing) - {Standing.THEIRS}


class Row(Struct, frozen=True, kw_only=True):
    """One address of SES's list, in the letters it has there: for its calls `Ann@x.example` is not `ann@x.example`.

    `at` is LastUpdateTime, None until a listing has told it; `asked_at` and `put_at` are when our own putting began and
    was answered; `since` is when it was found removed, or was refused; `seen` is the last full listing that had it.
    """

    address: str
    standing: Standing
    reason: str
    at: datetime | None = None
    asked_at: datetime | None = None
    put_at: datetime | None = None
    since: datetime | None = None
    seen: int = 0
    why: str = ""

    @property
    def key(self) -> str:
        """The address as ours compare."""
        return plain(self.address)


class Own(Struct, frozen=True):
    """What we have against an address ourselves: the reason in SES's words, and since when; see `own_of`."""

    address: str
    reason: str
    newest: datetime


def can_enter(listed: Listed) -> bool:
    """Whether an address of SES's list belongs onto ours."""
    return bool(domain_of(listed.address)) and not is_simulated(plain(listed.address)) and listed.reason in REASONS


def entry_of(address: str, reason: str, at: datetime) -> Entry:
    """What SES's list says, as an entry of ours: for everybody, for as long as it stands there."""
    cause = Cause(REASONS[reason], at, by=SES, event=LISTED)
    return Entry(address, Scope.ACCOUNT, "", cause)


def account_entry(key: str) -> str:
    """The id of the entry for everybody of this address."""
    return entry_id(key, Scope.ACCOUNT, "")


def own_of(address: str, causes: Iterable[Cause], now: datetime) -> Own | None:
    """What our own list has against it, beside what SES's list says; None if nothing (any more)."""
    own = [cause for cause in causes if cause.event != LISTED and (cause.expires_at is None or cause.expires_at > now)]
    if not own:
        return None
    complains = any(cause.reason in _AS_COMPLAINT for cause in own)
    return Own(address, COMPLAINT if complains else BOUNCE, max(cause.at for cause in own))


# -- what SES's list tells


def noticed(row: Row | None, listed: Listed, seen: int) -> tuple[Row, bool]:
    """The row after a listing had this address, and whether that is news for our list.

    What we put ourselves is none. An address that a person took off our list, but not theirs, is none either, until it
    is told anew there.
    """
    if row is not None and row.standing in (Standing.THEIRS, Standing.PUT, Standing.DELETING, Standing.PUTTING):
        if row.standing is Standing.THEIRS:
            same = (row.at, row.reason) == (listed.at, listed.reason)
        else:
            same = _is_ours(row, listed)
        if same:
            standing = Standing.PUT if row.standing is Standing.PUTTING else row.standing
            return structs.replace(row, standing=standing, at=listed.at, seen=max(seen, row.seen)), False
    theirs = Row(address=listed.address, standing=Standing.THEIRS, reason=listed.reason, at=listed.at, seen=seen)
    return theirs, True


def _is_ours(row: Row, listed: Listed) -> bool:
    """Whether it stands there as we put it; a listing that says otherwise tells of somebody else's."""
    if row.asked_at is None or row.reason != listed.reason:
        return False
    if row.at is not None:
        return row.at == listed.at
    return row.asked_at - SKEW <= listed.at and (row.put_at is None or listed.at <= row.put_at + SKEW)


def missed(row: Row, own: Own | None, now: datetime) -> Row | None:
    """The row after SES said that it has the address no more: kept only so that we don't put it again."""
    if own is None or row.standing is Standing.DELETING:
        return None
    return Row(address=row.address, standing=Standing.REMOVED, reason=row.reason, since=now)


def too_many(missing: int, known: int) -> bool:
    """Whether so many are missing that it's likelier that another list was read, or that AWS cleared it."""
    return missing > FEW and 2 * missing > known


# -- what our list tells


def offered(own: Own, rows: Iterable[Row], now: datetime) -> Row | None:
    """The row that changes since our list has something against this address; None if none does.

    `rows` are those of the address, however it is written. In whatever letters SES's list has it, it holds it back.
    """
    known = {row.standing: row for row in sorted(rows, key=lambda row: row.address)}
    if not known.keys().isdisjoint({*EXPECTED, Standing.PUTTING}):
        return None
    if row := known.get(Standing.DELETING):
        return structs.replace(row, standing=Standing.PUT)
    row = known.get(Standing.REMOVED)
    if row is not None and row.since is not None and own.newest <= row.since:
        return None
    refused = known.get(Standing.REFUSED)
    if refused is not None and refused.since is not None and now < refused.since + AGAIN:
        return None
    before = row or refused
    return Row(address=before.address if before else own.address, standing=Standing.PUTTING, reason=own.reason)


def withdrawn(row: Row) -> Row | None:
    """The row after our list has nothing of its own against the address any more; None: it is forgotten."""
    if row.standing in (Standing.THEIRS, Standing.DELETING):
        return row
    if row.standing is Standing.PUT or (row.standing is Standing.PUTTING and row.asked_at is not None):
        return structs.replace(row, standing=Standing.DELETING)
    return None
