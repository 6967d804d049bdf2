"""GET /api/costs: what mail costs, to each what is his."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from tests.telling import NOW, Teller, payload

pytestmark = pytest.mark.mongo
MONTH = f"{NOW:%Y-%m}"


@pytest.fixture(autouse=True)
def _mail(teller: Teller, database: Database[dict[str, Any]]) -> None:
    for number, domain in enumerate(("a.example", "a.example", "b.example", "rival.example")):
        teller.tell(payload("Send", f"m{number}", "ann@gmail.com", "bob@gmail.com", domain=domain))
    teller.post()
    for domain, owner in (("a.example", "acme"), ("b.example", "acme"), ("rival.example", "umbrella")):
        database.emaildomains.update_one({"domain": domain}, {"$set": {"owner": owner}})


def test_it_tells_dollars_by_domain_and_owner(client: FlaskClient) -> None:
    told = client.get(f"/api/costs?month={MONTH}").json
    assert told is not None
    assert (told["month"], told["soFar"], told["currency"], told["amount"]) == (MONTH, True, "USD", "0.0008")
    assert [(one["domain"], one["owner"], one["recipients"], one["amount"], one["share"]) for one in told["items"]] == [
        ("a.example", "acme", 4, "0.0004", 0.5),
        ("b.example", "acme", 2, "0.0002", 0.25),
        ("rival.example", "umbrella", 2, "0.0002", 0.25),
    ]
    assert [(one["owner"], one["amount"]) for one in told["owners"]] == [("acme", "0.0006"), ("umbrella", "0.0002")]
    [price] = told["prices"]
    assert (price["perThousand"], price["plan"], price["region"]) == ("0.10", "a-la-carte", "eu-north-1")


def test_this_month_is_told_without_a_month(client: FlaskClient) -> None:
    assert client.get("/api/costs").json == client.get(f"/api/costs?month={MONTH}").json


def test_an_owner_is_told_of_his_own_only(client: FlaskClient, bearing: Callable[..., dict[str, str]]) -> None:
    response = client.get("/api/costs", headers=bearing("acme-token", "acme"))
    told = response.json
    assert told is not None
    assert {one["domain"] for one in told["items"]} == {"a.example", "b.example"}
    assert (told["amount"], told["free"]) == ("0.0006", None)
    assert "umbrella" not in response.text
    assert "rival" not in response.text


def test_it_comes_page_by_page(client: FlaskClient) -> None:
    first = client.get("/api/costs?limit=2").json
    assert first is not None
    rest = client.get(f"/api/costs?limit=2&cursor={first['nextCursor']}").json
    assert rest is not None
    assert [one["domain"] for one in first["items"] + rest["items"]] == ["a.example", "b.example", "rival.example"]
    assert (rest["nextCursor"], rest["amount"]) == (None, "0.0008")


@pytest.mark.parametrize("month", ["2026", "2026-13", "9999-12", "2001-01"])
def test_a_month_that_cannot_be_told_is_refused(client: FlaskClient, month: str) -> None:
    response = client.get(f"/api/costs?month={month}")
    assert (response.status_code, (response.json or {})["parameter"]) == (400, "month")
