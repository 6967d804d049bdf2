"""`python -m bench queue`: messages come by SQS, half of them over HTTPS too, while worker, mongod and web are killed.

Afterwards everything must be counted once, nothing may be missing, and the queue must be empty. `--throughput` kills
nobody, and measures how fast a full queue is emptied that costs next to nothing itself.
"""

import argparse
import random
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import chaos
from bench.processes import Family
from bench.servers import WORK, get
from bench.supply import Supply, queue_server
from tests.oracle import Oracle
from webhook.emulator.courier import Courier
from webhook.emulator.posts import Post
from webhook.emulator.stand import Stand, standing
from webhook.emulator.target import Target
from webhook.emulator.traffic import PATHS, stories

ROLES = ("worker", "mongod", "web")
DOMAINS = 10
#: Messages that wait in the queue, at most: moto looks at each of them at every call.
BACKLOG = 400
NO_LIMIT = 10**9
CONNECTIONS = 8

_FIGURE = re.compile(r"^sentinel_queue_(\w+)_total\{[^}]*\} ([\d.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """How much chaos: so many messages, at most so many a second into the queue, and so many kills among them."""

    messages: int
    kills: int
    seed: int = 1
    rate: float = 300.0
    patience: float = 600.0


@dataclass
class Damage(chaos.Damage):
    """What is wrong, and how it went. What a killed worker had not noted yet is in no figure of the queue."""

    queued: int = 0
    left: int = 0
    received: int = 0
    deleted: int = 0

    @property
    def none(self) -> bool:
        """True if nothing was lost, nothing counted twice and nothing left behind."""
        return super().none and not self.left


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    parser = commands.add_parser("queue", help="take messages from SQS while processes are killed, then check it all")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=300.0, help="messages a second into the queue, at most")
    parser.add_argument("--throughput", action="store_true", help="measure instead how fast a full queue is emptied")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.throughput:
        seconds = emptying(arguments.messages, arguments.seed)
        print(f"{arguments.messages:,} messages in {seconds:.1f} s: {arguments.messages / seconds:,.0f} messages/s")
        return 0
    plan = Plan(arguments.messages, arguments.kills, arguments.seed, arguments.rate)
    damage = unleash(plan, say=lambda text: print(text, flush=True))
    killed = ", ".join(f"{name} {times}x" for name, times in sorted(damage.kills.items()))
    print(f"queued {damage.queued:,}, {damage.acknowledged:,} of them over HTTPS as well")
    print(f"killed with SIGKILL: {killed}; in {damage.seconds:.0f} s")
    print(f"taken {damage.received:,} times, deleted {damage.deleted:,}, but for what killed workers had not noted yet")
    for line in (*damage.wrong_days, *damage.wrong_verdicts):
        print(f"WRONG {line}")
    if damage.left:
        print(f"WRONG {damage.left:,} messages are left in the queue")
    print(damage.rebuild)
    print("OK: nothing is missing, nothing counts twice, the queue is empty." if damage.none else "FAILED: see above.")
    return 0 if damage.none else 1


def unleash(plan: Plan, say: Callable[[str], None]) -> Damage:
    """Runs the service beside a queue, fills it, kills, waits until it is empty, and compares."""
    damage, oracle, began = Damage(), Oracle(chaos.POLICY), time.monotonic()
    with standing() as stand, _queue("bench.queue_server") as (folder, supply):
        environment = chaos.environment_of(folder, stand) | supply.settings
        with chaos.service(environment, folder) as family:
            port = int(environment["PORT"])
            _pour(plan, stand, supply, Witness(damage, oracle), Killer(family, plan, damage, say), port)
            say("quiet: waiting until the queue is empty and everything is judged")
            damage.left = supply.await_empty(plan.patience)
            chaos.wait_until_judged(port)
            figures = dict(_FIGURE.findall(get(port, "/metrics")[1]))
            damage.received, damage.deleted = (int(float(figures.get(name, 0))) for name in ("received", "deleted"))
            with chaos.database(folder) as db:
                chaos.compare(db, oracle, damage)
            chaos.rebuild(environment, damage)
    damage.seconds = time.monotonic() - began
    return damage


def emptying(messages: int, seed: int) -> float:
    """Seconds in which a service empties a queue of so many messages, from the first that it takes."""
    with standing() as stand, _queue("bench.queue_quick") as (folder, supply):
        posts = _posts(messages, seed, stand)
        supply.fill(posts, stand.topic, lambda _: None, rate=NO_LIMIT, backlog=NO_LIMIT)
        with chaos.service(chaos.environment_of(folder, stand) | supply.settings, folder):
            while supply.depth() == messages:
                time.sleep(0.01)
            began = time.monotonic()
            supply.await_empty(600)
            return time.monotonic() - began


class Witness(chaos.Witness):
    """Notes what is in the queue, and tells it to the independent implementation; over HTTPS comes nothing else."""

    def __init__(self, damage: Damage, oracle: Oracle) -> None:
        super().__init__(damage)
        self._queued = damage
        self._oracle = oracle
        self._known: set[str] = set()

    def note_queued(self, post: Post) -> None:
        """A message is in the queue."""
        self._queued.queued += 1
        if post.payload not in self._known:
            self._known.add(post.payload)
            chaos.tell(self._oracle, post.payload)


class Killer:
    """Kills one process after the other, evenly over the messages, every role at least once."""

    def __init__(self, family: Family, plan: Plan, damage: Damage, say: Callable[[str], None]) -> None:
        self._family = family
        self._plan = plan
        self._damage = damage
        self._say = say
        self._rng = random.Random(plan.seed)

    def rampage(self, pouring: threading.Thread) -> None:
        """Kills until the plan is fulfilled."""
        for number in range(self._plan.kills):
            due = (number + 0.5) / self._plan.kills * self._plan.messages
            while pouring.is_alive() and self._damage.queued < due:
                time.sleep(0.02)
            role = ROLES[number] if number < len(ROLES) else self._rng.choice(ROLES)
            while not self._family.kill(role, self._rng):
                time.sleep(0.02)
            self._damage.kills[role] = self._damage.kills.get(role, 0) + 1
            self._say(f"{self._damage.queued:>6,} of {self._plan.messages:,} queued: killed {role}")


def _pour(plan: Plan, stand: Stand, supply: Supply, witness: Witness, killer: Killer, port: int) -> None:
    target = Target.from_url(f"http://127.0.0.1:{port}")
    stand.subscribe(target, PATHS, chaos.RETRIES, patience=60)
    posts = _posts(plan.messages, plan.seed, stand)
    courier = Courier(target, stand.topic, chaos.RETRIES, witness.note, connections=CONNECTIONS, rate=plan.rate / 2)

    def fill() -> None:
        supply.fill(posts, stand.topic, witness.note_queued, rate=plan.rate, backlog=BACKLOG)

    pouring = [threading.Thread(target=fill), threading.Thread(target=courier.deliver, args=(posts[::2],))]
    for thread in pouring:
        thread.start()
    killer.rampage(pouring[0])
    for thread in pouring:
        thread.join()


def _posts(messages: int, seed: int, stand: Stand) -> list[Post]:
    until = datetime.now(UTC).replace(microsecond=0)
    return list(stories(seed, DOMAINS, messages, until, topic_arn=stand.topic.arn))


@contextmanager
def _queue(module: str) -> Iterator[tuple[Path, Supply]]:
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder, queue_server(module) as origin:
        yield Path(folder), Supply(origin)
