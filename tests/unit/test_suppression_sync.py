"""What news of one suppression list means for the other."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from webhook.domain.restoring import Listed
from webhook.domain.suppression import Cause, Changes, Entry, Reason, Scope, settled
from webhook.domain.suppression_sync import (
    AGAIN,
    FEW,
    SKEW,
    Own,
    Row,
    Standing,
    can_enter,
    entry_of,
    missed,
    noticed,
    offered,
    own_of,
    too_many,
    withdrawn,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ANN = "Ann@Example.com"
THEIRS = Row(address=ANN, standing=Standing.THEIRS, reason="BOUNCE", at=NOW, seen=1)
PUT = Row(address=ANN, standing=Standing.PUT, reason="BOUNCE", asked_at=NOW, put_at=NOW + MINUTE, seen=1)
PUTTING = Row(address=ANN, standing=Standing.PUTTING, reason="BOUNCE")
ASKED = structs.replace(PUTTING, asked_at=NOW)
DELETING = structs.replace(PUT, standing=Standing.DELETING, at=NOW)
REMOVED = Row(address=ANN, standing=Standing.REMOVED, reason="BOUNCE", since=NOW)
REFUSED = Row(address=ANN, standing=Standing.REFUSED, reason="BOUNCE", since=NOW)


def listed(at: datetime = NOW, reason: str = "BOUNCE", address: str = ANN) -> Listed:
    return Listed(address, reason, at)


def own(at: datetime = NOW, reason: str = "BOUNCE") -> Own:
    return Own("ann@example.com", reason, at)


# -- theirs


@pytest.mark.parametrize(
    ("row", "told", "standing", "news"),
    [
        pytest.param(None, listed(), "theirs", True, id="a new one"),
        pytest.param(THEIRS, listed(), "theirs", False, id="the same again"),
        pytest.param(THEIRS, listed(NOW + DAY), "theirs", True, id="told anew"),
        pytest.param(THEIRS, listed(reason="COMPLAINT"), "theirs", True, id="for another reason"),
        pytest.param(PUT, listed(NOW + MINUTE), "put", False, id="what we put"),
        pytest.param(PUT, listed(NOW - SKEW), "put", False, id="what we put, by a clock that is behind"),
        pytest.param(PUT, listed(NOW + MINUTE + SKEW), "put", False, id="what we put, by a clock that is ahead"),
        pytest.param(PUT, listed(NOW + MINUTE + 2 * SKEW), "theirs", True, id="what they put after us"),
        pytest.param(PUT, listed(NOW - 2 * SKEW), "theirs", True, id="what was there before us"),
        pytest.param(PUT, listed(NOW, "COMPLAINT"), "theirs", True, id="what they put for another reason"),
        pytest.param(structs.replace(PUT, at=NOW), listed(), "put", False, id="what we put, seen before"),
        pytest.param(
            structs.replace(PUT, at=NOW), listed(NOW + MINUTE), "theirs", True, id="put anew since it was seen"
        ),
        pytest.param(PUTTING, listed(), "theirs", True, id="what was on it before we asked"),
        pytest.param(ASKED, listed(NOW + DAY), "put", False, id="what we put, the answer being lost"),
        pytest.param(ASKED, listed(NOW - DAY), "theirs", True, id="what was there, our answer being lost"),
        pytest.param(DELETING, listed(), "deleting", False, id="what we are to delete"),
        pytest.param(DELETING, listed(NOW + DAY), "theirs", True, id="what they put before we deleted it"),
        pytest.param(REMOVED, listed(), "theirs", True, id="what they removed and put again"),
        pytest.param(REFUSED, listed(), "theirs", True, id="what they can put, and we can't"),
    ],
)
def test_what_a_listing_tells(row: Row | None, told: Listed, standing: str, news: bool) -> None:
    after, is_news = noticed(row, told, 2)
    assert (after.standing, is_news) == (standing, news)
    assert (after.address, after.at, after.seen) == (ANN, told.at, 2)


@pytest.mark.parametrize(
    ("row", "ours", "standing"),
    [
        pytest.param(THEIRS, None, None, id="nothing of our own: forgotten"),
        pytest.param(THEIRS, own(), "removed", id="a cause of our own: kept here, not put there"),
        pytest.param(PUT, own(), "removed", id="put by us, removed by them: not put again"),
        pytest.param(PUT, None, None, id="put by us, and gone on both sides"),
        pytest.param(DELETING, own(), None, id="deleted by us"),
    ],
)
def test_what_their_list_lacks(row: Row, ours: Own | None, standing: str | None) -> None:
    after = missed(row, ours, NOW)
    assert (after and after.standing.value) == standing


@pytest.mark.parametrize(
    ("missing", "known", "many"), [(FEW, FEW, False), (FEW + 1, FEW + 1, True), (500, 1000, False), (501, 1000, True)]
)
def test_most_of_a_list_does_not_vanish_by_itself(missing: int, known: int, many: bool) -> None:
    assert too_many(missing, known) is many


@pytest.mark.parametrize(
    ("address", "enters"),
    [
        ("ann@x.example", True),
        ("ann", False),
        ("bounce@simulator.amazonses.com", False),
        ("Bounce@Simulator.amazonSES.com", False),
    ],
)
def test_what_belongs_onto_our_list(address: str, enters: bool) -> None:
    assert can_enter(listed(address=address)) is enters
    assert not can_enter(listed(address=address, reason="OTHER"))


# -- ours


def cause(reason: Reason, at: datetime = NOW, until: datetime | None = None, **more: str) -> Cause:
    return Cause(reason, at, until, **more)


@pytest.mark.parametrize(
    ("causes", "reason"),
    [
        ([], None),
        ([cause(Reason.BOUNCE, mail="m")], "BOUNCE"),
        ([cause(Reason.MANUAL, by="ops")], "BOUNCE"),
        ([cause(Reason.UNSUBSCRIBE, by="ops")], "COMPLAINT"),
        ([cause(Reason.BOUNCE, mail="m"), cause(Reason.COMPLAINT, by="ops")], "COMPLAINT"),
        ([cause(Reason.BOUNCE, until=NOW, mail="m")], None),
        ([entry_of(ANN, "COMPLAINT", NOW).cause], None),
        ([entry_of(ANN, "COMPLAINT", NOW).cause, cause(Reason.MANUAL, by="ops")], "BOUNCE"),
    ],
)
def test_what_is_our_own(causes: list[Cause], reason: str | None) -> None:
    found = own_of(ANN, causes, NOW)
    assert (found and found.reason) == reason


@pytest.mark.parametrize(
    ("rows", "ours", "standing"),
    [
        pytest.param([], own(), "putting", id="theirs lacks it"),
        pytest.param([THEIRS], own(), None, id="theirs has it"),
        pytest.param([PUT], own(), None, id="we put it"),
        pytest.param([ASKED], own(), None, id="we are at it"),
        pytest.param([DELETING], own(), "put", id="it came back before we deleted it"),
        pytest.param([REMOVED], own(NOW), None, id="they removed it after our cause"),
        pytest.param([REMOVED], own(NOW + MINUTE), "putting", id="something happened after they removed it"),
        pytest.param([REMOVED, THEIRS], own(NOW + DAY), None, id="it is there in other letters"),
        pytest.param([REFUSED], own(), None, id="refused lately"),
        pytest.param([structs.replace(REFUSED, since=NOW - AGAIN)], own(), "putting", id="refused yesterday"),
    ],
)
def test_what_our_list_has_to_put_on_theirs(rows: list[Row], ours: Own, standing: str | None) -> None:
    after = offered(ours, rows, NOW)
    assert (after and after.standing.value) == standing


@pytest.mark.parametrize(
    ("row", "standing"),
    [
        (THEIRS, "theirs"),
        (PUT, "deleting"),
        (DELETING, "deleting"),
        (PUTTING, None),
        (ASKED, "deleting"),
        (REMOVED, None),
        (REFUSED, None),
    ],
)
def test_what_our_list_has_no_more(row: Row, standing: str | None) -> None:
    after = withdrawn(row)
    assert (after and after.standing.value) == standing


# -- the cause


def test_the_cause_of_their_list_stands_beside_a_persons() -> None:
    theirs = entry_of(ANN, "BOUNCE", NOW)
    person = Entry(ANN, Scope.ACCOUNT, "", cause(Reason.MANUAL, by="ses"))
    assert theirs.id == person.id
    both = settled((), Changes(add=(theirs, person)))
    assert len(both) == 2
    assert settled(both, Changes(lift=(entry_of(ANN, "COMPLAINT", NOW + DAY),))) == (person.cause,)
    assert theirs.cause.source == {"event": "listed", "by": "ses"}
    assert theirs.cause.expires_at is None


def test_their_reason_and_time_follow_theirs() -> None:
    before = settled((), Changes(add=(entry_of(ANN, "BOUNCE", NOW),)))
    later = entry_of(ANN, "COMPLAINT", NOW + DAY)
    [after] = settled(before, Changes(add=(later,), restated=(later,)))
    assert (after.reason, after.at) == (Reason.COMPLAINT, NOW + DAY)
