"""How long an alert takes from the transaction that writes it to the receiver that has it, when there is little to do.

The neighbours are ill in every way there is: what is told of is what the receivers that are well had to wait.
"""

import random
import time
from collections.abc import Callable, Set
from dataclasses import dataclass

import requests

from bench.alerts_source import enrol, write_alerts
from bench.dispatcher import Way, dispatching
from bench.receivers import receiving
from webhook.adapters.mongo.client import connect
from webhook.adapters.mongo.indexes import ensure_indexes

#: Seconds between two alerts, on average: four times as many as the outbox is looked at would be a load.
PAUSE = 0.25
PATIENCE = 60.0
#: What 99 of 100 deliveries must not exceed, in seconds.
PROMISED = 2.0


@dataclass(frozen=True)
class Rest:
    """What was found: seconds from before the transaction to the answer of a receiver that is well, sorted."""

    alerts: int
    receivers: tuple[str, ...]
    waits: tuple[float, ...]

    @property
    def complete(self) -> bool:
        """True if every receiver that is well has every alert."""
        return len(self.waits) == self.alerts * self.receivers.count("well")

    @property
    def kept(self) -> bool:
        """True if it is complete, and as quick as promised."""
        return self.complete and self.share(0.99) < PROMISED

    def share(self, of: float) -> float:
        """The seconds that such a share of the deliveries did not exceed."""
        return self.waits[min(len(self.waits) - 1, int(of * len(self.waits)))]


def rest(uri: str, alerts: int, receivers: tuple[str, ...], say: Callable[[str], None]) -> Rest:
    """Writes one alert after the other, each about another domain, at random moments; waits until all have arrived."""
    rng = random.Random(1)
    db = connect(uri, patience=30)
    with db.client:
        ensure_indexes(db)
        with receiving(receivers) as ports:
            enrol(db, {f"ep_{number:02}": port for number, port in enumerate(ports)})
            with dispatching(uri, 1, Way.SIGNED):
                written: dict[str, float] = {}
                for number in range(alerts):
                    time.sleep(rng.random() * 2 * PAUSE)
                    began = time.time()
                    [identity] = write_alerts(db, [f"{number}.example"])
                    written[identity] = began
                    if number % 40 == 39:
                        say(f"{number + 1:>7,} of {alerts:,} alerts written, one at a time")
                first = _arrivals(ports[0], receivers, written.keys())
    waits = [at - written[one] for arrived in first for one, at in arrived.items() if one in written]
    return Rest(alerts, receivers, tuple(sorted(waits)))


def _arrivals(port: int, receivers: tuple[str, ...], alerts: Set[str]) -> list[dict[str, float]]:
    """When each receiver that is well took each alert, as soon as all of them have all."""
    until = time.monotonic() + PATIENCE
    while True:
        notes = requests.get(f"http://127.0.0.1:{port}/notes", timeout=30).json()
        well = [first for kind, first in zip(receivers, notes["first"], strict=True) if kind == "well"]
        if all(first.keys() >= alerts for first in well) or time.monotonic() > until:
            return well
        time.sleep(0.25)
