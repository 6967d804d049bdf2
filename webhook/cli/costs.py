"""`costs`: what a month's mail costs, by domain and by owner."""

import argparse
from collections.abc import Sequence
from datetime import date

from webhook.assembling.costs import open_costs
from webhook.cli.table import add_json, print_json, print_table
from webhook.config import Settings
from webhook.errors import Invalid
from webhook.paging import Item

_AMOUNT = ">DOLLARS"
_NOBODY = "(none)"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("costs", help="what a month's mail costs, by domain and owner")
    parser.add_argument(
        "--month", default="", metavar="YYYY-MM", help="by the UTC day of sending; this month without it"
    )
    parser.add_argument("--domain", default="", metavar="DOMAIN", help="this domain only")
    parser.add_argument("--owner", metavar="OWNER", help="this owner's domains only")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with open_costs(Settings.from_environment()) as costs:
        try:
            told = costs.of_month(arguments.month, owner=arguments.owner, domain=arguments.domain.strip().lower())
        except Invalid as error:
            raise argparse.ArgumentError(None, f"--{error.field} {error.detail}: {error.hint}") from error
    (print_json if arguments.json else _tell)(told)
    return 0


def _tell(told: Item) -> None:
    so_far = f", so far ({_days(told['from'], told['to'])})" if told["soFar"] else ""
    print(f"Mail of {told['month']}{so_far}, in US dollars")
    print()
    if told["items"]:
        _tell_rows(told)
        print()
    else:
        print("Nothing was sent.")
    for price in told["prices"]:
        print(_price(price))
    if told["free"]:
        print(f"{told['free']:,} recipients of the month are free; that is shared out in proportion.")
    print(f"Prices stand in {told['priceFile']}; to change them, set PRICES_FILE to a copy of your own.")
    for note in told["notes"]:
        print(note)


def _tell_rows(told: Item) -> None:
    total = ("total", "", told["recipients"], told["held"], _money(told), "" if told["amount"] == 0 else "100.0 %")
    rows = [(row["domain"], row["owner"] or _NOBODY, *_numbers(row)) for row in told["items"]]
    print_table(("DOMAIN", "OWNER", ">RECIPIENTS", ">HELD BACK", _AMOUNT, ">SHARE"), [*rows, total])
    if len(told["owners"]) > 1:
        print()
        owners = [(row["owner"] or _NOBODY, row["domains"], *_numbers(row)) for row in told["owners"]]
        print_table(("OWNER", ">DOMAINS", ">RECIPIENTS", ">HELD BACK", _AMOUNT, ">SHARE"), owners)


def _numbers(row: Item) -> Sequence[object]:
    share = "-" if row["share"] is None else f"{row['share'] * 100:.1f} %"
    return row["recipients"], row["held"], _money(row), share


def _money(row: Item) -> str:
    """Dollars; of what nothing tells how much was sent it is the least that it costs."""
    return ("" if row.get("whole", True) else "at least ") + f"{row['amount']:,}"


def _days(first: date, last: date) -> str:
    return f"{first:%d} to {last:%d}"


def _price(price: Item) -> str:
    """Which price holds, where and since when."""
    steps = "".join(f", above {step['above']:,} a month {step['perThousand']}" for step in price["volume"])
    where = f" in {price['region']}" if price["region"] else ""
    plan = f"plan {price['plan']}, price since {price['validFrom']}"
    return f"{price['from']} to {price['to']}{where}: {price['perThousand']} for 1,000 recipients{steps} ({plan})."
