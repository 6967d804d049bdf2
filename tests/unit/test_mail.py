"""What two messages tell of one mail is united; nothing that either said is lost."""

from datetime import timedelta

from tests.builders import NOW, bounce, delivery, effects_of, mail, send
from tests.memory import MemoryStore
from webhook.domain.counts import counts
from webhook.domain.effects import Outcome, Source
from webhook.domain.mail import Fact, Mail, Told
from webhook.pipeline import accept, quarantine


def of(payload: dict[str, object]) -> Mail:
    told = effects_of(payload).mail
    assert told is not None
    return told


def test_recipients_that_only_one_message_names_stay() -> None:
    one, other = of(send(mail("m", "ann@gmail.com"))), of(send(mail("m", "bob@gmail.com")))
    assert one.joined(other).recipients == other.joined(one).recipients == {"ann@gmail.com", "bob@gmail.com"}


def test_a_second_telling_with_more_recipients_tells_more() -> None:
    store = MemoryStore()
    store.commit([effects_of(send(mail("m", "ann@gmail.com")))])
    assert store.commit([effects_of(send(mail("m", "bob@gmail.com")))]) == [Outcome.ACCEPTED]


def test_of_two_tellings_of_a_fact_the_same_one_is_kept_in_any_order() -> None:
    early, late = delivery(), delivery()
    late["delivery"] |= {"timestamp": "2026-03-10T09:00:09.000Z", "smtpResponse": "250 later"}
    one, other = of(early), of(late)
    [(fact, told)] = one.joined(other).facts.items()
    assert fact == Fact("delivered", "ann@gmail.com")
    assert told == Told(NOW.replace(hour=9, second=5), "250 ok")
    assert one.joined(other) == other.joined(one)


def test_of_several_answers_about_a_recipient_the_smallest_counts_in_any_order() -> None:
    one, other = bounce(), bounce()
    other["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = "smtp; 554 5.7.1 refused"
    for first, second in ((one, other), (other, one)):
        numbers = counts(of(first).joined(of(second)))
        assert [name for name in numbers if name.startswith("why/")] == ["why/gmail.com/550 5.1.1"]


def test_a_defect_of_ours_keeps_the_message() -> None:
    source = Source("topic", "id", message=None)  # type: ignore[arg-type]
    kept = accept(source, NOW, timedelta(days=30)).quarantined
    assert kept is not None
    assert kept.reason == "defect"


def test_the_same_message_at_two_endpoints_is_kept_twice() -> None:
    first = quarantine(Source("topic", "id", "{}", "bounces"), "misrouted", "")
    second = quarantine(Source("topic", "id", "{}", "complaints"), "misrouted", "")
    assert first.quarantined is not None
    assert second.quarantined is not None
    assert first.quarantined.id != second.quarantined.id
