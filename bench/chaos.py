"""`python -m bench chaos`: web, worker and mongod are killed under load; afterwards every number must be right.

What was acknowledged is told to an independent implementation of the counting rules as well, and the two are compared.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from bench.processes import Family
from bench.servers import ROOT, WORK, free_port, get
from tests.oracle import COUNTERS, Oracle, Policy
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.documents import counts_of
from webhook.emulator.courier import Courier, Delivery, RetryPolicy
from webhook.emulator.posts import Post
from webhook.emulator.stand import Stand, standing
from webhook.emulator.target import Target
from webhook.emulator.traffic import PATHS, stories

POLICY = Policy(Fraction(5, 100), Fraction(1, 1000), Fraction(8, 10), 100, 1000, 1, 90)
#: As patient as a topic with a dead-letter queue: what is killed comes back within seconds.
RETRIES = RetryPolicy(retries=200, delay=0.5, timeout=15)
ROLES = ("web", "worker", "mongod", "gunicorn")


@dataclass
class Damage:
    """What chaos found; empty lists if all is well."""

    posted: int = 0
    acknowledged: int = 0
    given_up: int = 0
    retried: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong_days: list[str] = field(default_factory=list)
    wrong_verdicts: list[str] = field(default_factory=list)
    rebuild: str = ""
    rebuild_agrees: bool = False

    @property
    def none(self) -> bool:
        """True if nothing was lost and nothing counted twice."""
        return not (self.given_up or self.wrong_days or self.wrong_verdicts) and self.rebuild_agrees


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("chaos", help="kill web, worker and mongod under load, then check every number")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=24)
    parser.add_argument("--rate", type=float, default=450.0, help="messages a second, so that there is time to kill")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    plan = Plan(arguments.messages, arguments.kills, arguments.seed, arguments.connections, arguments.rate)
    began = time.monotonic()
    damage = unleash(plan, say=lambda text: print(text, flush=True))
    damage.seconds = time.monotonic() - began
    killed = ", ".join(f"{name} {times}x" for name, times in sorted(damage.kills.items()))
    print(f"posted {damage.posted:,}, acknowledged {damage.acknowledged:,}, given up {damage.given_up:,}")
    print(f"retried {damage.retried:,} times in {damage.seconds:.0f} s; killed with SIGKILL: {killed}")
    for line in (*damage.wrong_days, *damage.wrong_verdicts):
        print(f"WRONG {line}")
    print(damage.rebuild)
    print("OK: nothing is missing, nothing counts twice." if damage.none else "FAILED: see above.")
    return 0 if damage.none else 1


@dataclass(frozen=True)
class Plan:
    """How much chaos: so many messages at so many a second, and so many kills among them."""

    messages: int
    kills: int
    seed: int = 1
    connections: int = 24
    rate: float = 450.0


def unleash(plan: Plan, say: Callable[[str], None]) -> Damage:
    """Runs the service, posts, kills, waits for quiet, and compares."""
    damage = Damage()
    until = datetime.now(UTC).replace(microsecond=0)
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder, standing() as stand:
        environment = environment_of(Path(folder), stand)
        with service(environment, Path(folder)) as family:
            target = Target.from_url(f"http://127.0.0.1:{environment['PORT']}")
            stand.subscribe(target, PATHS, RETRIES, patience=60)
            posts = list(stories(plan.seed, 10, plan.messages, until, topic_arn=stand.topic.arn))
            witness = Witness(damage)
            courier = Courier(target, stand.topic, RETRIES, witness.note, connections=plan.connections, rate=plan.rate)
            _pour(courier, posts, Killer(family, plan, damage, say))
            say("quiet: waiting until everything is judged")
            wait_until_judged(int(environment["PORT"]))
            with database(Path(folder)) as db:
                compare(db, witness.oracle, damage)
            rebuild(environment, damage)
    return damage


class Witness:
    """Notes what was acknowledged, and tells it to the independent implementation."""

    def __init__(self, damage: Damage) -> None:
        self.oracle = Oracle(POLICY)
        self._damage = damage
        self._told: set[str] = set()

    def note(self, delivery: Delivery) -> None:
        """A delivery is settled."""
        self._damage.posted += 1
        self._damage.retried += delivery.attempts - 1
        if delivery.outcome.lost:
            self._damage.given_up += 1
            return
        self._damage.acknowledged += 1
        if delivery.post.payload not in self._told:
            self._told.add(delivery.post.payload)
            tell(self.oracle, delivery.post.payload)


class Killer:
    """Kills one process after the other, evenly over the messages, every role at least once."""

    def __init__(self, family: Family, plan: Plan, damage: Damage, say: Callable[[str], None]) -> None:
        self._family = family
        self._plan = plan
        self._damage = damage
        self._say = say
        self._rng = random.Random(plan.seed)

    def rampage(self, pouring: threading.Thread) -> None:
        """Kills until the plan is fulfilled or nothing is posted any more."""
        for number in range(self._plan.kills):
            due = (number + 0.5) / self._plan.kills * self._plan.messages
            while pouring.is_alive() and self._damage.posted < due:
                time.sleep(0.02)
            role = ROLES[number] if number < len(ROLES) else self._rng.choice(ROLES)
            while pouring.is_alive() and not self._family.kill(role, self._rng):
                time.sleep(0.02)
            self._damage.kills[role] = self._damage.kills.get(role, 0) + 1
            self._say(f"{self._damage.posted:>6,} of {self._plan.messages:,} settled: killed {role}")


def _pour(courier: Courier, posts: list[Post], killer: Killer) -> None:
    pouring = threading.Thread(target=courier.deliver, args=(posts,))
    pouring.start()
    killer.rampage(pouring)
    pouring.join()


def environment_of(folder: Path, stand: Stand) -> dict[str, str]:
    """Settings of a service with its data in `folder` which believes the emulator."""
    mine = {"DATA_DIR": str(folder / "data"), "PORT": str(free_port()), "LOG_LEVEL": "warning", "LOG_FORMAT": "json"}
    return {**os.environ, **mine, **stand.settings}


@contextmanager
def service(environment: Mapping[str, str], folder: Path) -> Iterator[Family]:
    """A service that is ready, by its processes; its log is in `folder`."""
    with (folder / "service.log").open("wb") as log:
        command = [sys.executable, "-m", "webhook", "serve"]
        process = subprocess.Popen(command, cwd=ROOT, env=dict(environment), stdout=log, stderr=log)
    try:
        _wait_for(lambda: get(int(environment["PORT"]), "/readyz")[0] == 200, "the service to be ready", 60)
        yield Family(process.pid, folder / "data")
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(45)
        if process.poll() is None:
            process.kill()


def tell(oracle: Oracle, payload: str) -> None:
    """Tells the independent implementation what SES published, if it is about a mail."""
    with suppress(ValueError):
        told = json.loads(payload)
        told = told.get("detail", told) if str(told.get("detail-type", "")).startswith("Email ") else told
        if "mail" in told and (told.get("eventType") or told.get("notificationType")):
            oracle.tell(told)


def wait_until_judged(port: int) -> None:
    """Returns once the journal is posted; raises TimeoutError."""

    def judged() -> bool:
        lines = get(port, "/metrics")[1].splitlines()
        return "sentinel_judging_lag_seconds 0.0" in lines

    _wait_for(judged, "the journal to be posted", 120)


def _wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError):
            if condition():
                return
        time.sleep(0.2)
    raise TimeoutError(f"waited {seconds:.0f} s for {what}")


@contextmanager
def database(folder: Path) -> Iterator[Db]:
    """The service's database."""
    port = json.loads((folder / "data" / "mongod.json").read_text())["port"]
    db = connect(f"mongodb://127.0.0.1:{port}/ses_sentinel?directConnection=true", patience=30)
    try:
        yield db
    finally:
        db.client.close()


def compare(db: Db, oracle: Oracle, damage: Damage) -> None:
    """Notes every counter and verdict that the independent implementation finds wrong."""
    stored = {(row["domain"], row["day"]): counts_of(row["n"]) for row in db.counters.find()}
    are = {place: {name: row.get(name, 0) for name in COUNTERS} for place, row in stored.items()}
    are = {place: row for place, row in are.items() if any(row.values())}
    should = oracle.days()
    for place in sorted(are.keys() | should.keys()):
        if are.get(place) != should.get(place):
            damage.wrong_days.append(f"{place}: is {are.get(place)}, should be {should.get(place)}")
    for document in db.emaildomains.find({"reputation": {"$exists": True}}):
        reputation = document["reputation"]
        due = oracle.verdict(document["domain"], reputation["evaluatedAt"].date())
        is_ = {name: reputation[name] for name in ("status", "flags", "reason", "sent", "bounces", "complaints")}
        if any(due[name] != value for name, value in is_.items()):
            damage.wrong_verdicts.append(f"{document['domain']}: is {is_}, should be {due}")


def rebuild(environment: Mapping[str, str], damage: Damage) -> None:
    """Notes what `rebuild --check` finds."""
    command = [sys.executable, "-m", "webhook", "rebuild", "--check"]
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False)
    damage.rebuild = (done.stdout + done.stderr).strip()
    damage.rebuild_agrees = done.returncode == 0
