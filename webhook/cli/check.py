"""`check`: is everything set up so that domains can be judged? Finds what is not, and says what to do."""

import argparse
from collections.abc import Iterator

from webhook import checks
from webhook.bootstrap import Library, open_library
from webhook.checks import Finding, Severity
from webhook.cli.table import add_json, print_json, print_line
from webhook.config import Settings
from webhook.errors import Misconfigured, Unavailable


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("check", help="find what is not set up right, and how to mend it")
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    findings = list(findings_here())
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    if arguments.json:
        told = [
            {"code": one.code, "severity": one.severity, "sentence": one.sentence, "fix": one.fix} for one in findings
        ]
        print_json({"ok": not failed, "items": told, "nextCursor": None})
        return int(failed)
    for finding in findings:
        print_line(finding.severity.value, f"{finding.code.value}: {finding.sentence}")
        print(f"  Fix: {finding.fix}.")
    print(_summary(findings))
    return int(failed)


def findings_here() -> Iterator[Finding]:
    """What there is to find with the settings of this process."""
    try:
        settings = Settings.from_environment()
    except Misconfigured as error:
        yield checks.wrong_settings(str(error))
        return
    configured = checks.Configured(
        topics=bool(settings.sns_topic_arns),
        trusted_origins=settings.sns_trusted_origins,
    )
    yield from checks.configuration(configured)
    try:
        with open_library(settings) as library:
            found = _state(library, tokens=bool(settings.api_tokens))
    except (Misconfigured, Unavailable) as error:
        yield checks.unreachable(str(error))
    else:
        yield from checks.state(found)


def _state(library: Library, *, tokens: bool) -> checks.State:
    wirings = [
        checks.Wiring(wiring, kinds, *library.wirings.blinded(wiring))
        for wiring, kinds in library.wirings.shown().items()
    ]
    topics = library.wirings.subscriptions()
    return checks.State(
        wirings=wirings,
        quarantine=library.quarantine.by_reason(),
        unsubscribed=[topic["topicArn"] for topic in topics if topic["state"] == "unsubscribed"],
        lag=library.vitals.lag(),
        tokens=tokens or library.vitals.has_tokens(),
    )


def _summary(findings: list[Finding]) -> str:
    if not findings:
        return "Everything is set up as it should be."
    counted = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    return ", ".join(f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counted.items()) + "."
