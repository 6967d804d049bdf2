"""From measurements to sentences and tables: what `ingest` found, with what it depends on and what it does not say."""

from datetime import UTC, datetime

from bench import machine
from bench.cost import Cost
from bench.measurement import Measurement, Summary, summarise
from bench.pool import Pool
from bench.servers import Subject
from bench.table import Sheet, markdown
from bench.trial import Load

CAVEATS = """\
Servers, databases and the load generator share this machine's cores over the loopback; a network between them would
add its latency and take the generator's share off. The databases write to this machine's disk: a disk that flushes
slower lowers every durable row, one that lies about flushing flatters it. MongoDB is a replica set of one member, so
majority means this disk alone. `django-ses` keeps one row per event and no counters; what is "kept nowhere" shows what
a receiver could do at most. Gunicorn's sync workers close each connection, whatever the client would like. A latency
under closed-loop load is chiefly the length of the queue that the connections make: judge latency by the table at a
fixed rate. All figures are medians of the rounds; in brackets the slowest and the fastest round."""


def sheet_of(load: Load, found: dict[str, list[Measurement]], subjects: dict[str, Subject], first: str) -> Sheet:
    """One table: all subjects under one load, with the ratio of the subject `first` to each."""
    summaries = {name: summarise(rounds) for name, rounds in found.items() if rounds}
    base = summaries.get(first)
    rows = tuple(_row(subjects[name], summary, base) for name, summary in summaries.items())
    columns = ("", "200 means", "messages/s", "slowest–fastest", "p50 ms", "p99 ms", "not 200", f"{first} is")
    return Sheet(load.title, columns, rows, words=2)


def _row(subject: Subject, found: Summary, base: Summary | None) -> tuple[str, ...]:
    return (
        subject.title,
        subject.promise,
        f"{found.rate:,.0f}",
        f"({found.slowest:,.0f}–{found.fastest:,.0f})",
        f"{found.p50:,.1f}",
        f"{found.p99:,.1f}",
        f"{found.refused:,}",
        f"{base.rate / found.rate:,.2f} ×" if base and found.rate else "",
    )


def cost_sheet(costs: list[Cost]) -> Sheet:
    """The in-process costs."""
    rows = tuple((cost.step, f"{cost.microseconds:,.1f}", f"{1e6 / cost.microseconds:,.0f}") for cost in costs)
    return Sheet("One thread, no server", ("step", "µs per message", "messages/s"), rows)


def ingest_text(sheets: list[Sheet], missing: dict[str, str], pool: Pool, words: str) -> str:
    """The section on the product and its peers."""
    recipe = pool.recipe
    about = (
        f"{recipe.messages:,} signed messages ({recipe.mix}) of {pool.mean_size:,} bytes over {recipe.domains:,} "
        "domains; a server with a database begins with an empty one every round and sees each message once."
    )
    absent = [f"Not available: {name} ({why})." for name, why in missing.items()]
    return _text(sheets, words, about, *absent, CAVEATS)


def scaling_text(sheets: list[Sheet], pool: Pool, words: str) -> str:
    """The section on the product alone."""
    about = f"{len(pool):,} signed bounces of {pool.mean_size:,} bytes, each of a mail of its own; 128 connections."
    return _text(sheets, words, about)


def _text(sheets: list[Sheet], words: str, about: str, *remarks: str) -> str:
    when = f"{datetime.now(UTC):%Y-%m-%d}, `python -m bench {words}`. {about}"
    facts = ", ".join(f"{name} {value}" for name, value in machine.facts().items())
    return "\n\n".join((when, f"{facts}.", *map(markdown, sheets), *remarks))
