"""One measurement of one subject: started, proved honest, warmed up, measured, its store counted, stopped."""

import subprocess
import sys

import msgspec

from bench.errors import Dishonest, NotAvailable
from bench.measurement import Measurement
from bench.pool import Pool
from bench.servers import ROOT, Ground, Subject, post, running

WARM_UP = 2_000
WARM_UP_SECONDS = 2.0


class Load(msgspec.Struct, frozen=True):
    """How a server is loaded: closed loop over `connections`, or open loop at `rate`."""

    title: str
    connections: int
    seconds: float
    fresh: bool = False
    rate: float = 0.0
    most: int = 0


def measure(subject: Subject, pool: Pool, load: Load) -> Measurement:
    """A server of its own for each measurement: raises NotAvailable if it does not start, Dishonest if it cheats."""
    with running(subject, pool) as ground:
        return measure_running(subject, ground, load)


def measure_running(subject: Subject, ground: Ground, load: Load) -> Measurement:
    """Prove, warm up and measure a server that runs already."""
    prove(subject, ground)
    warm_up = min(WARM_UP, len(ground.pool) // 10)
    warm = generate(subject, ground, Load("warm-up", 32, WARM_UP_SECONDS), first=1, count=warm_up)
    found = generate(subject, ground, load, first=1 + warm_up, count=load.most)
    stored = subject.counts(ground)
    told = 1 + warm.acknowledged + found.acknowledged
    if stored is not None and stored < told and not load.rate:
        raise Dishonest(f"{subject.title} acknowledged {told} messages and holds {stored}")
    return found


def prove(subject: Subject, ground: Ground) -> None:
    """A true message is accepted and, where signatures are verified, a forged one is not."""
    if subject.verifies and (status := post(ground.port, ground.pool.forged())) == 200:
        raise Dishonest(f"{subject.title} accepted a forged message")
    if (status := post(ground.port, ground.pool.request(0))) != 200:
        raise NotAvailable(f"{subject.title} answered {status} to a true message")


def generate(subject: Subject, ground: Ground, load: Load, first: int, count: int = 0) -> Measurement:
    """Run the load generator in a process of its own."""
    options = {
        "--port": ground.port,
        "--connections": load.connections,
        "--seconds": load.seconds,
        "--rate": load.rate,
        "--first": first,
        "--count": count,
    }
    flags = ["--fresh"] * load.fresh + ["--wrap"] * (not subject.stores and not load.most)
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "bench.load", str(ground.pool.folder), *words, *flags]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(done.stdout, type=Measurement)
