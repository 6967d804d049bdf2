"""Events of a domain, read page by page from a real MongoDB."""

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from tests.telling import NOW, Teller, ago, payload
from webhook.adapters.mongo import events as events_module
from webhook.adapters.mongo.events import Events
from webhook.config import Settings
from webhook.errors import NotFound
from webhook.paging import BadCursor, Item, Wanted, seal

pytestmark = pytest.mark.mongo
ALL = Wanted()


@pytest.fixture
def teller(database: Database[dict[str, Any]]) -> Teller:
    return Teller(database, Settings(sns_topic_arns=(), mongodb_uri="unused"))


@pytest.fixture
def events(teller: Teller) -> Events:
    return Events(teller.db)


def all_rows(
    events: Events, domain: str, wanted: Wanted = ALL, limit: int = 7, between: Callable[[int], object] = lambda _: None
) -> list[Item]:
    """Every page, one after the other; `between` is called with the number of each page after the first."""
    rows: list[Item] = []
    cursor: str | None = ""
    page_number = 0
    while cursor is not None:
        if page_number:
            between(page_number)
        page = events.of_domain(domain, wanted, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        rows += page.items
        cursor = page.next_cursor
        page_number += 1
    return rows


def names(rows: list[Item]) -> list[tuple[str, str, Any]]:
    return [(row["messageId"], row["kind"], row["recipient"]) for row in rows]


def test_pages_of_hundreds_of_equal_times_lose_and_repeat_nothing(teller: Teller, events: Events) -> None:
    many = [f"r{number}@one.example" for number in range(9)]
    for number in range(60):
        teller.tell(
            payload("Send", f"mail-{number:03d}", *many),
            payload("Delivery", f"mail-{number:03d}", *many[:5]),
            payload("Bounce", f"mail-{number:03d}", many[8]),
        )
    rows = all_rows(events, "example.com")
    assert len(rows) == len(set(names(rows))) == 60 * 7
    assert names(rows) == names(all_rows(events, "example.com", limit=500))
    assert [row["messageId"] for row in rows] == sorted((row["messageId"] for row in rows), reverse=True)


def test_mails_come_by_their_newest_happening(teller: Teller, events: Events) -> None:
    teller.tell(
        payload("Send", "old", at=ago(days=2)),
        payload("Send", "new", at=ago(hours=1)),
        payload("Bounce", "old", at=ago(days=2), timestamp=NOW.isoformat()),
    )
    assert names(all_rows(events, "example.com", limit=1)) == [
        ("old", "bounced", "ann@gmail.com"),
        ("old", "sent", "ann@gmail.com"),
        ("new", "sent", "ann@gmail.com"),
    ]


def test_a_mail_that_moves_to_the_front_between_two_of_its_rows_is_told_to_the_end(
    teller: Teller, events: Events
) -> None:
    to = ["a@one.example", "b@one.example", "c@one.example"]
    for mail in ("m1", "m2"):
        teller.tell(payload("Send", mail, *to, at=ago(days=1)), payload("Delivery", mail, *to, at=ago(days=1)))

    def befall(page_number: int) -> None:
        if page_number == 1:
            news = payload("Bounce", "m2", to[0], at=ago(days=1), timestamp=NOW.isoformat())
            teller.tell(news)

    rows = names(all_rows(events, "example.com", limit=2, between=befall))
    assert len(rows) == len(set(rows)) == 8


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param(
            Wanted(kind="bounced"), {("m1", "bounced", "bob@gmx.net"), ("m1", "bounced", "forward@gmx.net")}, id="kind"
        ),
        pytest.param(
            Wanted(recipient="bob@gmx.net"),
            {("m1", "sent", None), ("m1", "bounced", "bob@gmx.net"), ("m2", "sent", "bob@gmx.net")},
            id="recipient, of mails as a whole, too",
        ),
        pytest.param(
            Wanted(kind="complained", recipient="guess@gmx.net"),
            {("m3", "complained", "guess@gmx.net")},
            id="who complained though the mail was not addressed to him",
        ),
        pytest.param(Wanted(recipient="complaint-m3"), set(), id="a feedback id is no recipient"),
        pytest.param(
            Wanted(recipient="forward@gmx.net"),
            {("m1", "bounced", "forward@gmx.net"), ("m1", "sent", None)},
            id="a forwarder's address",
        ),
        pytest.param(Wanted(kind="opened"), set(), id="none of that kind"),
        pytest.param(Wanted(since=ago(hours=1)), {("m2", "sent", "bob@gmx.net")}, id="since"),
        pytest.param(Wanted(kind="preferred"), {("m3", "preferred", "cy@gmail.com")}, id="a preference"),
    ],
)
def test_filters(teller: Teller, events: Events, wanted: Wanted, expected: set[Any]) -> None:
    early = ago(days=1)
    teller.tell(
        payload("Send", "m1", "ann@gmail.com", "bob@gmx.net", at=early),
        payload("Bounce", "m1", "bob@gmx.net", at=early),
        payload("Bounce", "m1", at=early, bouncedRecipients=[{"emailAddress": "forward@gmx.net"}]),
        payload("Send", "m2", "bob@gmx.net"),
        payload("Send", "m3", "cy@gmail.com", at=early),
        payload("Complaint", "m3", "cy@gmail.com", at=early, complainedRecipients=[{"emailAddress": "guess@gmx.net"}]),
        payload("Subscription", "m3", "cy@gmail.com", at=early),
        payload("Send", "elsewhere", "bob@gmx.net", domain="other.example"),
    )
    assert set(names(all_rows(events, "example.com", wanted, limit=1))) == expected


def test_a_rare_kind_is_found_behind_more_mails_than_a_page_looks_at(
    teller: Teller, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "SCANNED", 10)
    teller.tell(*(payload("Send", f"m{number:03d}") for number in range(35)), payload("Bounce", "m000"))
    first = events.of_domain("example.com", Wanted(kind="bounced"))
    assert first.items == []
    assert first.next_cursor is not None
    assert names(all_rows(events, "example.com", Wanted(kind="bounced"))) == [("m000", "bounced", "ann@gmail.com")]
    assert len(all_rows(events, "example.com", limit=500)) == 36


def test_the_question_is_answered_from_its_index(teller: Teller, database: Database[dict[str, Any]]) -> None:
    teller.tell(*(payload("Send", f"m{number}") for number in range(30)))
    teller.tell(*(payload("Send", f"o{number}", domain="other.example") for number in range(30)))
    among = events_module._among("example.com", Wanted(since=ago(days=1)), [NOW, "m20"])
    plan = database.command(
        "explain",
        {
            "aggregate": "mails",
            "pipeline": [{"$match": among}, {"$sort": events_module._ORDER}, {"$limit": 20}],
            "cursor": {},
        },
        verbosity="executionStats",
    )
    stages = str(plan["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in stages
    assert "COLLSCAN" not in stages
    assert "'SORT'" not in stages
    assert plan["executionStats"]["totalKeysExamined"] <= 31


def test_an_unknown_domain_is_not_found_but_a_known_one_may_be_silent(teller: Teller, events: Events) -> None:
    teller.tell(payload("Send", "m1"))
    assert events.of_domain("EXAMPLE.com.", Wanted(kind="bounced")).items == []
    with pytest.raises(NotFound, match=r"nowhere\.example"):
        events.of_domain("nowhere.example", ALL)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        seal(["example.com"]),
        seal(["not a time", "m1", NOW, 0, "", "", "", ""]),
        seal([NOW, 5, NOW, 0, "", "", "", ""]),
        seal(["2026-03-14T12:00:00", "m1", NOW, 0, "", "", "", ""]),
        seal([{"$gt": ""}, "m1", NOW, 0, "", "", "", ""]),
        "[" * 5000,
        "ü",
    ],
    ids=range(9),
)
def test_a_cursor_of_another_list_is_refused(events: Events, cursor: str) -> None:
    with pytest.raises(BadCursor):
        events.of_domain("example.com", ALL, cursor=cursor)


def test_the_story_of_a_mail_is_told_in_order(teller: Teller, events: Events) -> None:
    teller.tell(
        payload("Delivery", "m1", at=ago(hours=2), timestamp=ago(hours=1).isoformat()),
        payload("Complaint", "m1", at=ago(hours=2), timestamp=NOW.isoformat()),
        payload("Send", "m1", at=ago(hours=2)),
    )
    story = events.of_mail("m1")
    assert [event["kind"] for event in story["events"]] == ["sent", "delivered", "complained"]
    assert story["events"][2] == {
        "kind": "complained",
        "at": NOW,
        "messageId": "m1",
        "domain": "example.com",
        "sentAt": ago(hours=2),
        "recipient": "ann@gmail.com",
        "type": "abuse",
        "feedbackId": "complaint-m1",
    }
    assert {key: story[key] for key in ("domain", "recipients", "wirings")} == {
        "domain": "example.com",
        "recipients": ["ann@gmail.com"],
        "wirings": ["set:main"],
    }
    with pytest.raises(NotFound, match="m2"):
        events.of_mail("m2")
