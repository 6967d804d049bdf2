"""Polling: what is deleted and when, what is left to the queue, and what happens when a part fails."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog

from tests.builders import bounce, effects_of, send
from tests.memory import MemoryStore
from tests.signer import NOW, CertificateHost, Clock, body, confirmation, notification, signed, verifier
from webhook.domain.effects import Effects, Outcome
from webhook.domain.envelope import MAX_BYTES, Envelope
from webhook.domain.queues import Figures, Queue, QueuedMessage, Traits
from webhook.errors import AwsError, Contended, Unavailable
from webhook.polling import clerk as clerks
from webhook.polling import desk as desks
from webhook.polling.clerk import Clerk, written_together
from webhook.polling.crew import Crew
from webhook.polling.desk import Desk
from webhook.polling.poller import Ended, Poller
from webhook.reception import Reception

QUEUE = Queue.from_url("https://sqs.eu-north-1.amazonaws.com/123456789012/ses-events")
DENIED = AwsError("aws_access_denied", "AWS does not allow it", "Allow it", retryable=False)
LEASE = 30


class Inbox:
    """A queue in memory. `failures` are raised by the next calls of a name, in turn; None: it works."""

    def __init__(self, *bodies: str) -> None:
        self.waiting = [QueuedMessage(f"m{n}", f"r{n}", text) for n, text in enumerate(bodies)]
        self.taken: list[QueuedMessage] = []
        self.deleted: list[str] = []
        self.held: list[tuple[str, int]] = []
        self.failures: dict[str, list[Exception | None]] = {}
        self.stubborn: list[Sequence[str]] = []
        self.changed = threading.Condition()
        self.closed = False

    def traits(self) -> Traits:
        self._fail("traits")
        return Traits(LEASE)

    def receive(self, lease: int) -> Sequence[QueuedMessage]:
        assert lease == LEASE
        self._fail("receive")
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.closed, 5)
            batch, self.waiting = self.waiting[:10], self.waiting[10:]
            self.taken += batch
            return batch

    def delete(self, messages: Sequence[QueuedMessage]) -> Sequence[QueuedMessage]:
        self._fail("delete")
        stubborn = self.stubborn.pop(0) if self.stubborn else ()
        with self.changed:
            self.deleted += [one.id for one in messages if one.id not in stubborn]
            self.changed.notify_all()
        return [one for one in messages if one.id in stubborn]

    def hold(self, holds: Sequence[tuple[QueuedMessage, int]]) -> None:
        self._fail("hold")
        with self.changed:
            self.held += [(message.id, seconds) for message, seconds in holds]
            self.changed.notify_all()

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def await_that(self, condition: Callable[["Inbox"], Any]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), 20)

    def _fail(self, name: str) -> None:
        failures = self.failures.get(name)
        if failures and (failure := failures.pop(0)):
            raise failure


class Commit:
    """Writes at once to memory, after as many failures as it was given."""

    def __init__(self, *failures: Unavailable) -> None:
        self.store = MemoryStore()
        self.failures = list(failures)
        self.tries = 0
        self.closed = False

    def submit(self, effects: Effects, done: Callable[[Any], None]) -> None:
        self.tries += 1
        if self.failures:
            done(self.failures.pop(0))
        else:
            done(self.store.commit([effects])[0])

    def close(self) -> None:
        self.closed = True


class Full(Commit):
    """Takes nothing."""

    def submit(self, _effects: Effects, _done: Callable[[Any], None]) -> None:
        raise Unavailable("2000 messages are waiting to be written (MAX_PENDING)")


class Ledger:
    """Adds up."""

    def __init__(self) -> None:
        self.noted: list[Figures] = []
        self.failures: list[Unavailable] = []

    def note(self, queue: str, figures: Figures) -> None:
        assert queue == QUEUE.url
        if self.failures:
            raise self.failures.pop()
        self.noted.append(figures)


class Remembers:
    """Knows how long mails are remembered, after so many failures."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked = 0

    @property
    def known(self) -> bool:
        return self.failures == 0

    def __call__(self) -> timedelta:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise Unavailable("MongoDB does not answer")
        return timedelta(days=30)


class Confirms:
    """Writes down what it was asked to confirm."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def confirm(self, envelope: Envelope) -> str:
        self.asked.append(envelope.topic_arn)
        return "arn:confirmed"


class Place:
    """A desk with all around it."""

    def __init__(self, inbox: Inbox, commit: Commit | None = None, **changes: Any) -> None:
        self.inbox = inbox
        self.commit = commit or Commit()
        self.ledger = Ledger()
        self.clock = Clock()
        self.confirmer = Confirms()
        host = changes.get("host") or CertificateHost()
        memory = changes.get("memory") or Remembers()
        reception = Reception(verifier(host), self.confirmer, lambda: NOW, memory)
        self.desk = Desk(QUEUE, inbox, reception, self.commit, self.ledger, self.clock, crew=changes.get("crew", 1))
        self.office = self.desk._office

    def deal(self) -> bool:
        """What is in the inbox is dealt with by one clerk."""
        clerk = Clerk(self.office, 0, LEASE)
        return clerk.deal_with(self.inbox.receive(LEASE))

    @property
    def rejected(self) -> dict[str, int]:
        return dict(self.office.tally.figures().rejected)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    for module, names in ((clerks, ("RETRY", "RETRY_MAX", "AWS_MAX")), (desks, ("RETRY", "RETRY_MAX"))):
        for name in names:
            monkeypatch.setattr(module, name, 0.001)


def genuine(payload: dict[str, Any] | str) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return body(signed(notification(text))).decode()


def test_what_is_durable_is_deleted_and_counted_once() -> None:
    place = Place(Inbox(genuine(send()), genuine(bounce()), genuine(bounce())))
    assert place.deal()
    assert place.inbox.deleted == ["m0", "m1", "m2"]
    [counts] = place.commit.store.counters.values()
    assert (counts["sent"], counts["bounces"]) == (1, 1)
    assert place.office.tally.figures() == Figures(3, 3)
    assert place.office.flight.oldest is None


def test_nothing_is_deleted_before_it_is_durable() -> None:
    inbox = Inbox(genuine(send()))
    commit = Commit(Unavailable("MongoDB does not answer"), Contended("held"), Unavailable("MongoDB does not answer"))
    seen: list[list[str]] = []
    write = commit.store.commit

    def watched(batch: Sequence[Effects]) -> Sequence[Outcome]:
        seen.append(list(inbox.deleted))
        return write(batch)

    commit.store.commit = watched  # type: ignore[method-assign]
    place = Place(inbox, commit)
    assert place.deal()
    assert commit.tries == 4
    assert seen == [[]]
    assert inbox.deleted == ["m0"]
    assert inbox.held == []


def test_while_the_database_is_away_what_was_taken_is_held_and_nothing_more_is_taken() -> None:
    inbox = Inbox(*(genuine(send()) for _ in range(25)))
    place = Place(inbox, Full())
    place.desk.open(lambda: None)
    inbox.await_that(lambda it: it.taken)
    place.clock.advance(LEASE)
    for _ in range(3):
        place.desk.beat(LEASE)
    assert {one for one, _ in inbox.held} == {f"m{n}" for n in range(10)}
    assert {seconds for _, seconds in inbox.held} == {LEASE}
    assert len(inbox.taken) == 10
    assert inbox.deleted == []
    place.desk.close()
    inbox.await_that(lambda it: ("m0", 0) in it.held)
    inbox.close()
    place.desk.await_end(20)
    assert inbox.deleted == []


def test_a_heartbeat_comes_once_half_of_the_lease_is_over() -> None:
    place = Place(Inbox(genuine(send())))
    place.office.flight.begin(place.inbox.receive(LEASE))
    for _ in range(3):
        place.clock.advance(7)
        place.desk.beat(LEASE)
    assert place.inbox.held == [("m0", LEASE)]
    place.clock.advance(LEASE / 2)
    place.desk.beat(LEASE)
    assert len(place.inbox.held) == 2


def test_what_can_not_be_held_is_tried_again_at_the_next_beat() -> None:
    place = Place(Inbox(genuine(send())))
    place.office.flight.begin(place.inbox.receive(LEASE))
    place.clock.advance(LEASE / 2)
    place.inbox.failures["hold"] = [DENIED]
    place.desk.beat(LEASE)
    assert place.inbox.held == []
    place.desk.beat(LEASE)
    assert place.inbox.held == [("m0", LEASE)]


STRANGER = "arn:aws:sns:eu-north-1:999999999999:theirs"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('{"eventType": "Bounce", "mail": {}}', "unsigned", id="raw delivery"),
        pytest.param('{"detail-type": "Email Bounced", "detail": {}}', "unsigned", id="EventBridge itself"),
        pytest.param("hello", "not_sns", id="not SNS"),
        pytest.param('"\\ud800"', "not_sns", id="an odd string"),
        pytest.param("\ud800", "not_sns", id="not even Unicode"),
        pytest.param(" " * (MAX_BYTES + 1), "too_large", id="too large"),
        pytest.param(body(signed(notification(TopicArn=STRANGER))).decode(), "topic_not_allowed", id="not our topic"),
        pytest.param(body(signed(notification()) | {"Message": "x"}).decode(), "bad_signature", id="tampered with"),
        pytest.param(
            body(signed(notification(Timestamp="2020-01-01T00:00:00.000Z"))).decode(), "too_old", id="too old"
        ),
    ],
)
def test_what_is_not_ours_is_neither_counted_nor_deleted_but_put_out_of_sight(text: str, code: str) -> None:
    place = Place(Inbox(text, genuine(send())))
    assert place.deal()
    assert place.inbox.deleted == ["m1"]
    assert place.inbox.held == [("m0", 900)]
    assert place.rejected == {code: 1}
    assert len(place.commit.store.mails) == 1


def test_a_rejection_is_logged_once_for_each_code() -> None:
    place = Place(Inbox("hello", "world", '{"eventType": "Bounce"}', "again"))
    with structlog.testing.capture_logs() as lines:
        place.deal()
    told = [line["code"] for line in lines if line["event"] == "queue_message_rejected"]
    assert told == ["not_sns", "unsigned"]
    assert place.rejected == {"not_sns": 3, "unsigned": 1}


def test_what_is_authentic_but_not_understood_is_kept_and_deleted() -> None:
    place = Place(Inbox(genuine('{"surprise": 1}')))
    place.deal()
    assert [kept.reason for kept in place.commit.store.quarantine.values()] == ["unknown_shape"]
    assert place.inbox.deleted == ["m0"]


def test_what_changes_nothing_is_deleted_without_a_commit() -> None:
    place = Place(Inbox(genuine("Successfully validated SNS topic for Amazon SES event publishing.")))
    place.deal()
    assert place.commit.tries == 0
    assert place.inbox.deleted == ["m0"]


def test_a_confirmation_is_carried_out_as_over_https() -> None:
    place = Place(Inbox(body(signed(confirmation())).decode(), body(signed(confirmation()) | {"Token": "x"}).decode()))
    place.deal()
    assert len(place.confirmer.asked) == 1
    assert place.inbox.deleted == ["m0"]
    assert place.rejected == {"bad_signature": 1}


def test_what_can_not_be_verified_now_comes_back_later_and_nobody_hurries() -> None:
    place = Place(Inbox(genuine(send())), host=CertificateHost(error=Unavailable("the host does not answer")))
    assert not place.deal()
    assert place.inbox.held == [("m0", 60)]
    assert place.inbox.deleted == []
    assert place.rejected == {}


def test_what_is_not_deleted_at_once_is_deleted_later() -> None:
    inbox = Inbox(*(genuine(send()) for _ in range(4)))
    inbox.stubborn = [["m1", "m3"], ["m3"]]
    inbox.failures["delete"] = [None, DENIED]
    place = Place(inbox)
    place.deal()
    assert inbox.deleted == ["m0", "m2", "m1", "m3"]
    assert place.office.tally.figures().deleted == 4


def test_what_can_not_be_deleted_is_left_and_does_no_harm_when_it_comes_again() -> None:
    inbox = Inbox(genuine(bounce()))
    inbox.failures["delete"] = [DENIED] * clerks.DELETE_TRIES
    place = Place(inbox)
    with structlog.testing.capture_logs() as lines:
        assert place.deal()
    assert [line["event"] for line in lines].count("queue_not_deleted") == 1
    inbox.waiting = inbox.taken[:]
    place.deal()
    assert inbox.deleted == ["m0"]
    [counts] = place.commit.store.counters.values()
    assert counts["bounces"] == 1


def test_a_queue_that_can_not_be_reached_is_told_of_once_and_once_that_it_is_back() -> None:
    inbox = Inbox(genuine(send()))
    inbox.failures["receive"] = [DENIED] * 5
    place = Place(inbox)
    with structlog.testing.capture_logs() as lines:
        place.desk.open(lambda: None)
        inbox.await_that(lambda it: it.deleted)
        place.desk.close()
        inbox.close()
        place.desk.await_end(20)
    events = [line["event"] for line in lines]
    assert events.count("queue_unreachable") == 1
    assert events.count("queue_well_again") == 1


def test_pauses_grow_up_to_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clerks, "RETRY", 1.0)
    place = Place(Inbox())
    waited: list[float] = []
    office = replace(place.office, pause=lambda seconds: bool(waited.append(seconds)))
    clerk = Clerk(office, 0, LEASE)
    for _ in range(6):
        clerk._back_off(10.0)
    assert waited == [1, 2, 4, 8, 10, 10]


def test_no_message_is_taken_before_it_can_be_understood() -> None:
    inbox, memory = Inbox(genuine(send())), Remembers(failures=3)
    place = Place(inbox, memory=memory)
    place.desk.open(lambda: None)
    inbox.await_that(lambda it: it.deleted)
    assert inbox.deleted == ["m0"]
    assert place.rejected == {}
    place.desk.close()
    inbox.close()
    place.desk.await_end(20)


def test_a_queue_whose_traits_can_not_be_asked_is_polled_all_the_same() -> None:
    inbox = Inbox(genuine(send()))
    inbox.failures["traits"] = [DENIED]
    place = Place(inbox)
    place.desk.open(lambda: None)
    inbox.await_that(lambda it: it.deleted)
    place.desk.close()
    inbox.close()
    place.desk.await_end(20)


def test_a_message_that_arrives_at_the_end_is_let_go() -> None:
    inbox = Inbox()
    place = Place(inbox)
    place.desk.open(lambda: None)
    place.desk.close()
    with inbox.changed:
        inbox.waiting = [QueuedMessage("late", "r", genuine(send()))]
        inbox.changed.notify_all()
    place.desk.await_end(20)
    if inbox.taken:  # the clerk may have left before it came
        inbox.await_that(lambda it: it.held == [("late", 0)])
    assert inbox.deleted == []


def test_figures_that_could_not_be_noted_are_noted_later() -> None:
    place = Place(Inbox(genuine(send()), "hello"))
    place.deal()
    place.ledger.failures = [Unavailable("MongoDB does not answer")]
    place.desk.beat(LEASE)
    assert place.ledger.noted == []
    place.desk.beat(LEASE)
    assert place.ledger.noted == [Figures(2, 1, {"not_sns": 1})]
    place.clock.advance(desks.NOTE_EVERY)
    place.desk.beat(LEASE)
    assert place.ledger.noted[1:] in ([], [Figures()])


def test_a_poller_that_is_told_to_stop_finishes_and_closes_everything() -> None:
    inbox = Inbox(genuine(send()))
    place = Place(inbox)
    poller = Poller([place.desk], place.commit, place.clock, patience=20)
    running = threading.Thread(target=poller.run)
    running.start()
    inbox.await_that(lambda it: it.deleted)
    poller.stop()
    running.join(20)
    assert not running.is_alive()
    assert inbox.closed
    assert place.commit.closed
    assert sum(figures.deleted for figures in place.ledger.noted) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_a_thread_ends_the_poller_with_an_error() -> None:
    inbox = Inbox()
    inbox.failures["receive"] = [KeyError("a defect")]
    place = Place(inbox)
    with pytest.raises(Ended):
        Poller([place.desk], place.commit, place.clock, patience=20).run()


def test_a_crew_grows_while_much_comes_and_shrinks_when_nothing_does() -> None:
    crew = Crew(3)
    assert crew.await_turn(0)
    for _ in range(5):
        crew.took(0, 10)
    assert crew._wanted == 3
    crew.took(0, 1)
    assert crew._wanted == 3
    crew.took(1, 0)
    assert crew._wanted == 1
    crew.took(0, 0)
    assert crew._wanted == 1
    crew.dismiss()
    assert not crew.await_turn(0)
    assert not crew.await_turn(2)


def test_what_is_written_together_comes_back_in_order() -> None:
    late: list[Callable[[Any], None]] = []

    class Reversed(Commit):
        def submit(self, effects: Effects, done: Callable[[Any], None]) -> None:
            late.append(lambda _: done(self.store.commit([effects])[0]))
            if len(late) == 2:
                for tell in reversed(late):
                    tell(None)

    ignored = effects_of("Successfully validated SNS topic for Amazon SES event publishing.")
    results = written_together(Reversed(), [effects_of(send()), ignored, effects_of(send())])
    assert results == [Outcome.DUPLICATE, Outcome.IGNORED, Outcome.ACCEPTED]
