"""Both suppression lists in step, on a real MongoDB: every rule, and whatever may stop it half-way."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.ses import SimulatedClock
from tests.syncing import REGION, Db, Pair, Theirs
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.suppression_survey import SyncSurvey
from webhook.adapters.mongo.suppression_sync import SyncBook
from webhook.domain.restoring import Listed
from webhook.errors import AwsError, Limited
from webhook.syncing import rehearsed
from webhook.syncing.synchronizer import LEASE, Pace

pytestmark = pytest.mark.mongo
ANN, BOB, CY, DAN = "Ann@Example.com", "bob@web.de", "cy@web.de", "dan@web.de"
LISTED = ("ses", "bounce")
OPS = ("ops", "bounce")
THROTTLED = AwsError("aws_throttled", "SES is asked too often", "", retryable=True, retry_after=5)
DENIED = AwsError("aws_access_denied", "AWS does not allow it", "Ask.", retryable=False)
BAD = AwsError("aws_bad_request", "SES finds the request wrong", "Change it.", retryable=False)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def theirs(clock: SimulatedClock) -> Theirs:
    return Theirs(clock)


@pytest.fixture
def db(database: Db) -> Db:
    ensure_indexes(database)
    return database


@pytest.fixture
def pair(db: Db, clock: SimulatedClock, theirs: Theirs) -> Pair:
    return Pair(db, clock, theirs)


class Failing(Theirs):
    """Fails the next calls of a name, before they are done or after."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock)
        self.next: dict[str, list[Exception]] = {}

    def _fail(self, name: str) -> None:
        if self.next.get(name):
            raise self.next[name].pop(0)

    def page(self, since: Any, token: str | None) -> tuple[list[Listed], str | None]:
        self._fail("page")
        return super().page(since, token)

    def find(self, address: str) -> Listed | None:
        self._fail("find")
        return super().find(address)

    def put(self, address: str, reason: str) -> None:
        self._fail("put")
        super().put(address, reason)

    def delete(self, address: str) -> bool:
        self._fail("delete")
        return super().delete(address)


# -- theirs into ours


def test_their_list_comes_into_ours_page_by_page(pair: Pair, theirs: Theirs) -> None:
    for number in range(10):
        theirs.enter(f"Reader{number}@example.com", "COMPLAINT" if number % 2 else "BOUNCE")
    theirs.enter("bounce@simulator.amazonses.com")
    last = pair.sync()
    assert last.numbers == {"added": 10}
    here = pair.here()
    assert here["reader1@example.com"] == [("ses", "complaint")]
    assert here["reader2@example.com"] == [LISTED]
    assert len(here) == 10
    assert [call for call in theirs.calls if call[0] == "page"] == [("page", token) for token in ("", "3", "6", "9")]
    [item] = pair.ours.find(address="reader1@example.com").items
    assert (item["scope"], item["expiresAt"]) == ("account", None)
    assert item["source"] == {"event": "listed", "by": "ses"}


def test_a_second_time_changes_nothing(pair: Pair, theirs: Theirs, db: Db) -> None:
    theirs.enter(ANN)
    pair.add(BOB)
    pair.sync()
    before = list(db.suppressions.find()), dict(theirs.rows)
    theirs.calls.clear()
    last = pair.sync()
    assert (list(db.suppressions.find()), theirs.rows) == before
    assert {call for call, _ in theirs.calls} == {"page"}
    assert last.numbers == {"added": 1, "put": 1}


def test_what_they_remove_is_lifted_and_nothing_else(pair: Pair, theirs: Theirs) -> None:
    for address in (ANN, BOB, CY):
        theirs.enter(address)
    pair.add(BOB)
    pair.sync()
    theirs.remove(ANN)
    theirs.remove(BOB)
    last = pair.sync()
    assert pair.here() == {BOB: [OPS], CY: [LISTED]}
    assert last.numbers["removed"] == 2
    assert theirs.keys() == {CY}  # ours of Bob is not put there against somebody's will


def test_what_is_asked_for_is_in_their_letters(pair: Pair, theirs: Theirs) -> None:
    theirs.enter(ANN)
    theirs.enter("ANN@example.com", "COMPLAINT")
    pair.sync()
    assert list(pair.here()) == ["ann@example.com"]
    theirs.remove(ANN)
    pair.sync()
    assert ("find", ANN) in theirs.calls
    assert list(pair.here()) == ["ann@example.com"]  # it is still there in other letters
    theirs.remove("ANN@example.com")
    pair.sync()
    assert pair.here() == {}


def test_an_entry_that_a_person_removed_here_comes_back_only_with_news(
    pair: Pair, theirs: Theirs, clock: SimulatedClock
) -> None:
    theirs.enter(ANN)
    pair.sync()
    pair.remove(ANN)
    pair.sync()
    assert pair.here() == {}
    assert theirs.keys() == {"ann@example.com"}  # it is not ours to delete
    clock.advance(hours=1)
    theirs.enter(ANN, "COMPLAINT")
    pair.sync()
    assert pair.here() == {"ann@example.com": [("ses", "complaint")]}


def test_a_page_that_lacks_an_address_frees_nobody(pair: Pair, theirs: Theirs, clock: SimulatedClock) -> None:
    addresses = [f"reader{number}@example.com" for number in range(6)]
    for address in addresses:
        theirs.enter(address)
    pair.sync()
    clock.advance(hours=25)
    synchronizer = pair.synchronizer()
    synchronizer.step()  # begins
    synchronizer.step()  # reads the first page
    theirs.remove(addresses[0])  # the second page now begins one later
    while synchronizer.step() is Pace.WORKED:
        pass
    assert [one for call, one in theirs.calls if call == "find"] == [addresses[3]]
    assert set(pair.here()) == set(addresses)  # the first was read; the next listing will miss it
    pair.sync()
    assert set(pair.here()) == set(addresses[1:])


def test_between_full_listings_only_changes_are_asked_for(pair: Pair, theirs: Theirs, clock: SimulatedClock) -> None:
    for number in range(9):
        theirs.enter(f"reader{number}@example.com")
    clock.advance(hours=1)
    pair.sync()
    clock.advance(hours=2)
    theirs.enter(ANN)
    theirs.calls.clear()
    synchronizer = pair.synchronizer()
    while synchronizer.work():
        pass
    assert theirs.calls == [("page", "")]
    assert pair.here()["ann@example.com"] == [LISTED]
    assert not synchronizer.work()


# -- ours into theirs


def test_ours_is_put_for_its_reason_and_only_what_is_for_everybody(pair: Pair, theirs: Theirs, db: Db) -> None:
    db.emaildomains.insert_one({"domain": "example.com"})
    for address, reason in ((ANN, "bounce"), (BOB, "unsubscribe"), (CY, "manual"), (DAN, "complaint")):
        pair.add(address, reason)
    db.suppressions.update_one({"key": CY}, {"$set": {"scope": "domain"}})
    last = pair.sync()
    told = {row.address: row.reason for row in theirs.rows.values()}
    assert told == {ANN: "BOUNCE", BOB: "COMPLAINT", DAN: "COMPLAINT"}
    assert last.numbers == {"put": 3}


def test_pulling_only_asks_for_nothing_else(db: Db, clock: SimulatedClock, theirs: Theirs) -> None:
    pair = Pair(db, clock, theirs, writes=False)
    pair.add(ANN)
    theirs.enter(BOB)
    pair.sync()
    pair.remove(BOB)
    pair.sync()
    assert {call for call, _ in theirs.calls} == {"page"}
    pair.writes = True  # as soon as it is allowed, all of ours is looked through
    clock.advance(minutes=11)
    synchronizer = pair.synchronizer()
    while synchronizer.work():
        pass
    assert theirs.keys() == {"ann@example.com", BOB}


def test_what_we_put_goes_with_our_entry_and_what_they_put_stays(
    pair: Pair, theirs: Theirs, clock: SimulatedClock
) -> None:
    theirs.enter(ANN)
    pair.add(ANN)
    pair.add(BOB)
    pair.add(CY, days=3)
    pair.sync()
    pair.remove(ANN)
    pair.remove(BOB)
    clock.advance(days=4)
    last = pair.sync()
    assert theirs.keys() == {"ann@example.com"}
    assert last.numbers["deleted"] == 2
    assert pair.listings() == {ANN: "theirs"}


def test_what_they_put_again_is_theirs(pair: Pair, theirs: Theirs, clock: SimulatedClock) -> None:
    pair.add(ANN)
    pair.sync()
    clock.advance(hours=1)
    theirs.enter(ANN)
    pair.sync()
    assert pair.here() == {"ann@example.com": [OPS, LISTED]}
    pair.remove(ANN)
    pair.sync()
    assert theirs.keys() == {"ann@example.com"}


def test_what_they_removed_is_not_put_again_until_something_happens(
    pair: Pair, theirs: Theirs, clock: SimulatedClock, db: Db
) -> None:
    pair.add(ANN)
    pair.sync()
    theirs.remove(ANN)
    for _ in range(3):
        clock.advance(hours=25)
        pair.sync()
    assert theirs.rows == {}
    assert pair.here() == {"ann@example.com": [OPS]}
    survey = SyncSurvey(db, REGION)
    assert survey.counts(clock.now()) == {"there": 0, "here": 1, "removedThere": 1}
    assert [row.address for row in survey.removed_there(10)] == [ANN]
    clock.advance(hours=1)
    pair.remove(ANN)
    pair.add(ANN, "complaint")
    pair.sync()
    assert {row.address: row.reason for row in theirs.rows.values()} == {ANN: "COMPLAINT"}
    assert survey.counts(clock.now())["removedThere"] == 0


def test_an_entry_that_comes_back_before_it_was_deleted_there_stays(
    pair: Pair, theirs: Theirs, clock: SimulatedClock
) -> None:
    pair.add(ANN)
    pair.sync()
    pair.remove(ANN)
    clock.advance(minutes=11)
    synchronizer = pair.synchronizer()
    while pair.listings()[ANN] != "deleting":
        assert synchronizer.work()
    pair.add(ANN)
    while synchronizer.work():
        pass
    assert ("delete", ANN) not in theirs.calls
    assert pair.listings() == {ANN: "put"}


# -- many at once


def test_most_of_their_list_missing_frees_nobody_until_a_person_says_so(pair: Pair, clock: SimulatedClock) -> None:
    theirs = pair.theirs = Theirs(clock, page=1000)
    for number in range(60):
        theirs.enter(f"reader{number:02d}@example.com")
    pair.add(ANN)
    pair.sync()
    theirs.rows.clear()
    last = pair.sync()
    assert len(pair.here()) == 61
    assert last.problems["removals"]["code"] == "many_removed"
    assert "lacks 61 of the 61" in last.problems["removals"]["detail"]
    clock.advance(minutes=11)
    synchronizer = pair.synchronizer()
    pair.add(BOB)
    while synchronizer.work():
        pass
    assert theirs.rows == {}  # nothing is put on a list that may be another
    last = pair.sync(accepts=True)
    assert last.problems == {}
    assert set(pair.here()) == {"ann@example.com", BOB}
    assert theirs.keys() == {BOB}


def test_each_region_has_its_list(db: Db, clock: SimulatedClock, pair: Pair, theirs: Theirs) -> None:
    theirs.enter(ANN)
    pair.sync()
    elsewhere = Theirs(clock)
    other = Pair(db, clock, elsewhere)
    other.book = lambda me="one": SyncBook(db, "us-east-1", me)  # type: ignore[method-assign]
    elsewhere.enter(ANN)
    other.sync()
    theirs.remove(ANN)
    pair.sync()
    assert list(pair.here()) == ["ann@example.com"]  # the other region still holds it back
    elsewhere.remove(ANN)
    other.sync()
    assert pair.here() == {}


# -- what SES has against it


@pytest.fixture
def failing(pair: Pair, clock: SimulatedClock) -> Failing:
    pair.theirs = Failing(clock)
    return pair.theirs


def test_what_passes_is_waited_for(pair: Pair, failing: Failing) -> None:
    failing.enter(ANN)
    pair.add(BOB)
    pair.clock.advance(1)
    failing.next = {name: [THROTTLED, THROTTLED] for name in ("page", "put")}
    last = pair.sync()
    assert last.problems == {}
    assert list(pair.here()) == [BOB, "ann@example.com"]
    assert failing.keys() == {"ann@example.com", BOB}


def test_what_a_person_must_mend_ends_a_run_and_is_left_alone_by_the_worker(pair: Pair, failing: Failing) -> None:
    failing.next = {"page": [DENIED, DENIED]}
    last = pair.sync()
    assert last.problems["calls"]["code"] == "aws_access_denied"
    synchronizer = pair.synchronizer()
    for _ in range(5):
        assert not synchronizer.work()
        pair.clock.advance(60)
    assert failing.next == {"page": [DENIED]}


def test_an_address_that_ses_refuses_stops_no_other(pair: Pair, failing: Failing, db: Db) -> None:
    for address in (BOB, CY):
        pair.add(address)
    pair.clock.advance(1)
    failing.next = {"put": [BAD]}
    last = pair.sync()
    assert last.numbers == {"put": 1, "failed": 1}
    assert pair.listings() == {BOB: "refused", CY: "put"}
    assert db.listings.find_one({"address": BOB})["why"] == "SES finds the request wrong"  # type: ignore[index]
    pair.clock.advance(hours=25)
    assert pair.sync().numbers == {"put": 2, "failed": 1}


def test_the_sandbox_is_told_once_and_theirs_is_still_pulled(
    pair: Pair, failing: Failing, clock: SimulatedClock
) -> None:
    pair.sandbox = True
    for address in (BOB, CY):
        pair.add(address)
    clock.advance(1)
    failing.next = {"put": [BAD] * 10}
    last = pair.sync()
    assert last.problems["writing"]["code"] == "aws_sandbox"
    assert len(failing.next["put"]) == 9
    failing.enter(ANN)
    synchronizer = pair.synchronizer()
    clock.advance(minutes=11)
    while synchronizer.work():
        pass
    assert "ann@example.com" in pair.here()
    assert len(failing.next["put"]) == 9
    assert pair.listings() == {ANN: "theirs", BOB: "putting", CY: "putting"}


def test_others_come_first_at_ses(pair: Pair, failing: Failing) -> None:
    synchronizer = pair.synchronizer()
    synchronizer.work()
    failing.next = {"page": [Limited("all of the next seconds are taken", 3)]}
    failing.enter(ANN)
    assert not synchronizer.work()
    while synchronizer.work():
        pass
    assert list(pair.here()) == ["ann@example.com"]


def test_a_token_that_has_become_too_old_begins_the_list_again(pair: Pair, failing: Failing) -> None:
    for number in range(7):
        failing.enter(f"reader{number}@example.com")
    synchronizer = pair.synchronizer()
    for _ in range(3):
        synchronizer.step()
    failing.next = {"page": [BAD]}
    while synchronizer.work():
        pass
    assert len(pair.here()) == 7
    assert pair.book().peek().problems == {}


# -- crashes and company


class Died(BaseException):
    """The process is gone."""


class Mortal:
    """Whatever it stands for; dies when one of its calls is done, so that its answer is lost."""

    def __init__(self, it: Any, fuse: "Fuse") -> None:
        self._it = it
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._it, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if name == "release":  # a dead process gives nothing back
                return None if self._fuse.burnt else method()
            answer = method(*arguments, **named)
            self._fuse.burn()
            return answer

        return call


class Fuse:
    """Dies at the n-th moment."""

    def __init__(self, left: int) -> None:
        self.left = left

    @property
    def burnt(self) -> bool:
        return self.left < 0

    def burn(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died


def history(pair: Pair, theirs: Theirs) -> Iterator[None]:
    """Something of everything; what follows each `yield` comes after a round."""
    theirs.enter(ANN)
    theirs.enter(BOB)
    pair.add(CY)
    pair.add(BOB)
    pair.clock.advance(1)
    yield
    theirs.remove(ANN)
    pair.remove(CY)
    pair.add(DAN, "unsubscribe")
    pair.clock.advance(hours=25)
    yield


def test_it_may_die_at_any_moment(db: Db, clock: SimulatedClock) -> None:
    moments = dying(db, clock, 10_000)
    assert moments > 40
    for moment in range(moments):
        db.suppressions.delete_many({})
        db.listings.delete_many({})
        db.syncs.delete_many({})
        dying(db, clock, moment)


def dying(db: Db, clock: SimulatedClock, moment: int) -> int:
    """The history, with a process that dies at that moment and one that takes over; gives how many there are."""
    theirs, fuse = Theirs(clock), Fuse(moment)
    pair = Pair(db, clock, theirs)
    for me, _ in enumerate(history(pair, theirs)):
        mortal = Pair(db, clock, Mortal(theirs, fuse))  # type: ignore[arg-type]
        synchronizer = mortal.synchronizer(Mortal(pair.book(f"mortal{me}"), fuse))  # type: ignore[arg-type]
        try:
            while synchronizer.work():
                pass
        except Died:
            clock.advance(LEASE.total_seconds() + 1)
        pair.sync()
    assert pair.here() == {BOB: [OPS, LISTED], DAN: [("ops", "unsubscribe")]}
    assert theirs.keys() == {BOB, DAN}
    assert theirs.by_us & theirs.rows.keys() == {DAN}
    assert pair.listings() == {BOB: "theirs", DAN: "put"}
    return moment - fuse.left


def test_two_processes_take_turns(pair: Pair, theirs: Theirs, clock: SimulatedClock) -> None:
    for number in range(12):
        theirs.enter(f"reader{number:02d}@example.com")
        pair.add(f"ours{number:02d}@example.com")
    clock.advance(1)

    def work(me: str) -> None:
        synchronizer = pair.synchronizer(pair.book(me))
        pace = Pace.BUSY
        while pace is not Pace.IDLE:
            pace = synchronizer.step()

    threads = [threading.Thread(target=work, args=(me,)) for me in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pair.here()) == 24
    assert len(theirs.rows) == 24
    assert sorted(one for call, one in theirs.calls if call == "put") == sorted(theirs.by_us)
    assert pair.book().peek().numbers == {"added": 12, "put": 12}


def test_who_lost_the_lease_changes_nothing(pair: Pair, theirs: Theirs, clock: SimulatedClock, db: Db) -> None:
    theirs.enter(ANN)
    slow = pair.synchronizer(pair.book("slow"))
    slow.step()
    page = theirs.page

    def slowly(*arguments: Any) -> Any:
        answer = page(*arguments)
        theirs.page = page  # type: ignore[method-assign]
        clock.advance(LEASE.total_seconds() + 1)
        theirs.remove(ANN)
        pair.sync()  # another process does it all
        return answer

    theirs.page = slowly  # type: ignore[method-assign]
    assert slow.step() is Pace.BUSY
    assert pair.here() == {}
    assert pair.listings() == {}
    assert db.syncs.find_one({"_id": REGION})["lease"] is None  # type: ignore[index]


def test_a_step_makes_at_most_one_call(pair: Pair, theirs: Theirs) -> None:
    for generation in history(pair, theirs):
        synchronizer = pair.synchronizer()
        assert generation is None
        while synchronizer.work():
            assert len(theirs.calls) <= 1
            theirs.calls.clear()


# -- trying, and the trail


def test_a_rehearsal_says_what_a_run_does_and_changes_nothing(
    pair: Pair, theirs: Theirs, clock: SimulatedClock, db: Db
) -> None:
    for number, _ in enumerate(history(pair, theirs)):
        before = [list(db[name].find()) for name in ("suppressions", "listings", "syncs")], dict(theirs.rows)
        *_, told = rehearsed(theirs, SyncSurvey(db, REGION), clock.now(), writes=True)
        assert ([list(db[name].find()) for name in ("suppressions", "listings", "syncs")], theirs.rows) == before
        was = pair.book().peek().numbers
        now = pair.sync().numbers
        done = {name: now.get(name, 0) - was.get(name, 0) for name in ("added", "removed", "put", "deleted")}
        assert done == {name: getattr(told, name) for name in done}
        assert (
            done
            == [
                {"added": 2, "removed": 0, "put": 1, "deleted": 0},
                {"added": 0, "removed": 1, "put": 1, "deleted": 1},
            ][number]
        )


def test_what_a_round_came_to_is_in_the_audit_trail(pair: Pair, theirs: Theirs, db: Db) -> None:
    theirs.enter(ANN)
    pair.add(BOB)
    pair.sync()
    pair.sync()
    [row] = db.audit.find({"action": "suppression.synced"})
    assert (row["who"], row["numbers"]) == ("ses", {"added": 1, "put": 1})
