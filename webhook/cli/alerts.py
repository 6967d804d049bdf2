"""`alerts`: what was told to whom, once more if need be; and `alerts endpoints`: who is told."""

import argparse
import sys
from functools import partial

from msgspec import structs

from webhook.cli import alert_endpoints
from webhook.cli.alert_endpoints import DELIVERY_HEADINGS, delivery_row
from webhook.cli.alert_lists import Table, add_action, add_limit, opened, print_page, say
from webhook.cli.table import moment, print_fields, print_json, print_table
from webhook.domain.alert_payloads import AlertType, schemas
from webhook.domain.endpoints import is_pattern
from webhook.errors import Conflict
from webhook.paging import Item


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command and what it can do."""
    parser = commands.add_parser("alerts", help="show alerts and tell them again; manage the endpoints that get them")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = add_action(actions, "list", "alerts, newest first", _list)
    listed.add_argument("--type", type=_pattern, default="", metavar="TYPE", help="only of this type; its end may be *")
    listed.add_argument("--domain", default="", help="only about this domain")
    add_limit(listed)
    add_action(actions, "show", "one alert, with its deliveries", _show, "ID")
    again = add_action(actions, "redeliver", "tell one again to those it was told to", _redeliver, "ID")
    again.add_argument("--endpoint", metavar="ID", help="to this one only")
    add_action(actions, "types", "all types of alerts; with --json their JSON Schemas", _types)
    endpoints = actions.add_parser("endpoints", help="list, add, change, remove and try out those who are told")
    alert_endpoints.add_actions(endpoints.add_subparsers(title="actions", metavar="ACTION", required=True))
    alert_endpoints.add_shorthands(actions)
    add_action(actions, "reseal", "encrypt all stored secrets with the newest key of SECRET_KEY", _reseal)


def _pattern(text: str) -> str:
    if text and not is_pattern(text):
        raise argparse.ArgumentTypeError("names no type; `alerts types` lists them, and the end may be *")
    return text


def _list(arguments: argparse.Namespace) -> int:
    wanted = {"kind": arguments.type, "domain": arguments.domain.lower().rstrip(".")}
    return print_page(arguments, lambda platform: partial(platform.alerts.find, **wanted), _ALERTS)


def _show(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        found = platform.alerts.get(arguments.id)
    if arguments.json:
        print_json(found)
        return 0
    told = [(name, found[name]) for name in ("id", "type", "domain", "owner", "sequence")]
    print_fields([*told, ("at", moment(found["timestamp"]))])
    print_json(found["data"])
    print_table(DELIVERY_HEADINGS, [delivery_row(row) for row in found["deliveries"]], "\nDeliveries")
    return 0


def _redeliver(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        platform.alerts.get(arguments.id)
        if arguments.endpoint:
            platform.endpoints.get(arguments.endpoint)
        count = platform.fanout.redeliver(arguments.id, arguments.endpoint)
    if not count:
        raise Conflict(f"no delivery of {arguments.id} can be repeated: it was for nobody, or is under way this moment")
    told = {"success": True, "id": arguments.id, "deliveries": count}
    return say(arguments, told, f"{arguments.id} is delivered again, to endpoints: {count:,}")


def _reseal(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        done = platform.resealing.run()
    sentence = f"encrypted anew: {done.renewed:,}; were already with the newest key: {done.kept:,}"
    if done.unreadable:
        ids = ", ".join(done.unreadable)
        print(f"no key opens the secrets of {ids}: add the key they had, or rotate or remove them", file=sys.stderr)
    say(arguments, {"success": not done.unreadable, **structs.asdict(done)}, sentence)
    return 1 if done.unreadable else 0


def _types(arguments: argparse.Namespace) -> int:
    known = schemas()
    if arguments.json:
        print_json({"types": known})
    else:
        print_table(("TYPE", "TELLS"), [(kind, known[kind]["description"].partition("\n")[0]) for kind in AlertType])
    return 0


def _alert(item: Item) -> tuple[object, ...]:
    return item["id"], moment(item["timestamp"]), item["type"], item["domain"]


_ALERTS: Table = (("ID", "AT", "TYPE", "DOMAIN"), _alert, "There is no such alert.")
