"""Gaps, readings and shares by the API: what everybody sees, and what an owner does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from msgspec import convert

from tests.telling import NOW, Teller
from webhook.adapters.mongo.gaps import GapBook
from webhook.adapters.mongo.readings import Readings
from webhook.domain.figures import Measure, Source
from webhook.domain.gaps import Reason, Row, Span, State
from webhook.domain.gaps_told import Findings, totals
from webhook.web.api.gaps import GapPage, ReadingPage, SharePage

pytestmark = pytest.mark.mongo
Headers = dict[str, str]

DAYS = [NOW.date() - timedelta(days=back) for back in (3, 2)]
AT = NOW.replace(hour=10, minute=15, second=0) - timedelta(days=3)


def gap(domain: str | None, number: int = 0) -> Row:
    spans = () if domain else (Span(AT, AT + timedelta(minutes=30), 4),)
    return Row(DAYS[number], domain, Measure.BOUNCE, 6, 0, 1, 10, 4, State.MISSING, Reason.LOST, spans)


@pytest.fixture
def found(teller: Teller) -> Teller:
    """A comparison found something of two domains, one of which has an owner, and of the account."""
    book = GapBook(teller.db)
    rows = [gap("own.example"), gap("own.example", 1), gap("rival.example")]
    book.note(rows, ["own.example", "rival.example"], DAYS, NOW)
    book.note([gap(None)], [], DAYS, NOW)
    summed = totals(Source.VDM, rows)
    book.finish(Findings(Source.VDM, str(DAYS[0]), str(DAYS[1]), NOW, 2, tuple(rows), summed, 7), full=True)
    teller.db.emaildomains.insert_one({"domain": "own.example", "owner": "acme", "maxAccounts": 1})
    return teller


@pytest.mark.usefixtures("found")
def test_gaps_are_told_newest_first_with_the_comparison(client: FlaskClient) -> None:
    told = client.get("/api/gaps").get_json()
    convert(told, GapPage)
    assert [(item["day"], item["domain"]) for item in told["items"]] == [
        (str(DAYS[1]), "own.example"),
        (str(DAYS[0]), None),
        (str(DAYS[0]), "own.example"),
        (str(DAYS[0]), "rival.example"),
    ]
    assert (told["source"], told["from"], told["missing"], told["equal"]) == ("vdm", str(DAYS[0]), 12, 7)
    account = told["items"][1]
    assert "4 bounces missing between 10:15 and 10:45" in account["sentence"]
    assert "--repair" in account["advice"]


@pytest.mark.usefixtures("found")
def test_they_are_narrowed_down_and_paged(client: FlaskClient) -> None:
    of_one = client.get("/api/gaps?domain=Rival.example").get_json()["items"]
    assert [item["domain"] for item in of_one] == ["rival.example"]
    since = client.get(f"/api/gaps?since={DAYS[1]}").get_json()["items"]
    assert [item["day"] for item in since] == [str(DAYS[1])]
    first = client.get("/api/gaps?limit=3").get_json()
    rest = client.get(f"/api/gaps?limit=3&cursor={first['nextCursor']}").get_json()
    assert (len(first["items"]), len(rest["items"]), rest["nextCursor"]) == (3, 1, None)


def test_an_owner_sees_his_domains_only_and_no_sums(
    client: FlaskClient, found: Teller, bearing: Callable[..., Headers]
) -> None:
    his = bearing("his", owner="acme")
    told = client.get("/api/gaps", headers=his).get_json()
    convert(told, GapPage)
    assert {item["domain"] for item in told["items"]} == {"own.example"}
    assert "totals" not in told
    assert client.get("/api/gaps?domain=rival.example", headers=his).get_json()["items"] == []
    found.db.emaildomains.update_one({"domain": "own.example"}, {"$set": {"ownedSince": AT}})
    since = client.get("/api/gaps", headers=his).get_json()["items"]
    assert [item["day"] for item in since] == [str(DAYS[1])]


@pytest.mark.usefixtures("teller")
def test_before_the_first_comparison_there_is_nothing_and_it_says_so(client: FlaskClient) -> None:
    told = client.get("/api/gaps").get_json()
    convert(told, GapPage)
    assert (told["items"], told["checkedAt"], told["source"]) == ([], None, None)


def test_readings_are_a_series(client: FlaskClient, teller: Teller) -> None:
    series = Readings(teller.db)
    slots = [NOW - timedelta(minutes=15 * number) for number in range(3)]
    for number, slot in enumerate(slots):
        assert series.claim(slot)
        series.keep(slot, {"at": slot, "bounceRate": 0.01 * number, "complaintRate": None, "problem": None})
    assert not series.claim(slots[0])
    told = client.get("/api/aws-ses/readings?limit=2").get_json()
    convert(told, ReadingPage)
    assert [item["bounceRate"] for item in told["items"]] == [0.0, 0.01]
    rest = client.get(f"/api/aws-ses/readings?limit=2&cursor={told['nextCursor']}").get_json()
    assert [item["bounceRate"] for item in rest["items"]] == [0.02]
    assert len(client.get("/api/aws-ses/readings?since=20m").get_json()["items"]) == 2


def test_shares_say_whom_the_account_owes_its_rates_to(
    client: FlaskClient, teller: Teller, bearing: Callable[..., Headers]
) -> None:
    teller.traffic("own.example", sent=99, bounces=9)
    teller.traffic("rival.example", sent=300, bounces=1, complaints=1)
    teller.db.emaildomains.update_one({"domain": "own.example"}, {"$set": {"owner": "acme"}})
    series = Readings(teller.db)
    series.claim(NOW)
    series.keep(NOW, {"at": NOW, "bounceRate": 0.03, "complaintRate": 0.001, "problem": None})
    told = client.get("/api/aws-ses/shares").get_json()
    convert(told, SharePage)
    assert [item["domain"] for item in told["items"]] == ["rival.example", "own.example"]
    assert [item["bounceShare"] for item in told["items"]] == [0.1, 0.9]
    assert told["items"][1]["status"] == "insufficient_data"
    account = told["account"]
    assert (account["sent"], account["bounces"], account["awsBounceRate"]) == (399, 10, 0.03)
    his = client.get("/api/aws-ses/shares", headers=bearing("his", owner="acme")).get_json()
    assert [item["domain"] for item in his["items"]] == ["own.example"]
    assert client.get("/api/aws-ses/shares?since=2026-01-01&limit=1").get_json()["from"] == "2026-01-01"
