"""`rebuild`: the counters and verdicts once more, from the stored mails."""

import argparse

import msgspec

from webhook.adapters.clock import Clock
from webhook.adapters.mongo.rebuild import Findings, Rebuilder
from webhook.bootstrap import database, journal, judge, retention
from webhook.config import Settings

SHOWN = 20


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("rebuild", help="recompute counters and verdicts from the stored mails")
    parser.add_argument("--check", action="store_true", help="only compare, write nothing; exit 1 if anything differs")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    clock = Clock()
    with database(settings, patience=600) as db:
        rebuilder = Rebuilder(db, retention(settings))
        findings = rebuilder.compare(clock.now())
        if not arguments.check:
            rebuilder.correct(findings, clock.now())
            posting = journal(db, settings, clock)
            while posting.post().entries:
                pass
        verdicts = rebuilder.wrong_verdicts(judge(db, settings))
        if not arguments.check and verdicts:
            journal(db, settings, clock).judge_again(verdicts.keys())
    _tell(findings, verdicts, arguments)
    return 1 if arguments.check and (findings.wrong or verdicts) else 0


def _tell(findings: Findings, verdicts: dict[str, str], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(msgspec.json.encode(_as_json(findings, verdicts)).decode())
        return
    verb = "differ" if arguments.check else "were corrected"
    print(
        f"Compared {findings.mails:,} mails with the counters of {findings.places:,} domain-days "
        f"since {findings.first_day}. Counters of earlier days are kept as they are: their mails are gone."
    )
    _tell_some(f"domain-days {verb}", [f"{domain} {day}: {counts}" for (domain, day), counts in findings.wrong.items()])
    _tell_some(f"verdicts {verb}", [f"{domain}: {why}" for domain, why in verdicts.items()])
    if not (findings.wrong or verdicts):
        print("Counters and verdicts agree with the mails.")


def _tell_some(what: str, lines: list[str]) -> None:
    if lines:
        print(f"{len(lines):,} {what}:")
        for line in sorted(lines)[:SHOWN]:
            print(f"  {line}")


def _as_json(findings: Findings, verdicts: dict[str, str]) -> dict[str, object]:
    return {
        "mails": findings.mails,
        "places": findings.places,
        "firstDay": findings.first_day,
        "wrongCounters": [
            {"domain": domain, "day": day, "missing": counts} for (domain, day), counts in findings.wrong.items()
        ],
        "wrongVerdicts": verdicts,
    }
