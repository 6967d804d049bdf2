"""`events` and `mails`: what happened at a domain, and the whole story of one mail."""

import argparse
from datetime import datetime

from webhook.bootstrap import Clock, Library, open_library
from webhook.cli.table import add_json, moment, print_json, print_table
from webhook.config import Settings
from webhook.domain.address import plain
from webhook.domain.mail import Kind
from webhook.moments import FORMS, moment_of
from webhook.paging import LIMIT, LIMIT_MAX, Item, Wanted

_LIMIT_TOP = 100_000


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the commands."""
    events = commands.add_parser("events", help="show what happened at a domain, newest first")
    events.add_argument("domain", metavar="DOMAIN")
    events.add_argument("--kind", choices=[kind.value for kind in Kind], help="only events of this kind")
    events.add_argument("--recipient", type=plain, metavar="ADDRESS", help="only what befell mail to this address")
    events.add_argument("--since", metavar="WHEN", help=f"only what happened since: {FORMS}")
    events.add_argument("--limit", type=_number, default=LIMIT, metavar="N", help=f"how many at most ({LIMIT})")
    add_json(events)
    events.set_defaults(run=_events)
    mails = commands.add_parser("mails", help="show the whole story of one mail")
    mails.add_argument("id", metavar="ID", help="SES's id of the mail")
    add_json(mails)
    mails.set_defaults(run=_mail)


def _events(arguments: argparse.Namespace) -> int:
    since = _moment(arguments.since, Clock().now()) if arguments.since else None
    wanted = Wanted(arguments.kind or "", arguments.recipient or "", since)
    with open_library(Settings.from_environment()) as library:
        items, cursor = _collect(library, arguments.domain, wanted, arguments.limit)
    if arguments.json:
        print_json({"items": items, "nextCursor": cursor})
    elif items:
        print_table(("AT", "KIND", "RECIPIENT", "MAIL", "TOLD"), [_row(item) for item in items])
        if cursor:
            print(f"There is more: these are the newest {len(items):,} (--limit).")
    else:
        print(f"No such event at {arguments.domain}.")
    return 0


def _moment(text: str, now: datetime) -> datetime:
    try:
        return moment_of(text, now)
    except ValueError as error:
        raise argparse.ArgumentError(None, f"--since {error}") from error


def _collect(library: Library, domain: str, wanted: Wanted, limit: int) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    cursor: str | None = ""
    while cursor is not None and len(items) < limit:
        page = library.events.of_domain(domain, wanted, cursor=cursor, limit=min(LIMIT_MAX, limit - len(items)))
        items += page.items
        cursor = page.next_cursor
    return items, cursor


def _mail(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        found = library.events.of_mail(arguments.id)
    if arguments.json:
        print_json(found)
        return 0
    print(f"Mail {found['messageId']} of {found['domain']}, sent {moment(found['sentAt'])}")
    print(f"to {', '.join(found['recipients']) or 'nobody that is known'}; told of by {', '.join(found['wirings'])}.")
    rows = [_row(event) for event in found["events"]]
    print_table(("AT", "KIND", "RECIPIENT", "TOLD"), [(at, kind, who, told) for at, kind, who, _, told in rows])
    return 0


def _row(item: Item) -> tuple[object, ...]:
    told = [item[name] for name in ("type", "subtype", "code", "detail", "contactList") if item.get(name)]
    return moment(item["at"]), item["kind"], item["recipient"], item["messageId"], " · ".join(told)


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _LIMIT_TOP:
        raise argparse.ArgumentTypeError(f"must be from 1 to {_LIMIT_TOP}")
    return number
