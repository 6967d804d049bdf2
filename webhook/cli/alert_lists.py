"""What the commands about alerts share: how an action is declared, and how a list is told page by page."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from webhook.bootstrap import open_platform
from webhook.cli.table import add_json, print_json, print_table
from webhook.config import Settings
from webhook.errors import Invalid
from webhook.paging import LIMIT, LIMIT_MAX, Item, Page
from webhook.platform import Platform

Run = Callable[[argparse.Namespace], int]
#: How a list is printed: headings, a row, and what is said if there is none.
Table = tuple[tuple[str, ...], Callable[[Item], tuple[object, ...]], str]

_LIMIT_TOP = 100_000


def add_action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, told: str, run: Run, *given: str
) -> argparse.ArgumentParser:
    """Adds an action that takes `--json` and these arguments."""
    parser = actions.add_parser(name, help=told)
    for one in given:
        parser.add_argument(one.lower(), metavar=one)
    add_json(parser)
    parser.set_defaults(run=run)
    return parser


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds `--limit`."""
    parser.add_argument("--limit", type=_number, default=LIMIT, metavar="N", help=f"how many at most ({LIMIT})")


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _LIMIT_TOP:
        raise argparse.ArgumentTypeError(f"must be from 1 to {_LIMIT_TOP}")
    return number


@contextmanager
def opened() -> Iterator[Platform]:
    """What is done for domains; what is wrong with an argument is told as argparse does."""
    with open_platform(Settings.from_environment()) as platform:
        try:
            yield platform
        except Invalid as error:
            raise argparse.ArgumentError(None, f"{error.field} {error.detail}: {error.hint}") from error


def print_page(arguments: argparse.Namespace, choose: Callable[[Platform], Callable[..., Page]], table: Table) -> int:
    """Prints as much of a list as `arguments.limit` says."""
    with opened() as platform:
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


def _collect(find: Callable[..., Page], most: int) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    cursor: str | None = ""
    while cursor is not None and len(items) < most:
        page = find(cursor=cursor, limit=min(LIMIT_MAX, most - len(items)))
        items, cursor = items + page.items, page.next_cursor
    return items, cursor


def say(arguments: argparse.Namespace, told: Item, sentence: str) -> int:
    """Prints what was done, as JSON or as a sentence."""
    print_json(told) if arguments.json else print(sentence)
    return 0
