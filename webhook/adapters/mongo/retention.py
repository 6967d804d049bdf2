"""Since when mails are stored completely: raising EVENT_RETENTION_DAYS does not bring back what has gone by then."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from webhook.adapters.mongo.client import Db, Document, database_errors

_ID = "retention"


def note_retention(db: Db, retention: timedelta, now: datetime) -> None:
    """Writes down which retention holds, and since which day; to be called at every start."""
    with database_errors():
        noted = db.settings.find_one({"_id": _ID})
        if noted is None or noted["days"] != retention.days:
            document = {"days": retention.days, "since": _since(noted, retention, now).isoformat()}
            db.settings.replace_one({"_id": _ID}, document, upsert=True)


def first_complete_day(db: Db, retention: timedelta, now: datetime) -> date:
    """The first UTC day of which no mail can have gone yet. Writes nothing."""
    with database_errors():
        noted = db.settings.find_one({"_id": _ID})
    return max(_first_day(retention, now), _since(noted, retention, now))


def retention_in_force(db: Db, retention: timedelta, now: datetime) -> timedelta:
    """How old a mail may be whose news is told from a second telling; at most what is set."""
    first = first_complete_day(db, retention, now)
    return min(retention, now - datetime(first.year, first.month, first.day, tzinfo=UTC))


class Memory:
    """How old a mail may be whose news is taken: asked of the database until it answers, then known."""

    def __init__(self, db: Db, retention: timedelta, now: Callable[[], datetime]) -> None:
        self._db = db
        self._retention = retention
        self._now = now
        self._known: timedelta | None = None

    @property
    def known(self) -> bool:
        """True if asking will not wait for the database."""
        return self._known is not None

    def __call__(self) -> timedelta:
        """Raises Unavailable while it is not known and the database does not answer."""
        if self._known is None:
            self._known = retention_in_force(self._db, self._retention, self._now())
        return self._known


def _since(noted: Document | None, retention: timedelta, now: datetime) -> date:
    if noted is None:
        return date.min
    since = date.fromisoformat(noted["since"])
    if retention.days <= noted["days"]:
        return since
    return max(since, _first_day(timedelta(days=noted["days"]), now))


def _first_day(retention: timedelta, now: datetime) -> date:
    return (now - retention).date() + timedelta(days=1)
