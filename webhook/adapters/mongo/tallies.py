"""Tallies: how the attempts at each endpoint went, for Prometheus, as long as there is the endpoint.

They are counted after what they count is durable, and not so safely: a crash may leave out the last few. They do not
stand with the endpoint: whoever dies while changing that would hold up all deliveries for seconds.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct
from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from webhook.adapters.mongo.client import Db, Document
from webhook.domain.deliveries import Attempt

#: Seconds up to which attempts are counted apart; what took longer than the last is counted under `slower`.
WITHIN = (0.1, 0.5, 2.0, 5.0, 15.0)

_FIELDS = (*(f"within{round(seconds * 1000)}" for seconds in WITHIN), "slower")
_UNSAFE = WriteConcern(w=1)


class Tally(Struct, frozen=True):
    """The attempts at an endpoint. `took` counts each once: by the seconds of `within`, and then the slower ones."""

    endpoint: str
    kind: str
    taken: int
    failed: int
    seconds: float
    took: tuple[int, ...]
    within: tuple[float, ...] = WITHIN


def count(db: Db, made: Iterable[tuple[str, Attempt]]) -> None:
    """Adds attempts, each with the id of its endpoint."""
    counted: dict[str, Counter[str]] = {}
    for endpoint, attempt in made:
        one = counted.setdefault(endpoint, Counter())
        one["taken" if attempt.error is None else "failed"] += 1
        one["ms"] += attempt.ms
        one[_FIELDS[bisect_left(WITHIN, attempt.ms / 1000)]] += 1
    writes = [UpdateOne({"_id": endpoint}, {"$inc": dict(one)}, upsert=True) for endpoint, one in counted.items()]
    db.tallies.with_options(write_concern=_UNSAFE).bulk_write(writes, ordered=False)


def tallies(db: Db) -> list[Tally]:
    """Those of all endpoints there are, in the order they were made. Forgets those of endpoints that are gone."""
    kinds = {row["_id"]: row["kind"] for row in db.endpoints.find({}, {"kind": 1}).sort("_id", 1)}
    kept = {row["_id"]: row for row in db.tallies.find()}
    if gone := [endpoint for endpoint in kept if endpoint not in kinds]:
        db.tallies.delete_many({"_id": {"$in": gone}})
    return [_tally(endpoint, kind, kept.get(endpoint, {})) for endpoint, kind in kinds.items()]


def _tally(endpoint: str, kind: str, kept: Document) -> Tally:
    took = tuple(kept.get(name, 0) for name in _FIELDS)
    return Tally(endpoint, kind, kept.get("taken", 0), kept.get("failed", 0), kept.get("ms", 0) / 1000, took)
