"""The machine, the cadence and the causes: by hand."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from webhook.children import ROOT
from webhook.domain import ses
from webhook.domain.cadence import DAY, HOUR, next_check, next_sweep, settled
from webhook.domain.following import told_cause
from webhook.domain.verification import (
    GRACE,
    TRANSITIONS,
    Aspect,
    Cause,
    CauseKind,
    Move,
    Reading,
    State,
    Verification,
    apply,
    differs,
    listing,
    move_of,
    note_listed,
)

PAGE = ROOT / "docs" / "verification.md"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NS, P, S, T, F, G = State


def reading(after: timedelta = timedelta(), identity: State = P, **more: object) -> Reading:
    """A reading so long after NOW."""
    more.setdefault("sending", identity in (S, T))
    return Reading(at=NOW + after, identity=identity, **{"dkim": identity if identity is not G else NS, **more})


def known(*readings: Reading) -> Verification:
    verification = Verification()
    for one in readings:
        verification, _ = apply(verification, one)
    return verification


def lost(since: timedelta, *, sending: bool = True, after: timedelta = timedelta()) -> Reading:
    """The records are missing; SES last saw them so long before the reading."""
    return reading(after, T, sending=sending, last_success=NOW + after - since)


# -- the table


def test_the_table_is_total_and_only_staying_is_no_move() -> None:
    aspects = [Aspect.IDENTITY, Aspect.DKIM, Aspect.MAIL_FROM]
    assert set(TRANSITIONS) == set(aspects)
    for aspect, source, target in product(aspects, State, State):
        assert (TRANSITIONS[aspect][source, target] is Move.NONE) == (source is target)


EXPECTED = [
    pytest.param(Aspect.IDENTITY, NS, P, id="registered"),
    pytest.param(Aspect.IDENTITY, NS, S, id="adopted, or verified before the first look"),
    pytest.param(Aspect.IDENTITY, P, S, id="verified"),
    pytest.param(Aspect.IDENTITY, P, F, id="72 hours without the records"),
    pytest.param(Aspect.IDENTITY, S, T, id="records lost"),
    pytest.param(Aspect.IDENTITY, T, S, id="records back"),
    pytest.param(Aspect.IDENTITY, T, F, id="72 hours without the records again"),
    pytest.param(Aspect.IDENTITY, F, P, id="set up afresh"),
    pytest.param(Aspect.IDENTITY, G, P, id="made again"),
    pytest.param(Aspect.IDENTITY, G, S, id="made again with the records in place"),
    pytest.param(Aspect.MAIL_FROM, S, P, id="another MAIL FROM domain"),
    pytest.param(Aspect.MAIL_FROM, S, NS, id="no MAIL FROM domain any more"),
    pytest.param(Aspect.DKIM, S, NS, id="gone with the identity"),
]
SURPRISING = [
    pytest.param(Aspect.IDENTITY, S, P, id="made anew outside"),
    pytest.param(Aspect.IDENTITY, S, F, id="nobody looked for three days"),
    pytest.param(Aspect.IDENTITY, S, G, id="deleted outside"),
    pytest.param(Aspect.IDENTITY, F, S, id="restarted and verified outside"),
    pytest.param(Aspect.IDENTITY, P, T, id="a success that nobody saw"),
    pytest.param(Aspect.IDENTITY, S, NS, id="SES forgot"),
    pytest.param(Aspect.DKIM, S, P, id="DKIM made anew outside"),
]


@pytest.mark.parametrize(("aspect", "source", "target"), EXPECTED)
def test_what_is_expected(aspect: Aspect, source: State, target: State) -> None:
    assert move_of(aspect, source, target) is Move.EXPECTED


@pytest.mark.parametrize(("aspect", "source", "target"), SURPRISING)
def test_what_surprises_and_is_believed(aspect: Aspect, source: State, target: State) -> None:
    assert move_of(aspect, source, target) is Move.SURPRISING


def test_a_surprise_is_marked_and_believed() -> None:
    verified = known(reading(identity=S))
    after, changes = apply(verified, reading(MINUTE, F))
    assert after.identity is F
    assert [(change.aspect, change.source, change.target) for change in changes if change.surprising] == [
        ("identity", "success", "failed"),
        ("dkim", "success", "failed"),
    ]
    assert ("sending", "enabled", "disabled", False) in [
        (change.aspect, change.source, change.target, change.surprising) for change in changes
    ]


# -- readings


def test_a_reading_is_what_ses_said() -> None:
    identity = ses.Identity(
        name="example.com",
        verified_for_sending=True,
        verification=ses.State.SUCCESS,
        dkim_status=ses.State.SUCCESS,
        mail_from_domain="bounce.example.com",
        mail_from_status=ses.State.PENDING,
        behavior="USE_DEFAULT_VALUE",
        last_success=NOW.replace(microsecond=123456),
    )
    told = Reading.from_ses(identity, NOW.replace(microsecond=999999))
    assert (told.identity, told.dkim, told.mail_from, told.sending) == (S, S, P, True)
    assert (told.at.microsecond, told.last_success.microsecond if told.last_success else 0) == (999000, 123000)


def test_without_a_mail_from_domain_there_is_no_state_of_it() -> None:
    identity = ses.Identity(name="example.com", mail_from_status=ses.State.SUCCESS)
    assert Reading.from_ses(identity, NOW).mail_from is NS


def test_an_older_reading_is_no_news() -> None:
    verified = known(reading(MINUTE, S))
    assert apply(verified, reading(identity=P)) == (verified, ())


def test_the_same_reading_twice_is_no_news() -> None:
    verified = known(reading(identity=S))
    assert apply(verified, reading(identity=S)) == (verified, ())


def test_of_two_readings_of_one_moment_the_worse_counts_in_either_order() -> None:
    one, other = reading(identity=S), reading(identity=F)
    assert known(one, other).identity is known(other, one).identity is F


def test_checks_count_readings_since_the_last_change() -> None:
    verification = known(reading(), reading(MINUTE), reading(2 * MINUTE))
    assert (verification.checks, verification.changed_at) == (2, NOW)
    verification = known(reading(), reading(MINUTE), reading(2 * MINUTE, S))
    assert (verification.checks, verification.changed_at) == (0, NOW + 2 * MINUTE)


# -- grace


GRACES = [
    pytest.param(lost(MINUTE), S, id="just lost"),
    pytest.param(lost(GRACE - MINUTE), S, id="almost over"),
    pytest.param(lost(GRACE), T, id="over"),
    pytest.param(lost(MINUTE, sending=False), T, id="SES does not let it send: at once"),
    pytest.param(reading(identity=T), T, id="never seen to succeed: no grace"),
    pytest.param(reading(identity=F, last_success=NOW), F, id="a failure has none"),
    pytest.param(reading(identity=P, last_success=NOW), P, id="nor has one that is set up"),
]


@pytest.mark.parametrize(("told", "state"), GRACES)
def test_a_domain_that_lost_its_records_is_demoted_after_a_grace(told: Reading, state: State) -> None:
    assert known(told).identity is known(told).dkim is state


def test_mail_from_has_no_grace() -> None:
    told = reading(identity=T, last_success=NOW - MINUTE, mail_from=T)
    assert (known(told).identity, known(told).mail_from) == (S, T)


def test_the_grace_ends_with_a_later_reading() -> None:
    first = lost(MINUTE)
    verification, changes = apply(known(reading(-HOUR, S), first), lost(GRACE, after=GRACE - MINUTE))
    assert verification.identity is T
    assert {(change.source, change.target) for change in changes} == {("success", "temporary_failure")}


# -- cadence


def pace(age: timedelta, told: Reading | None = None, crowd: int = 0) -> timedelta:
    """How long until the next reading, for something that changed so long ago."""
    verification = known(told or reading())
    at = NOW + age
    return next_check("example.com", verification, crowd, at) - at


PACES = [
    pytest.param(timedelta(), timedelta(seconds=30), id="at once"),
    pytest.param(2 * MINUTE, MINUTE, id="after two minutes"),
    pytest.param(10 * MINUTE, 2 * MINUTE, id="after ten"),
    pytest.param(HOUR, 5 * MINUTE, id="after an hour"),
    pytest.param(11 * HOUR, 20 * MINUTE, id="the first night"),
    pytest.param(71 * HOUR, HOUR, id="until SES gives up"),
]


@pytest.mark.parametrize(("age", "expected"), PACES)
def test_pending_domains_are_read_ever_more_rarely(age: timedelta, expected: timedelta) -> None:
    assert pace(age) == expected


@pytest.mark.parametrize("state", [S, F, G, NS])
def test_what_does_not_move_is_read_daily(state: State) -> None:
    assert 0.9 * DAY <= pace(5 * DAY, reading(identity=state)) <= 1.1 * DAY


def test_domains_that_came_together_don_t_stay_together() -> None:
    verification = known(reading(identity=S))
    whens = {next_check(f"{number}.example.com", verification, 0, NOW) for number in range(100)}
    assert len(whens) > 80


def test_a_crowd_shares_a_quarter_of_the_calls() -> None:
    assert pace(HOUR, crowd=900) == HOUR
    assert pace(MINUTE, crowd=9000) == timedelta(seconds=30)
    assert pace(HOUR, crowd=1_000_000) == DAY


def test_the_end_of_the_grace_is_read_in_time() -> None:
    told = lost(GRACE - 5 * MINUTE, after=timedelta())
    old = Verification(identity=S, dkim=S, sending=True, reading=told, changed_at=NOW - 10 * HOUR)
    assert next_check("example.com", old, 0, NOW) == NOW + 5 * MINUTE


SETTLED = [
    pytest.param(reading(identity=S), True, id="verified"),
    pytest.param(reading(identity=S, mail_from=P), False, id="MAIL FROM pending"),
    pytest.param(reading(identity=S, dkim=P), False, id="DKIM pending"),
    pytest.param(reading(identity=S, mail_from=F), True, id="MAIL FROM given up"),
    pytest.param(lost(MINUTE), False, id="in grace"),
    pytest.param(reading(identity=NS, dkim=NS), False, id="SES has not begun"),
    pytest.param(reading(identity=G), True, id="gone"),
]


@pytest.mark.parametrize(("told", "expected"), SETTLED)
def test_what_is_settled(told: Reading, *, expected: bool) -> None:
    assert settled(known(told)) is expected


def test_sweeps_take_a_tenth_of_the_calls_at_most() -> None:
    assert next_sweep(NOW, 10, NOW + MINUTE) == NOW + 5 * MINUTE
    assert next_sweep(NOW, 300, NOW + 6 * MINUTE) == NOW + 50 * MINUTE
    assert next_sweep(NOW, 1, NOW + DAY) == NOW + DAY


# -- the list of identities


def test_the_list_tells_news_once() -> None:
    verified = known(reading(identity=S))
    assert not differs(verified, listing(S, sending=True))
    shown = listing(S, sending=False)
    assert differs(verified, shown)
    assert not differs(note_listed(verified, shown), shown)


def test_looking_in_vain_is_remembered_until_something_else_is_read() -> None:
    shown = listing(S, sending=False)
    noted = note_listed(known(reading(identity=S)), shown)
    same, _ = apply(noted, reading(MINUTE, S))
    assert not differs(same, shown)
    other, _ = apply(noted, reading(MINUTE, F))
    assert differs(other, shown)


def test_in_grace_the_list_says_what_was_read() -> None:
    assert not differs(known(lost(MINUTE)), listing(T, sending=True))


def test_what_was_never_read_is_due_anyway() -> None:
    assert not differs(Verification(), listing(S, sending=True))


# -- causes


CAUSES = [
    pytest.param(Verification(), reading(), "registered", id="the first reading"),
    pytest.param(known(reading()), reading(MINUTE, S), "sweep", id="what made us look"),
    pytest.param(known(reading()), reading(MINUTE, G), "gone", id="deleted outside"),
    pytest.param(Verification(), reading(MINUTE, G), "gone", id="deleted before it was ever read"),
]


@pytest.mark.parametrize(("before", "told", "kind"), CAUSES)
def test_the_cause_that_history_tells(before: Verification, told: Reading, kind: str) -> None:
    after, _ = apply(before, told)
    cause = told_cause(before, after, Cause(CauseKind.SWEEP, "success/enabled", "sweep/1"))
    assert (cause.kind, cause.hint) == (kind, "sweep/1")
    assert "success/enabled" in cause.detail


# -- the documentation


def test_the_diagram_draws_what_is_expected() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", PAGE.read_text(), re.MULTILINE))
    expected = {pair for pair, move in TRANSITIONS[Aspect.IDENTITY].items() if move is Move.EXPECTED}
    assert drawn == expected


def test_every_cause_and_state_is_documented() -> None:
    told = set(re.findall(r"^\| [`*](\w+)[`*]", PAGE.read_text(), re.MULTILINE))
    assert {*CauseKind, *State} <= told
