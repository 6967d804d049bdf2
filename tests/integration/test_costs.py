"""What domains sent, added up in a real MongoDB; and the command that tells what it costs."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pymongo.database import Database

from tests.integration.conftest import Run
from tests.telling import NOW, Teller, payload
from webhook.adapters.mongo.costs import Spendings
from webhook.config import Settings

pytestmark = pytest.mark.mongo
MARCH, LAST, MIDDLE = date(2026, 3, 1), date(2026, 3, 31), date(2026, 3, 16)
MONTH = f"{NOW:%Y-%m}"

Put = Callable[..., None]


@pytest.fixture
def spendings(database: Database[dict[str, Any]]) -> Spendings:
    return Spendings(database)


@pytest.fixture
def put(database: Database[dict[str, Any]]) -> Put:
    """Counters of a day, as posting writes them."""

    def put(domain: str, day: str, **counters: int) -> None:
        names = {name.replace("__", "/"): count for name, count in counters.items()}
        database.counters.insert_one({"_id": f"{domain}/{day}", "domain": domain, "day": day, "n": names})

    return put


@pytest.fixture
def teller(database: Database[dict[str, Any]], mongodb_uri: str) -> Teller:
    return Teller(database, Settings(mongodb_uri=mongodb_uri))


def of(found: list[Any]) -> list[tuple[Any, ...]]:
    return sorted((one.domain, one.owner or "", one.since, one.sent, one.held, one.region) for one in found)


def test_a_month_is_added_up_by_domain(spendings: Spendings, put: Put) -> None:
    put("a.example", "2026-02-28", sent=1000)
    put("a.example", "2026-03-01", sent=10, held=1, delivered=9)
    put("a.example", "2026-03-31", sent=20, opens=3)
    put("a.example", "2026-04-01", sent=1000)
    put("b.example", "2026-03-15", held=2)
    assert of(spendings.between(MARCH, LAST, [MARCH], "eu-north-1")) == [
        ("a.example", "", MARCH, 30, 1, "eu-north-1"),
        ("b.example", "", MARCH, 0, 2, "eu-north-1"),
    ]


def test_each_period_is_added_up_by_itself(spendings: Spendings, put: Put) -> None:
    for day in ("2026-03-01", "2026-03-15", "2026-03-16", "2026-03-31"):
        put("a.example", day, sent=1)
    later = date(2026, 3, 31)
    assert of(spendings.between(MARCH, LAST, [MARCH, MIDDLE, later], "")) == [
        ("a.example", "", MARCH, 2, 0, ""),
        ("a.example", "", MIDDLE, 1, 0, ""),
        ("a.example", "", later, 1, 0, ""),
    ]


def test_a_domain_has_its_owner_and_its_region(
    spendings: Spendings, put: Put, database: Database[dict[str, Any]]
) -> None:
    put("a.example", "2026-03-02", sent=5)
    put("b.example", "2026-03-02", sent=6)
    database.emaildomains.insert_many(
        [
            {"domain": "a.example", "owner": "acme", "awsSes": {"region": "us-east-1"}},
            # What the platform wrote may look like anything.
            {"domain": "b.example", "owner": {"$gt": 1}, "awsSes": "none", "ownedSince": "long ago"},
            {"domain": 7, "owner": "acme"},
        ]
    )
    assert of(spendings.between(MARCH, LAST, [MARCH], "eu-north-1")) == [
        ("a.example", "acme", MARCH, 5, 0, "us-east-1"),
        ("b.example", "", MARCH, 6, 0, "eu-north-1"),
    ]


def test_what_was_sent_before_a_domain_came_to_its_owner_is_not_his(
    spendings: Spendings, put: Put, database: Database[dict[str, Any]]
) -> None:
    for day in ("2026-03-09", "2026-03-10", "2026-03-11", "2026-03-20"):
        put("a.example", day, sent=1)
    came = datetime(2026, 3, 10, 12, tzinfo=UTC)
    database.emaildomains.insert_one({"domain": "a.example", "owner": "acme", "ownedSince": came})
    found = spendings.between(MARCH, LAST, [MARCH, MIDDLE], "")
    assert sum(one.sent for one in found if one.owner == "acme" and one.since == MARCH) == 1
    assert sum(one.sent for one in found if one.owner == "acme" and one.since == MIDDLE) == 1
    assert sum(one.sent for one in found if one.owner is None) == 2


def test_a_domain_of_which_only_bounces_are_heard_is_not_whole(
    spendings: Spendings, put: Put, database: Database[dict[str, Any]]
) -> None:
    database.wirings.insert_one({"_id": "set:full", "kinds": ["Bounce", "Send"]})
    put("blind.example", "2026-03-02", sent=1, bounces=1, **{"blind__set:bounces__sent": 1})
    put("seen.example", "2026-03-02", sent=1, bounces=1, **{"blind__set:bounces|set:full__sent": 1})
    put("delivering.example", "2026-03-02", sent=2, delivered=1, **{"blind__set:bounces__sent": 1})
    put("corrected.example", "2026-03-02", sent=1, **{"blind__set:bounces__sent": 0})
    found = {one.domain: one.whole for one in spendings.between(MARCH, LAST, [MARCH], "")}
    assert found == {
        "blind.example": False,
        "seen.example": True,
        "delivering.example": True,
        "corrected.example": True,
    }


def test_what_messages_told_is_what_is_charged(teller: Teller, spendings: Spendings) -> None:
    held = {"bounceSubType": "OnAccountSuppressionList"}
    teller.tell(
        payload("Send", "m1", "ann@gmail.com", "bob@gmail.com"),
        payload("Bounce", "m1", "bob@gmail.com", **held),
        payload("Send", "m2", "success@simulator.amazonses.com"),
        payload("Delivery", "m3", domain="other.example"),
    )
    teller.post()
    first = NOW.date().replace(day=1)
    found = spendings.between(first, NOW.date(), [first], "")
    assert {one.domain: (one.sent, one.held, one.recipients) for one in found if one.recipients} == {
        "example.com": (1, 1, 2),
        "other.example": (1, 0, 1),
    }


class TestCommand:
    @pytest.fixture(autouse=True)
    def _mail(self, teller: Teller, database: Database[dict[str, Any]]) -> None:
        for number in range(30):
            teller.tell(payload("Send", f"m{number}", "ann@gmail.com", "bob@gmail.com"))
        teller.tell(payload("Send", "other", domain="other.example"))
        teller.post()
        database.emaildomains.update_one({"domain": "other.example"}, {"$set": {"owner": "acme"}})

    def test_it_tells_domains_owners_and_the_price(self, run: Run) -> None:
        code, out, _ = run("costs", "--month", MONTH)
        assert code == 0
        lines = [" ".join(line.split()) for line in out.splitlines()]
        assert lines[0].startswith(f"Mail of {MONTH}, so far (01 to ")
        assert lines[2:6] == [
            "DOMAIN OWNER RECIPIENTS HELD BACK DOLLARS SHARE",
            "example.com (none) 60 0 0.0060 98.4 %",
            "other.example acme 1 0 0.0001 1.6 %",
            "total 61 0 0.0061 100.0 %",
        ]
        assert "acme 1 1 0 0.0001 1.6 %" in lines
        assert any("0.10 for 1,000 recipients (plan a-la-carte, price since 2020-01-01)." in line for line in lines)
        assert "Prices stand in webhook/prices.toml; to change them, set PRICES_FILE to a copy of your own." in lines

    def test_numbers_stand_to_the_right(self, run: Run) -> None:
        _, out, _ = run("costs")
        heading, first, second = out.splitlines()[2:5]
        end = heading.index("RECIPIENTS") + len("RECIPIENTS")
        assert (first[:end].split()[-1], second[:end].split()[-1]) == ("60", "1")

    def test_json_is_what_the_api_gives(self, run: Run) -> None:
        code, out, _ = run("costs", "--json", "--owner", "acme")
        told = json.loads(out)
        assert (code, told["month"], told["amount"], told["currency"]) == (0, MONTH, "0.0001", "USD")
        assert [(one["domain"], Decimal(one["amount"])) for one in told["items"]] == [
            ("other.example", Decimal("0.0001"))
        ]

    def test_one_domain(self, run: Run) -> None:
        assert run("costs", "--domain", "Other.example")[0] == 0
        code, _, err = run("costs", "--domain", "none.example")
        assert (code, err.strip()) == (1, f"none.example sent nothing in {MONTH}: look at its name and the month")

    def test_a_month_that_is_none_is_a_mistake_of_use(self, run: Run) -> None:
        code, _, err = run("costs", "--month", "spring")
        assert code == 2
        assert "--month must be a month, as in 2026-03: Give YYYY-MM." in err

    def test_prices_of_ones_own(self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        file = tmp_path / "ours.toml"
        file.write_text(
            '[[account]]\nplan = "ours"\nvalid_from = 2020-01-01\n'
            '[[price]]\nplan = "ours"\nvalid_from = 2020-01-01\nper_thousand = 1\n'
        )
        monkeypatch.setenv("PRICES_FILE", str(file))
        told = json.loads(run("costs", "--json")[1])
        assert (told["amount"], told["priceFile"]) == ("0.0610", str(file))
        file.write_text("")
        code, _, err = run("costs")
        assert code == 1
        assert "PRICES_FILE is no list of prices" in err


def test_an_empty_month(run: Run, database: Database[dict[str, Any]]) -> None:
    code, out, _ = run("costs")
    assert code == 0
    assert "Nothing was sent." in out
    assert database.counters.count_documents({}) == 0


def test_a_list_of_prices_that_is_of_no_use_stops_the_start(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICES_FILE", "nowhere.toml")
    code, out, err = run("indexes")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("PRICES_FILE cannot be read")
