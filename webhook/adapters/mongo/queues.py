"""What workers did with the messages of queues, kept for those who serve `/metrics`: one document for each queue.

`received`, `deleted` and `rejected` (by code) only grow. `underWay` has an entry for each worker that takes messages:
since when its oldest one is under way, and when it said so last.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.domain.queues import Figures

#: A worker that has not said anything for so long is no more; what it held comes back.
SILENT = timedelta(minutes=3)

#: The names and values of the labels, to the value.
Samples = Mapping[tuple[tuple[str, str], ...], float]


class QueueLedger:
    """Adds up figures, and tells them; `worker` is the name of this process among all."""

    def __init__(self, db: Db, now: Callable[[], datetime], worker: str = "") -> None:
        self._db = db
        self._now = now
        self._worker = worker

    def note(self, queue: str, figures: Figures) -> None:
        """See `polling.ports.Ledger`."""
        now = self._now()
        mine: list[Document] = [{"worker": self._worker, "oldest": figures.oldest, "at": now}] if figures.oldest else []
        others = {
            "$filter": {
                "input": {"$ifNull": ["$underWay", []]},
                "cond": {"$and": [{"$ne": ["$$this.worker", self._worker]}, {"$gt": ["$$this.at", now - SILENT]}]},
            }
        }
        changes: Document = {
            "received": _more("received", figures.received),
            "deleted": _more("deleted", figures.deleted),
            "underWay": {"$concatArrays": [others, mine]},
            "at": now,
        }
        changes |= {f"rejected.{code}": _more(f"rejected.{code}", count) for code, count in figures.rejected.items()}
        with database_errors():
            self._db.queues.update_one({"_id": queue}, [{"$set": changes}], upsert=True)

    def gauges(self) -> dict[str, tuple[str, Samples]]:
        """What /metrics reads: name to (help, samples)."""
        with database_errors():
            queues = list(self._db.queues.find())
        return {
            "sentinel_queue_received_total": (
                "Messages taken from a queue.",
                _each(queues, _count_of("received")),
            ),
            "sentinel_queue_deleted_total": (
                "Messages deleted once durable.",
                _each(queues, _count_of("deleted")),
            ),
            "sentinel_queue_rejected_total": (
                "Messages left to a queue since they can't be taken.",
                {
                    (("queue", one["_id"]), ("code", code)): float(count)
                    for one in queues
                    for code, count in one.get("rejected", {}).items()
                },
            ),
            "sentinel_queue_oldest_seconds": ("How long the oldest message is under way.", _each(queues, self._age)),
        }

    def _age(self, queue: Document) -> float:
        """As of when the workers last said so: what has been dealt with since must not seem to grow old."""
        now = self._now()
        ages = [entry["at"] - entry["oldest"] for entry in queue["underWay"] if entry["at"] > now - SILENT]
        return max((age.total_seconds() for age in ages), default=0.0)


def _each(queues: Sequence[Document], of: Callable[[Document], float]) -> Samples:
    return {(("queue", one["_id"]),): float(of(one)) for one in queues}


def _count_of(field: str) -> Callable[[Document], float]:
    return lambda queue: float(queue[field])


def _more(field: str, count: int) -> Document:
    return {"$add": [{"$ifNull": [f"${field}", 0]}, count]}
