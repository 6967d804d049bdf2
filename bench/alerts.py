"""`python -m bench alerts`: dispatchers are killed while they deliver; afterwards no alert may be missing or made up.

Before that, how long an alert takes when there is little to do. `--throughput` measures instead how many alerts a
second one dispatcher delivers, beside bare loops of `requests.post`, which keep nothing.
"""

import argparse
import os
import platform
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median

from rich.console import Console

from bench.alerts_rate import Rate, Trial, compare
from bench.alerts_rest import PROMISED, Rest, rest
from bench.dispatch import Damage, Plan, kinds_of, unleash
from bench.servers import WORK
from bench.table import RESULTS, Sheet, markdown, replace_section, show
from webhook.adapters.embedded import running

CAVEATS = """\
Dispatcher, receivers and MongoDB (a replica set of one) share this machine's cores; the receivers are Python's own
`http.server`, in one process, and limit the loop with many threads. Each alert is about another domain, so none waits
for another. All figures are medians of the rounds; in brackets the slowest and the fastest."""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("alerts", help="kill dispatchers while they deliver, then check every alert")
    parser.add_argument("--alerts", type=int, default=5000)
    parser.add_argument("--endpoints", type=int, help="how many receivers: 20, or 8 with --throughput")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--dispatchers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rest", type=int, default=200, help="alerts that are written one at a time")
    parser.add_argument("--throughput", action="store_true", help="measure instead, beside bare loops of requests")
    parser.add_argument("--seconds", type=float, default=12.0, help="with --throughput: for each subject and round")
    parser.add_argument("--rounds", type=int, default=3, help="with --throughput")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder, running(Path(folder)) as uri:
        return (_throughput if arguments.throughput else _kill)(arguments, uri)


def _say(text: str) -> None:
    print(text, flush=True)


# -- kills


def _kill(arguments: argparse.Namespace, uri: str) -> int:
    kinds = kinds_of(arguments.endpoints or 20)
    _say(f"at rest: {arguments.rest:,} alerts, one at a time")
    calm = rest(uri.replace("?", "_rest?"), arguments.rest, kinds, _say)
    _say(_rest_sentence(calm))
    plan = Plan(arguments.alerts, kinds, arguments.kills, arguments.dispatchers, arguments.seed)
    damage = unleash(plan, uri, _say)
    for name in ("missing", "invented", "overlaps", "lost"):
        for line in getattr(damage, name)[:20]:
            _say(f"WRONG {name}: {line}")
    sheet = _damage_sheet(plan, damage)
    show(sheet, Console(width=max(110, Console().width)))
    words = f"--alerts {plan.alerts} --endpoints {len(kinds)} --kills {plan.kills} --seed {plan.seed}"
    replace_section(RESULTS, "Alerts", _text(words, _receivers(kinds), markdown(sheet), _rest_sentence(calm)))
    _say("OK: no alert is missing, none made up." if damage.none else "FAILED: see above.")
    if not calm.kept:
        _say(f"FAILED: at rest, 99 % of the alerts are to arrive within {PROMISED:g} s.")
    return 0 if damage.none and calm.kept else 1


def _receivers(kinds: Sequence[str]) -> str:
    return "Receivers: " + ", ".join(f"{many} {kind}" for kind, many in Counter(kinds).items()) + "."


def _rest_sentence(calm: Rest) -> str:
    p50, p99, most = (calm.share(of) * 1000 for of in (0.5, 0.99, 1.0))
    well = calm.receivers.count("well")
    return (
        f"At rest, with the ill receivers beside them, the {well} that are well took {len(calm.waits):,} of "
        f"{calm.alerts * well:,} deliveries ({calm.alerts:,} alerts, one at a time, one dispatcher). From before the "
        f"transaction that writes an alert until a receiver had it: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, at most "
        f"{most:,.0f} ms; promised are {PROMISED:g} s for 99 of 100."
    )


def _damage_sheet(plan: Plan, damage: Damage) -> Sheet:
    sound = damage.sound
    rows = (
        ("alerts written", damage.alerts, ""),
        ("… in transactions that were undone", damage.undone, "of which nobody may hear"),
        ("dispatchers killed with SIGKILL", damage.kills, f"{plan.dispatchers} at a time"),
        ("deliveries due at the receivers that take everything", damage.alerts * sound, f"{sound} receivers"),
        ("… missing", len(damage.missing), "must be 0"),
        ("alerts that were made up", len(damage.invented), "must be 0"),
        ("attempts that two dispatchers made at once", len(damage.overlaps), "must be 0"),
        ("deliveries without a row", len(damage.lost), "must be 0"),
        ("deliveries taken, at all receivers", damage.taken, ""),
        ("… ids that came more than once", damage.twice, "same id: a receiver knows them by it"),
        ("seconds", round(damage.seconds), ""),
    )
    cells = tuple((what, f"{number:,}", remark) for what, number, remark in rows)
    return Sheet("Dispatchers killed while they deliver", ("", "number", "remark"), cells)


# -- throughput


def _throughput(arguments: argparse.Namespace, uri: str) -> int:
    trial = Trial(arguments.seconds, arguments.rounds, arguments.endpoints or 8)
    rounds = compare(uri, trial, _say)
    sheet = _rate_sheet(rounds)
    show(sheet, Console(width=max(110, Console().width)))
    words = f"--throughput --endpoints {trial.receivers} --seconds {trial.seconds:g} --rounds {trial.rounds}"
    replace_section(RESULTS, "Alerts a second", _text(words, markdown(sheet), CAVEATS))
    return 0


def _rate_sheet(rounds: list[list[Rate]]) -> Sheet:
    subjects = list(zip(*rounds, strict=True))
    base = median(rate.a_second for rate in subjects[0])
    rows = tuple(_rate_row(rates, base) for rates in subjects)
    columns = ("", "deliveries/s", "slowest–fastest", "of deliveries", "the dispatcher is")
    note = "The dispatcher signs, and makes every delivery and its outcome durable; the loops keep nothing."
    return Sheet("One dispatcher beside bare loops", columns, rows, note=note)


def _rate_row(rates: Sequence[Rate], base: float) -> tuple[str, ...]:
    found = [rate.a_second for rate in rates]
    return (
        rates[0].subject,
        f"{median(found):,.0f}",
        f"({min(found):,.0f}–{max(found):,.0f})",
        f"{sum(rate.deliveries for rate in rates):,}",
        f"{base / median(found):.2f} ×",
    )


def _text(words: str, *parts: str) -> str:
    versions = (f"{name} {metadata.version(name)}" for name in ("pymongo", "requests"))
    machine = (f"{os.cpu_count()} cores", f"{platform.system()}", f"Python {platform.python_version()}", *versions)
    when = f"{datetime.now(UTC):%Y-%m-%d}, `python -m bench alerts {words}`; {', '.join(machine)}."
    return "\n\n".join((when, *parts))
