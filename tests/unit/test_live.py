"""What a live trial's observations come to: the verdict, without any network."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from webhook.domain.findings import Code, Finding
from webhook.domain.live import (
    WORDS,
    Counted,
    Evidence,
    Heard,
    Link,
    Mailbox,
    Passage,
    Refusal,
    Sender,
    State,
    Verdict,
    expected,
    hops,
    judged,
    note_of,
)
from webhook.domain.live.links import LINK_OF, breaking
from webhook.domain.live.refusals import REFUSALS
from webhook.domain.mail import Kind
from webhook.errors import AwsError, begun_small

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
RUN = "sentinel-3f9a01"


def passages(*without: Kind, none: bool = False) -> tuple[Passage, ...]:
    """The four mails, of which everything is known but these kinds."""
    made = []
    for mailbox in Mailbox:
        due = expected(mailbox, by_set=True)
        missing = due if none else tuple(kind for kind in due if kind in without)
        heard = tuple(Heard(kind, NOW, 1.5) for kind in due if kind not in missing)
        made.append(
            Passage(
                mailbox=mailbox,
                address=mailbox.address(RUN),
                waits_for=missing,
                message_id=f"mail-{mailbox}",
                took=0.08,
                heard=heard,
                told=bool(heard),
            )
        )
    return tuple(made)


def verdict(*found: Finding, lacking: tuple[Kind, ...] | None = None, **given: Any) -> Verdict:
    """Of mails of which nothing is known, or all but what is lacking."""
    passed = passages(none=True) if lacking is None else passages(*lacking)
    return judged(Evidence(passages=passed, waited=120, findings=found, **given))


def finding(code: Code, sentence: str = "It is so.") -> Finding:
    return Finding(code, sentence, "mend it")


def test_the_address_of_a_run_is_its_own() -> None:
    assert Mailbox.BOUNCE.address(RUN) == f"bounce+{RUN}@simulator.amazonses.com"


def test_only_configuration_sets_tell_of_sending() -> None:
    assert expected(Mailbox.SUCCESS, by_set=True) == (Kind.SENT, Kind.DELIVERED)
    assert expected(Mailbox.SUCCESS, by_set=False) == (Kind.DELIVERED,)


def test_it_works_when_everything_is_known() -> None:
    told = verdict(lacking=())
    assert told.works
    assert told.sentence.startswith("The chain works: 4 mails, 9 events, the last of them here 1.5 s after")


def test_a_dead_worker_is_found_though_everything_is_known() -> None:
    told = verdict(lacking=(), posted=False)
    assert (told.works, told.link) == (False, Link.WORKER)


def test_a_dead_worker_is_to_blame_where_it_takes_messages_from_queues() -> None:
    assert verdict(posted=False, by_queue=True).link is Link.WORKER
    assert verdict(posted=False).link is Link.UNKNOWN


def test_what_ses_says_comes_first() -> None:
    told = verdict(
        refused=Refusal("aws_access_denied", "AWS does not allow ses:SendEmail.", "Add it."), database="gone"
    )
    assert (told.link, told.sentence, told.fix) == (
        Link.SENDING,
        "SES did not take the mail: AWS does not allow ses:SendEmail.",
        "Add it",
    )


def test_a_sender_that_is_not_verified_is_not_told_to_leave_the_sandbox() -> None:
    told = verdict(refused=Refusal("aws_sandbox", "not verified", "ask AWS for production access."))
    assert "verification of the domain" in told.fix


def test_a_database_of_ours_that_is_gone_is_named() -> None:
    assert verdict(database="MongoDB does not answer").link is Link.DATABASE


def test_of_several_findings_the_first_of_the_chain_is_named() -> None:
    told = verdict(finding(Code.NOT_ANSWERING), finding(Code.UNCONFIRMED), finding(Code.SES_SHUT_OUT))
    assert (told.link, told.code) == (Link.TOPIC, Code.SES_SHUT_OUT)


def test_findings_that_keep_nothing_from_us_are_passed_by() -> None:
    told = verdict(finding(Code.METRICS_OFF), finding(Code.NO_DEAD_LETTERS), finding(Code.NOT_HTTPS))
    assert told.link is Link.UNKNOWN


@pytest.mark.parametrize(
    ("code", "sentence", "lacking", "named"),
    [
        (Code.NO_FEEDBACK, "X does not tell of COMPLAINT: never.", Kind.COMPLAINED, True),
        (Code.NO_FEEDBACK, "X does not tell of BOUNCE: never.", Kind.COMPLAINED, False),
        (Code.FEW_TYPES, "X does not tell of DELIVERY, REJECT.", Kind.DELIVERED, True),
        (Code.FEW_TYPES, "X does not tell of DELIVERY_DELAY.", Kind.DELIVERED, False),
        (Code.PARTLY_TOLD, "X don't tell of Complaint.", Kind.COMPLAINED, True),
        (Code.NOT_SUBSCRIBED, "X has no subscription.", Kind.COMPLAINED, False),
        (Code.FILTERED, "X has a filter policy.", Kind.COMPLAINED, True),
    ],
)
def test_where_something_arrived_only_what_keeps_back_the_rest_is_named(
    code: Code, sentence: str, lacking: Kind, *, named: bool
) -> None:
    told = verdict(finding(code, sentence), lacking=(lacking,))
    assert (told.code == code) is named
    assert told.link is (LINK_OF[code] if named else Link.UNKNOWN)


def test_messages_in_quarantine_say_why() -> None:
    first, *rest = passages(none=True)
    aside = Passage(
        mailbox=first.mailbox,
        address=first.address,
        waits_for=first.waits_for,
        message_id=first.message_id,
        set_aside=("defect (KeyError: 'x')",),
    )
    told = judged(Evidence(passages=(aside, *rest), waited=120))
    assert (told.link, "KeyError" in told.sentence) == (Link.READING, True)


@pytest.mark.parametrize("word", REFUSALS)
def test_each_refusal_of_ours_is_told_with_its_status(word: str) -> None:
    told = verdict(answered={"accepted": 5, word: 9})
    assert f"answered {REFUSALS[word].status} ({word})" in told.sentence
    assert told.link is (Link.DATABASE if word == "unavailable" else Link.ADMISSION)


def test_what_was_read_explains_better_than_a_refusal() -> None:
    told = verdict(finding(Code.RAW), answered={"unsigned": 9})
    assert (told.code, told.clues) == (Code.RAW, ("This service answered 403 (unsigned) 9 times meanwhile.",))


def test_a_topic_that_was_refused_is_the_one_that_no_setting_names() -> None:
    told = verdict(finding(Code.NO_DESTINATION, "It publishes to X."), answered={"topic_not_allowed": 9})
    assert (told.link, told.clues) == (Link.ADMISSION, ("It publishes to X.",))


@pytest.mark.parametrize("given", [{"buried": {"dead": 9}}, {"counted": Counted(9, 9)}])
def test_what_could_not_be_delivered_shows_that_sns_does_not_get_here(given: dict[str, Any]) -> None:
    told = verdict(**given)
    assert (told.link, len(told.clues)) == (Link.ENDPOINT, 1)


def test_numbers_of_cloudwatch_that_may_be_late_say_nothing() -> None:
    assert verdict(counted=Counted(0, 0)).clues == ()


def test_what_could_not_be_read_is_told_where_nothing_else_is() -> None:
    told = verdict(finding(Code.DENIED, "AWS does not allow sns:GetTopicAttributes."))
    assert told.link is Link.UNKNOWN
    assert told.clues == ("AWS does not allow sns:GetTopicAttributes.",)
    assert told.fix == "mend it; then run it again"


def test_every_link_has_its_words_and_breaks_a_hop() -> None:
    assert WORDS.keys() == set(Link)
    for link in Link:
        states = [hop.state for hop in hops(passages(none=True), Verdict(works=False, sentence="", link=link))]
        assert states.count(State.BROKEN) == (link is not Link.UNKNOWN)
        assert states == sorted(states, key=[State.OK, State.BROKEN, State.UNKNOWN].index)


def test_the_hops_tell_how_far_the_mails_came() -> None:
    told = [hop.told for hop in hops(passages(Kind.COMPLAINED), Verdict(works=True, sentence=""))]
    assert told == [
        "4 of 4 mails, 80 ms at most",
        "8 of 9 events, the last dated 12:00:00 UTC by SES",
        "8 of 9 events, the last after 1.5 s",
        "bounced, delivered, sent",
        "4 of 4 stories; mail to the simulator counts nowhere",
    ]


def told_of(link: Link, *, sent: bool = True, aside: bool = False, blind: bool = False) -> list[str]:
    """The hops of mails that nothing was heard of."""
    mails = [
        replace(one, message_id=one.message_id if sent else "", set_aside=("misrouted",) if aside else ())
        for one in passages(none=True)
    ]
    told = hops(mails, Verdict(works=False, sentence="", link=link, blind=blind))
    return [f"{hop.state} {hop.told}" for hop in told]


def test_what_was_not_reached_is_not_told_in_numbers() -> None:
    assert told_of(Link.SENDING, sent=False) == ["broken 0 of 4 mails", *["unknown not reached"] * 4]
    assert told_of(Link.EVENTS)[1:] == ["broken 0 of 9 events", *["unknown not reached"] * 3]


def test_where_nobody_may_send_no_mail_is_counted() -> None:
    told = hops((), Verdict(works=False, sentence="", link=Link.SENDING))
    assert [hop.told for hop in told] == ["none was sent", *["not reached"] * 4]


def test_a_hop_that_works_but_shows_nothing_says_so() -> None:
    silent = "ok nothing came, but nothing is wrong there"
    assert told_of(Link.SUBSCRIPTION)[1:3] == [silent, "broken 0 of 9 events"]
    assert told_of(Link.DATABASE)[1:3] == [silent, "ok nothing is kept, but nothing is wrong there"]
    assert told_of(Link.READING, aside=True)[1:3] == ["ok all that came is in quarantine"] * 2


def test_where_nothing_is_wrong_the_numbers_are_told() -> None:
    assert told_of(Link.UNKNOWN)[1:3] == ["unknown 0 of 9 events"] * 2


def test_without_our_database_nobody_knows_what_works_before_it() -> None:
    told = judged(Evidence(passages=passages(none=True), waited=1, database="MongoDB does not answer"))
    assert told.blind
    states = [hop.state for hop in hops(passages(none=True), told)]
    assert states == [State.OK, State.UNKNOWN, State.UNKNOWN, State.BROKEN, State.UNKNOWN]


@pytest.mark.parametrize(
    ("sentence", "begun"),
    [
        ("Set it.", "set it."),
        ("A limit is reached.", "a limit is reached."),
        ("AWS_SDK_REGION is wrong.", "AWS_SDK_REGION is wrong."),
        ("SES has it.", "SES has it."),
        ("EventBridge has it.", "EventBridge has it."),
        ("", ""),
    ],
)
def test_behind_a_colon_a_sentence_begins_small(sentence: str, begun: str) -> None:
    assert begun_small(sentence) == begun


@pytest.mark.parametrize(("hint", "line"), [("Set it.", "It is unset: set it."), ("", "It is unset")])
def test_an_error_of_aws_is_one_line(hint: str, line: str) -> None:
    assert str(AwsError("aws_no_region", "It is unset", hint, retryable=False)) == line


def test_a_finding_of_the_rest_of_the_chain_is_none_of_this_mail() -> None:
    assert breaking([finding(Code.NO_SES_RULE), finding(Code.NOT_IN_SES)], {Kind.SENT}, silent=True) == []


def test_a_sender_without_a_default_set_is_noted_only_if_that_is_known() -> None:
    sender = Sender(identity="example.com", region="eu-north-1", configuration_set="common")
    assert "no default configuration set" in note_of(sender)
    assert note_of(Sender(identity="example.com", region="eu-north-1", configuration_set="common", known=False)) == ""


def test_an_address_that_is_an_identity_sends_itself() -> None:
    assert Sender(identity="shop@example.com", region="eu-north-1").address == "shop@example.com"
