"""Alerts in tests: a database ready for them, the simplest way to an endpoint, a clock that is set by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.domain import alerts
from webhook.domain.alerts import Alert, Draft, body_of
from webhook.domain.delivery_errors import Answer, DeliveryFailed, cut
from webhook.domain.endpoints import Endpoint, Kind

START = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def go(self, **by: float) -> None:
        """Moves on by so many `seconds`, `hours`, …"""
        self.at += timedelta(**by)


class Plain:
    """A POST without any signature; the attempt's number is in a header."""

    def __init__(self, patience: tuple[float, float] = (1.0, 2.0)) -> None:
        self._patience = patience

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        headers = {"webhook-id": alert.id, "webhook-attempt": str(attempt)}
        try:
            told = requests.post(
                endpoint.url, json=body_of(alert), headers=headers, timeout=self._patience, allow_redirects=False
            )
        except requests.RequestException as error:
            raise DeliveryFailed(False, f"it does not answer ({type(error).__name__})") from error
        if told.status_code >= 300:
            asked = told.headers.get("Retry-After")
            raise DeliveryFailed(
                told.status_code == 410,
                f"it answered {told.status_code}",
                told.status_code,
                float(asked) if asked else None,
                body_cut=cut(told.content),
            )
        return Answer(told.status_code, body_cut=cut(told.content))


def prepare(db: Db) -> None:
    """The collections and indexes that alerts need."""
    ensure_indexes(db)


def write(db: Db, *drafts: Draft, at: datetime = START) -> list[Alert]:
    """Writes them in one transaction."""

    def work(session: ClientSession) -> list[Alert]:
        return outbox.write(db, drafts, at, session)

    with db.client.start_session() as session:
        return session.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)


def pausing(domain: str | None = "example.com", owner: str | None = None, at: datetime = START) -> Draft:
    """Something that is told."""
    if domain is None:
        return alerts.quota_reached(0.9, 9.0, 10.0, at)
    return alerts.paused(domain, owner, {"by": "staff", "who": "ann", "why": "a test", "at": at})


def endpoint(identity: str, url: str = "http://127.0.0.1:9/", **changes: Any) -> Endpoint:
    """An endpoint that gets everything."""
    fields: dict[str, Any] = {"kind": Kind.WEBHOOK, "types": ("*",), "created_at": START}
    return Endpoint(id=identity, url=url, **(fields | changes))
