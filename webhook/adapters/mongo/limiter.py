"""A rate that all processes and hosts keep together, in one document per bucket."""

from collections.abc import Callable
from datetime import datetime

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.errors import Limited

#: Seconds by which the clocks of two hosts may differ. A clock that is further behind was set back.
SKEW = 10.0
# A slot that a failing-over database forgets costs one "throttled" of AWS at worst, so nobody waits for the journal.
_AT_ONCE = WriteConcern(w=1)


class Limiter:
    """A rate shared by all processes: GCRA in one document of collection `limits` per bucket.

    The document holds `tat`, the theoretical arrival time of the next unit (ATM Forum, Traffic Management 4.0, the
    generic cell rate algorithm), and `at`, the latest moment it was used; both in seconds since 1970. One update in the
    database reads, decides and writes, so that two callers can't take the same slot.

    First come, first served: whoever is told to wait has his slot already, and nobody who comes later gets it. Who
    would have to wait longer than his patience takes nothing, and comes again behind the others. `count` beyond `burst`
    goes as soon as nothing is owed, and those after it wait the longer.
    """

    def __init__(self, db: Db, now: Callable[[], datetime]) -> None:
        self._limits = db.limits.with_options(write_concern=_AT_ONCE)
        self._now = now

    def reserve(self, bucket: str, rate: float, *, burst: float = 1.0, patience: float = 0.0, count: int = 1) -> float:
        """Seconds to wait before going ahead (0: at once), the slot taken.

        Args:
            bucket: what is limited, `ses:api:eu-north-1`.
            rate: units per second, above 0.
            burst: units that may go at once after a rest.
            patience: seconds that the caller is willing to wait.
            count: units that he takes.

        Raises:
            Limited: it would be more than `patience`; nothing was taken.
            Unavailable: the database does not answer.
        """
        if not rate > 0 or count < 1:
            raise ValueError("a rate above 0 and a count of at least 1 are needed")
        found = self._update(bucket, _reservation(self._now().timestamp(), 1 / rate, burst, patience, count))
        wait = float(found["wait"])
        if wait > patience:
            told = f"{rate:g} per second are allowed, and all of the next {wait:.1f} seconds are taken"
            raise Limited(f"{told}: come again then", retry_after=wait)
        return wait

    def _update(self, bucket: str, pipeline: list[Document]) -> Document:
        with database_errors():
            try:
                return self._upsert(bucket, pipeline)
            except DuplicateKeyError:  # two made the bucket's document at once; now it is there
                return self._upsert(bucket, pipeline)

    def _upsert(self, bucket: str, pipeline: list[Document]) -> Document:
        after = ReturnDocument.AFTER
        return self._limits.find_one_and_update({"_id": bucket}, pipeline, upsert=True, return_document=after) or {}


def _reservation(now: float, interval: float, burst: float, patience: float, count: int) -> list[Document]:
    """The update: what time it is, what is owed by then, how long that makes wait, and the slot if that is bearable.

    A clock a little behind the last user's is taken for that of another host: for the bucket, time stands still until
    it has caught up. One far behind was set back: what was owed then is owed from now.
    """
    last: Document = {"$ifNull": ["$at", now]}
    set_back = {"$gt": ["$$last", now + SKEW]}
    owed = {"$max": [0.0, {"$subtract": [{"$ifNull": ["$tat", now]}, "$$last"]}]}
    moment: Document = {"$let": {"vars": {"last": last}, "in": {"$cond": [set_back, now, {"$max": ["$$last", now]}]}}}
    due: Document = {
        "$let": {"vars": {"last": last}, "in": {"$cond": [set_back, {"$add": [now, owed]}, {"$ifNull": ["$tat", now]}]}}
    }
    start = {"$max": ["$tat", "$at"]}
    ahead = (count - max(burst, float(count))) * interval
    wait = {"$max": [0.0, {"$add": [{"$subtract": [start, "$at"]}, ahead]}]}
    taken = {"$add": [start, count * interval]}
    return [
        {"$set": {"at": moment, "tat": due}},
        {"$set": {"wait": wait}},
        {"$set": {"tat": {"$cond": [{"$lte": ["$wait", patience]}, taken, "$tat"]}}},
    ]
