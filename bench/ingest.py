"""`ingest`: durable messages per second of the product and of its peers, in one run on this machine."""

import argparse
import shlex
import sys
from collections.abc import Iterator

from rich.console import Console

from bench import cost, report, scaling
from bench.errors import BenchError
from bench.measurement import Measurement, summarise
from bench.messages import Mix
from bench.pool import Pool
from bench.servers import Subject
from bench.subjects import PRODUCT, SUBJECTS, candidates
from bench.table import RESULTS, Sheet, replace_section, show
from bench.trial import Load, measure

TRIAL_SECONDS = 3.0
WIDTH = 160  # of a file or a pipe
FRESH_MESSAGES = 10_000  # each leaves a port behind for a minute


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = commands.add_parser("ingest", help="messages per second, here and at the peers", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, taken in turns")
    parser.add_argument("--messages", type=int, default=60_000, help="signed messages to prepare: they bound a round")
    parser.add_argument("--domains", type=int, default=1_000, help="domains they are spread over")
    parser.add_argument("--mix", type=Mix, choices=list(Mix), default=Mix.BOUNCES, help="what they tell")
    parser.add_argument("--subjects", default=",".join(SUBJECTS), help="comma list of what to measure")
    parser.add_argument("--scaling", action="store_true", help="the product alone, by domains and by size of database")
    parser.add_argument("--preload", type=int, default=2_000_000, help="mails in the full database of --scaling")
    parser.set_defaults(run=run)


def run(plan: argparse.Namespace) -> int:
    """Measure, print the tables, and keep them in results.md."""
    words = shlex.join(sys.argv[1:])
    if plan.scaling:
        sheets, pool = scaling.sheets(plan)
        section, text = "Scaling", report.scaling_text(sheets, pool, words)
    else:
        pool = Pool.of(plan.messages, plan.domains, plan.mix)
        sheets, missing = sheets_of(plan, pool)
        section, text = "Ingest", report.ingest_text(sheets, missing, pool, words)
        for subject, why in missing.items():
            tell(f"not available: {subject} ({why})")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    for sheet in sheets:
        show(sheet, console)
    replace_section(RESULTS, section, text)
    return 0


def loads(plan: argparse.Namespace) -> tuple[Load, ...]:
    """Under what each subject is measured."""
    return (
        Load("128 kept-alive connections", 128, plan.seconds),
        Load("512 kept-alive connections", 512, plan.seconds),
        Load("A new connection for every message, 64 at a time", 64, plan.seconds, fresh=True, most=FRESH_MESSAGES),
    )


def sheets_of(plan: argparse.Namespace, pool: Pool) -> tuple[list[Sheet], dict[str, str]]:
    """All tables, and why what is missing from them is missing."""
    missing: dict[str, str] = {}
    subjects = dict(chosen(plan.subjects.split(","), pool, missing))
    found: dict[Load, dict[str, list[Measurement]]] = {load: {name: [] for name in subjects} for load in loads(plan)}
    for number in range(plan.rounds):
        for load, rounds in found.items():
            for name, subject in subjects.items():
                _measure_into(rounds[name], f"round {number + 1}", subject, pool, load, missing)
    sheets = [report.sheet_of(load, rounds, subjects, PRODUCT) for load, rounds in found.items()]
    for load, rounds in found.items():
        if not load.fresh:
            sheets.extend(at_half_load(plan, pool, subjects, load.connections, rounds))
    return [*sheets, report.cost_sheet(cost.costs(pool))], missing


def chosen(names: list[str], pool: Pool, missing: dict[str, str]) -> Iterator[tuple[str, Subject]]:
    """Each subject that can be had, served in the way that a short trial finds the fastest."""
    for name in names:
        try:
            ways = candidates(name)
            yield name, ways[0] if len(ways) == 1 else fastest(ways, pool)
        except BenchError as exc:
            missing[name] = str(exc)


def fastest(ways: list[Subject], pool: Pool) -> Subject:
    """The one of several ways to serve a subject that accepts most."""
    load = Load("trial", 128, TRIAL_SECONDS)
    rates = {}
    for place, way in enumerate(ways):
        rates[place] = measure(way, pool, load).rate
        tell(f"trial: {way.title}: {rates[place]:,.0f}/s")
    return ways[max(rates, key=rates.__getitem__)]


def at_half_load(
    plan: argparse.Namespace,
    pool: Pool,
    subjects: dict[str, Subject],
    connections: int,
    found: dict[str, list[Measurement]],
) -> Iterator[Sheet]:
    """The product's latency at half of what it was found to accept over so many connections."""
    if not found.get(PRODUCT):
        return
    rate = summarise(found[PRODUCT]).rate / 2
    title = f"Half load: {rate:,.0f} messages per second fall due, {connections} connections"
    load = Load(title, connections, plan.seconds, rate=rate)
    rounds: list[Measurement] = []
    for number in range(plan.rounds):
        _measure_into(rounds, f"round {number + 1}", subjects[PRODUCT], pool, load, {})
    yield report.sheet_of(load, {PRODUCT: rounds}, subjects, PRODUCT)


def _measure_into(
    rounds: list[Measurement], when: str, subject: Subject, pool: Pool, load: Load, missing: dict[str, str]
) -> None:
    try:
        found = measure(subject, pool, load)
    except BenchError as exc:
        missing[subject.title] = str(exc)
        tell(f"{when}: {exc}")
        return
    rounds.append(found)
    tell(f"{when}: {load.title}: {subject.title}: {found.rate:,.0f}/s, p99 {found.p99:,.0f} ms")


def tell(line: str) -> None:
    """Progress goes to standard error."""
    sys.stderr.write(line + "\n")
