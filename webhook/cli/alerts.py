"""`alerts`: what was told to whom, once more if need be; and `alerts endpoints`: who is told."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from webhook.bootstrap import Clock, open_platform
from webhook.cli.table import add_json, moment, print_fields, print_json, print_line, print_table
from webhook.config import Settings
from webhook.dispatching.enrolment import Wanted
from webhook.domain.alert_payloads import AlertType, schemas
from webhook.domain.endpoints import Kind, is_pattern
from webhook.errors import Conflict, Invalid
from webhook.moments import FORMS, moment_of
from webhook.paging import LIMIT, LIMIT_MAX, Item, Page
from webhook.platform import Platform

Run = Callable[[argparse.Namespace], int]
#: How a list is printed: headings, a row, and what is said if there is none.
_Table = tuple[tuple[str, ...], Callable[[Item], tuple[object, ...]], str]

_LIMIT_TOP = 100_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command and what it can do."""
    parser = commands.add_parser("alerts", help="show alerts and tell them again; manage the endpoints that get them")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = _action(actions, "list", "alerts, newest first", _list)
    listed.add_argument("--type", type=_pattern, default="", metavar="TYPE", help="only of this type; its end may be *")
    listed.add_argument("--domain", default="", help="only about this domain")
    _limit(listed)
    _action(actions, "show", "one alert, with its deliveries", _show, "ID")
    again = _action(actions, "redeliver", "tell one again to those it was told to", _redeliver, "ID")
    again.add_argument("--endpoint", metavar="ID", help="to this one only")
    _action(actions, "types", "all types of alerts; with --json their JSON Schemas", _types)
    endpoints = actions.add_parser("endpoints", help="list, add, remove and try out those who are told")
    _endpoints(endpoints.add_subparsers(title="actions", metavar="ACTION", required=True))


def _endpoints(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    _action(actions, "list", "all of them", _list_endpoints).set_defaults(limit=sys.maxsize)
    added = _action(actions, "add", "make one, and print its secret this once", _add)
    added.add_argument("url", metavar="URL", help="https://…, an ARN, a queue's address, or mailto:…")
    added.add_argument("--kind", default=Kind.WEBHOOK.value, choices=[kind.value for kind in Kind])
    added.add_argument(
        "--types", type=_listed, default="*", metavar="LIST", help="types, or their beginnings and *; all without it"
    )
    added.add_argument("--domains", type=_listed, default="", metavar="LIST", help="alerts about these only")
    added.add_argument("--owner", metavar="OWNER", help="alerts about this owner's domains only")
    added.add_argument("--description", default="", metavar="TEXT", help="what others should know")
    for name, told, run in _ON_ONE:
        _action(actions, name, told, run, "ID")
    replay = _action(actions, "replay", "tell it again whatever it was to get since then", _replay, "ID")
    replay.add_argument("--since", required=True, metavar="WHEN", help=FORMS)
    made = _action(actions, "deliveries", "what was or is to be delivered to it, newest first", _deliveries, "ID")
    made.add_argument("--state", default="", choices=["pending", "delivered", "dead"], help="only these")
    _limit(made)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, told: str, run: Run, *given: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=told)
    for one in given:
        parser.add_argument(one.lower(), metavar=one)
    add_json(parser)
    parser.set_defaults(run=run)
    return parser


def _limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=_number, default=LIMIT, metavar="N", help=f"how many at most ({LIMIT})")


def _pattern(text: str) -> str:
    if text and not is_pattern(text):
        raise argparse.ArgumentTypeError("names no type; `alerts types` lists them, and the end may be *")
    return text


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _LIMIT_TOP:
        raise argparse.ArgumentTypeError(f"must be from 1 to {_LIMIT_TOP}")
    return number


@contextmanager
def _platform() -> Iterator[Platform]:
    """What is done for domains; what is wrong with an argument is told as argparse does."""
    with open_platform(Settings.from_environment()) as platform:
        try:
            yield platform
        except Invalid as error:
            raise argparse.ArgumentError(None, f"{error.field} {error.detail}: {error.hint}") from error


def _list(arguments: argparse.Namespace) -> int:
    wanted = {"kind": arguments.type, "domain": arguments.domain.lower().rstrip(".")}
    return _page(arguments, lambda platform: partial(platform.alerts.find, **wanted), _ALERTS)


def _show(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        found = platform.alerts.get(arguments.id)
    if arguments.json:
        print_json(found)
        return 0
    told = [(name, found[name]) for name in ("id", "type", "domain", "owner", "sequence")]
    print_fields([*told, ("at", moment(found["timestamp"]))])
    print_json(found["data"])
    print_table(_HEADINGS, [_delivery(row) for row in found["deliveries"]], "\nDeliveries")
    return 0


def _redeliver(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        platform.alerts.get(arguments.id)
        if arguments.endpoint:
            platform.endpoints.get(arguments.endpoint)
        count = platform.fanout.redeliver(arguments.id, arguments.endpoint)
    if not count:
        raise Conflict(f"no delivery of {arguments.id} can be repeated: it was for nobody, or is under way this moment")
    told = {"success": True, "id": arguments.id, "deliveries": count}
    return _say(arguments, told, f"{arguments.id} is delivered again, to endpoints: {count:,}")


def _types(arguments: argparse.Namespace) -> int:
    known = schemas()
    if arguments.json:
        print_json({"types": known})
    else:
        print_table(("TYPE", "TELLS"), [(kind, known[kind]["description"].partition("\n")[0]) for kind in AlertType])
    return 0


def _list_endpoints(arguments: argparse.Namespace) -> int:
    return _page(arguments, lambda platform: platform.endpoints.find, _ENDPOINTS)


def _add(arguments: argparse.Namespace) -> int:
    wanted = Wanted(arguments.url, arguments.kind, arguments.types, arguments.domains, arguments.description)
    with _platform() as platform:
        made, secret = platform.enrolment.add(wanted, arguments.owner)
        item = _endpoint(platform, made.id)
    return _tell_secret(arguments, item, secret)


def _remove(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        platform.endpoints.remove(arguments.id)
    return _say(arguments, {"success": True, "id": arguments.id}, f"{arguments.id} removed")


def _rotate(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        _, secret = platform.enrolment.rotate(arguments.id)
        item = _endpoint(platform, arguments.id)
    return _tell_secret(arguments, item, secret)


def _test(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        told = platform.enrolment.test(arguments.id)
    if arguments.json:
        print_json(told)
    else:
        word = "delivered" if told["delivered"] else "not delivered"
        print_line(word, f"in {told['ms']:,} ms: {told['error'] or told['status']}")
    return 0 if told["delivered"] else 1


def _replay(arguments: argparse.Namespace) -> int:
    with _platform() as platform:
        endpoint = platform.endpoints.get(arguments.id)
        try:
            since = moment_of(arguments.since, Clock().now())
        except ValueError as error:
            raise argparse.ArgumentError(None, f"--since {error}") from error
        count = platform.fanout.replay(endpoint, max(since, _EPOCH))
    told = {"success": True, "id": arguments.id, "alerts": count}
    return _say(arguments, told, f"{arguments.id} gets again, in alerts: {count:,}")


def _deliveries(arguments: argparse.Namespace) -> int:
    def of_endpoint(platform: Platform) -> Callable[..., Page]:
        return partial(platform.alerts.deliveries_of, platform.endpoints.get(arguments.id).id, state=arguments.state)

    return _page(arguments, of_endpoint, _DELIVERIES)


def _tell(arguments: argparse.Namespace, act: Callable[[Platform, str], object]) -> int:
    """Shows an endpoint after this was done."""
    with _platform() as platform:
        act(platform, arguments.id)
        item = _endpoint(platform, arguments.id)
    if arguments.json:
        print_json(item)
        return 0
    print_line(item["state"], f"{item['id']}{': ' + item['why'] if item['why'] else ''}")
    lists = {name: ", ".join(item[name]) for name in ("types", "domains", "headers")}
    shown = ("kind", "url", "types", "domains", "owner", "description", "headers", "rate", "format", "failures")
    print_fields([(name, (item | lists)[name]) for name in shown])
    return 0


_ON_ONE: tuple[tuple[str, str, Run], ...] = (
    ("show", "one of them, and how it fares", partial(_tell, act=lambda platform, one: platform.endpoints.get(one))),
    ("remove", "remove one, with what was still to be delivered to it", _remove),
    (
        "enable",
        "say that it works again: what waits for it is delivered",
        partial(_tell, act=lambda platform, one: platform.endpoints.enable(one)),
    ),
    ("rotate-secret", "give it a new secret; for 24 hours the old one signs as well", _rotate),
    ("test", "send it a made-up alert now, and tell what came back", _test),
)


def _collect(find: Callable[..., Page], most: int) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    cursor: str | None = ""
    while cursor is not None and len(items) < most:
        page = find(cursor=cursor, limit=min(LIMIT_MAX, most - len(items)))
        items, cursor = items + page.items, page.next_cursor
    return items, cursor


def _endpoint(platform: Platform, identity: str) -> Item:
    """An endpoint that is there, as the API shows it."""
    return next(item for item in _collect(platform.endpoints.find, sys.maxsize)[0] if item["id"] == identity)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for one in text.split(",") if (part := one.strip()))


def _alert(item: Item) -> tuple[object, ...]:
    return item["id"], moment(item["timestamp"]), item["type"], item["domain"]


def _row(item: Item) -> tuple[object, ...]:
    state = f"{item['state']} ({item['why']})" if item["why"] else item["state"]
    types, owner = ",".join(item["types"]), item["owner"] or "(all)"
    return item["id"], state, item["kind"], types, owner, item["description"] or None, item["url"]


def _delivery(row: Item) -> tuple[object, ...]:
    last = row["attempts"][-1] if row["attempts"] else {}
    came = last.get("error") or last.get("status")
    told = (row["alert"], row["endpoint"], row["type"], row["domain"], row["state"])
    return *told, row["attempt"], moment(row["due"]), None if came is None else str(came)


_ALERTS: _Table = (("ID", "AT", "TYPE", "DOMAIN"), _alert, "There is no such alert.")
_ENDPOINTS: _Table = (("ID", "STATE", "KIND", "TYPES", "OWNER", "DESCRIPTION", "URL"), _row, "Nobody is told yet.")
_HEADINGS = ("ALERT", "ENDPOINT", "TYPE", "DOMAIN", "STATE", ">ATTEMPTS", "NEXT", "LAST")
_DELIVERIES: _Table = (_HEADINGS, _delivery, "There is no such delivery.")


def _page(arguments: argparse.Namespace, choose: Callable[[Platform], Callable[..., Page]], table: _Table) -> int:
    with _platform() as platform:
        items, cursor = _collect(choose(platform), arguments.limit)
    headings, row, nothing = table
    if arguments.json:
        print_json({"items": items, "nextCursor": cursor})
    elif not items:
        print(nothing)
    else:
        print_table(headings, [row(item) for item in items])
        if cursor:
            print(f"There is more: these are the newest {len(items):,} (--limit).")
    return 0


def _tell_secret(arguments: argparse.Namespace, item: Item, secret: str | None) -> int:
    """The secret alone on standard output, so that a script can keep it."""
    if arguments.json:
        print_json(item if secret is None else {**item, "secret": secret})
    elif secret is None:
        print(item["id"])
    else:
        print(f"{item['id']} signs with:", file=sys.stderr)
        print(secret)
        print("Keep it: it is told this once.", file=sys.stderr)
    return 0


def _say(arguments: argparse.Namespace, told: Item, sentence: str) -> int:
    print_json(told) if arguments.json else print(sentence)
    return 0
