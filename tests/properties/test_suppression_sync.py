"""Whatever happens on either side, and however far comparing had come: once it comes to rest both lists are in step."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from tests.fakes.ses import SimulatedClock
from tests.syncing import Pair, Theirs
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.domain.address import plain

pytestmark = pytest.mark.mongo
ADDRESSES = ("Ann@x.example", "Ann@x.example", "ann@x.example", "bob@x.example")
#: Minutes between two events: more than our clock and SES's may differ.
MINUTES = st.sampled_from([2, 15, 25 * 60])
EVENTS = st.one_of(
    st.tuples(st.just("enter"), st.sampled_from(ADDRESSES), st.sampled_from(["BOUNCE", "COMPLAINT"])),
    st.tuples(st.just("delete"), st.sampled_from(ADDRESSES)),
    st.tuples(st.just("add"), st.sampled_from(ADDRESSES), st.sampled_from(["bounce", "complaint"])),
    st.tuples(st.just("add for two days"), st.sampled_from(ADDRESSES)),
    st.tuples(st.just("remove"), st.sampled_from(ADDRESSES)),
    st.tuples(st.just("some steps"), st.integers(1, 12)),
    # Most rules are about what is known by then.
    st.tuples(st.just("all steps")),
    st.tuples(st.just("all steps")),
)

ENTER, DELETE = ("enter", "bob@x.example", "BOUNCE"), ("delete", "bob@x.example")
ADD, REMOVE, ALL = ("add", "bob@x.example", "bounce"), ("remove", "bob@x.example"), ("all steps",)


class Witness:
    """Does what happens to both lists, and remembers what the rules are about."""

    def __init__(self, db: Database[dict[str, Any]]) -> None:
        self.clock = SimulatedClock()
        self.theirs = Theirs(self.clock)
        self.pair = Pair(db, self.clock, self.theirs)
        self.synchronizer = self.pair.synchronizer()
        self.rests = [self.clock.now()]
        #: When each happened last, by address as ours compare (by its letters, for what was entered there).
        self.entered: dict[str, datetime] = {}
        self.deleted: dict[str, datetime] = {}
        self.removed: dict[str, datetime] = {}
        #: When all had been compared before that, and whether that had shown the address that was deleted.
        self.known: dict[str, datetime] = {}
        self.known_there: dict[str, bool] = {}

    def happen(self, event: tuple[Any, ...], minutes: int) -> None:
        self.clock.advance(minutes=minutes)
        what, *arguments = event
        {
            "enter": self._enter,
            "delete": self._delete,
            "add": self._add,
            "add for two days": lambda address: self._add(address, "bounce", 2),
            "remove": self._remove,
            "some steps": lambda number: [self.synchronizer.work() for _ in range(number)],
            "all steps": self.rest,
        }[what](*arguments)

    def rest(self) -> None:
        self.pair.sync()
        self.rests.append(self.clock.now())

    def _enter(self, address: str, reason: str) -> None:
        self.theirs.enter(address, reason)
        self.entered[address] = self.clock.now()

    def _delete(self, address: str) -> None:
        if address in self.theirs.rows:
            self.known_there[plain(address)] = self.theirs.rows[address].at < self.rests[-1]
            self.theirs.remove(address)
            self.deleted[plain(address)] = self.clock.now()

    def _add(self, address: str, reason: str, days: int | None = None) -> None:
        self.pair.add(address, reason, days)

    def _remove(self, address: str) -> None:
        self.pair.remove(address)
        self.removed[plain(address)] = self.clock.now()
        self.known[plain(address)] = self.rests[-1]

    # -- the rules

    def check(self) -> None:
        here = self.pair.here()
        own = {key for key, causes in here.items() if any(by != "ses" for by, _ in causes)}
        theirs = {key for key, causes in here.items() if any(by == "ses" for by, _ in causes)}
        there = self.theirs.rows.keys()
        assert theirs <= {plain(address) for address in there - self.theirs.by_us}
        assert {plain(address) for address in there & self.theirs.by_us} <= own
        for address in there - self.theirs.by_us:
            self._check_theirs(address, theirs)
        for key in own:
            self._check_own(key)

    def _check_theirs(self, address: str, told: set[str]) -> None:
        """What they entered is here, unless a person took it out who could know that they have it."""
        removed = self.removed.get(plain(address))
        if removed is None or removed < self.entered[address]:
            assert plain(address) in told
        variants = [
            self.entered[one] for one in self.theirs.rows if plain(one) == plain(address) and one in self.entered
        ]
        if removed is not None and max(variants) < self.known[plain(address)]:
            assert plain(address) not in told

    def _check_own(self, key: str) -> None:
        """What we have is there, unless they took it off; then it is put again only if something happened since."""
        deleted = self.deleted.get(key)
        newest = self._newest(key)
        if deleted is None or any(deleted < rested < newest for rested in self.rests):
            assert key in self.theirs.keys()  # noqa: SIM118 - by address as ours compare
        elif self.known_there.get(key) and newest < deleted and self._last_entered(key) < deleted:
            assert key not in self.theirs.keys()  # noqa: SIM118

    def _newest(self, key: str) -> datetime:
        [entry] = self.pair.db.suppressions.find({"key": key, "scope": "account"})
        return max(cause["at"] for cause in entry["causes"] if cause.get("by") != "ses")

    def _last_entered(self, key: str) -> datetime:
        return max((at for address, at in self.entered.items() if plain(address) == key), default=self.rests[0])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(events=st.lists(st.tuples(EVENTS, MINUTES), min_size=4, max_size=16))
@example([(ADD, 2), (ALL, 2), (ENTER, 15), (ALL, 2), (REMOVE, 2)])
@example([(ENTER, 2), (ADD, 2), (ALL, 2), (DELETE, 2), (ALL, 2), (ENTER, 2)])
@example([(ADD, 2), (ALL, 2), (REMOVE, 2), (("some steps", 5), 15), (ADD, 2), (("some steps", 9), 2)])
@example([(ADD, 2), (("some steps", 5), 2), (ENTER, 2), (REMOVE, 2)])
@example([(("enter", one, "BOUNCE"), 2) for one in ADDRESSES] + [(ALL, 2), (("delete", ADDRESSES[0]), 2)])
def test_any_interleaving_ends_in_step(database: Database[dict[str, Any]], events: list[tuple[Any, int]]) -> None:
    if not database.list_collection_names():
        ensure_indexes(database)
    for name in ("suppressions", "listings", "syncs", "audit"):
        database[name].delete_many({})
    witness = Witness(database)
    for event, minutes in events:
        witness.happen(event, minutes)
    witness.clock.advance(minutes=2)
    witness.rest()
    witness.check()
    before = witness.pair.here(), dict(witness.theirs.rows), witness.pair.listings()
    witness.theirs.calls.clear()
    witness.clock.advance(minutes=2)
    witness.rest()
    assert (witness.pair.here(), witness.theirs.rows, witness.pair.listings()) == before
    assert {call for call, _ in witness.theirs.calls} == {"page"}
