"""The oracle itself, on examples counted by hand, and the properties that any counting of this kind must have."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.histories import Payload, history, permutations_with_duplicates, seeded_history
from tests.oracle import COUNTERS, Oracle, Policy, address

DOMAIN, DAY, TODAY = "shop.example", "2026-03-09", date(2026, 3, 10)
SMALL = Policy(min_sent=10, volume=50, min_days=1, max_days=5)
# Limits that histories of a few mails meet exactly, exceed and stay below.
LOOSE = Policy(Fraction(1, 2), Fraction(1, 2), min_sent=1, volume=3, max_days=4)


def mail(mail_id: str = "m1", **other: Any) -> Payload:
    return {
        "messageId": mail_id,
        "timestamp": f"{DAY}T10:00:00.000Z",
        "source": f"news@{DOMAIN}",
        "sourceArn": f"arn:aws:ses:eu-north-1:123456789012:identity/{DOMAIN}",
        "destination": ["a@x.example"],
        "tags": {"ses:configuration-set": ["main"]},
    } | other


def event(kind: str, about: Payload | None = None, **body: Any) -> Payload:
    return {"eventType": kind, "mail": about or mail()} | body


def send(about: Payload | None = None) -> Payload:
    return event("Send", about, send={})


def delivery(*who: str, about: Payload | None = None) -> Payload:
    return event("Delivery", about, delivery={"recipients": list(who)})


def delay(*who: str, about: Payload | None = None) -> Payload:
    return event("DeliveryDelay", about, deliveryDelay={"delayedRecipients": [{"emailAddress": w} for w in who]})


def bounce(
    *who: str, kind: str = "Permanent", sub: str = "General", about: Payload | None = None, producer: str = "eventType"
) -> Payload:
    recipients = [{"emailAddress": w} for w in who]
    body = {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": recipients, "feedbackId": "b"}
    return {producer: "Bounce", "mail": about or mail(), "bounce": body}


def complaint(feedback_id: str = "f1", *who: str, about: Payload | None = None, **body: Any) -> Payload:
    recipients = [{"emailAddress": w} for w in who or ("a@x.example",)]
    return event("Complaint", about, complaint={"feedbackId": feedback_id, "complainedRecipients": recipients} | body)


def oracle(*messages: Payload, policy: Policy = SMALL) -> Oracle:
    told = Oracle(policy)
    for message in messages:
        told.tell(message)
    return told


THREE = mail(destination=["A@x.example", "Bea <b@x.example>", '"C, Cy" <c@x.example>'])
TWO = mail(destination=["a@x.example", "b@x.example"])
NOWHERE = mail(destination=[])
SIMULATOR = mail(destination=["bounce@simulator.amazonses.com"])
MIXED = mail(destination=["a@x.example", "complaint@simulator.amazonses.com"])
OTHER = "box@elsewhere.example"

EXAMPLES = {
    "send counts every destination": ([send(THREE)], {"sent": 3}),
    "delivery counts once beside send": ([send(), delivery("A@X.example")], {"sent": 1, "delivered": 1}),
    "hard bounce alone is sent": ([bounce("a@x.example")], {"sent": 1, "bounces": 1}),
    "unknown subtype is hard": ([bounce("a@x.example", sub="Sparkling")], {"sent": 1, "bounces": 1}),
    "global suppression is hard": ([bounce("a@x.example", sub="Suppressed")], {"sent": 1, "bounces": 1}),
    "delivery then bounce": (
        [delivery("a@x.example"), bounce("a@x.example")],
        {"sent": 1, "delivered": 1, "bounces": 1},
    ),
    "soft then hard": (
        [bounce("a@x.example", kind="Transient"), bounce("a@x.example")],
        {"sent": 1, "soft": 1, "bounces": 1},
    ),
    "undetermined is soft": ([bounce("a@x.example", kind="Undetermined", sub="Undetermined")], {"sent": 1, "soft": 1}),
    "delay is sent": ([delay("a@x.example"), delay("A@x.example")], {"sent": 1, "delays": 1}),
    "held back after send": (
        [send(TWO), bounce("a@x.example", sub="OnAccountSuppressionList", about=TWO)],
        {"sent": 1, "held": 1},
    ),
    "held back beats bounced and delivered": (
        [delivery("a@x.example"), bounce("a@x.example"), bounce("a@x.example", sub="UnsubscribedRecipient")],
        {"held": 1},
    ),
    "forwarder stands for the only recipient": ([send(), bounce(OTHER)], {"sent": 1, "bounces": 1}),
    "forwarder held back, delivered, delayed": (
        [send(), bounce(OTHER, sub="EmailValidationSuppressed"), delivery(OTHER), delay(OTHER)],
        {"held": 1, "delays": 1},
    ),
    "forwarder among several adds nothing to sent": ([send(TWO), bounce(OTHER, about=TWO)], {"sent": 2, "bounces": 1}),
    "forwarder among several, soft": ([bounce(OTHER, kind="Transient", about=TWO)], {"soft": 1}),
    "stranger delivered and delayed is sent": (
        [delivery(OTHER, about=TWO), delay("box2@elsewhere.example", about=TWO)],
        {"sent": 2, "delivered": 1, "delays": 1},
    ),
    "no destination: the named ones": (
        [send(NOWHERE), bounce("a@x.example", about=NOWHERE), delivery("b@x.example", about=NOWHERE)],
        {"sent": 2, "bounces": 1, "delivered": 1},
    ),
    "destination known from another message": ([bounce(OTHER, about=NOWHERE), send(TWO)], {"sent": 2, "bounces": 1}),
    "simulator counts nowhere": (
        [send(SIMULATOR), bounce("bounce@simulator.amazonses.com", about=SIMULATOR), event("Open", SIMULATOR)],
        {},
    ),
    "simulator among others": (
        [send(MIXED), complaint("f1", "complaint@simulator.amazonses.com", about=MIXED), event("Click", MIXED)],
        {"sent": 1, "clicks": 1},
    ),
    "reject takes sent away": ([send(), event("Reject", reject={"reason": "Bad content"})], {"rejects": 1}),
    "rejected mail's bounce still counts": (
        [event("Reject"), bounce("a@x.example"), complaint()],
        {"rejects": 1, "bounces": 1, "complaints": 1},
    ),
    "rendering failure": ([event("Rendering Failure"), event("Rendering Failure")], {"rendering_failures": 1}),
    "opens and clicks by mail": ([event("Open"), event("Open"), event("Click")], {"opens": 1, "clicks": 1}),
    "complaint per feedback id": (
        [complaint("f1", "a@x.example", "b@x.example", about=TWO), complaint("f2"), complaint("f2")],
        {"complaints": 2},
    ),
    "not-spam is none": ([complaint(complaintFeedbackType="not-spam")], {}),
    "not-spam and abuse of one id": (
        [complaint(complaintFeedbackType="not-spam"), complaint(complaintFeedbackType="abuse")],
        {"complaints": 1},
    ),
    "held-back complaint": ([send(), complaint(complaintSubType="OnAccountSuppressionList")], {"held": 1}),
    "control message": ([{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have …"}], {}),
}


@pytest.mark.parametrize(("messages", "expected"), EXAMPLES.values(), ids=EXAMPLES)
def test_counts(messages: list[Payload], expected: dict[str, int]) -> None:
    row = dict.fromkeys(COUNTERS, 0) | expected
    assert oracle(*messages).days() == ({(DOMAIN, DAY): row} if expected else {})


def test_two_wirings_of_one_bounce_count_once() -> None:
    told = oracle(bounce("a@x.example"), bounce("Ann <A@x.example>", producer="notificationType"))
    assert told.days()[DOMAIN, DAY]["bounces"] == 1


@pytest.mark.parametrize("told", ["A@X.example", "Ann <A@x.example>", '"Doe, <Ann>" <a@x.example>'])
def test_addresses_compare_without_name_and_case(told: str) -> None:
    assert address(told) == "a@x.example"


@pytest.mark.parametrize(
    ("told", "domain"),
    [
        ({}, DOMAIN),
        ({"sourceArn": "arn:aws:ses:eu-north-1:123456789012:identity/Sales@Address.example"}, "address.example"),
        ({"sourceArn": None, "tags": {"ses:from-domain": ["Tag.example"]}}, "tag.example"),
        ({"sourceArn": None, "tags": {}, "source": "News <news@Source.example>"}, "source.example"),
    ],
)
def test_domain_comes_from_the_best_source(told: Payload, domain: str) -> None:
    assert oracle(send(mail(**told))).days().keys() == {(domain, DAY)}


def test_disagreeing_messages_of_one_mail_follow_the_best_ranked() -> None:
    by_tag = mail(sourceArn=None, tags={"ses:from-domain": ["aaa.example"]})
    assert oracle(send(by_tag), delivery("a@x.example")).days().keys() == {(DOMAIN, DAY)}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-09T23:59:59.999Z", "2026-03-09"),
        ("2026-03-09T17:00:00.000-07:00", "2026-03-10"),
        ("2026-03-09T14:05:45 +0000", "2026-03-09"),
    ],
)
def test_day_is_the_utc_day(written: str, day: str) -> None:
    assert oracle(send(mail(timestamp=written))).days().keys() == {(DOMAIN, day)}


def test_day_is_that_of_the_smallest_timestamp() -> None:
    later = mail(timestamp="2026-03-10T00:00:00.000Z")
    earlier = mail(timestamp="2026-03-09T23:59:59.000Z")
    assert oracle(send(later), delivery("a@x.example", about=earlier)).days().keys() == {(DOMAIN, "2026-03-09")}


def test_providers() -> None:
    about = mail(destination=["a@gmail.com", "b@gmail.com", "c@x.example"])
    assert oracle(send(about), bounce("b@gmail.com", about=about)).providers() == {
        (DOMAIN, DAY, "gmail.com"): {"sent": 2, "bounces": 1},
        (DOMAIN, DAY, "x.example"): {"sent": 1, "bounces": 0},
    }


def sent(number: int, day: str = DAY, prefix: str = "m") -> list[Payload]:
    return [send(mail(f"{prefix}{n}", timestamp=f"{day}T10:00:00.000Z")) for n in range(number)]


def verdict(*messages: Payload, policy: Policy = SMALL) -> dict[str, Any]:
    return oracle(*messages, policy=policy).verdict(DOMAIN, TODAY)


def bounces(number: int) -> list[Payload]:
    return [bounce("a@x.example", about=mail(f"m{n}")) for n in range(number)]


@pytest.mark.parametrize(
    ("number", "bad", "status", "flags"),
    [
        (40, 1, "healthy", []),
        (25, 1, "warning", []),  # exactly 4 %, which is 0.8 of the limit
        (26, 1, "healthy", []),
        (20, 1, "warning", []),  # exactly 5 % does not exceed it
        (19, 1, "flagged", ["bounce"]),
        (9, 9, "insufficient_data", []),
        (10, 10, "flagged", ["bounce"]),
    ],
)
def test_bounce_limit(number: int, bad: int, status: str, flags: list[str]) -> None:
    judged = verdict(*sent(number), *bounces(bad))
    assert (judged["status"], judged["flags"]) == (status, flags)
    assert judged["reason"] == ("too_few" if number < 10 else None)


def test_both_limits_flag_in_order() -> None:
    judged = verdict(*sent(10), *bounces(1), complaint(about=mail("m0")))
    numbers = {"sent": 10, "bounces": 1, "complaints": 1, "days": 5}
    assert judged == {"status": "flagged", "flags": ["bounce", "complaint"], "reason": None} | numbers


def test_complaint_limit_is_strict() -> None:
    policy = replace(SMALL, complaint_limit=Fraction(1, 10))
    assert verdict(*sent(10), complaint(about=mail("m0")), policy=policy)["status"] == "warning"
    assert verdict(*sent(10), complaint(about=mail("m0")))["flags"] == ["complaint"]


def test_window_reaches_back_until_the_volume() -> None:
    today, before = sent(30, "2026-03-10", "t"), sent(20, "2026-03-08", "b")
    judged = verdict(*today, *before, *sent(9, "2026-03-07", "x"))
    assert (judged["days"], judged["sent"]) == (3, 50)
    assert verdict(*today, *before[1:])["days"] == 5
    assert verdict(*today, *before, policy=replace(SMALL, min_days=4))["days"] == 4
    assert verdict(*sent(50, "2026-03-05", "old"))["sent"] == 0


FEEDBACK = {"tags": {"ses:configuration-set": ["feedback"]}}


def test_feedback_without_a_wiring_of_sends_has_no_denominator() -> None:
    blind = [bounce("a@x.example", about=mail(f"b{n}", **FEEDBACK)) for n in range(20)]
    judged = verdict(*blind)
    assert (judged["status"], judged["reason"]) == ("insufficient_data", "no_denominator")
    assert (judged["sent"], judged["bounces"]) == (20, 20)
    seen = verdict(*blind, delivery("a@x.example", about=mail("d", **FEEDBACK)))
    assert (seen["status"], seen["flags"]) == ("flagged", ["bounce"])


def test_blind_mails_do_not_enter_the_rates_of_the_others() -> None:
    blind = bounce("a@x.example", about=mail("b", **FEEDBACK))
    assert verdict(*sent(40), blind)["reason"] == "no_denominator"
    assert verdict(*sent(19), *bounces(1), blind)["status"] == "flagged"
    assert verdict(*sent(39), bounce("a@x.example", kind="Transient", about=mail("b", **FEEDBACK)))["sent"] == 40


def test_a_second_wiring_that_shows_sends_makes_a_mail_seen() -> None:
    notified = bounce("a@x.example", about=mail("b"), producer="notificationType")
    assert verdict(*sent(40), notified)["reason"] == "no_denominator"
    assert verdict(*sent(40), notified, bounce("a@x.example", about=mail("b")))["status"] == "healthy"


def everything(told: list[Payload]) -> tuple[Any, ...]:
    answers = oracle(*told, policy=LOOSE)
    verdicts = {domain: answers.verdict(domain, TODAY) for domain, _ in answers.days()}
    return answers.days(), answers.providers(), verdicts


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_order_and_repetition_change_nothing(data: st.DataObject) -> None:
    told = data.draw(history())
    assert everything(data.draw(permutations_with_duplicates(told))) == everything(told)


def test_the_histories_reach_every_counter() -> None:
    told = oracle(*seeded_history(4, 400, calm=1))
    reached = {name for row in told.days().values() for name, number in row.items() if number}
    assert reached == set(COUNTERS)


def test_a_seed_decides_a_history() -> None:
    assert seeded_history(7, 50) == seeded_history(7, 50)
