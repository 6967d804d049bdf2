"""Dispatchers are killed while they deliver; afterwards no alert may be missing or made up."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import Thread
from typing import Any

import requests

from bench.alerts_source import Undone, enrol, write_alerts
from bench.dispatcher import Pack, dispatching
from bench.receivers import KINDS, receiving
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.indexes import ensure_indexes

#: Who must hear of everything.
SOUND = ("well", "slow", "flapping")
DOMAINS = 40
#: The first of so many changes does not come about; its alerts must never be heard of.
UNDONE = 8


@dataclass(frozen=True)
class Plan:
    """How much chaos."""

    alerts: int
    receivers: tuple[str, ...]
    kills: int
    dispatchers: int = 2
    seed: int = 1
    patience: float = 600.0


@dataclass
class Damage:
    """What chaos found; empty lists if all is well."""

    alerts: int = 0
    sound: int = 0
    undone: int = 0
    kills: int = 0
    taken: int = 0
    twice: int = 0
    seconds: float = 0.0
    missing: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def none(self) -> bool:
        """True if nothing was lost, made up or delivered by two at once."""
        return not (self.missing or self.invented or self.overlaps or self.lost)


def kinds_of(many: int) -> tuple[str, ...]:
    """So many receivers, half of them well, the others of every kind in turn."""
    others = KINDS[1:]
    return tuple("well" if number % 2 == 0 else others[number // 2 % len(others)] for number in range(many))


def unleash(plan: Plan, uri: str, say: Callable[[str], None]) -> Damage:
    """Writes alerts while dispatchers deliver and are killed; waits for quiet, and compares."""
    damage = Damage(sound=sum(kind in SOUND for kind in plan.receivers))
    began = time.monotonic()
    db = connect(uri, patience=30)
    try:
        ensure_indexes(db)
        with receiving(plan.receivers) as ports:
            names = {f"ep_{number:02}": kind for number, kind in enumerate(plan.receivers)}
            enrol(db, dict(zip(names, ports, strict=True)))
            with dispatching(uri, plan.dispatchers) as pack:
                _write_and_kill(db, plan, pack, damage, say)
                requests.post(f"http://127.0.0.1:{ports[0]}/heal", timeout=10)
                say("quiet: waiting until all is delivered to those who take it")
                _wait_for_quiet(db, [name for name, kind in names.items() if kind in SOUND], plan.patience)
            notes = requests.get(f"http://127.0.0.1:{ports[0]}/notes", timeout=30).json()
        _compare(db, names, notes, damage)
    finally:
        db.client.close()
    damage.seconds = time.monotonic() - began
    return damage


def _write_and_kill(db: Db, plan: Plan, pack: Pack, damage: Damage, say: Callable[[str], None]) -> None:
    writing = Thread(target=_write, args=(db, plan, damage))
    writing.start()
    rng = random.Random(plan.seed)
    total = plan.alerts * sum(kind in SOUND for kind in plan.receivers)
    for number in range(plan.kills):
        due = (number + 0.5) / plan.kills * total * 0.8
        while (delivered := db.deliveries.count_documents({"state": "delivered"})) < due:
            time.sleep(0.02)
        time.sleep(rng.random() * 0.1)
        pack.kill(rng)
        damage.kills += 1
        say(f"{delivered:>7,} delivered: killed a dispatcher")
    writing.join()


def _write(db: Db, plan: Plan, damage: Damage) -> None:
    rng = random.Random(plan.seed)
    for number in count():
        many = min(rng.randint(1, 20), plan.alerts - damage.alerts)
        if not many:
            return
        if number % UNDONE:
            write_alerts(db, [f"{rng.randrange(DOMAINS)}.example" for _ in range(many)])
            damage.alerts += many
        else:
            damage.undone += many
            with suppress(Undone):
                write_alerts(db, ["undone.example"] * many, undone=True)


def _wait_for_quiet(db: Db, sound: list[str], patience: float) -> None:
    """Waits until those who take everything have it. What waits for its next attempt need not wait for minutes here."""
    until = time.monotonic() + patience
    pending = {"endpoint": {"$in": sound}, "state": "pending"}
    while time.monotonic() < until:
        soon = datetime.now(UTC)
        db.deliveries.update_many({**pending, "claim": None}, {"$min": {"due": soon}})
        db.endpoints.update_many({"_id": {"$in": sound}, "notBefore": {"$ne": None}}, {"$min": {"notBefore": soon}})
        if not (db.alerts.find_one({"fanned": False}) or db.deliveries.find_one(pending)):
            return
        time.sleep(0.25)
    raise TimeoutError(f"waited {patience:.0f} s for everything to be delivered")


def _compare(db: Db, names: dict[str, str], notes: dict[str, Any], damage: Damage) -> None:
    written = {row["_id"] for row in db.alerts.find({"type": "domain.paused"}, {"_id": 1})}
    if len(written) != damage.alerts:
        damage.lost.append(f"{damage.alerts} alerts were written, {len(written)} are there")
    damage.overlaps += notes["overlaps"]
    for number, (name, kind) in enumerate(names.items()):
        taken, refused = notes["taken"][number], notes["refused"][number]
        damage.taken += len(taken)
        damage.twice += sum(count > 1 for count in taken.values())
        known = written | {row["_id"] for row in db.alerts.find({"type": {"$regex": "^endpoint"}}, {"_id": 1})}
        damage.invented += [f"{name} ({kind}) was told of {one}" for one in (taken.keys() | refused.keys()) - known]
        if kind in SOUND:
            damage.missing += [f"{name} ({kind}) never took {one}" for one in written - taken.keys()]
        disabled = db.endpoints.find_one({"_id": name, "state": "disabled"}) is not None
        rows = db.deliveries.count_documents({"endpoint": name, "type": "domain.paused"})
        if rows != len(written) and not disabled:
            damage.lost.append(f"{name} ({kind}) has {rows} deliveries")
