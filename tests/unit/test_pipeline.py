"""From a message to its effects, from a batch to what must be written."""

import json
from datetime import timedelta

import pytest

from tests.builders import (
    NOW,
    bounce,
    by_eventbridge,
    by_notification,
    complaint,
    delivery,
    effects_of,
    mail,
    send,
)
from tests.memory import MemoryStore
from webhook.domain.effects import Effects, Outcome
from webhook.pipeline import quarantine, settle


def told(*payloads: dict[str, object]) -> MemoryStore:
    store = MemoryStore()
    store.commit([effects_of(payload) for payload in payloads])
    return store


def counted(*payloads: dict[str, object]) -> dict[str, int]:
    [counts] = told(*payloads).counters.values()
    return {name: count for name, count in counts.items() if "/" not in name}


def test_a_second_telling_is_a_duplicate_within_a_batch_and_after_it() -> None:
    store = MemoryStore()
    assert store.commit([effects_of(bounce()), effects_of(bounce())]) == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert store.commit([effects_of(bounce())]) == [Outcome.DUPLICATE]


def test_the_same_bounce_by_the_other_wiring_is_a_duplicate() -> None:
    store = told(bounce())
    assert store.commit([effects_of(by_notification(bounce()))]) == [Outcome.DUPLICATE]
    [counts] = store.counters.values()
    assert counts["bounces"] == 1


def test_a_duplicate_in_full_writes_nothing() -> None:
    store = told(bounce(), send())
    settlement = settle([effects_of(send()), effects_of(bounce())], store.mails)
    assert (settlement.new, settlement.changed, settlement.deltas) == ([], [], {})


def test_a_recipient_held_back_after_send_is_taken_out_again() -> None:
    of = mail("m", "ann@gmail.com", "bob@gmail.com")
    assert counted(send(of)) == {"sent": 2}
    held = bounce(of, "bob@gmail.com", subtype="OnAccountSuppressionList")
    assert counted(send(of), held) == counted(held, send(of)) == {"sent": 1, "held": 1}


def test_a_delivery_followed_by_a_bounce_is_one_mail_sent() -> None:
    assert counted(delivery(), bounce()) == {"sent": 1, "delivered": 1, "bounces": 1}


def test_a_forwarders_address_stands_for_the_only_recipient() -> None:
    assert counted(send(), bounce(None, "elsewhere@forward.example")) == {"sent": 1, "bounces": 1}


def test_a_forwarders_address_among_several_recipients_bounces_without_having_been_sent_to() -> None:
    of = mail("m", "ann@gmail.com", "bob@gmail.com")
    assert counted(send(of), bounce(of, "elsewhere@forward.example")) == {"sent": 2, "bounces": 1}


def test_a_mail_to_fifty_recipients_counts_fifty() -> None:
    of = mail("m", *(f"user{number}@gmail.com" for number in range(50)))
    assert counted(send(of), bounce(of, "USER7@gmail.com", "Seven <user7@gmail.com>")) == {"sent": 50, "bounces": 1}


def test_complaints_count_by_feedback_id_without_those_taken_back() -> None:
    assert counted(send(), complaint(), complaint(), complaint(feedback_id="other"))["complaints"] == 2
    assert counted(send(), complaint(complaintFeedbackType="not-spam")) == {"sent": 1, "not_spam": 1}


def test_mail_to_the_simulator_is_kept_but_counts_nowhere() -> None:
    of = mail("m", "bounce@simulator.amazonses.com")
    store = told(send(of), bounce(of))
    assert store.counters == {}
    assert set(store.mails) == {"m"}


def test_a_better_source_of_the_domain_moves_the_whole_mail() -> None:
    vague = mail("m", sourceArn=None, tags={"ses:from-domain": ["news.example.org"]})
    exact = mail("m", sourceArn="arn:aws:ses:eu-north-1:1:identity/example.org")
    store = told(send(vague))
    store.commit([effects_of(bounce(exact))])
    counts = {domain: {n: c for n, c in row.items() if "/" not in n} for (domain, _), row in store.counters.items()}
    assert counts == {"news.example.org": {}, "example.org": {"sent": 1, "bounces": 1}}


def test_numbers_are_booked_on_the_day_the_mail_was_sent() -> None:
    late = mail("m", timestamp="2026-03-01T23:59:59.999Z")
    [(_, day)] = told(bounce(late)).counters
    assert day.isoformat() == "2026-03-01"


@pytest.mark.parametrize(
    ("payload", "endpoint", "fits"),
    [
        (bounce(), "bounces", True),
        (bounce(subtype="OnAccountSuppressionList"), "bounces", True),
        (complaint(), "bounces", False),
        (send(), "bounces", False),
        (complaint(), "complaints", True),
        (bounce(), "complaints", False),
        (bounce(), "identity", False),
        (by_eventbridge({}, "Sending Status Enabled"), "identity", True),
        (by_eventbridge({}, "Sending Status Enabled"), "bounces", False),
        (by_eventbridge(bounce(), "Email Bounced"), "bounces", True),
        ({"notificationType": "AmazonSnsSubscriptionSucceeded"}, "complaints", True),
    ],
)
def test_an_endpoint_of_its_own_takes_its_own(payload: dict[str, object], endpoint: str, *, fits: bool) -> None:
    kept = effects_of(payload, endpoint).quarantined
    assert (kept is None) is fits
    assert fits or (kept is not None and kept.reason == "misrouted")


@pytest.mark.parametrize(
    ("payload", "days", "reason"),
    [
        (send(), 29, None),
        (send(), 31, "mail_too_old"),
        (bounce(), 31, "mail_too_old"),
        (complaint(), 31, None),
        (complaint(), 399, None),
        (complaint(), 401, "mail_too_old"),
        (send(), -2, "mail_from_the_future"),
    ],
)
def test_news_of_a_mail_that_is_no_longer_known_is_kept_apart(
    payload: dict[str, object], days: int, reason: str | None
) -> None:
    kept = effects_of(payload, now=NOW + timedelta(days=days)).quarantined
    assert (kept.reason if kept else None) == reason


def test_what_is_not_understood_is_kept_whole_under_the_id_of_its_content() -> None:
    first, second = effects_of('{"surprise": 1}').quarantined, effects_of('{"surprise": 1}').quarantined
    assert first is not None
    assert second is not None
    assert first.id == second.id
    assert first.source.message == '{"surprise": 1}'
    assert first.reason == "unknown_shape"


def test_control_messages_and_incoming_mail_change_nothing() -> None:
    effects = effects_of("Successfully validated SNS topic for Amazon SES event publishing.")
    assert effects.empty
    assert settle([effects], {}).outcomes == [Outcome.IGNORED]


def test_an_identity_event_is_a_hint() -> None:
    effects = effects_of(by_eventbridge({"data": "x"}, "Advisor Recommendation Status Closed"))
    [hint] = effects.hints
    assert (hint.id, hint.domain, hint.kind) == ("event-1", "example.com", "AdviceChanged")


def test_text_that_is_no_unicode_can_be_quarantined() -> None:
    broken = json.loads('"\\ud800"')
    source = effects_of("x").source
    assert source is not None
    kept = quarantine(type(source)(source.topic_arn, "id", broken), "reason", "detail")
    assert isinstance(kept, Effects)
