"""A suppression list of SES on a clock that stands still, and what tests do to both lists."""

from datetime import datetime, timedelta
from typing import Any

from pymongo.database import Database

from tests.fakes.ses import SimulatedClock
from webhook.adapters.mongo.suppression_sync import SyncBook
from webhook.adapters.mongo.suppressions import Suppressions
from webhook.domain.address import plain
from webhook.domain.restoring import Listed
from webhook.domain.suppression import NewEntry
from webhook.domain.sync_state import State
from webhook.syncing import Run, Synchronizer
from webhook.syncing.ports import Book, TheirList

REGION = "eu-north-1"
Db = Database[dict[str, Any]]


class Theirs:
    """Plays `syncing.ports.TheirList`; pages are short, and shift when something is deleted, as offsets do."""

    def __init__(self, clock: SimulatedClock, page: int = 3) -> None:
        self._clock = clock
        self._page = page
        self.rows: dict[str, Listed] = {}
        self.calls: list[tuple[str, str]] = []
        #: Whose doing it is that an address is there.
        self.by_us: set[str] = set()

    def page(self, since: datetime | None, token: str | None) -> tuple[list[Listed], str | None]:
        self.calls.append(("page", token or ""))
        rows = sorted(
            (row for row in self.rows.values() if since is None or row.at >= since), key=lambda row: row.address
        )
        start = int(token or 0)
        return rows[start : start + self._page], str(start + self._page) if len(rows) > start + self._page else None

    def find(self, address: str) -> Listed | None:
        self.calls.append(("find", address))
        return self.rows.get(address)

    def put(self, address: str, reason: str) -> None:
        self.calls.append(("put", address))
        self.rows[address] = Listed(address, reason, self._clock.now())
        self.by_us.add(address)

    def delete(self, address: str) -> bool:
        self.calls.append(("delete", address))
        return self.rows.pop(address, None) is not None

    # -- what somebody does in the console

    def enter(self, address: str, reason: str = "BOUNCE") -> None:
        self.rows[address] = Listed(address, reason, self._clock.now())
        self.by_us.discard(address)

    def remove(self, address: str) -> None:
        self.rows.pop(address, None)

    def keys(self) -> set[str]:
        return {plain(address) for address in self.rows}


class Pair:
    """Both lists, and who keeps them in step."""

    def __init__(self, db: Db, clock: SimulatedClock, theirs: TheirList, *, writes: bool = True) -> None:
        self.db = db
        self.clock = clock
        self.theirs = theirs
        self.writes = writes
        self.ours = Suppressions(db, clock.now)
        self.sandbox = False

    def book(self, me: str = "one") -> SyncBook:
        return SyncBook(self.db, REGION, me)

    def synchronizer(self, book: Book | None = None) -> Synchronizer:
        return Synchronizer(
            self.theirs, book or self.book(), self.clock.now, writes=self.writes, sandbox=lambda: self.sandbox
        )

    def sync(self, *, accepts: bool = False) -> State:
        """All of it, to the end; a moment after what was done before."""
        self.clock.advance(1)
        book = self.book()
        run = Run(self.synchronizer(book), book, self.clock.now, self.clock.sleep)
        *_, last = run(accepts=accepts)
        return last

    def add(self, address: str, reason: str = "bounce", days: int | None = None) -> None:
        """A person enters it for everybody."""
        until = self.clock.now() + timedelta(days=days) if days else None
        self.ours.add(NewEntry(address=address, reason=reason, expires_at=until), "ops")

    def remove(self, address: str) -> None:
        """A person takes it out, whatever put it there."""
        for item in self.ours.find(address=address).items:
            self.ours.remove(item["id"], "ops")

    def here(self) -> dict[str, list[tuple[str, str]]]:
        """Live entries for everybody: by key, whose their causes are and why."""
        live = {"scope": "account", "$or": [{"expiresAt": None}, {"expiresAt": {"$gt": self.clock.now()}}]}
        return {
            one["key"]: sorted((cause.get("by", "mail"), cause["reason"]) for cause in one["causes"])
            for one in self.db.suppressions.find(live)
        }

    def listings(self) -> dict[str, str]:
        return {row["address"]: row["standing"] for row in self.db.listings.find()}
