"""Does it slow down? The product alone, with more domains and with a full database instead of an empty one."""

import argparse
import time
from collections.abc import Iterator
from typing import Any

from pymongo import MongoClient

from bench.measurement import Summary, summarise
from bench.messages import Mix
from bench.pool import Pool
from bench.servers import Ground, running
from bench.subjects import mongodb_uri, product
from bench.table import Sheet
from bench.trial import Load, generate, prove

DOMAINS = (10, 1_000, 100_000)
JUDGED_WITHIN = 600.0
WARM_UP = 1_000
CHUNK = 10_000
Document = dict[str, Any]


def sheets(plan: argparse.Namespace) -> tuple[list[Sheet], Pool]:
    """Both tables, and the pool of the last."""
    load = Load("scaling", 128, plan.seconds)
    pools = {domains: Pool.of(plan.messages, domains, Mix.BOUNCES) for domains in DOMAINS}
    by_domains = [_row(f"{domains:,}", *_measured(pool, load, plan.rounds, 0)) for domains, pool in pools.items()]
    pool = pools[DOMAINS[1]]
    by_size = [_row(f"{mails:,}", *_measured(pool, load, plan.rounds, mails)) for mails in (0, plan.preload)]
    columns = ("messages/s", "slowest–fastest", "p50 ms", "p99 ms", "not 200", "all judged after, s")
    return [
        Sheet("By domains", ("domains", *columns), tuple(by_domains), words=0),
        Sheet("By size of the database", ("mails before", *columns), tuple(by_size), words=0, note=PRELOADED),
    ], pool


PRELOADED = (
    "The mails before are copies of one that the product itself had stored, under other ids and domains. All judged "
    "after: from the end of the last round until no message waits for the verdict on its domain."
)


def _row(name: str, found: Summary, judged: float | None) -> tuple[str, ...]:
    late = f"over {JUDGED_WITHIN:,.0f}" if judged is None else f"{judged:,.1f}"
    spread = f"({found.slowest:,.0f}–{found.fastest:,.0f})"
    return name, f"{found.rate:,.0f}", spread, f"{found.p50:,.1f}", f"{found.p99:,.1f}", f"{found.refused:,}", late


def _measured(pool: Pool, load: Load, rounds: int, mails: int) -> tuple[Summary, float | None]:
    """All rounds on one server, each with messages of its own; then how long the last verdict takes."""
    subject = product()
    share = (len(pool) - 1 - WARM_UP) // rounds
    with running(subject, pool) as ground:
        prove(subject, ground)
        preload(mongodb_uri(ground), mails)
        generate(subject, ground, Load("warm-up", 32, 2.0), first=1, count=WARM_UP)
        firsts = range(1 + WARM_UP, 1 + WARM_UP + rounds * share, share)
        found = [generate(subject, ground, load, first=first, count=share) for first in firsts]
        return summarise(found), _seconds_until_judged(ground)


def preload(uri: str, mails: int) -> None:
    """Fill the database with copies of the first mail in it, until there are that many more."""
    if not mails:
        return
    with MongoClient[Document](uri, w=1) as client:
        collection = client.get_default_database()["mails"]
        first = collection.find_one()
        assert first is not None
        for start in range(0, mails, CHUNK):
            collection.insert_many(list(_copies(first, start, min(CHUNK, mails - start))), ordered=False)
        # What was loaded a moment ago is on disk then, as it is in a database that grew.
        client.admin.command("fsync")


def _copies(mail: Document, start: int, count: int) -> Iterator[Document]:
    for index in range(start, start + count):
        copy = {**mail, "_id": f"0100{index:012x}-5e500000-0000-4000-8000-{index:012x}-000000"}
        yield copy | {"domain": f"earlier-{index % 5000:04d}.example"}


def _seconds_until_judged(ground: Ground) -> float | None:
    begun = time.monotonic()
    with MongoClient[Document](mongodb_uri(ground)) as client:
        journal = client.get_default_database()["journal"]
        while (waited := time.monotonic() - begun) < JUDGED_WITHIN:
            if journal.find_one({}, {"_id": 1}) is None:
                return waited
            time.sleep(0.1)
    return None
