"""Answers by key, on a real MongoDB."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.idempotency import BODY_MAX, KEPT, LEASE, Answer, Idempotency
from webhook.errors import Invalid, Refused, Unavailable

POST = "digest of a request"
OTHER = "digest of another"
ANSWER = Answer(201, {"Content-Type": "application/json"}, b'{"success": true}')


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 10, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(database: Db, clock: Clock) -> Idempotency:
    return Idempotency(database, clock.now)


def finish(answers: Idempotency, key: str = "k", scope: str = "shop") -> None:
    answers.finish(key, scope, ANSWER.status, ANSWER.headers, ANSWER.body)


def code_of(answers: Idempotency, fingerprint: str = POST) -> str:
    """What a request under the key `k` gets: `run`, the state of an answer, or the word of the refusal."""
    try:
        return "run" if answers.begin("k", fingerprint, "shop") is None else "answer"
    except Refused as refused:
        return f"{refused.status} {refused.code}"


def test_the_first_does_it_and_the_second_hears_what_came_of_it(answers: Idempotency) -> None:
    assert answers.begin("k", POST, "shop") is None
    finish(answers)
    assert answers.begin("k", POST, "shop") == ANSWER


def test_of_many_at_once_one_does_it(database: Db, clock: Clock) -> None:
    processes = [Idempotency(database, clock.now) for _ in range(2)]
    with ThreadPoolExecutor(16) as threads:
        told = Counter(threads.map(code_of, processes * 8))
    assert told == {"run": 1, "409 idempotency_in_progress": 15}


def test_another_request_under_the_same_key_is_refused(answers: Idempotency) -> None:
    answers.begin("k", POST, "shop")
    assert code_of(answers, OTHER) == "422 idempotency_key_reused"
    finish(answers)
    assert code_of(answers, OTHER) == "422 idempotency_key_reused"


def test_another_token_has_keys_of_its_own(answers: Idempotency) -> None:
    answers.begin("k", POST, "shop")
    finish(answers)
    assert answers.begin("k", POST, "forum") is None


def test_what_was_abandoned_is_done_by_the_next(answers: Idempotency) -> None:
    answers.begin("k", POST, "shop")
    answers.abandon("k", "shop")
    assert code_of(answers) == "run"


def test_what_was_finished_can_not_be_abandoned(answers: Idempotency) -> None:
    answers.begin("k", POST, "shop")
    finish(answers)
    answers.abandon("k", "shop")
    assert code_of(answers) == "answer"


def test_what_a_dead_process_began_is_taken_over_after_a_minute_by_one(database: Db, clock: Clock) -> None:
    Idempotency(database, clock.now).begin("k", POST, "shop")
    clock.moment += LEASE - timedelta(seconds=1)
    assert code_of(Idempotency(database, clock.now)) == "409 idempotency_in_progress"
    clock.moment += timedelta(seconds=1)
    processes = [Idempotency(database, clock.now) for _ in range(2)]
    with ThreadPoolExecutor(8) as threads:
        told = Counter(threads.map(code_of, processes * 4))
    assert told == {"run": 1, "409 idempotency_in_progress": 7}


def test_who_was_taken_for_dead_writes_nothing_over_the_new_owner(database: Db, clock: Clock) -> None:
    slow, quick = Idempotency(database, clock.now), Idempotency(database, clock.now)
    slow.begin("k", POST, "shop")
    clock.moment += LEASE
    assert quick.begin("k", POST, "shop") is None
    slow.abandon("k", "shop")
    slow.finish("k", "shop", 500, {}, b"late")
    assert code_of(slow) == "409 idempotency_in_progress"
    finish(quick)
    assert slow.begin("k", POST, "shop") == ANSWER


def test_a_key_is_new_again_after_a_day_though_nobody_swept(answers: Idempotency, clock: Clock) -> None:
    answers.begin("k", POST, "shop")
    finish(answers)
    clock.moment += KEPT
    assert code_of(answers, OTHER) == "run"
    assert code_of(answers, POST) == "422 idempotency_key_reused"


def test_an_answer_too_large_to_keep_is_not_done_again(answers: Idempotency) -> None:
    answers.begin("k", POST, "shop")
    answers.finish("k", "shop", 200, {}, b"x" * (BODY_MAX + 1))
    assert code_of(answers) == "409 idempotency_answer_not_kept"


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\nb"], ids=["empty", "too long", "not ASCII", "two lines"])
def test_a_key_that_can_not_be_one_is_named(answers: Idempotency, key: str) -> None:
    with pytest.raises(Invalid) as refused:
        answers.begin(key, POST, "shop")
    assert refused.value.field == "Idempotency-Key"


def test_neither_keys_nor_tokens_are_stored(database: Db, answers: Idempotency) -> None:
    answers.begin("a-secret-key", POST, "shop")
    assert "a-secret-key" not in str(list(database.idempotency.find()))


def test_a_database_that_is_away_is_said_to_be(clock: Clock) -> None:
    db = connect("mongodb://127.0.0.1:9/x?directConnection=true", patience=0.2)
    try:
        with pytest.raises(Unavailable):
            Idempotency(db, clock.now).begin("k", POST, "shop")
    finally:
        db.client.close()
