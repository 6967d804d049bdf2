"""`doctor`: looks at everything between SES and here, and says what is wrong and how to mend it."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import groupby

from webhook.assembling.doctor import open_doctor
from webhook.cli.table import add_json, print_json, print_line
from webhook.config import Settings
from webhook.domain.findings import Finding, Severity
from webhook.domain.wiring import hop
from webhook.examination import SAMPLE, Examination, Part

#: Seconds that `--live` waits for its mails.
WAIT = 120.0


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("doctor", help="find what is wrong between SES and here, and how to mend it")
    parser.add_argument(
        "--region",
        action="append",
        metavar="REGION",
        help="look there only (repeatable); else AWS_SDK_REGION and the regions of SNS_TOPIC_ARNS",
    )
    parser.add_argument(
        "--domain",
        action="append",
        metavar="IDENTITY",
        help=f"look at this identity (repeatable); else at the first {SAMPLE}",
    )
    parser.add_argument("--live", action="store_true", help="send real mail to the mailbox simulator and follow it")
    parser.add_argument("--wait", type=float, default=WAIT, metavar="SECONDS", help=f"with --live ({WAIT:g})")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.live:
        code: int = import_module("webhook.cli.live").run(arguments)
        return code
    with open_doctor(Settings.from_environment(), _tell) as doctor:
        names = [name if "@" in name else name.lower().rstrip(".") for name in arguments.domain or ()]
        examination = doctor.examine(arguments.region or (), names)
    if arguments.json:
        print_json(document(examination))
    else:
        show(examination)
    return 0 if examination.sound else 1


def document(examination: Examination) -> dict[str, object]:
    """The examination as JSON has it."""
    items = [_item(part.region, finding) for part in examination.parts for finding in part.findings]
    looked = [{"region": part.region or None, "what": list(part.looked)} for part in examination.parts]
    return {"ok": examination.sound, "items": items, "looked": looked, "nextCursor": None}


def _item(region: str, finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "hop": hop(finding.code),
        "region": region or None,
        "sentence": finding.sentence,
        "should": finding.should or None,
        "fix": finding.fix,
    }


def show(examination: Examination) -> None:
    """Prints it for people: what was found hop by hop, what was looked at, and how much was found."""
    several = len([part for part in examination.parts if part.region]) > 1
    for part in examination.parts:
        _show_part(part, named=several and bool(part.region))
    print("Looked at:")
    for part in examination.parts:
        for line in part.looked:
            print(f"  {part.region + ': ' if several and part.region else ''}{line}")
    print(_summary(examination.findings))


def _show_part(part: Part, *, named: bool) -> None:
    by_hop = sorted(part.findings, key=lambda finding: finding.code.value[1:3])
    for title, findings in groupby(by_hop, lambda finding: hop(finding.code)):
        print(f"{title} in {part.region}" if named else title)
        for finding in findings:
            print_line(finding.severity.value, f"{finding.code.value}: {finding.sentence}")
            if finding.should:
                print(f"  Should be: {finding.should}.")
            print(f"  Fix: {finding.fix}")  # no full stop: commands are copied from here


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Everything is as it should be."
    counted = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    return ", ".join(f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counted.items()) + "."


def _tell(line: str) -> None:
    """Progress, where somebody watches it."""
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)
