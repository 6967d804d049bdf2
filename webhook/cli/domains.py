"""`domains`: all domains with their verdicts, or one with all that its verdict is made of."""

import argparse
from pathlib import Path
from typing import Any

from webhook.bootstrap import Library, open_library
from webhook.cli import diagnose, pause
from webhook.cli.table import add_json, moment, print_json, print_line, print_table, rate
from webhook.config import Settings
from webhook.domain.reputation import FLAGS, Reason, Status
from webhook.paging import LIMIT_MAX, Item

_COUNTS = {"bounce": "bounces", "complaint": "complaints"}


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("domains", help="show all domains with their verdicts, or explain one")
    parser.add_argument("--status", choices=[status.value for status in Status], help="only domains of this status")
    add_json(parser)
    parser.set_defaults(run=_run)
    actions = parser.add_subparsers(title="actions", metavar="DOMAIN | ACTION", help="a domain's name explains it")
    show = actions.add_parser("show", help="explain the verdict on one; `show` may be left out")
    show.add_argument("domain", metavar="DOMAIN")
    add_json(show)
    show.set_defaults(run=_show)
    diagnose.add_actions(actions)
    pause.add_actions(actions)


def _show(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        found = library.domains.reputation(arguments.domain)
    (print_json if arguments.json else _explain)(found)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        items = _all(library, arguments.status or "")
    if arguments.json:
        print_json({"items": items, "nextCursor": None})
    else:
        _list(items, arguments.status)
    return 0


def show_all() -> Path:
    """Lists the domains of the database that the settings name; gives the DATA_DIR."""
    settings = Settings.from_environment()
    with open_library(settings) as library:
        _list(_all(library, ""), None)
    return settings.data_dir


def _all(library: Library, status: str) -> list[Item]:
    items: list[Item] = []
    cursor: str | None = ""
    while cursor is not None:
        page = library.domains.find(status=status, cursor=cursor, limit=LIMIT_MAX)
        items += page.items
        cursor = page.next_cursor
    return items


def _list(items: list[Item], status: str | None) -> None:
    if not items:
        print(f"No domain is {status}." if status else "Nothing was heard of any domain yet.")
        return
    headings = ("DOMAIN", "STATUS", ">BOUNCES/SENT", ">COMPLAINTS/SENT", ">WINDOW", "SINCE")
    print_table(headings, [_row(item) for item in items])


def _row(item: Item) -> tuple[object, ...]:
    reputation = item["reputation"]
    if reputation is None:
        return item["domain"], "insufficient_data (nothing heard yet)", "-", "-", "-", "-"
    days = reputation["window"]["days"]
    status = reputation["status"]
    why = reputation["flags"] or ([reputation["reason"]] if reputation.get("reason") else [])
    return (
        item["domain"],
        f"{status} ({', '.join(why)})" if why else status,
        _told(reputation, "bounce"),
        _told(reputation, "complaint"),
        f"{days} day{'' if days == 1 else 's'}",
        moment(reputation.get("since")),
    )


def _told(reputation: Item, flag: str) -> str:
    """The judged numbers, or `12/?` where nothing says how much was sent."""
    left_out = reputation.get("leftOut") or {}
    name = _COUNTS[flag]
    if reputation.get("reason") == Reason.NO_DENOMINATOR:
        return f"{reputation[name]:,}/?"
    numerator, sent = reputation[name] - left_out.get(name, 0), reputation["sent"] - left_out.get("sent", 0)
    return rate(numerator, sent, reputation[f"{flag}Rate"])


def _explain(found: dict[str, Any]) -> None:
    reputation = found["reputation"]
    window = reputation["window"]
    print_line(reputation["status"], f"{found['domain']}: {reputation['sentence']}")
    print()
    _print_rates(reputation)
    print(f"\nWindow: {window['from']} to {window['to']} (UTC days on which mails were sent).")
    if found["daily"]:
        names = ("sent", "delivered", "bounces", "soft", "complaints")
        rows = [(day["day"], *(day[name] for name in names)) for day in found["daily"]]
        print_table(("DAY", *(f">{name.upper()}" for name in names)), rows, "\nBy day")
    if found["providers"]:
        _print_providers(found["providers"], known=reputation.get("reason") != Reason.NO_DENOMINATOR)
    if found["history"]:
        rows = [(moment(flip["at"]), _change(flip), flip["why"]) for flip in found["history"]]
        print_table(("AT", "CHANGE", "WHY"), rows, "\nHistory")


def _change(flip: Item) -> str:
    flags = f" ({', '.join(flip['flags'])})" if flip["flags"] else ""
    return f"{flip['from']} → {flip['to']}{flags}"


def _print_rates(reputation: Item) -> None:
    rows = []
    for flag in FLAGS:
        bounds = reputation["bounds"][flag]
        between = f"{bounds[0] * 100:.2f} % to {bounds[1] * 100:.2f} %" if bounds else "-"
        limit = f"{reputation['limits'][flag] * 100:g} %"
        word = "flagged" if flag in reputation["flags"] else "not judged" if reputation.get("reason") else "not above"
        rows.append((_COUNTS[flag], _told(reputation, flag), between, limit, word))
    print_table(("RATE OF", ">OF SENT", "TRUE RATE (95 %)", ">LIMIT", "VERDICT"), rows)


def _print_providers(providers: list[Item], *, known: bool) -> None:
    rows = []
    for row in providers:
        reasons = ", ".join(f"{count:,} × {code}" for code, count in list(row["reasons"].items())[:3])
        share = row["bounces"] / row["sent"] if row["sent"] else None
        bounced = rate(row["bounces"], row["sent"], share) if known else f"{row['bounces']:,}/?"
        rows.append((row["provider"], row["sent"], bounced, row["complaints"], reasons))
    headings = ("PROVIDER", ">SENT", ">BOUNCES/SENT", ">COMPLAINTS", "ANSWERS TO BOUNCED MAIL")
    print_table(headings, rows, "\nBy provider")
