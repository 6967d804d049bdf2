"""Limits, windows, reasons and the sentence: by hand."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.counts import Counts
from webhook.domain.explanation import explain, percent
from webhook.domain.reputation import (
    Fresh,
    Numbers,
    Policy,
    Reason,
    Status,
    Verdict,
    evaluate,
    wilson,
    window_of,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = NOW.date()
POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 1, 90)
SHOWN = {"set:main": frozenset({"Send", "Bounce"})}


def verdict(days: dict[int, Counts], kinds: dict[str, frozenset[str]] | None = None) -> Verdict:
    """The verdict on counters of so many days ago."""
    by_day = {TODAY - timedelta(days=ago): counts for ago, counts in days.items()}
    return evaluate("example.com", by_day, SHOWN if kinds is None else kinds, POLICY, NOW)


BOUNDARIES = [
    pytest.param({"sent": 1000, "bounces": 50}, Status.WARNING, (), id="exactly 5 % does not flag"),
    pytest.param({"sent": 1000, "bounces": 51}, Status.FLAGGED, ("bounce",), id="one more does"),
    pytest.param({"sent": 400, "bounces": 20}, Status.WARNING, (), id="exactly 5 % of 400"),
    pytest.param({"sent": 1000, "complaints": 1}, Status.WARNING, (), id="exactly 0.1 % does not flag"),
    pytest.param({"sent": 1000, "complaints": 2}, Status.FLAGGED, ("complaint",), id="one complaint more does"),
    pytest.param({"sent": 1000, "bounces": 51, "complaints": 2}, Status.FLAGGED, ("bounce", "complaint"), id="both"),
    pytest.param({"sent": 1000, "bounces": 40}, Status.WARNING, (), id="4 % is exactly 80 % of the limit"),
    pytest.param({"sent": 1000, "bounces": 39}, Status.HEALTHY, (), id="below the warning"),
    pytest.param({"sent": 99, "bounces": 99}, Status.INSUFFICIENT, (), id="one less than the minimum never flags"),
    pytest.param({"sent": 100, "bounces": 6}, Status.FLAGGED, ("bounce",), id="the minimum suffices"),
    pytest.param({}, Status.INSUFFICIENT, (), id="nothing at all"),
]


@pytest.mark.parametrize(("counts", "status", "flags"), BOUNDARIES)
def test_limits_are_exact(counts: Counts, status: Status, flags: tuple[str, ...]) -> None:
    told = verdict({0: counts})
    assert (told.status, told.flags) == (status, flags)
    assert told.reason is (Reason.TOO_FEW if status is Status.INSUFFICIENT else None)


@given(bounces=st.integers(0, 10_000), sent=st.integers(100, 10_000))
def test_the_flag_is_what_fractions_say(bounces: int, sent: int) -> None:
    flagged = "bounce" in verdict({0: {"sent": sent, "bounces": bounces}}).flags
    assert flagged == (Fraction(bounces, sent) > Fraction(5, 100))


WINDOWS = [
    pytest.param({0: 1000}, 1, id="today holds the volume"),
    pytest.param({0: 999, 1: 1}, 2, id="one day more brings it"),
    pytest.param({0: 400, 2: 400, 5: 400}, 6, id="days without mail count as days"),
    pytest.param({0: 400}, 90, id="never reached: as far as it may"),
    pytest.param({89: 1000}, 90, id="the last day that is in"),
    pytest.param({90: 5000}, 90, id="what lies before is not"),
]


@pytest.mark.parametrize(("sent", "days"), WINDOWS)
def test_the_window_reaches_back_until_it_holds_the_volume(sent: dict[int, int], days: int) -> None:
    told = verdict({ago: {"sent": many} for ago, many in sent.items()})
    assert told.window.days == days
    assert told.numbers.sent == sum(many for ago, many in sent.items() if ago < days)


def test_a_window_is_at_least_as_long_as_the_policy_says() -> None:
    policy = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 7, 90)
    assert window_of({TODAY: {"sent": 9999}}, policy, TODAY).days == 7


def test_mail_dated_tomorrow_waits_for_tomorrow() -> None:
    assert verdict({0: {"sent": 100}, -1: {"sent": 50}}).numbers.sent == 100


BLIND = {"sent": 30, "bounces": 30, "blind/identity:example.com/sent": 30, "blind/identity:example.com/bounces": 30}


def test_bounces_of_a_wiring_that_shows_no_mail_sent_have_no_denominator() -> None:
    told = verdict({0: BLIND}, {"identity:example.com": frozenset({"Bounce", "Complaint"})})
    assert (told.status, told.reason, told.flags) == (Status.INSUFFICIENT, Reason.NO_DENOMINATOR, ())
    assert told.rate("bounce") is None
    assert told.bounds("bounce") is None
    assert told.blind_wirings == ("identity:example.com",)
    assert explain(told) == (
        "30 bounces and 0 complaints in the last day came by the notifications of identity example.com, which tells of "
        "neither Send nor Delivery, so nothing says how much was sent. Switch on Delivery there."
    )


@pytest.mark.parametrize("kind", ["Send", "Delivery"])
def test_the_same_wiring_is_judged_once_it_shows_either(kind: str) -> None:
    many = {name: count * 5 for name, count in BLIND.items()}
    assert verdict({0: many}, {"identity:example.com": frozenset({"Bounce", kind})}).status is Status.FLAGGED


def test_a_few_blind_bounces_do_not_hide_what_the_others_prove() -> None:
    told = verdict({0: BLIND | {"sent": 1030, "bounces": 90}}, {})
    assert (told.status, told.flags) == (Status.FLAGGED, ("bounce",))
    assert told.rate("bounce") == 0.06


def test_two_wirings_of_which_one_shows_mail_sent_suffice() -> None:
    counts = {"sent": 200, "bounces": 20, "blind/identity:a.example|set:main/bounces": 20}
    assert verdict({0: counts}, {"set:main": frozenset({"Delivery"})}).status is Status.FLAGGED


SENTENCES = [
    pytest.param(
        {2: {"sent": 400, "bounces": 21, "why/outlook.com/550 5.7.1": 18, "why/gmail.com/550 5.1.1": 3}},
        "21 of 400 recipients bounced in the last 3 days: 5.25 %, over the limit of 5 %. Most: 18 at outlook.com, "
        "`550 5.7.1`.",
        id="flagged for bounces",
    ),
    pytest.param(
        {0: {"sent": 10_000, "complaints": 11, "at/yahoo.com/complaints": 9, "at/other/complaints": 2}},
        "11 of 10,000 recipients complained in the last day: 0.11 %, over the limit of 0.1 %. Most: 9 at yahoo.com.",
        id="flagged for complaints",
    ),
    pytest.param(
        {0: {"sent": 99_999, "complaints": 100}},
        "100 of 99,999 recipients complained in the last day: 0.100001 %, over the limit of 0.1 %.",
        id="as many digits as it takes",
    ),
    pytest.param(
        {0: {"sent": 1000, "bounces": 45, "at/other/bounces": 45}},
        "45 of 1,000 recipients bounced in the last day: 4.5 %, close to the limit of 5 %. "
        "Most: 45 at other providers.",
        id="warning",
    ),
    pytest.param(
        {0: {"sent": 1000, "bounces": 9}},
        "Of 1,000 recipients in the last day, 9 bounced (0.9 %, limit 5 %) and 0 complained (0 %, limit 0.1 %).",
        id="healthy",
    ),
    pytest.param({0: {"sent": 1}}, "1 recipient in the last day: too few to judge, 100 are needed.", id="too few"),
    pytest.param({}, "0 recipients in the last 90 days: too few to judge, 100 are needed.", id="nothing"),
]


@pytest.mark.parametrize(("days", "sentence"), SENTENCES)
def test_the_sentence_says_what_was_counted(days: dict[int, Counts], sentence: str) -> None:
    assert explain(verdict(days)) == sentence


def test_percent_tells_a_share_from_the_limit_beside_it() -> None:
    assert percent(Fraction(1, 20)) == "5"
    assert percent(Fraction(5001, 100_000), Fraction(1, 20)) == "5.001"
    assert percent(Fraction(1, 20), Fraction(1, 20)) == "5"


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    low, high = wilson(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert wilson(0, 100)[0] == 0.0
    assert wilson(100, 100)[1] == 1.0


@given(hits=st.integers(0, 500), more=st.integers(1, 500))
def test_wilsons_bounds_are_where_the_score_is_196_deviations_away(hits: int, more: int) -> None:
    trials = hits + more
    for bound in wilson(hits, trials):
        deviations = (hits / trials - bound) ** 2 * trials
        assert abs(deviations - 1.959963984540054**2 * bound * (1 - bound)) < 1e-9


@given(hits=st.integers(0, 500), more=st.integers(0, 500))
def test_wilsons_interval_holds_the_rate(hits: int, more: int) -> None:
    trials = max(1, hits + more)
    low, high = wilson(min(hits, trials), trials)
    assert 0 <= low <= min(hits, trials) / trials <= high <= 1


@given(
    counts=st.dictionaries(st.integers(0, 20), st.integers(0, 800), max_size=6),
    bounced=st.dictionaries(st.integers(0, 20), st.integers(0, 60), max_size=6),
)
def test_every_verdict_can_be_explained(counts: dict[int, int], bounced: dict[int, int]) -> None:
    days = {ago: {"sent": counts.get(ago, 0), "bounces": bounced.get(ago, 0)} for ago in counts | bounced}
    assert explain(verdict(days)).endswith(".")


def test_the_days_of_a_verdict_are_utc_days() -> None:
    late = datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC)
    told = evaluate("example.com", {date(2026, 3, 11): {"sent": 500}}, SHOWN, POLICY, late)
    assert told.numbers.sent == 0


class TestNewStart:
    FRESH = Fresh(TODAY, {"sent": 900, "bounces": 90})

    def judged(self, days: dict[date, Counts]) -> Verdict:
        return evaluate("a.example", days, {}, POLICY, NOW, self.FRESH)

    def test_days_before_do_not_count(self) -> None:
        verdict = self.judged({TODAY - timedelta(days=1): {"sent": 1000, "bounces": 500}, TODAY: {"sent": 1000}})
        assert (verdict.numbers, verdict.status) == (Numbers(100, 0, 0), Status.HEALTHY)

    def test_of_its_own_day_only_what_came_on_top_counts(self) -> None:
        verdict = self.judged({TODAY: {"sent": 1100, "bounces": 101}})
        assert (verdict.numbers, verdict.flags) == (Numbers(200, 11, 0), ("bounce",))

    def test_what_is_taken_back_of_earlier_news_leaves_nothing_below_zero(self) -> None:
        assert self.judged({TODAY: {"sent": 850, "bounces": 80}}).numbers == Numbers(0, 0, 0)
