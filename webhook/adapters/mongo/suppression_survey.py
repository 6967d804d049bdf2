"""What comparing the suppression lists would do, and how many are where; read only."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

import pymongo

from webhook.adapters.mongo.client import Db, Document, database_errors
from webhook.adapters.mongo.suppression_sync import BATCH, own_entries, own_of_documents, row_of, rows_in
from webhook.domain.restoring import Listed
from webhook.domain.suppression import Scope
from webhook.domain.suppression_sync import EXPECTED, OWN, THERE, Row, Standing, noticed, offered, withdrawn


class SyncSurvey:
    """Plays `syncing.ports.Survey`. Reads as it goes: of a long list only a batch is in memory."""

    def __init__(self, db: Db, region: str) -> None:
        self._db = db
        self._region = region

    def news(self, listed: Sequence[Listed]) -> int:
        """How many of these would be told to ours."""
        ids = [f"{self._region} {one.address}" for one in listed]
        with database_errors():
            rows = {row.address: row for row in map(row_of, self._db.listings.find({"_id": {"$in": ids}}))}
        return sum(noticed(rows.get(one.address), one, 0)[1] for one in listed)

    def lacking(self, seen: set[int]) -> int:
        """How many that were known are not among these (hashes of addresses)."""
        with database_errors():
            known = self._db.listings.find(rows_in(self._region, EXPECTED), {"address": 1}).batch_size(BATCH)
            return sum(hash(document["address"]) not in seen for document in known)

    def to_put(self, keys: set[int], now: datetime) -> int:
        """How many of ours theirs lacks, these not counted (hashes of addresses as ours compare)."""
        count = 0
        for batch in _batches(self._db.suppressions.find({"scope": Scope.ACCOUNT.value})):
            own = {key: one for key, one in own_of_documents(batch, now).items() if hash(key) not in keys}
            rows: dict[str, list[Row]] = {}
            for row in map(row_of, self._db.listings.find({"key": {"$in": list(own)}})):
                rows.setdefault(row.key, []).append(row)
            after = [offered(one, rows.get(key, ()), now) for key, one in own.items()]
            count += sum(row is not None and row.standing is Standing.PUTTING for row in after)
        return count + self._count(Standing.PUTTING)

    def to_delete(self, now: datetime) -> int:
        """How many that we put ours has no more."""
        count = 0
        for batch in _batches(self._db.listings.find(rows_in(self._region, OWN))):
            rows = [row_of(document) for document in batch]
            own = own_entries(self._db, [row.key for row in rows], now)
            after = [withdrawn(row) for row in rows if row.key not in own]
            count += sum(row is not None and row.standing is Standing.DELETING for row in after)
        return count

    def counts(self, now: datetime) -> dict[str, int]:
        """How many are `there`, `here`, and were taken off there by somebody (`removedThere`)."""
        live = {"$or": [{"expiresAt": None}, {"expiresAt": {"$gt": now}}]}
        with database_errors():
            return {
                "there": self._db.listings.count_documents(rows_in(self._region, THERE)),
                "here": self._db.suppressions.count_documents({"scope": Scope.ACCOUNT.value, **live}),
                "removedThere": self._count(Standing.REMOVED),
            }

    def removed_there(self, limit: int) -> list[Row]:
        """Of those some, the newest first."""
        wanted = rows_in(self._region, {Standing.REMOVED})
        with database_errors():
            return [
                row_of(one) for one in self._db.listings.find(wanted).sort("since", pymongo.DESCENDING).limit(limit)
            ]

    def _count(self, standing: Standing) -> int:
        with database_errors():
            return self._db.listings.count_documents(rows_in(self._region, {standing}))


def _batches(found: "pymongo.cursor.Cursor[Document]") -> Iterator[list[Document]]:
    with database_errors(), found.batch_size(BATCH):
        while batch := list(islice(found, BATCH)):
            yield batch
