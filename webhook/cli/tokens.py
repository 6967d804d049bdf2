"""`tokens`: make, list and revoke the tokens of the API."""

import argparse
import sys

from webhook.bootstrap import open_platform
from webhook.cli.table import add_json, moment, print_json, print_table
from webhook.config import Settings
from webhook.domain.tokens import Scope, TokenRecord
from webhook.errors import Invalid
from webhook.paging import Item
from webhook.tokens import REMEMBERED

_SCOPES = ",".join(scope for scope in Scope if scope is not Scope.ADMIN)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command and what it can do."""
    parser = commands.add_parser("tokens", help="make, list and revoke tokens of the API")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a token, and print it this once")
    create.add_argument("name", metavar="NAME", help="who it is for: it signs what is done with it")
    create.add_argument("--owner", metavar="OWNER", help="sees and changes this owner's domains only")
    create.add_argument(
        "--scopes", default=_SCOPES, metavar="LIST", help=f"some of {', '.join(Scope)}; {_SCOPES} without it"
    )
    add_json(create)
    create.set_defaults(run=_create)
    shown = actions.add_parser("list", help="every token there was; never the tokens themselves")
    add_json(shown)
    shown.set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="end a token for good")
    revoke.add_argument("name", metavar="NAME")
    add_json(revoke)
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform:
        try:
            token, record = platform.token_desk.create(arguments.name, arguments.owner, arguments.scopes)
        except Invalid as error:
            raise argparse.ArgumentError(None, f"{error.field} {error.detail}") from error
    if arguments.json:
        print_json({**shown(record), "token": token})
    else:
        print(token)
        print("Keep it: it is told this once.", file=sys.stderr)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform:
        records = platform.token_desk.all()
    if arguments.json:
        print_json({"items": [shown(record) for record in records], "nextCursor": None})
    elif records:
        print_table(
            ("NAME", "OWNER", "SCOPES", "CREATED", "LAST USED", "REVOKED"), [_row(record) for record in records]
        )
    else:
        print("No token was made yet: `python -m webhook tokens create NAME` makes one.")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform:
        record = platform.token_desk.revoke(arguments.name)
    if arguments.json:
        print_json(shown(record))
    else:
        print(f"{record.name} is revoked: within {REMEMBERED:.0f} seconds it lets nobody in any more.")
    return 0


def shown(record: TokenRecord) -> Item:
    """A token as it is told: everything but its digest."""
    return {
        "name": record.name,
        "owner": record.owner,
        "scopes": [scope for scope in Scope if scope in record.scopes],
        "createdAt": record.created_at,
        "lastUsedAt": record.last_used_at,
        "revokedAt": record.revoked_at,
    }


def _row(record: TokenRecord) -> tuple[object, ...]:
    told = shown(record)
    times = (moment(told[name]) for name in ("createdAt", "lastUsedAt", "revokedAt"))
    return record.name, record.owner or "(all)", ",".join(told["scopes"]), *times
