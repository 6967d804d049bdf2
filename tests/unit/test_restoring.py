"""What an entry of SES's suppression list says of a mail counts once, whatever comes after it."""

from datetime import timedelta

import pytest

from tests.builders import NOW, bounce, complaint, effects_of, mail, send
from webhook.domain.counts import counts
from webhook.domain.mail import Mail
from webhook.domain.restoring import RESTORED, Listed, knows
from webhook.domain.restoring import effects_of as listed_effects
from webhook.domain.shares import Tally, share_rows
from webhook.pipeline import settle

ADDRESS = "Ann@Gmail.com"


def known(*payloads: dict[str, object]) -> Mail:
    """The mail that these payloads tell of."""
    found: Mail | None = None
    for payload in payloads:
        news = effects_of(payload).mail
        assert news is not None
        found = news if found is None else found.joined(news)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reason", "event", "counter"),
    [("BOUNCE", bounce(), "bounces"), ("COMPLAINT", complaint(), "complaints")],
)
def test_a_later_real_event_counts_nothing_twice(reason: str, event: dict[str, object], counter: str) -> None:
    entry = Listed(ADDRESS, reason, NOW)
    sent = known(send())
    assert not knows(sent, entry, "feedback-1")
    effects = listed_effects(sent, entry, "feedback-1")
    restored = settle([effects], {sent.id: sent}).changed[0]
    assert counts(restored)[counter] == 1
    assert knows(restored, entry, "feedback-1")
    after = settle([effects_of(event)], {restored.id: restored}).changed[0]
    assert counts(after)[counter] == 1
    assert counts(after)["sent"] == 1
    first = settle([effects], {}).new[0].joined(known(send(), event))
    assert counts(first) == counts(after)


def test_what_the_mail_knows_is_not_told_again() -> None:
    entry = Listed(ADDRESS, "BOUNCE", NOW)
    assert knows(known(bounce()), entry, "")
    assert not knows(known(bounce(kind="Transient")), entry, "")
    two = mail("mail-2", "ann@gmail.com", "bob@gmail.com")
    assert not knows(known(bounce(two, "bob@gmail.com")), entry, "")
    assert knows(known(complaint()), Listed(ADDRESS, "COMPLAINT", NOW), "another-id")


def test_its_subtype_says_where_it_came_from_and_no_wiring_told_it() -> None:
    news = listed_effects(known(send()), Listed(ADDRESS, "BOUNCE", NOW + timedelta(days=1)), "f").mail
    assert news is not None
    [fact] = news.facts
    assert (fact.who, fact.subtype, news.wirings) == ("ann@gmail.com", RESTORED, frozenset())


def test_shares_are_of_the_whole_account() -> None:
    rows, account = share_rows(
        [Tally("a.example", 900, 9, 0), Tally("b.example", 100, 21, 1), Tally("c.example", 0, 0, 0)]
    )
    assert [row["domain"] for row in rows] == ["b.example", "a.example", "c.example"]
    assert (rows[0]["bounceShare"], rows[0]["complaintShare"], rows[0]["bounceRate"]) == (0.7, 1.0, 0.21)
    assert rows[2]["bounceRate"] is None
    assert (account["sent"], account["bounceRate"]) == (1000, 0.03)
