"""Who comes onto the suppression list, by what news, in any order."""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import builders
from tests.builders import NOW, effects_of
from tests.histories import TODAY, history, permutations_with_duplicates
from webhook.domain.effects import Source
from webhook.domain.mail import Mail
from webhook.domain.suppression import (
    CAUSES,
    LIFETIME,
    Cause,
    Changes,
    Entry,
    NewEntry,
    Reason,
    Scope,
    changes,
    checked_address,
    digest,
    entered,
    entries_of,
    settled,
)
from webhook.errors import Invalid
from webhook.pipeline import accept

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
BOUNCED_AT = datetime(2026, 3, 10, 9, 0, 5, tzinfo=UTC)
ANN, BOB = "ann@gmail.com", "bob@web.de"


class MemoryList:
    """The in-memory twin of the list: the same changes, carried out on dictionaries."""

    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}
        self.entries: dict[str, tuple[Entry, tuple[Cause, ...]]] = {}

    def tell(self, mail: Mail) -> None:
        old = self.mails.get(mail.id)
        new = self.mails[mail.id] = mail if old is None else old.joined(mail)
        self.apply(changes((old, new)))

    def apply(self, changed: Changes) -> None:
        for entry in (*changed.add, *changed.lift, *changed.restated):
            ours = Changes(
                *(
                    tuple(one for one in group if one.id == entry.id)
                    for group in (changed.add, changed.lift, changed.restated)
                )
            )
            causes = settled(self.entries[entry.id][1] if entry.id in self.entries else (), ours)
            self.entries.pop(entry.id, None)
            if causes:
                self.entries[entry.id] = entry, causes

    def told(self) -> set[tuple[str, str, str, str]]:
        return {
            (entry.key, entry.scope.value, entry.where, causes[0].reason.value)
            for entry, causes in self.entries.values()
        }


def told(*payloads: dict[str, Any]) -> MemoryList:
    memory = MemoryList()
    for payload in payloads:
        memory.tell(mail_of(payload))
    return memory


def mail_of(payload: dict[str, Any]) -> Mail:
    mail = effects_of(payload).mail
    assert mail is not None
    return mail


def bounced(subtype: str, kind: str = "Permanent", to: str = ANN) -> dict[str, Any]:
    return builders.bounce(builders.mail("m1", to), kind=kind, subtype=subtype)


def complained(to: str = ANN, **changes: Any) -> dict[str, Any]:
    return builders.complaint(builders.mail("m1", to), **changes)


AT_DOMAIN, AT_ALL = ("domain", "example.com"), ("account", "")

NEWS = [
    pytest.param(bounced("General"), {(ANN, *AT_DOMAIN, "bounce")}, id="a hard bounce, for the domain"),
    pytest.param(bounced("Sparkling"), {(ANN, *AT_DOMAIN, "bounce")}, id="a subtype nobody knows, as General"),
    pytest.param(bounced("NoEmail"), {(ANN, *AT_ALL, "bounce")}, id="no such mailbox, for everybody"),
    pytest.param(bounced("Suppressed"), {(ANN, *AT_ALL, "bounce")}, id="on SES's own list, for everybody"),
    pytest.param(bounced("NoEmail", to="Ann <ANN@Gmail.com>"), {(ANN, *AT_ALL, "bounce")}, id="spelt otherwise"),
    pytest.param(bounced("OnAccountSuppressionList"), set(), id="held back by the account's list"),
    pytest.param(bounced("OnTenantSuppressionList"), set(), id="held back by the tenant's list"),
    pytest.param(bounced("EmailValidationSuppressed"), set(), id="held back by validation"),
    pytest.param(bounced("UnsubscribedRecipient"), set(), id="held back as unsubscribed"),
    pytest.param(bounced("MailboxFull", "Transient"), set(), id="a full mailbox"),
    pytest.param(bounced("Undetermined", "Undetermined"), set(), id="nobody knows"),
    pytest.param(bounced("General", to="bounce@simulator.amazonses.com"), set(), id="the simulator bounces"),
    pytest.param(complained("complaint@simulator.amazonses.com"), set(), id="the simulator complains"),
    pytest.param(complained(), {(ANN, *AT_DOMAIN, "complaint")}, id="a complaint"),
    pytest.param(complained(complaintFeedbackType=None), {(ANN, *AT_DOMAIN, "complaint")}, id="without a type"),
    pytest.param(complained(complaintFeedbackType="not-spam"), set(), id="taken back, of which nothing was told"),
    pytest.param(complained(complaintSubType="OnAccountSuppressionList"), set(), id="a held-back complaint"),
    pytest.param(builders.send(), set(), id="sent"),
    pytest.param(builders.delivery(), set(), id="delivered"),
]


@pytest.mark.parametrize(("payload", "expected"), NEWS)
def test_what_news_puts_on_the_list(payload: dict[str, Any], expected: set[tuple[str, ...]]) -> None:
    assert told(payload).told() == expected


def test_a_forwarders_dead_mailbox_holds_back_the_only_recipient_for_that_domain_alone() -> None:
    memory = told(builders.bounce(builders.mail("m1", ANN), "box@elsewhere.example", subtype="NoEmail"))
    assert memory.told() == {(ANN, *AT_DOMAIN, "bounce")}


def test_of_a_mail_whose_destination_is_told_later_the_entry_moves_to_the_recipient() -> None:
    first = builders.bounce(builders.mail("m1", destination=None), "box@elsewhere.example", subtype="NoEmail")
    memory = told(first)
    assert memory.told() == {("box@elsewhere.example", *AT_ALL, "bounce")}
    memory.tell(mail_of(builders.send(builders.mail("m1", ANN))))
    assert memory.told() == {(ANN, *AT_DOMAIN, "bounce")}


def test_a_mail_whose_domain_is_told_better_moves_its_entries() -> None:
    guessed = builders.mail("m1", sourceArn=None, source="shop@mail.example.com")
    memory = told(builders.bounce(guessed))
    assert memory.told() == {(ANN, "domain", "mail.example.com", "bounce")}
    memory.tell(mail_of(builders.send(builders.mail("m1"))))
    assert memory.told() == {(ANN, *AT_DOMAIN, "bounce")}


def test_a_complaint_of_nobody_in_particular_is_that_of_the_only_recipient() -> None:
    assert told(complained(complainedRecipients=[])).told() == {(ANN, *AT_DOMAIN, "complaint")}
    of_two = builders.complaint(builders.mail("m1", ANN, BOB), complainedRecipients=[])
    assert told(of_two).told() == set()


@pytest.mark.parametrize("order", ["complaint first", "not-spam first"])
@pytest.mark.parametrize("feedback_id", ["feedback-1", "feedback-2"], ids=["same report", "another report"])
def test_a_complaint_that_was_taken_back_does_not_stay_in_either_order(order: str, feedback_id: str) -> None:
    news = [complained(), complained(feedback_id=feedback_id, complaintFeedbackType="not-spam")]
    memory = told(*(news if order == "complaint first" else reversed(news)))
    assert memory.told() == set()
    for payload in news * 2:
        memory.tell(mail_of(payload))
    assert memory.told() == set()


def test_taking_one_complaint_back_leaves_the_other_mails_and_the_other_recipients() -> None:
    other = builders.complaint(builders.mail("m2", ANN), "feedback-9")
    back = complained(complaintFeedbackType="not-spam", feedback_id="back")
    assert told(complained(), other, back).told() == {(ANN, *AT_DOMAIN, "complaint")}
    both = builders.mail("m1", ANN, BOB)
    bobs = builders.complaint(both, "b", complainedRecipients=[{"emailAddress": BOB}])
    anns = builders.complaint(both, "a", complainedRecipients=[{"emailAddress": ANN}])
    assert told(anns, bobs, back | {"mail": both}).told() == {(BOB, *AT_DOMAIN, "complaint")}


def test_an_entry_shows_the_cause_that_holds_longest() -> None:
    memory = told(bounced("General"), complained())
    [(entry, causes)] = memory.entries.values()
    assert [cause.reason for cause in causes] == [Reason.COMPLAINT, Reason.BOUNCE]
    assert (causes[0].expires_at, causes[1].expires_at) == (None, BOUNCED_AT + timedelta(days=180))
    assert causes[0].source == {"mail": "m1", "event": "complained", "feedbackId": "feedback-1"}
    assert causes[1].source == {"mail": "m1", "event": "bounced", "subtype": "General"}
    assert entry.id != entries_of(mail_of(bounced("NoEmail")))[0].id


def test_every_reason_has_its_lifetime() -> None:
    assert set(LIFETIME) == set(Reason)


def test_a_person_who_removed_an_entry_sees_it_again_only_by_another_mail() -> None:
    memory = told(bounced("General"), complained())
    memory.entries.clear()
    for payload in (bounced("General"), complained(), builders.by_notification(bounced("General"))):
        memory.tell(mail_of(payload))
    assert memory.told() == set()
    memory.tell(mail_of(builders.bounce(builders.mail("m2", ANN))))
    assert memory.told() == {(ANN, *AT_DOMAIN, "bounce")}


def test_another_time_of_the_same_bounce_moves_its_end_but_brings_nothing_back() -> None:
    early = bounced("General")
    early["bounce"] = early["bounce"] | {"timestamp": "2026-03-10T09:00:01.000Z"}
    ends = {
        causes[0].expires_at
        for news in ([early, bounced("General")], [bounced("General"), early])
        for _, causes in told(*news).entries.values()
    }
    assert ends == {BOUNCED_AT - timedelta(seconds=4) + LIFETIME[Reason.BOUNCE]}
    memory = told(bounced("General"))
    memory.entries.clear()
    memory.tell(mail_of(early))
    assert memory.told() == set()


def test_an_address_that_bounces_without_end_keeps_a_few_causes() -> None:
    many = told(*(builders.bounce(builders.mail(f"m{number}", ANN)) for number in range(CAUSES + 5)))
    [(_, causes)] = many.entries.values()
    assert len(causes) == CAUSES


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "out of order"])
def test_changes_of_several_commits_may_be_put_together_in_any_order(turned: bool) -> None:
    complaint, back = mail_of(complained()), mail_of(complained(feedback_id="b", complaintFeedbackType="not-spam"))
    early = bounced("General")
    early["bounce"] = early["bounce"] | {"timestamp": "2026-03-10T09:00:01.000Z"}
    first = mail_of(bounced("General"))
    earlier = first.joined(mail_of(early))
    commits = [
        changes((None, complaint)),
        changes((complaint, complaint.joined(back))),
        changes((None, first)),
        changes((first, earlier)),
    ]
    ordered = list(reversed(commits)) if turned else commits
    memory = MemoryList()
    memory.apply(
        Changes(
            tuple(entry for one in ordered for entry in one.add),
            tuple(entry for one in ordered for entry in one.lift),
            tuple(entry for one in ordered for entry in one.restated),
        )
    )
    [(_, causes)] = memory.entries.values()
    assert [(cause.reason, cause.at) for cause in causes] == [(Reason.BOUNCE, BOUNCED_AT - timedelta(seconds=4))]


# -- any order, any duplication


def mails_of(payloads: Iterable[dict[str, Any]]) -> list[Mail]:
    source = "arn:aws:sns:eu-north-1:123456789012:ses"
    now = TODAY.replace(hour=23)
    found = [accept(Source(source, "id", json.dumps(one)), now, timedelta(days=30)).mail for one in payloads]
    return [mail for mail in found if mail is not None]


def listed(mails: Iterable[Mail]) -> dict[str, tuple[Cause, ...]]:
    memory = MemoryList()
    for mail in mails:
        memory.tell(mail)
    return {identity: causes for identity, (_, causes) in memory.entries.items()}


@PATIENT
@given(data=st.data())
def test_any_order_and_any_duplication_gives_the_same_list(data: st.DataObject) -> None:
    payloads = data.draw(history())
    disturbed = data.draw(permutations_with_duplicates(payloads))
    assert listed(mails_of(disturbed)) == listed(mails_of(payloads))


@PATIENT
@given(data=st.data())
def test_the_list_is_what_the_united_mails_say(data: st.DataObject) -> None:
    payloads = data.draw(history())
    united: dict[str, Mail] = {}
    for mail in mails_of(payloads):
        united[mail.id] = united[mail.id].joined(mail) if mail.id in united else mail
    expected: dict[str, set[Cause]] = {}
    for mail in united.values():
        for entry in entries_of(mail):
            expected.setdefault(entry.id, set()).add(entry.cause)
    assert {identity: set(causes) for identity, causes in listed(mails_of(payloads)).items()} == expected


FEW = [
    bounced("General"),
    bounced("NoEmail"),
    complained(),
    complained(feedback_id="back", complaintFeedbackType="not-spam"),
    builders.complaint(builders.mail("m2", ANN), "other"),
    builders.by_notification(bounced("General")),
    builders.send(builders.mail("m1", ANN)),
]


@PATIENT
@given(st.permutations(FEW))
def test_bounces_complaints_and_those_taken_back_in_any_order(payloads: list[dict[str, Any]]) -> None:
    memory = told(*payloads)
    assert memory.told() == {(ANN, *AT_DOMAIN, "complaint"), (ANN, *AT_ALL, "bounce")}


# -- what a person enters


def test_a_person_enters_for_everybody_an_owner_or_a_domain() -> None:
    places = [
        (entry.scope, entry.where)
        for entry in (
            entered(NewEntry(address=ANN), "ops", NOW),
            entered(NewEntry(address=ANN, owner="acme"), "ops", NOW),
            entered(NewEntry(address=ANN, domain="Example.COM."), "ops", NOW),
        )
    ]
    assert places == [(Scope.ACCOUNT, ""), (Scope.OWNER, "acme"), (Scope.DOMAIN, "example.com")]


def test_an_address_stays_as_it_was_given_and_compares_in_lower_case() -> None:
    entry = entered(NewEntry(address=" Ann@Example.COM "), "ops", NOW)
    assert (entry.address, entry.key) == ("Ann@Example.COM", "ann@example.com")
    assert entry.id == entered(NewEntry(address="ann@example.com"), "dev", NOW).id


def test_the_entries_of_one_address_have_ids_of_their_own_that_begin_alike() -> None:
    places = ({}, {"domain": "acme.example"}, {"owner": "acme.example"}, {"domain": "example.com"})
    ids = {entered(NewEntry(address=ANN, **place), "ops", NOW).id for place in places}
    assert len(ids) == len(places)
    assert {identity.partition("-")[0] for identity in ids} == {digest(ANN)}
    assert not entered(NewEntry(address=BOB), "ops", NOW).id.startswith(digest(ANN))


def test_entering_the_same_again_changes_nothing_and_another_wish_takes_its_place() -> None:
    first = entered(NewEntry(address=ANN), "ops", NOW).cause
    again = entered(NewEntry(address=ANN), "dev", NOW + timedelta(days=1))
    assert settled([first], Changes(add=(again,))) == (first,)
    other = entered(NewEntry(address=ANN, reason="unsubscribe"), "dev", NOW)
    assert settled([first], Changes(add=(other,))) == (other.cause,)


WRONG = [
    pytest.param({"address": "ann"}, "address", id="no address"),
    pytest.param({"address": ""}, "address", id="nothing"),
    pytest.param({"address": "Ann <ann@example.com>"}, "address", id="with a name"),
    pytest.param({"address": "ann@example"}, "address", id="a bare host"),
    pytest.param({"address": "ann@exa mple.com"}, "address", id="a blank"),
    pytest.param({"address": "ann@example.com, bob@example.com"}, "address", id="two"),
    pytest.param({"address": "änn@example.com"}, "address", id="SES takes no such letter"),
    pytest.param({"address": "ann@bücher.example"}, "address", id="a domain in Unicode"),
    pytest.param({"address": f"{'a' * 65}@example.com"}, "address", id="too long before the @"),
    pytest.param({"address": f"a@{'a.' * 130}com"}, "address", id="too long a domain"),
    pytest.param({"address": "ann@example.com\r\nBcc: eve@example.com"}, "address", id="a header"),
    pytest.param({"address": ANN, "reason": "spite"}, "reason", id="no such reason"),
    pytest.param({"address": ANN, "domain": "a b"}, "domain", id="no domain"),
    pytest.param({"address": ANN, "owner": "a b"}, "owner", id="no owner"),
    pytest.param({"address": ANN, "owner": "acme", "domain": "example.com"}, "owner", id="both"),
    pytest.param({"address": ANN, "note": "x" * 501}, "note", id="a long note"),
    pytest.param({"address": ANN, "note": "a\nb"}, "note", id="two lines"),
    pytest.param({"address": ANN, "expires_at": NOW}, "expiresAt", id="over already"),
    pytest.param({"address": ANN, "expires_at": NOW.replace(tzinfo=None)}, "expiresAt", id="no offset"),
]


@pytest.mark.parametrize(("given", "field"), WRONG)
def test_what_is_wrong_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        entered(NewEntry(**given), "ops", NOW)
    assert caught.value.field == field


@PATIENT
@given(st.text(max_size=400))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(Invalid):
        assert "@" in checked_address(text)
