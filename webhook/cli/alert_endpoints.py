"""`alerts endpoints`: who is told of alerts."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from webhook.bootstrap import Clock
from webhook.cli.alert_lists import Run, Table, add_action, add_limit, opened, print_page, say
from webhook.cli.pause import operator
from webhook.cli.table import moment, print_fields, print_json, print_line
from webhook.dispatching.enrolment import Changes, Wanted
from webhook.domain.disclosure import shown
from webhook.domain.endpoints import Endpoint, Kind, Signing, disabled_by
from webhook.moments import FORMS, moment_of
from webhook.paging import Item, Page
from webhook.platform import Platform

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds all that can be done with endpoints."""
    add_action(actions, "list", "all of them", _list).set_defaults(limit=sys.maxsize)
    added = add_action(actions, "add", "make one, and print its secret this once", _add)
    added.add_argument("url", metavar="URL", help="https://…, an ARN, a queue's address, or mailto:…")
    added.add_argument("--kind", default=Kind.WEBHOOK.value, choices=[kind.value for kind in Kind])
    added.add_argument(
        "--types", type=_listed, default="*", metavar="LIST", help="types, or their beginnings and *; all without it"
    )
    added.add_argument("--domains", type=_listed, default="", metavar="LIST", help="alerts about these only")
    added.add_argument("--owner", metavar="OWNER", help="alerts about this owner's domains only")
    added.add_argument("--description", default="", metavar="TEXT", help="what others should know")
    signings = [signing.value for signing in Signing]
    added.add_argument("--signing", default=Signing.HMAC.value, choices=signings, help="by a secret, or by a key pair")
    for name, told, run in _ON_ONE:
        add_action(actions, name, told, run, "ID")
    rotated = add_action(actions, "rotate-secret", "give it a new secret, or a new key pair", _rotate, "ID")
    overlap = "for so long the old one signs as well: 24h without it, 0s if it leaked"
    rotated.add_argument("--overlap", metavar="SPAN", help=overlap)
    add_shorthands(actions)
    replay = add_action(actions, "replay", "tell it again whatever it was to get since then", _replay, "ID")
    replay.add_argument("--since", required=True, metavar="WHEN", help=FORMS)
    made = add_action(actions, "deliveries", "what was or is to be delivered to it, newest first", _deliveries, "ID")
    made.add_argument("--state", default="", choices=["pending", "delivered", "dead"], help="only these")
    add_limit(made)


def add_shorthands(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds what is done with an endpoint often enough to be an action of `alerts` as well."""
    told = "change an endpoint: what is not given stays"
    changed = add_action(actions, "change", told, partial(_tell, act=_change), "ID")
    for name, read, what in _CHANGEABLE:
        metavar = "LIST" if read is _listed else name.upper()
        changed.add_argument(f"--{name}", type=read, default=argparse.SUPPRESS, metavar=metavar, help=what)
    told = "let an endpoint get nothing until it is enabled; what waits for it is kept"
    disabled = add_action(actions, "disable", told, partial(_tell, act=_disable), "ID")
    disabled.add_argument("--why", default="", metavar="TEXT", help="kept with it, and in the audit trail")
    told = "say that an endpoint works again: what waits for it is delivered"
    add_action(actions, "enable", told, partial(_tell, act=_enable), "ID")


def _list(arguments: argparse.Namespace) -> int:
    return print_page(arguments, lambda platform: platform.endpoints.find, _ENDPOINTS)


def _add(arguments: argparse.Namespace) -> int:
    wanted = Wanted(
        arguments.url,
        arguments.kind,
        arguments.types,
        arguments.domains,
        arguments.description,
        signing=arguments.signing,
    )
    with opened() as platform:
        made, secret = platform.enrolment.add(wanted, arguments.owner, who=operator())
    return _tell_secret(arguments, shown(made) | {"url": made.url}, secret)


def _remove(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        platform.endpoints.remove(arguments.id, who=operator())
    return say(arguments, {"success": True, "id": arguments.id}, f"{arguments.id} removed")


def _rotate(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        endpoint, secret = platform.enrolment.rotate(arguments.id, who=operator(), overlap=arguments.overlap)
    return _tell_secret(arguments, shown(endpoint), secret)


def _test(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        told = platform.enrolment.test(arguments.id)
    if arguments.json:
        print_json(told)
    else:
        word = "delivered" if told["delivered"] else "not delivered"
        print_line(word, f"in {told['ms']:,} ms: {told['error'] or told['status']}")
    return 0 if told["delivered"] else 1


def _replay(arguments: argparse.Namespace) -> int:
    with opened() as platform:
        endpoint = platform.endpoints.get(arguments.id)
        try:
            since = moment_of(arguments.since, Clock().now())
        except ValueError as error:
            raise argparse.ArgumentError(None, f"--since {error}") from error
        count = platform.fanout.replay(endpoint, max(since, _EPOCH))
    told = {"success": True, "id": arguments.id, "alerts": count}
    return say(arguments, told, f"{arguments.id} gets again, in alerts: {count:,}")


def _deliveries(arguments: argparse.Namespace) -> int:
    def of_endpoint(platform: Platform) -> Callable[..., Page]:
        return partial(platform.alerts.deliveries_of, platform.endpoints.get(arguments.id).id, state=arguments.state)

    return print_page(arguments, of_endpoint, _DELIVERIES)


def _tell(arguments: argparse.Namespace, act: Callable[[Platform, argparse.Namespace], Endpoint]) -> int:
    """Shows an endpoint after this was done."""
    with opened() as platform:
        item = shown(act(platform, arguments))
    if arguments.json:
        print_json(item)
        return 0
    print_line(item["state"], f"{item['id']}{': ' + item['why'] if item['why'] else ''}")
    lists = {name: ", ".join(item[name]) for name in ("types", "domains", "headers")}
    said = ("kind", "url", "types", "domains", "owner", "description", "headers", "rate", "format")
    fields = (*said, "signing", "publicKey", "failures")
    print_fields([(name, (item | lists)[name]) for name in fields])
    return 0


def _get(platform: Platform, arguments: argparse.Namespace) -> Endpoint:
    return platform.endpoints.get(arguments.id)


def _change(platform: Platform, arguments: argparse.Namespace) -> Endpoint:
    names = [name for name, _, _ in _CHANGEABLE]
    wanted = {name: getattr(arguments, name) for name in names if name in arguments}
    if not wanted:
        raise argparse.ArgumentError(None, f"say what is to change: {', '.join(f'--{name}' for name in names)}")
    return platform.enrolment.change(arguments.id, Changes(**wanted), who=operator())


def _disable(platform: Platform, arguments: argparse.Namespace) -> Endpoint:
    who = operator()
    return platform.endpoints.disable(arguments.id, disabled_by(who, arguments.why), who=who)


def _enable(platform: Platform, arguments: argparse.Namespace) -> Endpoint:
    return platform.endpoints.enable(arguments.id, who=operator())


_ON_ONE: tuple[tuple[str, str, Run], ...] = (
    ("show", "one of them, and how it fares", partial(_tell, act=_get)),
    ("remove", "remove one, with what was still to be delivered to it", _remove),
    ("test", "send it a made-up alert now, and tell what came back", _test),
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for one in text.split(",") if (part := one.strip()))


def _rate(text: str) -> float | None:
    return None if text == "none" else float(text)


#: What can be changed: how it is read, and what it is.
_CHANGEABLE: tuple[tuple[str, Callable[[str], object], str], ...] = (
    ("url", str, "where it is from now on"),
    ("types", _listed, "types, or their beginnings and *"),
    ("domains", _listed, 'alerts about these only; "" for all'),
    ("description", str, "what others should know"),
    ("rate", _rate, "alerts a second at most; none for no limit"),
    ("format", str, "how the body of a webhook looks: standard or cloudevents"),
)


def _row(item: Item) -> tuple[object, ...]:
    state = f"{item['state']} ({item['why']})" if item["why"] else item["state"]
    types, owner = ",".join(item["types"]), item["owner"] or "(all)"
    return item["id"], state, item["kind"], types, owner, item["description"] or None, item["url"]


def delivery_row(row: Item) -> tuple[object, ...]:
    last = row["attempts"][-1] if row["attempts"] else {}
    came = last.get("error") or last.get("status")
    told = (row["alert"], row["endpoint"], row["type"], row["domain"], row["state"])
    return *told, row["attempt"], moment(row["due"]), None if came is None else str(came)


_ENDPOINTS: Table = (("ID", "STATE", "KIND", "TYPES", "OWNER", "DESCRIPTION", "URL"), _row, "Nobody is told yet.")
DELIVERY_HEADINGS = ("ALERT", "ENDPOINT", "TYPE", "DOMAIN", "STATE", ">ATTEMPTS", "NEXT", "LAST")
_DELIVERIES: Table = (DELIVERY_HEADINGS, delivery_row, "There is no such delivery.")


def _tell_secret(arguments: argparse.Namespace, item: Item, secret: str | None) -> int:
    """The secret or public key alone on standard output, so that a script can keep it."""
    if arguments.json:
        print_json(item if secret is None else {**item, "secret": secret})
        return 0
    if secret is None and item["publicKey"] is None:
        print(item["id"])
        return 0
    print(f"{item['id']} {'signs' if secret else 'is verified'} with:", file=sys.stderr)
    print(secret or item["publicKey"])
    if secret:
        print("Keep it: it is told this once.", file=sys.stderr)
    return 0
