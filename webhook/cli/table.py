"""What commands print: tables (drawn on a terminal, plain and aligned elsewhere), coloured words, and JSON."""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: The colour that goes with a word; the word says it all without.
COLOURS = {
    "healthy": "green",
    "warning": "yellow",
    "flagged": "bold red",
    "error": "bold red",
    "confirmed": "green",
    "unsubscribed": "yellow",
    "insufficient_data": "dim",
    "note": "dim",
    "ok": "green",
    "missing": "bold red",
    "wrong": "bold red",
    "pending": "yellow",
    "unknown": "yellow",
    "optional": "dim",
    "paused": "bold red",
    "create": "green",
    "change": "yellow",
    "confirm": "yellow",
    "keep": "dim",
    "leave": "yellow",
    "blocked": "bold red",
    "delete": "bold red",
    "active": "green",
    "failing": "yellow",
    "disabled": "bold red",
    "delivered": "green",
    "not delivered": "bold red",
    "dead": "bold red",
}
#: Begins the heading of a column of numbers.
NUMBER = ">"


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json` to a command that prints data."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def print_json(value: object) -> None:
    """Prints a value as the API would give it, indented."""
    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """Prints rows. A heading that begins with `>` is of a column of numbers."""
    cells = [[_text(cell) for cell in row] for row in rows]
    if title:
        print(title)
    console = Console()
    drawn = _drawn(headings, cells)
    # Too wide to be drawn: better lines that the terminal wraps than cells that nobody can copy an id from.
    if sys.stdout.isatty() and console.measure(drawn).maximum <= console.width:
        console.print(drawn)
    else:
        print_aligned(headings, cells)


def _drawn(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table()
    for heading in headings:
        right = heading.startswith(NUMBER)
        table.add_column(heading.removeprefix(NUMBER), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell.partition(" (")[0], "")) for cell in row))
    return table


def print_aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows with two blanks between their columns."""
    names = [heading.removeprefix(NUMBER) for heading in headings]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        fitted = [
            cell.rjust(width) if heading.startswith(NUMBER) else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        ]
        print("  ".join(fitted).rstrip())


def print_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Prints names and values, one pair a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        print(f"{name.ljust(width)}  {_text(value)}")


def print_line(word: str, rest: str) -> None:
    """Prints a line that begins with one of the coloured words."""
    if sys.stdout.isatty():
        Console().print(Text.assemble((_text(word), COLOURS.get(word, "")), f" {_text(rest)}"), soft_wrap=True)
    else:
        print(_text(word), _text(rest))


def rate(numerator: int, denominator: int, share: float | None) -> str:
    """A rate with what it is made of: `21/400 (5.25 %)`."""
    told = f"{numerator:,}/{denominator:,}"
    return told if share is None else f"{told} ({share * 100:.2f} %)"


def moment(at: datetime | None) -> str:
    """A moment as people read it, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at else "-"


def _text(cell: object) -> str:
    """A cell as it may be shown: what mail servers answered must not steer the terminal."""
    text = f"{cell:,}" if isinstance(cell, int) else str("-" if cell is None else cell)
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
