"""Any order, any duplication, any split over wirings and batches gives the numbers of an independent implementation."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import histories
from tests.histories import history, permutations_with_duplicates, seeded_history
from tests.memory import MemoryStore
from tests.oracle import COUNTERS, Oracle
from tests.oracle import Policy as OraclePolicy
from webhook.domain.address import domain_of
from webhook.domain.counts import counts
from webhook.domain.effects import Effects, Outcome, Source
from webhook.domain.providers import provider_of
from webhook.domain.reputation import Policy
from webhook.pipeline import accept

TODAY = histories.TODAY.date()
NOW = datetime.combine(TODAY, time(23), UTC)
RETENTION = timedelta(days=30)
LIMITS = {
    "bounce_limit": Fraction(1, 4),
    "complaint_limit": Fraction(1, 5),
    "warn_at": Fraction(8, 10),
    "min_sent": 1,
    "volume": 3,
    "min_days": 1,
    "max_days": 4,
}
POLICY, ORACLE_POLICY = Policy(**LIMITS), OraclePolicy(**LIMITS)

Days = dict[tuple[str, str], dict[str, int]]


def effects_of(payload: dict[str, Any], number: int = 0) -> Effects:
    message = json.dumps(payload) + "\n"
    return accept(Source("arn:aws:sns:eu-north-1:123456789012:ses", str(number), message), NOW, RETENTION)


def told(messages: Iterable[dict[str, Any]], batches: Sequence[int] = (1,)) -> MemoryStore:
    """A store that was told these messages in batches of these sizes, over and over."""
    store = MemoryStore()
    waiting = [effects_of(message, number) for number, message in enumerate(messages)]
    turn = 0
    while waiting:
        size = batches[turn % len(batches)]
        store.commit(waiting[:size])
        waiting, turn = waiting[size:], turn + 1
    return store


def days_of(store: MemoryStore) -> Days:
    days = {
        (domain, day.isoformat()): {name: counters.get(name, 0) for name in COUNTERS}
        for (domain, day), counters in store.counters.items()
    }
    return {place: row for place, row in days.items() if any(row.values())}


def oracle_of(messages: Iterable[dict[str, Any]]) -> Oracle:
    oracle = Oracle(ORACLE_POLICY)
    for message in messages:
        oracle.tell(message)
    return oracle


def provider_days(store: MemoryStore) -> dict[tuple[str, str, str], dict[str, int]]:
    rows: dict[tuple[str, str, str], dict[str, int]] = {}
    for (domain, day), counters in store.counters.items():
        for name, count in counters.items():
            group, _, rest = name.partition("/")
            provider, _, counter = rest.partition("/")
            if group == "at" and counter in ("sent", "bounces"):
                row = rows.setdefault((domain, day.isoformat(), provider), {"sent": 0, "bounces": 0})
                row[counter] = count
    return rows


@given(data=st.data())
def test_any_order_any_duplication_any_batching_gives_the_oracles_numbers(data: st.DataObject) -> None:
    messages = data.draw(history())
    disturbed = data.draw(permutations_with_duplicates(messages))
    batches = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    oracle = oracle_of(messages)
    store = told(disturbed, batches)
    assert not store.quarantine
    assert days_of(store) == oracle.days()
    assert provider_days(store) == {
        key: row
        for key, row in oracle.providers(lambda address: provider_of(domain_of(address))).items()
        if any(row.values())
    }


@given(data=st.data())
def test_verdicts_are_the_oracles_whatever_the_order(data: st.DataObject) -> None:
    messages = data.draw(history(max_mails=8))
    store = told(data.draw(permutations_with_duplicates(messages)), [3])
    oracle = oracle_of(messages)
    for domain in {domain for domain, _ in oracle.days()}:
        expected = oracle.verdict(domain, TODAY)
        verdict = store.verdict(domain, POLICY, NOW)
        assert verdict.status == expected["status"]
        assert list(verdict.flags) == expected["flags"]
        assert verdict.reason == expected["reason"]
        assert verdict.window.days == expected["days"]
        numbers = verdict.numbers
        assert (numbers.sent, numbers.bounces, numbers.complaints) == tuple(
            expected[name] for name in ("sent", "bounces", "complaints")
        )


@given(data=st.data())
def test_telling_everything_again_teaches_nothing(data: st.DataObject) -> None:
    messages = data.draw(history())
    store = told(messages)
    before = days_of(store), dict(store.mails)
    outcomes = store.commit([effects_of(message) for message in messages])
    assert set(outcomes) <= {Outcome.DUPLICATE}
    assert (days_of(store), store.mails) == before


@given(messages=history())
def test_counters_are_the_sum_of_the_mails(messages: list[dict[str, Any]]) -> None:
    store = told(messages)
    sums: dict[tuple[str, date], dict[str, int]] = {}
    for mail in store.mails.values():
        for name, count in counts(mail).items():
            row = sums.setdefault((mail.domain, mail.day), {})
            row[name] = row.get(name, 0) + count
    assert {place: row for place, row in store.counters.items() if row} == {k: v for k, v in sums.items() if v}


@pytest.mark.parametrize("seed", range(5))
def test_a_long_history_counts_as_the_oracle_says(seed: int) -> None:
    messages = seeded_history(seed, mails=600)
    store = told(messages, [7, 100, 1])
    assert days_of(store) == oracle_of(messages).days()


@settings(max_examples=30)
@given(data=st.data())
def test_joining_mails_is_commutative_associative_and_idempotent(data: st.DataObject) -> None:
    messages = data.draw(history(max_mails=2))
    mails = [effects.mail for effects in map(effects_of, messages) if effects.mail]
    same = [mail for mail in mails if mail.id == mails[0].id] if mails else []
    for one in same:
        assert one.joined(one) == one
        for other in same:
            assert one.joined(other) == other.joined(one)
            for third in same[:3]:
                assert one.joined(other).joined(third) == one.joined(other.joined(third))
