"""The suppression list as a file: CSV with a heading, or the list that SES exports."""

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from webhook.bootstrap import Clock, open_platform
from webhook.cli.pause import operator
from webhook.cli.table import add_json, print_json
from webhook.config import Settings
from webhook.domain.suppression import NewEntry, Reason, Scope, entered
from webhook.errors import Invalid, Misconfigured
from webhook.moments import moment_of
from webhook.paging import Item

#: The columns of a file; `import` needs only the first.
COLUMNS = ("address", "reason", "scope", "domain", "owner", "expiresAt", "note")
#: Those of the list that SES exports.
SES_COLUMNS = {"emailaddress": "address", "reason": "reason", "lastupdatetime": "lastUpdateTime"}
#: Rows written at once, rows between two lines of progress, and refused rows that are told.
BATCH, PROGRESS, TOLD = 500, 10_000, 20

_BY_LOWER = {name.lower(): name for name in COLUMNS}


class List(Protocol):
    """What importing needs of the list."""

    def load(self, entries: list[NewEntry], who: str, *, dry_run: bool = False) -> dict[str, int]:
        """Enters them all, or none; gives how many were `created`, `changed` and there `already`."""


def add_actions(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `import` and `export` to the actions of `suppressions`."""
    loaded = actions.add_parser("import", help=f"enter the rows of a CSV file: {','.join(COLUMNS)}, or SES's export")
    loaded.add_argument("file", type=Path, metavar="FILE")
    loaded.add_argument("--dry-run", action="store_true", help="only say what would be done")
    add_json(loaded)
    loaded.set_defaults(run=_import)
    written = actions.add_parser("export", help="write all entries as CSV")
    written.add_argument("file", nargs="?", type=Path, metavar="FILE", help="standard output without it")
    written.set_defaults(run=_export)


def _import(arguments: argparse.Namespace) -> int:
    now = Clock().now()
    with open_platform(Settings.from_environment()) as platform, _opened(arguments.file) as text:
        counted = load(platform.suppressions, text, str(arguments.file), now, dry_run=arguments.dry_run)
    if arguments.json:
        print_json({**counted, "dryRun": arguments.dry_run})
    else:
        told = ", ".join(f"{counted[name]:,} {name}" for name in ("created", "changed", "already", "refused"))
        print(f"{told}{'; nothing was written' if arguments.dry_run else ''}.")
    return 1 if counted["refused"] else 0


def load(suppressions: List, text: IO[str], name: str, now: datetime, *, dry_run: bool) -> dict[str, int]:
    """Enters the rows of a file and tells of those that are wrong; a second time nothing changes.

    Raises Misconfigured if the heading is not that of a list.
    """
    counted = {"created": 0, "changed": 0, "already": 0, "refused": 0}
    waiting: list[NewEntry] = []
    who = operator()

    def write() -> None:
        for key, number in suppressions.load(waiting, who, dry_run=dry_run).items():
            counted[key] += number
        waiting.clear()

    for number, row in rows_of(text, name):
        try:
            new = entry_of(row, now)
            entered(new, who, now)
            waiting.append(new)
        except Invalid as error:
            counted["refused"] += 1
            if counted["refused"] <= TOLD:
                print(f"row {number}: {error.field} {error.detail}", file=sys.stderr)
        if len(waiting) == BATCH:
            write()
        if number % PROGRESS == 0:
            print(f"{number:,} rows so far", file=sys.stderr)
    if waiting:
        write()
    if counted["refused"] > TOLD:
        print(f"… and {counted['refused'] - TOLD:,} rows more", file=sys.stderr)
    return counted


def rows_of(text: IO[str], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """A file's rows by column, with their numbers as a spreadsheet shows them: the heading is row 1."""
    rows = enumerate(csv.reader(text), start=1)
    number = 1
    try:
        _, first = next(rows, (1, []))
        columns = _columns(first, name)
        for number, row in rows:
            if any(cell.strip() for cell in row):
                cells = [cell.strip() for cell in row]
                spare = {"": ",".join(cells[len(columns) :])} if len(cells) > len(columns) else {}
                yield number, dict(zip(columns, cells, strict=False)) | spare
    except (csv.Error, UnicodeDecodeError) as error:
        raise Misconfigured(f"{name} can't be read after row {number}: save it as CSV in UTF-8 ({error})") from error


def _columns(heading: list[str], name: str) -> list[str]:
    told = [cell.strip().lower() for cell in heading]
    known = SES_COLUMNS if "emailaddress" in told else _BY_LOWER
    if len(set(told)) < len(told) or not set(told) <= set(known) or not {"address", "emailaddress"} & set(told):
        raise Misconfigured(
            f"{name}: the first row must name columns, of which `address` must be there and others may: "
            f"{','.join(COLUMNS)}; or be that of SES's export: EmailAddress,Reason,LastUpdateTime"
        )
    return [known[cell] for cell in told]


def entry_of(row: dict[str, str], now: datetime) -> NewEntry:
    """What a row wants to be entered; raises Invalid naming the column."""
    if "" in row:
        raise Invalid("row", f"has more cells than the heading: {row['']!r}")
    scope = row.get("scope", "").lower()
    domain, owner = row.get("domain") or None, row.get("owner") or None
    means = Scope.DOMAIN if domain else Scope.OWNER if owner else Scope.ACCOUNT
    if scope and scope != means:
        raise Invalid("scope", f"is {scope!r}, but the row is for {domain or owner or 'the whole account'}")
    since = row.get("lastUpdateTime")
    return NewEntry(
        address=row["address"],
        reason=row.get("reason", "").lower() or Reason.MANUAL.value,
        domain=domain,
        owner=owner,
        expires_at=_moment(row.get("expiresAt"), now),
        note=f"on SES's list since {since}" if since else row.get("note"),
    )


def _moment(text: str | None, now: datetime) -> datetime | None:
    try:
        return moment_of(text, now) if text else None
    except ValueError as error:
        raise Invalid("expiresAt", "must be a day or a moment with its offset, like 2026-01-31T12:00:00Z") from error


def _export(arguments: argparse.Namespace) -> int:
    with open_platform(Settings.from_environment()) as platform:
        if arguments.file is None:
            save(platform.suppressions.all(), sys.stdout)
            return 0
        with _opened(arguments.file, "w") as text:
            count = save(platform.suppressions.all(), text)
    print(f"{count:,} entries written to {arguments.file}", file=sys.stderr)
    return 0


def save(items: Iterator[Item], text: IO[str]) -> int:
    """Writes entries so that `import` reads them; gives how many."""
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    count = 0
    for item in items:
        until = item["expiresAt"].isoformat() if item["expiresAt"] else ""
        rows.writerow([until if name == "expiresAt" else item[name] or "" for name in COLUMNS])
        count += 1
    return count


@contextmanager
def _opened(path: Path, mode: str = "r") -> Iterator[IO[str]]:
    try:
        with path.open(mode, encoding="utf-8-sig" if mode == "r" else "utf-8", newline="") as text:
            yield text
    except OSError as error:
        raise Misconfigured(f"{path} can't be opened: {error.strerror}") from error
