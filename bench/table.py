"""The same tables on the screen and in a Markdown file."""

from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.md"


class Sheet(msgspec.Struct, frozen=True):
    """One table: its title, its columns (those after the first `words` are numbers), its rows, a note beneath."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    note: str = ""


def show(sheet: Sheet, console: Console) -> None:
    """Print it."""
    table = Table(title=sheet.title, title_justify="left", caption=sheet.note or None, box=box.SIMPLE_HEAD)
    for place, column in enumerate(sheet.columns):
        number = place >= sheet.words
        table.add_column(column, justify="right" if number else "left", no_wrap=number)
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)


def markdown(sheet: Sheet) -> str:
    """The table as Markdown."""
    rule = tuple("---" if place < sheet.words else "---:" for place, _ in enumerate(sheet.columns))
    lines = [_line(row) for row in (sheet.columns, rule, *sheet.rows)]
    return "\n".join((f"### {sheet.title}\n", *lines, *([f"\n{sheet.note}"] if sheet.note else ())))


def replace_section(path: Path, name: str, text: str) -> None:
    """Write `text` as the section `name` of a Markdown file; the other sections stay."""
    old = path.read_text() if path.exists() else "# Results\n"
    title, *sections = old.split("\n## ")
    kept = [section for section in sections if not section.startswith(f"{name}\n")]
    path.write_text("\n## ".join((title.rstrip() + "\n", *kept, f"{name}\n\n{text.strip()}\n")))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
