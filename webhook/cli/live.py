"""`doctor --live`: shows real mails on their way through the whole chain, and what came of it."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from webhook.assembling.live import open_live
from webhook.cli.table import print_json, print_line
from webhook.config import Settings
from webhook.domain.live import WORDS, Hop, Passage, State
from webhook.errors import AwsError
from webhook.live import Report, Show, Standing

#: Seconds that may be waited, at most.
LONGEST = 3600.0
_SHOWN = {State.OK: "ok", State.BROKEN: "error", State.UNKNOWN: "unknown"}


def run(arguments: argparse.Namespace) -> int:
    """Tries the chain; 0 only if it works."""
    region, domain = _one(arguments.region, "--region"), _one(arguments.domain, "--domain")
    if not 0 < arguments.wait <= LONGEST:
        raise argparse.ArgumentError(None, f"--wait takes more than 0 and at most {LONGEST:g} seconds")
    name = domain if domain is None or "@" in domain else domain.lower().rstrip(".")
    try:
        with _shown(quiet=arguments.json) as show, open_live(Settings.from_environment(), show, region) as trial:
            report = trial.run(name, arguments.wait)
    except AwsError as error:
        print(error, file=sys.stderr)
        return 1
    (_print_document if arguments.json else tell)(report)
    return 0 if report.verdict.works else 1


def _one(given: list[str] | None, option: str) -> str | None:
    if given and len(given) > 1:
        raise argparse.ArgumentError(None, f"--live takes {option} once")
    return given[0] if given else None


# -- while it runs


@contextmanager
def _shown(*, quiet: bool) -> Iterator[Show]:
    """A table that fills in on a terminal; elsewhere a line for each piece of news."""
    if quiet:
        yield lambda _: None
    elif sys.stdout.isatty():
        with Live(auto_refresh=False) as live:
            yield lambda standing: live.update(_drawn(standing), refresh=True)
    else:
        yield _Lines().show


class _Lines:
    """Prints what is new since the last time."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def show(self, standing: Standing) -> None:
        for passage in standing.passages:
            for line in _news(passage):
                if line not in self._told:
                    self._told.add(line)
                    print(f"{standing.elapsed:6.1f} s  {line}", flush=True)


def _news(passage: Passage) -> Iterator[str]:
    if passage.sent:
        yield f"{passage.address}: SES took it in {passage.took * 1000:,.0f} ms as {passage.message_id}"
    for heard in passage.heard:
        yield f"{passage.address}: {heard.kind.value}, here {heard.after:.1f} s after SES took it"
    for reason in passage.set_aside:
        yield f"{passage.address}: in quarantine: {reason}"


def _drawn(standing: Standing) -> Group:
    table = Table()
    for heading in ("MAIL", "SES TOOK IT", "HEARD HERE", "STILL TO COME"):
        table.add_column(heading, overflow="fold")
    for one in standing.passages:
        heard = ", ".join(f"{fact.kind.value} {fact.after:.1f} s" for fact in one.heard)
        aside = "; ".join(f"in quarantine: {reason}" for reason in one.set_aside)
        rest = ", ".join(kind.value for kind in one.waits_for)
        table.add_row(
            one.mailbox.value,
            f"{one.took * 1000:,.0f} ms" if one.sent else "",
            Text("; ".join(filter(None, (heard, aside))), style="red" if aside else "green"),
            Text(rest, style="yellow"),
        )
    return Group(*([table] if standing.passages else []), Text(f"{standing.elapsed:.1f} s  {standing.doing}"))


# -- at the end


def tell(report: Report) -> None:
    """Prints hop by hop how far the mails came, and the verdict."""
    sender, verdict = report.sender, report.verdict
    if sender:
        by = f", configuration set {sender.configuration_set}" if sender.configuration_set else ""
        print(f"From {sender.address} in {sender.region}{by}:")
    for number, hop in enumerate(report.hops, 1):
        print_line(_SHOWN[hop.state], f"{number} {hop.name}: {hop.told}")
    for note in report.notes:
        print_line("note", note)
    if verdict.link is None:
        print_line("ok", verdict.sentence)
        return
    print_line("error", f"The chain is broken where {WORDS[verdict.link]}.")
    code = f"{verdict.code.value}: " if verdict.code else ""
    print(f"  {code}{verdict.sentence}")
    for clue in verdict.clues:
        print(f"  {clue}")
    print(f"  Fix: {verdict.fix}")  # no full stop: commands are copied from here


def _print_document(report: Report) -> None:
    print_json(document(report))


def document(report: Report) -> Mapping[str, object]:
    """The report as JSON has it."""
    sender, verdict = report.sender, report.verdict
    return {
        "ok": verdict.works,
        "run": report.run,
        "sentence": verdict.sentence,
        "broken": _broken(report),
        "from": sender.address if sender else None,
        "region": sender.region if sender else None,
        "configurationSet": sender.configuration_set if sender else None,
        "elapsedSeconds": round(report.elapsed, 3),
        "hops": [_hop(number, hop) for number, hop in enumerate(report.hops, 1)],
        "mails": [_passage(one) for one in report.passages],
        "notes": list(report.notes),
    }


def _broken(report: Report) -> Mapping[str, object] | None:
    verdict = report.verdict
    if verdict.link is None:
        return None
    return {
        "link": verdict.link,
        "code": verdict.code,
        "sentence": verdict.sentence,
        "fix": verdict.fix,
        "clues": list(verdict.clues),
    }


def _hop(number: int, hop: Hop) -> Mapping[str, object]:
    return {"hop": number, "name": hop.name, "state": hop.state, "told": hop.told}


def _passage(one: Passage) -> Mapping[str, object]:
    return {
        "to": one.address,
        "messageId": one.message_id or None,
        "tookMs": round(one.took * 1000, 1) if one.sent else None,
        "events": [{"kind": heard.kind, "at": heard.at, "afterSeconds": round(heard.after, 3)} for heard in one.heard],
        "missing": list(one.waits_for),
        "quarantined": list(one.set_aside),
        "storyReadable": one.told,
    }
