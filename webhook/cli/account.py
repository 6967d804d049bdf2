"""`account`: where the account stands with AWS, and which domains it owes that to."""

import argparse
import sys
from contextlib import redirect_stdout
from datetime import datetime
from typing import Any

from webhook.assembling.gaps import GapDesk, open_gaps
from webhook.cli.table import add_json, moment, print_fields, print_json, print_table, rate
from webhook.config import Settings
from webhook.errors import AwsError, Limited
from webhook.moments import FORMS, moment_of
from webhook.paging import Item

#: Domains that are shown unless asked otherwise.
SHOWN = 10
DAYS = "30d"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("account", help="show the account's standing, its quota, its rates and who makes them")
    parser.add_argument("--since", default=DAYS, metavar="WHEN", help=f"shares since then ({DAYS}): {FORMS}")
    parser.add_argument("--limit", type=int, default=SHOWN, metavar="N", help=f"domains to show ({SHOWN})")
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Shows it; 0 only if AWS could be asked."""
    with open_gaps(Settings.from_environment()) as desk:
        try:
            since = moment_of(arguments.since, desk.clock.now())
        except ValueError as error:
            raise argparse.ArgumentError(None, f"--since {error}") from error
        with redirect_stdout(sys.stderr):  # what is logged is no part of the answer
            told = _gathered(desk, since, arguments.limit)
    (print_json if arguments.json else _tell)(told)
    return 0 if told["problem"] is None else 1


def _gathered(desk: GapDesk, since: datetime, limit: int) -> Item:
    told: Item = {"account": None, "quota": None, "reading": None, "problem": None}
    try:
        told["account"], told["quota"] = desk.account.account(), desk.account.quota()
        desk.oversight.watch.work()
    except AwsError as error:
        told["problem"] = {"code": error.code, "detail": error.detail, "hint": error.hint}
    except Limited as error:
        told["problem"] = {"code": "aws_throttled", "detail": error.detail, "hint": ""}
    told["reading"] = desk.oversight.readings.newest()
    return {**told, "shares": desk.oversight.shares.find(since.date(), limit=limit)}


def _tell(told: Item) -> None:
    if told["problem"]:
        print(f"AWS does not tell: {told['problem']['detail']}. {told['problem']['hint']}", file=sys.stderr)
    if told["account"]:
        print(told["account"]["explanation"] + "\n")
        print_fields([("standing", told["account"]["enforcementStatus"]), *_quota(told["quota"])])
        print()
    _tell_rates(told["reading"] or {}, told["shares"]["account"], told["shares"]["from"])
    items = told["shares"]["items"]
    if items:
        headings = ("DOMAIN", "STATUS", ">BOUNCES/SENT", ">OF ALL BOUNCES", ">COMPLAINTS/SENT", ">OF ALL COMPLAINTS")
        print_table(headings, [_row(item) for item in items], "\nDomains with the largest shares")


def _quota(quota: Item) -> list[tuple[str, object]]:
    most = quota["max24HourSend"]
    used = f"{quota['sentLast24Hours']:,.0f}/{most:,.0f} ({quota['usedShare'] * 100:.1f} %)" if most else "unlimited"
    return [("sent in 24 hours", used), ("used up", moment(quota["exhaustedAt"]))]


def _tell_rates(reading: Item, ours: Item, since: str) -> None:
    rows = [
        (
            name,
            _percent(reading.get(field)),
            rate(ours[counted], ours["sent"], ours[field]),
        )
        for name, field, counted in (
            ("bounces", "bounceRate", "bounces"),
            ("complaints", "complaintRate", "complaints"),
        )
    ]
    print_table(("RATE", ">BY AWS", ">HEARD HERE"), rows)
    at = f"as of {moment(reading['at'])}" if reading.get("at") else "not read yet"
    print(f"AWS's rates are over a representative volume, {at}; those heard here are since {since}.")


def _row(item: dict[str, Any]) -> tuple[object, ...]:
    return (
        item["domain"],
        item["status"] or "insufficient_data",
        rate(item["bounces"], item["sent"], item["bounceRate"]),
        _percent(item["bounceShare"]),
        rate(item["complaints"], item["sent"], item["complaintRate"]),
        _percent(item["complaintShare"]),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"
