"""`suppressions sync`: compares our suppression list with that of the SES account, and does what is due."""

import argparse
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from webhook.assembling.suppression_sync import SyncDesk, open_sync
from webhook.cli.table import add_json, moment, print_fields, print_json, print_line
from webhook.config import Settings
from webhook.domain.sync_state import NUMBERS, Phase, State
from webhook.errors import AwsError, Limited, Misconfigured
from webhook.syncing import rehearsed

#: Addresses that somebody took off SES's list and that are named.
NAMED = 20
_OFF = (
    "SES_SUPPRESSION_SYNC is off: set it to pull (SES's list is taken into ours) or both (and ours is put into SES's);"
    " with --dry-run this says what both would do"
)
_DOING = {
    Phase.REST: "writing to SES's list",
    Phase.LIST: "reading SES's list",
    Phase.CONFIRM: "asking for what it lacks",
    Phase.SWEEP: "looking through ours",
    Phase.PRUNE: "looking through what was put",
}


def add_action(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `sync` to the actions of `suppressions`."""
    parser = actions.add_parser("sync", help="keep step with the suppression list of the SES account, now")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--accept-removals", action="store_true", help="let addresses go though SES's list lacks most that it had"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compares all of both lists; 0 only if all was done that was due."""
    settings = Settings.from_environment()
    if settings.ses_suppression_sync == "off" and not arguments.dry_run:
        raise Misconfigured(_OFF)
    try:
        with redirect_stdout(sys.stderr), open_sync(settings) as desk:  # what is logged is no part of the answer
            if arguments.dry_run:
                told = _rehearse(desk, writes=settings.ses_suppression_sync != "pull")
            else:
                told = _run(desk, accepts=arguments.accept_removals)
    except (AwsError, Limited) as error:
        print(f"SES's suppression list can't be had: {error}", file=sys.stderr)
        return 1
    (print_json if arguments.json else _tell)(told)
    return 1 if told["failed"] or told["problems"] else 0


def _run(desk: SyncDesk, *, accepts: bool) -> dict[str, Any]:
    before: Mapping[str, int] | None = None
    state = None
    for state in desk.run(accepts=accepts):
        before = state.numbers if before is None else before
        _progress(f"{_DOING[state.phase]}: {_counted(_since(before, state))}")
    if state is None or before is None:
        raise AssertionError("a comparison ended before it began")
    _progress("", last=True)
    problems = list(state.problems.values())
    return {**_shown(desk, _since(before, state)), "problems": problems, "dryRun": False}


def _rehearse(desk: SyncDesk, *, writes: bool) -> dict[str, Any]:
    found = None
    for found in rehearsed(desk.theirs, desk.survey, desk.clock.now(), writes=writes):
        _progress(f"{found.listed:,} addresses of SES's list read")
    if found is None:
        raise AssertionError("a comparison ended before it began")
    _progress("", last=True)
    numbers = {"added": found.added, "removed": found.removed, "put": found.put, "deleted": found.deleted, "failed": 0}
    return {**_shown(desk, numbers), "there": found.listed, "problems": [], "dryRun": True}


def _shown(desk: SyncDesk, numbers: Mapping[str, int]) -> dict[str, Any]:
    removed = [{"address": row.address, "noticedAt": row.since} for row in desk.survey.removed_there(NAMED)]
    counts = desk.survey.counts(desk.clock.now())
    return {"region": desk.region, **counts, **numbers, "lastRemovedThere": removed}


def _since(before: Mapping[str, int], state: State) -> dict[str, int]:
    return {name: state.numbers.get(name, 0) - before.get(name, 0) for name in NUMBERS}


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items())


def _progress(told: str, *, last: bool = False) -> None:
    """How far it is: one line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{told}", end="" if told or not last else "\r", file=sys.stderr, flush=True)


_MEANING = {
    "there": "on the list of SES",
    "here": "on ours, for everybody",
    "added": "taken over from SES",
    "removed": "removed here since SES has them no more",
    "put": "put on the list of SES",
    "deleted": "deleted from it",
    "failed": "refused by SES",
}


def _tell(told: Mapping[str, Any]) -> None:
    print(f"The suppression list of SES in {told['region']} and ours{' (nothing was changed)' * told['dryRun']}:\n")
    print_fields([(name, f"{told[name]:,} {meaning}") for name, meaning in _MEANING.items()])
    if told["removedThere"]:
        print(f"\n{told['removedThere']:,} of ours were taken off SES's list by somebody, and are not put there again:")
        for row in told["lastRemovedThere"]:
            print(f"  {row['address']}, noticed {moment(row['noticedAt'])}")
        print(
            "To let them go here too, remove them: python -m webhook suppressions list --address ADDRESS tells the id."
        )
    for problem in told["problems"]:
        print_line("error", f"{problem['detail']}: {problem['hint']}")
