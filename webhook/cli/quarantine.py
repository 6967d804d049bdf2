"""`quarantine`: look at what was not understood, have it read again, or throw it away."""

import argparse
import sys
from collections.abc import Iterator

from webhook.bootstrap import Library, open_library
from webhook.cli.table import add_json, moment, print_fields, print_json, print_table
from webhook.config import Settings
from webhook.errors import NotFound
from webhook.paging import LIMIT_MAX, Item
from webhook.replay import StillNotUnderstood

_PROGRESS_EVERY = 100


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command and what it can do."""
    parser = commands.add_parser("quarantine", help="list, show, replay or drop what was not understood")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="what there is, newest first")
    shown.add_argument("--reason", default="", help="only messages kept for this reason")
    add_json(shown)
    shown.set_defaults(run=_list)
    one = actions.add_parser("show", help="one message, whole")
    one.add_argument("id", metavar="ID")
    add_json(one)
    one.set_defaults(run=_show)
    replay = actions.add_parser("replay", help="read messages again; what is understood by now counts, and is gone")
    _add_choice(replay)
    replay.set_defaults(run=_replay)
    drop = actions.add_parser("drop", help="throw messages away")
    _add_choice(drop)
    drop.set_defaults(run=_drop)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--reason", default="", help="with --all: only messages kept for this reason")


def _list(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        items = list(_all(library, arguments.reason))
    if arguments.json:
        print_json({"items": items, "nextCursor": None})
    elif items:
        rows = [(item["id"], moment(item["at"]), item["reason"], item["copies"], item["detail"]) for item in items]
        print_table(("ID", "AT", "REASON", ">COPIES", "DETAIL"), rows)
    else:
        print("The quarantine is empty." if not arguments.reason else f"Nothing is kept for {arguments.reason!r}.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    with open_library(Settings.from_environment()) as library:
        found = library.quarantine.get(arguments.id)
    if arguments.json:
        print_json(found)
        return 0
    labels = {"id": "Id", "reason": "Reason", "detail": "Detail", "topicArn": "Topic", "messageId": "SNS message"}
    print_fields([(label, found[name]) for name, label in labels.items()])
    often = "once" if found["copies"] == 1 else f"{found['copies']:,} times"
    print(f"\nCame {moment(found['at'])}, last {moment(found['lastAt'])}, {often}.\n")
    print(ascii(found["message"])[1:-1] if not found["message"].strip().isprintable() else found["message"].strip())
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    stayed = replayed = 0
    with open_library(Settings.from_environment()) as library:
        for identity in _chosen(library, arguments):
            try:
                outcome = library.replayer.replay(identity)
            except (StillNotUnderstood, NotFound) as error:
                stayed += 1
                print(error, file=sys.stderr)
            else:
                replayed += 1
                _tell(arguments, f"{identity} {outcome.value}", replayed)
    print(f"{replayed:,} replayed, {stayed:,} not.")
    return 1 if stayed or (not (replayed or stayed) and arguments.reason) else 0


def _drop(arguments: argparse.Namespace) -> int:
    missed = dropped = 0
    with open_library(Settings.from_environment()) as library:
        for identity in _chosen(library, arguments):
            try:
                library.quarantine.drop(identity)
            except NotFound as error:
                missed += 1
                print(error, file=sys.stderr)
            else:
                dropped += 1
                _tell(arguments, f"{identity} dropped", dropped)
    print(f"{dropped:,} dropped.")
    return 1 if missed else 0


def _chosen(library: Library, arguments: argparse.Namespace) -> Iterator[str]:
    if bool(arguments.ids) == arguments.all or (arguments.reason and not arguments.all):
        raise argparse.ArgumentError(None, "name the messages by ID, or give --all (which --reason narrows down)")
    return iter(arguments.ids) if arguments.ids else (item["id"] for item in _all(library, arguments.reason))


def _all(library: Library, reason: str) -> Iterator[Item]:
    """All messages; each page is read when it is needed, so the listed may vanish meanwhile."""
    cursor: str | None = ""
    while cursor is not None:
        page = library.quarantine.find(reason=reason, cursor=cursor, limit=LIMIT_MAX)
        yield from page.items
        cursor = page.next_cursor


def _tell(arguments: argparse.Namespace, line: str, done: int) -> None:
    """Of a few each by name; of all now and then how far it is."""
    if not arguments.all:
        print(line)
    elif done % _PROGRESS_EVERY == 0:
        print(f"{done:,} so far", file=sys.stderr)
