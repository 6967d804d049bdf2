"""Repairing: dead letters first, so that the suppression list meets mails that are known; then the comparison anew."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from webhook.domain.restoring import Fate
from webhook.gaps.draining import Drained, Drainer
from webhook.gaps.restoring import Restored, Restorer


class Repair(Struct):
    """What a repair came to, as far as it is; `stage` is what it is doing."""

    drained: Drained
    restored: Restored
    stage: str = "dead letters"


class Repairer:
    """Takes what AWS still holds of what was never heard."""

    def __init__(self, drainer: Drainer, restorer: Restorer) -> None:
        self._drainer = drainer
        self._restorer = restorer

    def repair(self, since: datetime) -> Iterator[Repair]:
        """Repairs step by step; may be cut off anywhere and run again. Raises AwsError, Limited, Unavailable."""
        repair = Repair(Drained(), Restored())
        yield repair
        for _ in self._drainer.drain(repair.drained):
            yield repair
        repair.stage = "suppression list"
        yield repair
        for _ in self._restorer.restore(since, repair.restored):
            yield repair
        repair.stage = "done"
        yield repair


def repair_of(repair: Repair) -> dict[str, Any]:
    """A repair as it is told: messages and facts restored by domain and kind, and what became of the rest."""
    drained, restored = repair.drained, repair.restored
    sums: dict[tuple[str, str], list[int]] = {}
    for place, counted in enumerate((drained.restored, restored.facts)):
        for key, count in counted.items():
            sums.setdefault(key, [0, 0])[place] += count
    return {
        "restored": [
            {"domain": domain, "kind": kind, "deadLetters": letters, "suppressionList": listed}
            for (domain, kind), (letters, listed) in sorted(sums.items())
        ],
        "queues": drained.queues,
        "messages": drained.messages,
        "outcomes": dict(sorted(drained.outcomes.items())),
        "rejected": dict(sorted(drained.rejected.items())),
        "entries": restored.total,
        "fates": {fate.value: restored.fates.get(fate, 0) for fate in Fate},
    }
