"""`gaps`: what AWS counts and was never heard here, and restoring of it what AWS still holds."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, time
from typing import Any

from webhook.assembling.gaps import GapDesk, open_gaps
from webhook.cli.table import add_json, moment, print_json, print_line, print_table
from webhook.config import Settings
from webhook.domain.gaps import Reason, Row, State
from webhook.domain.gaps_told import LIMITS, NAMES, Findings, advice, findings_of, row_of, sentence, why
from webhook.errors import AwsError, Limited
from webhook.gaps.checking import DAYS, Step
from webhook.gaps.repairing import Repair, repair_of
from webhook.moments import FORMS, moment_of

#: What is to be done about what is still missing after a repair.
GONE = (
    "AWS holds no more of these: what is lost without a dead-letter queue can't be had again. Give each subscription"
    " one (`python -m webhook setup plan` shows which lacks it)."
)
#: Rows that are told in sentences; all are in the table, and in --json.
SENTENCES = 20


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("gaps", help="find what AWS counts and was never heard here; exit 1 if there is any")
    parser.add_argument("domain", metavar="DOMAIN", nargs="?", help="only this domain")
    parser.add_argument("--since", metavar="DAY", help=f"from this day on ({DAYS} days without it): {FORMS}")
    parser.add_argument(
        "--repair", action="store_true", help="take what dead-letter queues and SES's suppression list hold, then look"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares, after a repair if that is asked for; 0 only if nothing is missing."""
    with open_gaps(Settings.from_environment()) as desk:
        since = _day(arguments.since, desk.clock.now())
        try:
            with redirect_stdout(sys.stderr):  # what is logged, and how far it is, are no part of the answer
                repaired = _repair(desk, since) if arguments.repair else None
                found = _look(desk, since, _name(arguments.domain))
        except (AwsError, Limited) as error:
            print(f"AWS's figures can't be had: {error}", file=sys.stderr)
            return 1
    if arguments.json:
        print_json(_as_json(found, repaired))
    else:
        if repaired:
            _tell_repair(repair_of(repaired))
        _tell(found, repaired=repaired is not None)
    return 1 if found.missing or found.unknown else 0


def _name(domain: str | None) -> str | None:
    return domain.strip().lower().rstrip(".") if domain else None


def _day(text: str | None, now: datetime) -> date | None:
    if text is None:
        return None
    try:
        day = moment_of(text, now).date()
    except ValueError as error:
        raise argparse.ArgumentError(None, f"--since {error}") from error
    if day > now.date():
        raise argparse.ArgumentError(None, "--since must not be in the future")
    return day


def _look(desk: GapDesk, since: date | None, domain: str | None) -> Findings:
    steps = desk.oversight.checker.run(since, domain)
    found = None
    for step in _shown(steps):
        found = step.found or found
    if found is None:
        raise AssertionError("a comparison ended without its findings")
    return found


def _shown(steps: Iterator[Step]) -> Iterator[Step]:
    for step in steps:
        _progress(f"compared {step.done:,} of {step.total:,} domains", last=step.found is not None)
        yield step


def _repair(desk: GapDesk, since: date | None) -> Repair:
    first = since or desk.clock.now().date() - DAYS * date.resolution
    repair = None
    for repair in desk.repairer.repair(datetime.combine(first, time(), UTC)):
        entries = f"{repair.restored.done:,} of {repair.restored.total:,} entries of the suppression list"
        _progress(f"{repair.drained.messages:,} dead letters, {entries}", last=repair.stage == "done")
    if repair is None:
        raise AssertionError("a repair ended before it began")
    return repair


def _progress(told: str, *, last: bool) -> None:
    """How far it is: one line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{told}", end="\n" if last else "", file=sys.stderr, flush=True)


def _as_json(found: Findings, repaired: Repair | None) -> dict[str, Any]:
    told = {"items": [row_of(row) for row in found.rows], "nextCursor": None, **findings_of(found)}
    return {**told, "repair": repair_of(repaired)} if repaired else told


def _tell(found: Findings, *, repaired: bool) -> None:
    if not found.first:
        print("There is no whole day to compare yet: AWS's figures are of days that have ended.")
        return
    print(f"AWS's figures ({_SOURCES[found.source.value]}) from {found.first} to {found.last}, {moment(found.at)}.")
    if found.rows:
        headings = ("STATE", "DAY", "DOMAIN", "KIND", ">HEARD", ">LEFT OUT", ">AWS", ">MISSING", "LIKELY")
        print_table(headings, [_row(row) for row in found.rows])
        _tell_sentences([row for row in found.rows if row.state is State.MISSING], repaired=repaired)
    rows = [(NAMES[total.kind][1], total.ours, total.left_out, total.aws, total.missing) for total in found.totals]
    print_table(("ALL DAYS", ">HEARD", ">LEFT OUT", ">AWS", ">MISSING"), rows, "\nTotals")
    print()
    if found.unknown:
        print_line("unknown", f"SES did not answer for {', '.join(found.unknown[:10])}: run the command again.")
    if found.missing:
        print_line("missing", f"{found.missing:,} in all; {found.equal:,} comparisons agree.")
    else:
        print_line("ok", f"nothing is missing: {found.equal:,} comparisons agree.")
    print(LIMITS[found.source])


_SOURCES = {"vdm": "Virtual Deliverability Manager, by domain", "statistics": "the account's statistics"}


def _row(row: Row) -> tuple[object, ...]:
    heard = f"{row.ours:,} to {row.ours + row.doubtful:,}" if row.doubtful else row.ours
    domain = row.domain or "(account)"
    kind = NAMES[row.kind][0]
    missing = f"{row.missing:,}/{row.aws:,}" if row.missing else "-"
    return row.state.value, row.day, domain, kind, heard, row.left_out, row.aws, missing, why(row)


def _tell_sentences(rows: list[Row], *, repaired: bool) -> None:
    if not rows:
        return
    print()
    for row in rows[:SENTENCES]:
        print_line("missing", sentence(row))
    if len(rows) > SENTENCES:
        print(f"… and {len(rows) - SENTENCES:,} more, in the table above.")
    for told in dict.fromkeys(GONE if repaired and row.reason is Reason.LOST else advice(row) for row in rows):
        print(f"\n{told}")


def _tell_repair(told: dict[str, Any]) -> None:
    if told["restored"]:
        rows = [(one["domain"], one["kind"], one["deadLetters"], one["suppressionList"]) for one in told["restored"]]
        print_table(("DOMAIN", "KIND", ">FROM DEAD LETTERS", ">FROM THE SUPPRESSION LIST"), rows, "Restored")
    else:
        print("Nothing was restored: AWS holds nothing that was not heard here.")
    queues = f"{told['queues']:,} queue{'' if told['queues'] == 1 else 's'}"
    print(f"Dead letters: {told['messages']:,} in {queues}{_listed(told['outcomes'])}.")
    if told["rejected"]:
        print_line("note", f"left where they are, since they are not authentic{_listed(told['rejected'])}.")
    fates = {_FATES[name]: count for name, count in told["fates"].items() if count}
    print(f"Suppression list: {told['entries']:,} entries{_listed(fates)}.\n")


_FATES = {
    "restored": "restored",
    "known": "known already",
    "by_hand": "entered by a person",
    "unknown": "of mails that were never heard of here, so of no known domain",
}


def _listed(counted: dict[str, int]) -> str:
    told = ", ".join(f"{count:,} {name}" for name, count in counted.items())
    return f" ({told})" if told else ""
