"""What mail costs: by recipient, by the day's price, shared out, and shown so that it adds up."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.adapters.prices import load_prices
from webhook.costs import Costs
from webhook.domain.costs import SHOWN, Usage, bill, rounded
from webhook.domain.prices import PriceList
from webhook.errors import Invalid, Misconfigured, NotFound
from webhook.paging import BadCursor, seal

MARCH, LAST = date(2026, 3, 1), date(2026, 3, 31)
NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)

PLAIN = """
[[account]]
plan = "plain"
valid_from = 2020-01-01

[[price]]
plan = "plain"
valid_from = 2020-01-01
per_thousand = 0.10
"""
#: Beside the plain price: a dearer one from the middle of March on.
RISEN = PLAIN + '[[price]]\nplan = "plain"\nvalid_from = 2026-03-16\nper_thousand = "0.30"\n'
FREE = PLAIN + "[[free]]\nrecipients_per_month = 3000\nfirst = 2026-03-20\nlast = 2027-03-19\n"
VOLUME = PLAIN + 'volume = [{ above = 1000, per_thousand = "0.05" }]\n'


def sent(domain: str, number: int, *, owner: str | None = None, since: date = MARCH, held: int = 0) -> Usage:
    return Usage(domain, owner, "", since, number, held)


def amounts(text: str, *usages: Usage) -> dict[str, str]:
    return {line.domain: str(line.amount) for line in bill(usages, PriceList.from_toml(text), MARCH, LAST).lines}


# -- prices


def test_what_comes_with_this_has_a_price_for_every_day_that_is_counted() -> None:
    price = load_prices().on(date(2025, 1, 1), "eu-north-1")
    assert price is not None
    assert (price.plan, price.per_thousand, price.per_gb) == ("a-la-carte", Decimal("0.10"), Decimal("0.12"))


def test_a_recipient_costs_a_hundredth_of_a_cent() -> None:
    assert amounts(PLAIN, sent("a.example", 1), sent("b.example", 123_456)) == {
        "a.example": "0.0001",
        "b.example": "12.3456",
    }


def test_whom_ses_held_back_is_charged_for() -> None:
    [line] = bill([sent("a.example", 990, held=10)], PriceList.from_toml(PLAIN), MARCH, LAST).lines
    assert (line.recipients, line.held, line.amount) == (1000, 10, Decimal("0.1000"))


def test_each_day_has_the_price_that_was_valid_on_it() -> None:
    prices = PriceList.from_toml(RISEN)
    later = date(2026, 3, 16)
    assert prices.changes(MARCH, LAST) == (MARCH, later)
    assert prices.changes(date(2026, 4, 1), date(2026, 4, 30)) == (date(2026, 4, 1),)
    found = bill([sent("a.example", 1000), sent("a.example", 1000, since=later)], prices, MARCH, LAST)
    assert [line.amount for line in found.lines] == [Decimal("0.4")]
    assert [(charge.first, charge.last, charge.amount) for charge in found.charges] == [
        (MARCH, date(2026, 3, 15), Decimal("0.1")),
        (later, LAST, Decimal("0.3")),
    ]


def test_the_free_ones_are_shared_out_in_proportion() -> None:
    assert amounts(FREE, sent("a.example", 3000), sent("b.example", 1000), sent("c.example", 2000)) == {
        "a.example": "0.1500",
        "b.example": "0.0500",
        "c.example": "0.1000",
    }
    assert amounts(FREE, sent("a.example", 2999)) == {"a.example": "0.0000"}
    assert bill([sent("a.example", 2999)], PriceList.from_toml(FREE), MARCH, LAST).free == 2999


def test_months_without_a_day_of_it_are_not_free() -> None:
    prices = PriceList.from_toml(FREE)
    assert prices.free_between(date(2027, 3, 1), date(2027, 3, 31)) == 3000
    assert prices.free_between(date(2026, 2, 1), date(2026, 2, 28)) == 0
    assert prices.free_between(date(2027, 4, 1), date(2027, 4, 30)) == 0


def test_what_volume_saves_is_shared_out_too() -> None:
    assert amounts(VOLUME, sent("a.example", 1500), sent("b.example", 500)) == {
        "a.example": "0.1125",
        "b.example": "0.0375",
    }


def test_volumes_count_up_through_the_month_for_each_region() -> None:
    text = VOLUME + '[[price]]\nplan = "plain"\nvalid_from = 2026-03-16\nregion = "eu-north-1"\nper_thousand = "1"\n'
    prices, later = PriceList.from_toml(text), date(2026, 3, 16)
    usages = [
        sent("a.example", 800),
        sent("a.example", 800, since=later),
        Usage("b.example", None, "eu-north-1", later, 10),
    ]
    found = bill(usages, prices, MARCH, LAST)
    assert {line.domain: line.amount for line in found.lines} == {
        "a.example": Decimal("0.13"),
        "b.example": Decimal("0.01"),
    }


def test_a_plan_holds_from_its_day_on_and_in_its_region() -> None:
    text = PLAIN + (
        '[[price]]\nplan = "other"\nvalid_from = 2020-01-01\nper_thousand = "9"\n'
        '[[account]]\nplan = "other"\nvalid_from = 2026-03-10\nregion = "us-east-1"\n'
    )
    prices = PriceList.from_toml(text)
    plans = [prices.on(day, region) for day, region in ((MARCH, "us-east-1"), (LAST, "us-east-1"), (LAST, "eu-west-1"))]
    assert [price.plan if price else None for price in plans] == ["plain", "other", "plain"]


def test_a_day_without_a_price_is_no_free_day() -> None:
    prices = PriceList.from_toml(PLAIN.replace("2020-01-01", "2026-03-02"))
    assert bill([], prices, MARCH, LAST).lines == ()
    with pytest.raises(Invalid, match="month: there is no price of 2026-03-01"):
        bill([sent("a.example", 1)], prices, MARCH, LAST)


WRONG = [
    pytest.param("[[price]", "no list of prices", id="no TOML"),
    pytest.param("", "`price`", id="nothing"),
    pytest.param(PLAIN.replace("0.10", "-1"), "must be dollars", id="below nothing"),
    pytest.param(PLAIN.replace("0.10", "nan"), "must be dollars", id="not a number"),
    pytest.param(PLAIN.replace("0.10", '"a lot"'), "per_thousand", id="a word"),
    pytest.param(PLAIN.replace("per_thousand", "per_hundred"), "per_", id="another name"),
    pytest.param(PLAIN.replace("plain", "other", 1), "no \\[\\[price\\]\\]", id="a plan without a price"),
    pytest.param(VOLUME.replace("}]", "}, { above = 10, per_thousand = 1 }]"), "do not rise", id="volumes that fall"),
]


@pytest.mark.parametrize(("text", "told"), WRONG)
def test_a_file_that_is_no_list_of_prices_is_told_of(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(Misconfigured, match=f"PRICES_FILE.*{told}"):
        load_prices(file)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="PRICES_FILE cannot be read \\(No such file or directory\\)"):
        load_prices(tmp_path / "none.toml")


# -- it adds up


@given(st.lists(st.fractions(min_value=0, max_value=10_000), max_size=40))
def test_what_is_shown_adds_up_to_the_sum_that_is_shown(exact: list[Fraction]) -> None:
    shown = rounded(exact)
    total = sum(exact, Fraction(0))
    assert abs(Fraction(sum(shown, Decimal(0))) - total) <= Fraction(SHOWN) / 2
    assert all(abs(Fraction(one) - amount) < Fraction(SHOWN) for one, amount in zip(shown, exact, strict=True))


_USAGES = st.lists(
    st.builds(
        Usage,
        st.sampled_from(["a.example", "b.example", "c.example"]),
        st.sampled_from([None, "acme"]),
        st.sampled_from(["", "eu-north-1"]),
        st.sampled_from([MARCH, date(2026, 3, 16)]),
        st.integers(0, 10_000),
        st.integers(0, 10),
    ),
    max_size=12,
)


@given(_USAGES)
def test_lines_and_charges_add_up_to_the_same(usages: list[Usage]) -> None:
    found = bill(usages, PriceList.from_toml(RISEN + FREE.removeprefix(PLAIN)), MARCH, LAST)
    assert sum(line.amount for line in found.lines) == sum(charge.amount for charge in found.charges)
    assert sum(line.recipients for line in found.lines) == sum(usage.recipients for usage in usages)


# -- as it is told


class Remembered:
    """Plays `costs.Spendings`."""

    def __init__(self, *usages: Usage) -> None:
        self.usages = usages
        self.asked: list[tuple[date, date, tuple[date, ...], str]] = []

    def between(self, first: date, last: date, begins: Sequence[date], region: str) -> list[Usage]:
        self.asked.append((first, last, tuple(begins), region))
        return list(self.usages)


def costs(*usages: Usage, text: str = PLAIN, now: datetime = NOW) -> Costs:
    return Costs(Remembered(*usages), PriceList.from_toml(text), lambda: now, region="eu-north-1", source="prices.toml")


THREE = (
    sent("a.example", 10_000, owner="acme"),
    sent("b.example", 5_000, owner="acme"),
    sent("c.example", 25_000, owner="umbrella"),
)


def test_domains_and_owners_are_told_with_their_share() -> None:
    told = costs(*THREE).of_month("2026-03")
    assert [(one["domain"], one["amount"], one["share"]) for one in told["items"]] == [
        ("c.example", Decimal("2.5"), 0.625),
        ("a.example", Decimal(1), 0.25),
        ("b.example", Decimal("0.5"), 0.125),
    ]
    assert [(one["owner"], one["domains"], one["amount"]) for one in told["owners"]] == [
        ("umbrella", 1, Decimal("2.5")),
        ("acme", 2, Decimal("1.5")),
    ]
    assert (told["amount"], told["recipients"], told["soFar"], told["to"]) == (Decimal(4), 40_000, False, LAST)


def test_an_owner_is_told_of_his_own_and_of_no_number_of_the_account() -> None:
    told = costs(*THREE).of_month("2026-03", owner="acme")
    assert {one["domain"] for one in told["items"]} == {"a.example", "b.example"}
    assert (told["amount"], [one["owner"] for one in told["owners"]]) == (Decimal("1.5"), ["acme"])
    assert told["free"] is None
    assert all("amount" not in price and "recipients" not in price for price in told["prices"])
    assert "umbrella" not in repr(told)


def test_what_an_owner_is_told_is_what_everybody_is_told_of_him() -> None:
    third = [sent(f"{name}.example", 1, owner=name) for name in "abc"]
    text = PLAIN + "[[free]]\nrecipients_per_month = 1\nfirst = 2026-03-01\nlast = 2026-03-31\n"
    every = {one["owner"]: one["amount"] for one in costs(*third, text=text).of_month("2026-03")["owners"]}
    alone = {name: costs(*third, text=text).of_month("2026-03", owner=name)["amount"] for name in "abc"}
    assert every == alone
    assert sum(every.values()) == Decimal("0.0002")


def test_one_domain_is_told_alone() -> None:
    told = costs(*THREE).of_month("2026-03", domain="b.example")
    assert [(one["domain"], one["share"]) for one in told["items"]] == [("b.example", 1.0)]
    with pytest.raises(NotFound, match=r"d\.example sent nothing in 2026-03"):
        costs(*THREE).of_month("2026-03", domain="d.example")


def test_this_month_is_told_so_far() -> None:
    asked = costs()
    told = asked.of_month()
    assert (told["month"], told["soFar"], told["from"], told["to"]) == (
        "2026-04",
        True,
        date(2026, 4, 1),
        date(2026, 4, 10),
    )
    assert (told["items"], told["amount"], told["owners"]) == ([], 0, [])


def test_the_last_day_of_a_month_is_not_over() -> None:
    assert costs(now=datetime(2026, 3, 31, 23, 59, tzinfo=UTC)).of_month("2026-03")["soFar"] is True
    assert costs(now=datetime(2026, 4, 1, tzinfo=UTC)).of_month("2026-03")["soFar"] is False


def test_a_month_that_is_half_forgotten_says_so() -> None:
    told = costs(now=datetime(2026, 4, 20, tzinfo=UTC)).of_month("2025-03")
    assert told["notes"][0] == "Only the days from 2025-03-16 on are in it: counters are kept 400 days."


def test_what_nothing_tells_of_is_the_least_that_it_costs() -> None:
    blind = Usage("a.example", None, "", MARCH, 3, whole=False)
    told = costs(blind, sent("b.example", 1)).of_month("2026-03")
    assert [one["whole"] for one in told["items"]] == [False, True]
    assert told["notes"][0].startswith("1 of the domains cost more than is told")


def test_attachments_are_not_guessed() -> None:
    told = costs(*THREE).of_month("2026-03")
    assert told["attachments"] is None
    assert "Data of attachments is not in it: nothing tells how large mails were." in told["notes"]


MONTHS = [
    pytest.param("2026-05", "has not begun", id="to come"),
    pytest.param("2024-01", "not counted any more", id="long ago"),
    *(
        pytest.param(text, "must be a month", id=text)
        for text in ("2026", "2026-13", "2026-3", "0000-01", "march", "２026-03")
    ),
]


@pytest.mark.parametrize(("month", "told"), MONTHS)
def test_a_month_that_cannot_be_told_is_refused(month: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        costs().of_month(month)


def test_pages_hold_all_of_it_once() -> None:
    many = costs(*(sent(f"d{number}.example", number) for number in range(1, 8)))
    cursor, seen = "", []
    while True:
        page = many.page("2026-03", cursor=cursor, limit=3)
        seen += [one["domain"] for one in page["items"]]
        assert page["recipients"] == 28
        if page["nextCursor"] is None:
            break
        cursor = page["nextCursor"]
    assert seen == [f"d{number}.example" for number in range(7, 0, -1)]
    with pytest.raises(BadCursor):
        many.page("2026-03", cursor=seal(["2026-02", 3]), limit=3)
    with pytest.raises(BadCursor):
        many.page("2026-03", cursor="nonsense")
