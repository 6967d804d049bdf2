"""The suppression lists in step with SES's API itself: letters, pages, refusals; by the worker and the command."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.aws import FakeAws
from tests.fakes.ses import SimulatedClock
from tests.fakes.ses.suppressed import Suppressed
from tests.integration.conftest import Run
from tests.syncing import REGION, Db, Pair
from tests.withheld import settings_for
from webhook.account import Account
from webhook.adapters.aws.suppressed import SuppressionList
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.limiter import Limiter
from webhook.amazon import Access, Amazon
from webhook.assembling.suppression_sync import suppression_chores
from webhook.errors import AwsError
from webhook.platform import ses_api

pytestmark = pytest.mark.mongo
ANN, BOB, CY = "Ann@Example.com", "bob@web.de", "cy@web.de"


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def db(database: Db) -> Db:
    ensure_indexes(database)
    return database


def enter(aws: FakeAws, address: str, reason: str = "BOUNCE") -> None:
    """Somebody does so in the console."""
    aws.ses.suppressed[address] = Suppressed(address, reason, aws.clock.now())


class At:
    """SES as it is, on a clock that stands still."""

    def __init__(self, db: Db, clock: SimulatedClock) -> None:
        self.aws = FakeAws(clock)
        access = Access(REGION, "AKIAEXAMPLE", "secret", self.aws.origin)
        self.amazon = Amazon(access, Limiter(db, clock.now).reserve, clock.sleep, patience=600)
        self.list = SuppressionList(self.amazon)


@pytest.fixture
def at(db: Db, clock: SimulatedClock) -> Iterator[At]:
    made = At(db, clock)
    made.aws.ses.throttle = True
    with made.aws:
        yield made
        made.amazon.close()


@pytest.fixture
def aws(at: At) -> FakeAws:
    return at.aws


@pytest.fixture
def pair(db: Db, clock: SimulatedClock, at: At) -> Pair:
    return Pair(db, clock, at.list)


def test_thousands_come_in_pages_of_a_thousand_at_sess_pace(pair: Pair, aws: FakeAws) -> None:
    for number in range(2500):
        enter(aws, f"Reader{number:04d}@Example.com", "COMPLAINT" if number % 2 else "BOUNCE")
    last = pair.sync()
    assert last.numbers == {"added": 2500}
    assert len(pair.here()) == 2500
    asked = [call.operation for call in aws.calls]
    assert asked == ["ListSuppressedDestinations"] * 3
    assert [one.get("NextToken") for one in aws.asked("sesv2", asked[0])] == [None, "1000", "2000"]


def test_both_lists_are_the_same_in_the_end(pair: Pair, aws: FakeAws, clock: SimulatedClock) -> None:
    enter(aws, ANN, "COMPLAINT")
    pair.add(BOB, "unsubscribe")
    pair.add("Cy@Web.de")
    pair.sync()
    assert {one.address: one.reason for one in aws.ses.suppressed.values()} == {
        ANN: "COMPLAINT",
        BOB: "COMPLAINT",
        "Cy@Web.de": "BOUNCE",
    }
    assert set(pair.here()) == {"ann@example.com", BOB, CY}
    clock.advance(hours=1)
    del aws.ses.suppressed[ANN]
    pair.remove(CY)
    last = pair.sync()
    assert set(aws.ses.suppressed) == set(pair.here()) == {BOB}
    assert last.numbers == {"added": 1, "put": 2, "removed": 1, "deleted": 1}
    assert aws.asked("sesv2", "GetSuppressedDestination") == [{"EmailAddress": ANN}]
    assert aws.asked("sesv2", "DeleteSuppressedDestination") == [{"EmailAddress": "Cy@Web.de"}]


def test_its_own_reading_of_what_was_put_is_no_news(pair: Pair, aws: FakeAws, clock: SimulatedClock, db: Db) -> None:
    pair.add(ANN)
    pair.sync()
    for _ in range(3):
        clock.advance(minutes=11)
        pair.sync()
    assert pair.here() == {"ann@example.com": [("ops", "bounce")]}
    [row] = db.listings.find()
    assert (row["standing"], row["at"]) == ("put", aws.ses.suppressed[ANN].at)


def test_a_lost_answer_is_made_up_for(pair: Pair, aws: FakeAws) -> None:
    pair.add(ANN)
    pair.add(BOB)
    aws.reset_next("sesv2", "PutSuppressedDestination", done=True)
    pair.sync()
    pair.remove(ANN)
    pair.remove(BOB)
    aws.reset_next("sesv2", "DeleteSuppressedDestination", done=True)
    last = pair.sync()
    assert aws.ses.suppressed == {}
    assert last.problems == {}
    assert pair.listings() == {}


def test_the_connection_may_break_at_every_call(db: Db, pair: Pair, aws: FakeAws, clock: SimulatedClock) -> None:
    for calls in range(9):
        for done in (False, True):
            enter(aws, ANN)
            pair.add(BOB)
            aws.kill_after(calls, done=done)
            synchronizer = pair.synchronizer()
            clock.advance(1)
            while synchronizer.work():
                pass
            aws.ses.suppressed.pop(ANN, None)
            pair.remove(BOB)
            pair.add(CY)
            clock.advance(hours=25)
            while synchronizer.work():
                pass
            aws.recover()
            pair.sync()
            assert set(aws.ses.suppressed) == set(pair.here()) == {CY}
            pair.remove(CY)
            pair.sync()
            assert aws.ses.suppressed == {}
            for name in ("listings", "syncs", "suppressions"):
                db[name].delete_many({})


def test_throttling_is_waited_for(pair: Pair, aws: FakeAws) -> None:
    enter(aws, ANN)
    pair.add(BOB)
    for operation in ("ListSuppressedDestinations", "PutSuppressedDestination"):
        aws.fail_next("sesv2", operation, "TooManyRequestsException", 429, times=2)
    last = pair.sync()
    assert last.problems == {}
    assert set(aws.ses.suppressed) == {ANN, BOB}


def test_what_iam_forbids_is_named(pair: Pair, aws: FakeAws, clock: SimulatedClock) -> None:
    aws.deny("ses:PutSuppressedDestination")
    enter(aws, ANN)
    pair.add(BOB)
    last = pair.sync()
    assert "ses:PutSuppressedDestination" in last.problems["writing"]["detail"]
    assert set(pair.here()) == {"ann@example.com", BOB}
    aws.allow()
    clock.advance(hours=2)
    synchronizer = pair.synchronizer()
    while synchronizer.work():
        pass
    assert set(aws.ses.suppressed) == {ANN, BOB}
    assert pair.book().peek().problems == {}


def test_an_address_is_found_in_its_letters_only(at: At, clock: SimulatedClock) -> None:
    enter(at.aws, ANN)
    assert at.list.find(ANN.lower()) is None
    found = at.list.find(ANN)
    assert found is not None
    assert (found.address, found.reason, found.at) == (ANN, "BOUNCE", at.aws.ses.suppressed[ANN].at)
    assert not at.list.delete(ANN.lower())
    assert at.list.delete(ANN)
    at.list.put(BOB, "COMPLAINT")
    [listed], token = at.list.page(clock.now(), None)
    assert (listed.address, token) == (BOB, None)


# -- the worker


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    monkeypatch.setattr("webhook.amazon.caller.API_RATE", 10_000.0)
    with FakeAws() as fake:
        yield fake


def steps(db: Db, live: FakeAws, mongodb_uri: str, mode: str) -> None:
    settings = replace(settings_for(live, mongodb_uri), ses_suppression_sync=mode)
    clock = Clock()
    ses = ses_api(db, settings, clock)
    account = Account(ses, Accounts(db), clock.now)
    with suppression_chores(db, settings, clock, account) as chores:
        for chore in chores.values():
            while not db.syncs.find_one({"phase": "rest", "fullAt": {"$ne": None}}):
                chore()
            while chore():
                pass
    ses.close()


@pytest.mark.parametrize(("mode", "there"), [("off", {ANN}), ("pull", {ANN}), ("both", {ANN, BOB})])
def test_nothing_is_asked_of_aws_unless_that_is_set(
    db: Db, live: FakeAws, mongodb_uri: str, mode: str, there: set[str]
) -> None:
    enter(live, ANN)
    pair = Pair(db, SimulatedClock(), SuppressionList(Any))  # type: ignore[arg-type]
    pair.add(BOB)
    steps(db, live, mongodb_uri, mode)
    assert set(live.ses.suppressed) == there
    assert (live.calls == []) is (mode == "off")
    assert ("ann@example.com" in pair.here()) is (mode != "off")


def test_an_account_in_the_sandbox_is_recognised(db: Db, live: FakeAws, mongodb_uri: str) -> None:
    live.ses.account.production = False
    Pair(db, SimulatedClock(), SuppressionList(Any)).add(BOB)  # type: ignore[arg-type]
    steps(db, live, mongodb_uri, "both")
    assert db.syncs.find_one()["problems"]["writing"]["code"] == "aws_sandbox"  # type: ignore[index]
    assert len(live.asked("sesv2", "PutSuppressedDestination")) == 1


# -- the command


@pytest.fixture
def settings(live: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    for name, value in {
        "AWS_SDK_REGION": REGION,
        "AWS_SDK_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SDK_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": live.origin,
        "SES_SUPPRESSION_SYNC": "both",
    }.items():
        monkeypatch.setenv(name, value)
    return live


def test_the_command_says_what_it_would_do_does_it_and_says_what_it_did(run: Run, settings: FakeAws, db: Db) -> None:
    ensure_indexes(db)
    enter(settings, ANN)
    run("suppressions", "add", BOB)
    code, out, err = run("suppressions", "sync", "--dry-run", "--json")
    told = json.loads(out)
    assert (code, err, told["dryRun"]) == (0, "", True)
    assert {name: told[name] for name in ("there", "here", "added", "removed", "put", "deleted", "failed")} == {
        "there": 1, "here": 1, "added": 1, "removed": 0, "put": 1, "deleted": 0, "failed": 0,
    }  # fmt: skip
    code, out, err = run("suppressions", "sync")
    assert (code, err) == (0, "")
    assert out.splitlines()[2:] == [
        "there    2 on the list of SES",
        "here     2 on ours, for everybody",
        "added    1 taken over from SES",
        "removed  0 removed here since SES has them no more",
        "put      1 put on the list of SES",
        "deleted  0 deleted from it",
        "failed   0 refused by SES",
    ]
    assert set(settings.ses.suppressed) == {ANN, BOB}
    assert "listed" not in run("suppressions", "list")[1]
    assert "ses" in run("suppressions", "list", "--address", ANN)[1]


def test_what_somebody_removed_there_is_told(run: Run, settings: FakeAws, db: Db) -> None:
    ensure_indexes(db)
    run("suppressions", "add", BOB)
    run("suppressions", "sync")
    del settings.ses.suppressed[BOB]
    code, out, _ = run("suppressions", "sync")
    assert code == 0
    assert "1 of ours were taken off SES's list by somebody, and are not put there again:\n  bob@web.de" in out


def test_the_command_needs_the_setting(run: Run, settings: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SES_SUPPRESSION_SYNC", "off")
    code, out, err = run("suppressions", "sync")
    assert (code, out) == (1, "")
    assert err.startswith("SES_SUPPRESSION_SYNC is off: set it to pull")
    assert settings.calls == []
    assert run("suppressions", "sync", "--dry-run")[0] == 0


def test_what_aws_has_against_it_is_told_with_the_fix(run: Run, settings: FakeAws) -> None:
    settings.deny("ses:ListSuppressedDestinations")
    for arguments in ([], ["--dry-run"]):
        code, out, err = run("suppressions", "sync", *arguments)
        assert code == 1
        assert "AWS does not allow ses:ListSuppressedDestinations to these credentials" in out + err


def test_an_unknown_error_is_not_swallowed(at: At) -> None:
    at.aws.deny("ses:GetSuppressedDestination")
    with pytest.raises(AwsError):
        at.list.find(ANN)
