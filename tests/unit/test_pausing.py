"""Who pauses over whom, when the policy pauses, and where SES is told: tables."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.domain.counts import Counts
from webhook.domain.explanation import explain
from webhook.domain.pausing import (
    Action,
    By,
    Carried,
    Pause,
    Task,
    Want,
    check_resume,
    checked_why,
    gives_way,
    policy_pause,
    retry_after,
    surely_exceeds,
    target,
)
from webhook.domain.reputation import Numbers, Policy, Verdict, evaluate, limit, wilson
from webhook.errors import Invalid, Refused

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
POLICY = Policy(Fraction("0.05"), Fraction("0.001"), Fraction("0.8"), 100, 1000, 1, 90)


def verdict(counts: Counts, policy: Policy = POLICY) -> Verdict:
    shown = {"set:main": frozenset({"Send", "Bounce"})}
    return evaluate("example.com", {NOW.date(): counts}, shown, policy, NOW)


# -- the policy


RATES = [
    pytest.param({"sent": 1000, "bounces": 50}, (), id="exactly at the limit: not even flagged"),
    pytest.param({"sent": 1000, "bounces": 51}, (), id="flagged, but by chance perhaps"),
    pytest.param({"sent": 1000, "bounces": 63}, (), id="the most that may still be chance"),
    pytest.param({"sent": 1000, "bounces": 64}, ("bounce",), id="the fewest that can't"),
    pytest.param({"sent": 100, "bounces": 9}, (), id="of a hundred, nine may"),
    pytest.param({"sent": 100, "bounces": 10}, ("bounce",), id="ten can't"),
    pytest.param({"sent": 1000, "complaints": 2}, (), id="two complaints of a thousand may be chance"),
    pytest.param({"sent": 1000, "complaints": 3}, ("complaint",), id="three can't"),
    pytest.param({"sent": 1000, "bounces": 64, "complaints": 3}, ("bounce", "complaint"), id="both"),
    pytest.param({"sent": 1000, "bounces": 51, "complaints": 3}, ("complaint",), id="both flagged, one surely"),
    pytest.param({"sent": 99, "bounces": 99}, (), id="too few to be judged"),
    pytest.param({"sent": 1000, "bounces": 1000}, ("bounce",), id="everything bounced"),
    pytest.param({}, (), id="nothing sent"),
]


@pytest.mark.parametrize(("counts", "flags"), RATES)
def test_the_policy_pauses_only_beyond_reasonable_doubt(counts: Counts, flags: tuple[str, ...]) -> None:
    judged = verdict(counts)
    pause = policy_pause(judged, Action.PAUSE)
    assert tuple(pause.numbers["flags"] if pause and pause.numbers else ()) == flags
    assert all(bounds[0] > limit(POLICY, flag) for flag in flags if (bounds := judged.bounds(flag)))
    assert policy_pause(judged, Action.NONE) is None


def test_a_lower_bound_a_hair_below_the_limit_does_not_pause() -> None:
    # No rate has a bound that is a fraction, so the limit is put a hair's breadth to either side of one.
    low = Fraction(wilson(64, 1000)[0])
    hair = Fraction(1, 10**12)
    for allowed, sure in ((low - hair, True), (low + hair, False)):
        policy = Policy(allowed, POLICY.complaint_limit, POLICY.warn_at, 100, 1000, 1, 90)
        assert surely_exceeds(Numbers(1000, 64, 0), "bounce", policy) is sure


@settings(deadline=None)
@given(sent=st.integers(1, 10**7), data=st.data(), allowed=st.fractions(Fraction(1, 10**4), Fraction(9, 10)))
def test_the_rule_without_its_square_root_is_that_of_the_bounds(
    sent: int, data: st.DataObject, allowed: Fraction
) -> None:
    hits = data.draw(st.integers(0, sent))
    policy = Policy(allowed, POLICY.complaint_limit, POLICY.warn_at, 1, 1000, 1, 90)
    low = wilson(hits, sent)[0]
    if abs(low - allowed) > 1e-9:
        assert surely_exceeds(Numbers(sent, hits, 0), "bounce", policy) == (low > allowed)


def test_a_pause_of_the_policy_tells_the_sentence_and_the_numbers() -> None:
    judged = verdict({"sent": 1000, "bounces": 80})
    pause = policy_pause(judged, "pause")
    assert pause is not None
    assert (pause.by, pause.who, pause.why, pause.at) == (By.POLICY, "policy", explain(judged), NOW)
    assert pause.numbers == {
        "flags": ["bounce"],
        "sent": 1000,
        "bounces": 80,
        "complaints": 0,
        "rates": {"bounce": 0.08, "complaint": 0.0},
        "bounds": {"bounce": judged.bounds("bounce"), "complaint": judged.bounds("complaint")},
        "limits": {"bounce": 0.05, "complaint": 0.001},
        "window": {"from": "2026-03-10", "to": "2026-03-10"},
    }


# -- who over whom


def paused(who: str, why: str = "spam") -> Pause:
    pauses = {
        "staff": Pause(By.STAFF, "ops", why, NOW),
        "other staff": Pause(By.STAFF, "dev", why, NOW),
        "policy": Pause(By.POLICY, "policy", why, NOW),
        "owner": Pause(By.STAFF, "acme-key", why, NOW, owner="acme"),
    }
    return pauses[who]


OVER = [
    *(pytest.param(None, who, True, id=f"{who} over nothing") for who in ("staff", "policy", "owner")),
    pytest.param("policy", "staff", True, id="staff over the policy"),
    pytest.param("staff", "policy", False, id="the policy over staff does nothing"),
    pytest.param("policy", "policy", False, id="the policy over itself does nothing"),
    pytest.param("staff", "staff", False, id="the same person again does nothing"),
    pytest.param("staff", "other staff", True, id="another person"),
    pytest.param("owner", "policy", True, id="the policy over the owner, who could end his own pause"),
    pytest.param("owner", "staff", True, id="staff over the owner"),
    pytest.param("policy", "owner", False, id="the owner over the policy does nothing"),
    pytest.param("staff", "owner", False, id="the owner over staff does nothing"),
    pytest.param("owner", "owner", False, id="the owner again does nothing"),
]


@pytest.mark.parametrize(("current", "new", "written"), OVER)
def test_who_pauses_over_whom(current: str | None, new: str, written: bool) -> None:
    assert gives_way(paused(current) if current else None, paused(new)) is written


def test_the_same_person_may_say_something_else() -> None:
    assert gives_way(paused("staff", "spam"), paused("staff", "phishing"))


@pytest.mark.parametrize("who", ["staff", "policy", "owner"])
def test_staff_may_end_any_pause(who: str) -> None:
    check_resume(paused(who), None)


@pytest.mark.parametrize(
    ("who", "told"), [("staff", "the platform's staff"), ("policy", "the policy")], ids=["staff's", "the policy's"]
)
def test_an_owner_may_end_none_but_his_own(who: str, told: str) -> None:
    check_resume(paused("owner"), "acme")
    with pytest.raises(Refused, match=told) as caught:
        check_resume(paused(who), "acme")
    assert (caught.value.code, caught.value.status) == ("pause_not_yours", 403)


@pytest.mark.parametrize("why", ["", "  ", "x" * 501, "two\nlines", "\x1b[31m"])
def test_a_reason_must_be_given_and_printable(why: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_why(why)
    assert caught.value.field == "why"


def test_a_reason_is_kept_without_blanks_around_it() -> None:
    assert checked_why(f" {'x' * 500} ") == "x" * 500


# -- telling SES


def task(want: Want = Want.PAUSED, **given: Any) -> Task:
    return Task("example.com", want, 1, "claim", **given)


TARGETS = [
    pytest.param(task(tenant="t", configuration_set="own"), (Carried.TENANT, "t"), id="the tenant comes first"),
    pytest.param(task(configuration_set="own"), (Carried.CONFIGURATION_SET, "own"), id="a set of its own"),
    pytest.param(task(configuration_set="common"), (Carried.NONE, None), id="everybody's set"),
    pytest.param(task(configuration_set="own", shared=True), (Carried.NONE, None), id="a set that others use as well"),
    pytest.param(task(), (Carried.NONE, None), id="neither"),
    pytest.param(
        task(Want.RESUMED, tenant="new", carried=Carried.CONFIGURATION_SET, carried_to="old"),
        (Carried.CONFIGURATION_SET, "old"),
        id="a resume undoes what was done",
    ),
    pytest.param(task(Want.RESUMED, tenant="t"), (Carried.TENANT, "t"), id="or what may have been done"),
]


@pytest.mark.parametrize(("asked", "told"), TARGETS)
def test_where_ses_is_told(asked: Task, told: tuple[Carried, str | None]) -> None:
    assert target(asked, "common") == told


def test_attempts_are_made_ever_more_seldom_and_hourly_where_somebody_must_mend_something() -> None:
    waits = [retry_after(attempts, 2, retryable=True) for attempts in (1, 2, 3, 20)]
    assert waits == [30, 60, 120, 3600]
    assert retry_after(1, 90, retryable=True) == 90
    assert retry_after(1, 0, retryable=False) == timedelta(hours=1).total_seconds()
