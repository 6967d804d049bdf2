"""`suppressions`: whom nothing is sent to; listed, changed, checked, and as CSV."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from webhook.bootstrap import Clock, open_platform
from webhook.cli import suppression_files, suppression_sync
from webhook.cli.pause import operator
from webhook.cli.table import add_json, moment, print_json, print_table
from webhook.config import Settings
from webhook.domain.suppression import NewEntry, Reason
from webhook.errors import Invalid, NotFound
from webhook.moments import moment_of
from webhook.paging import LIMIT_MAX, Item
from webhook.platform import Platform

_UNTIL = "must be in the future: 2026-01-31, 2026-01-31T12:00:00Z, or a time from now such as 90m, 24h or 7d"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command and what it can do."""
    parser = commands.add_parser("suppressions", help="list, add, remove, check, import or export whom not to send to")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="entries, newest first")
    shown.add_argument("--address", default="", help="only of this address")
    shown.add_argument("--domain", default="", help="only of this domain")
    _set(shown, _list)
    added = actions.add_parser("add", help="enter an address: for everybody, or for one domain or owner")
    added.add_argument("address", metavar="ADDRESS")
    added.add_argument("--reason", default=Reason.MANUAL.value, choices=sorted(Reason))
    added.add_argument("--domain", help="for mail of this domain only")
    added.add_argument("--owner", help="for mail of this owner's domains only")
    added.add_argument(
        "--until",
        metavar="WHEN",
        help="a day, a moment with its offset, or from now on (90m, 24h, 7d); for good without it",
    )
    added.add_argument("--note", help="what others should know")
    _set(added, _add)
    removed = actions.add_parser("remove", help="take an entry out, whatever put it there")
    removed.add_argument("id", metavar="ID")
    removed.add_argument("--why", default="", help="kept in the audit trail")
    _set(removed, _remove)
    checked = actions.add_parser("check", help="which of these addresses nothing is sent to")
    checked.add_argument("addresses", nargs="+", metavar="ADDRESS")
    checked.add_argument("--domain", help="as for mail of this domain; else only what holds for everybody")
    _set(checked, _check)
    suppression_files.add_actions(actions)
    suppression_sync.add_action(actions)


def _set(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], int]) -> None:
    add_json(parser)
    parser.set_defaults(run=run)


def _list(arguments: argparse.Namespace) -> int:
    items: list[Item] = []
    cursor: str | None = ""
    with open_platform(Settings.from_environment()) as platform:
        while cursor is not None:
            page = platform.suppressions.find(
                address=arguments.address, domain=arguments.domain, cursor=cursor, limit=LIMIT_MAX
            )
            items += page.items
            cursor = page.next_cursor
    if arguments.json:
        print_json({"items": items, "nextCursor": None})
    elif items:
        print_table(("ID", "ADDRESS", "REASON", "FOR", "SINCE", "UNTIL", "FROM"), [_row(item) for item in items])
    else:
        print("Nothing is suppressed.")
    return 0


def _row(item: Item) -> tuple[object, ...]:
    where = item["domain"] or item["owner"] or "everybody"
    source = item["source"]
    told = source.get("by") or f"mail {source['mail']}"
    return (
        item["id"],
        item["address"],
        item["reason"],
        where,
        moment(item["createdAt"]),
        moment(item["expiresAt"]),
        told,
    )


def _add(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform, _as_usage():
        _require(platform, arguments.domain)
        new = NewEntry(
            address=arguments.address,
            reason=arguments.reason,
            domain=arguments.domain,
            owner=arguments.owner,
            expires_at=_until(arguments.until, Clock().now()),
            note=arguments.note,
        )
        item = platform.suppressions.add(new, operator())
    if arguments.json:
        print_json(item)
    else:
        print_table(("ID", "ADDRESS", "REASON", "FOR", "SINCE", "UNTIL", "FROM"), [_row(item)])
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform:
        platform.suppressions.remove(arguments.id, operator(), why=arguments.why)
    if arguments.json:
        print_json({"success": True, "id": arguments.id})
    else:
        print(f"{arguments.id} removed")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform, _as_usage():
        _require(platform, arguments.domain)
        found = platform.suppressions.check(arguments.addresses, arguments.domain)
        elsewhere = {} if arguments.domain else _elsewhere(platform, arguments.addresses)
    if arguments.json:
        print_json({"suppressed": found, "domain": arguments.domain, "elsewhere": elsewhere})
        return 0
    asked = f"for mail of {arguments.domain}" if arguments.domain else "for everybody"
    for address in arguments.addresses:
        one = found.get(address)
        until = f" until {moment(one['expiresAt'])}" if one and one["expiresAt"] else ""
        told = f"{one['reason']}, for {one['scope']}{until}" if one else f"not suppressed {asked}"
        of = ", ".join(f"{each['domain'] or each['owner']} ({each['reason']})" for each in elsewhere.get(address, ()))
        print(f"{address}: {told}{f'; suppressed for mail of {of}' if of else ''}")
    return 0


def _elsewhere(platform: Platform, addresses: Sequence[str]) -> dict[str, list[Item]]:
    """The entries of these addresses that hold for the mail of a domain or an owner only."""
    found = {}
    for address in addresses:
        items = platform.suppressions.find(address=address, limit=LIMIT_MAX).items
        told = [{name: item[name] for name in ("domain", "owner", "reason", "expiresAt")} for item in items]
        if limited := [item for item in told if item["domain"] or item["owner"]]:
            found[address] = limited
    return found


def _require(platform: Platform, domain: str | None) -> None:
    """A slip in a domain's name would do nothing, and tell nobody."""
    if domain and not platform.suppressions.knows(domain):
        raise NotFound(f"no domain {domain!r} is known here: `python -m webhook domains` lists those that are")


def _until(text: str | None, now: datetime) -> datetime | None:
    """The moment; an age is a time from now. Raises Invalid."""
    if not text:
        return None
    try:
        at = moment_of(text, now)
    except ValueError as error:
        raise Invalid("expiresAt", _UNTIL) from error
    return now + (now - at) if text[-1] in "mhd" else at


@contextmanager
def _as_usage() -> Iterator[None]:
    """What is wrong with an argument, as argparse tells it."""
    try:
        yield
    except Invalid as error:
        told = f"--until {_UNTIL}" if error.field == "expiresAt" else f"{error.field} {error.detail}"
        raise argparse.ArgumentError(None, told) from error
