"""`rebuild`: the counters and verdicts once more, from the stored mails."""

import argparse

import msgspec

from webhook.bootstrap import Clock, database, rebuilder
from webhook.config import Settings
from webhook.ports import Findings

SHOWN = 20
#: Seconds that one operation on all mails may take.
READING = 900.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("rebuild", help="recompute counters and verdicts from the stored mails")
    parser.add_argument("--check", action="store_true", help="only compare, write nothing; exit 1 if anything differs")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    clock = Clock()
    with database(settings, patience=READING) as db:
        rebuild = rebuilder(db, settings, clock)
        began = clock.now()
        findings = rebuild.compare(began)
        if not arguments.check:
            rebuild.correct(findings, began)
    if arguments.json:
        print(msgspec.json.encode(_as_json(findings)).decode())
    else:
        _tell(findings, "differ" if arguments.check else "were corrected")
    return 1 if arguments.check and not findings.agree else 0


def _tell(findings: Findings, verb: str) -> None:
    print(
        f"Compared {findings.mails:,} mails with the counters of {findings.places:,} domain-days "
        f"since {findings.first_day}. Counters of earlier days are kept as they are: their mails are gone."
    )
    counters = [f"{domain} {day}: {counts}" for (domain, day), counts in findings.wrong_counters.items()]
    _tell_some(f"domain-days {verb}", counters)
    _tell_some(f"verdicts {verb}", [f"{domain}: {why}" for domain, why in findings.wrong_verdicts.items()])
    if findings.agree:
        print("Counters and verdicts agree with the mails.")


def _tell_some(what: str, lines: list[str]) -> None:
    if lines:
        print(f"{len(lines):,} {what}:")
        for line in sorted(lines)[:SHOWN]:
            print(f"  {line}")


def _as_json(findings: Findings) -> dict[str, object]:
    return {
        "mails": findings.mails,
        "places": findings.places,
        "firstDay": findings.first_day,
        "wrongCounters": [
            {"domain": domain, "day": day, "missing": counts}
            for (domain, day), counts in findings.wrong_counters.items()
        ],
        "wrongVerdicts": findings.wrong_verdicts,
    }
