"""Puts what SES tells into a real database, the way messages come in; no document is made by hand."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.database import Database

from tests.signer import TOPIC
from webhook import bootstrap
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.config import Settings
from webhook.domain.effects import Effects, Outcome, Source, Subscription
from webhook.groupcommit import commit_isolating
from webhook.pipeline import accept

NOW = datetime.now(UTC).replace(microsecond=0)


def stamp(at: datetime) -> str:
    """A moment as SES writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def payload(
    kind: str,
    mail_id: str,
    *to: str,
    domain: str = "example.com",
    at: datetime = NOW,
    configuration_set: str = "main",
    **body: Any,
) -> str:
    """What event publishing says of one mail; `body` replaces fields of the event's own object."""
    to = to or ("ann@gmail.com",)
    mail = {
        "timestamp": stamp(at),
        "messageId": mail_id,
        "source": f"shop@{domain}",
        "sourceArn": f"arn:aws:ses:eu-north-1:123456789012:identity/{domain}",
        "destination": list(to),
        "tags": {"ses:configuration-set": [configuration_set]},
    }
    name = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
    return json.dumps({"eventType": kind, "mail": mail, name: {**_body(kind, mail_id, to, at), **body}}) + "\n"


def _body(kind: str, mail_id: str, to: Sequence[str], at: datetime) -> dict[str, Any]:
    recipients = [{"emailAddress": address} for address in to]
    refused = [
        {"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user"} for address in to
    ]
    bodies: dict[str, dict[str, Any]] = {
        "Bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": refused,
            "feedbackId": f"bounce-{mail_id}",
        },
        "Complaint": {
            "complainedRecipients": recipients,
            "complaintFeedbackType": "abuse",
            "feedbackId": f"complaint-{mail_id}",
        },
        "Delivery": {"recipients": list(to), "smtpResponse": "250 ok"},
        "Subscription": {"contactList": "news"},
    }
    body = bodies.get(kind, {})
    return {**body, "timestamp": stamp(at)} if kind != "Send" else {}


class Teller:
    """Tells a service what SES says, commits it, and posts the journal."""

    def __init__(self, database: Database[dict[str, Any]], settings: Settings) -> None:
        self.settings = settings
        self.db = database
        ensure_indexes(database)
        self._store = bootstrap.store(database, settings, Clock())
        self._journal = bootstrap.journal(database, settings, Clock())

    def tell(self, *messages: str, endpoint: str = "") -> list[Outcome]:
        """Commits these messages, in batches, as they would come in."""
        retention = bootstrap.retention(self.settings)
        effects = [accept(Source(TOPIC, "sns-id", text, endpoint), datetime.now(UTC), retention) for text in messages]
        return [outcome for batch in _batches(effects) for outcome in commit_isolating(self._store, batch)]

    def subscribe(self, topic_arn: str, state: str) -> None:
        """A topic was confirmed, or unsubscribed."""
        self._store.commit([Effects(subscription=Subscription(topic_arn, state, f"{topic_arn}:1", "sns-id"))])

    def post(self) -> None:
        """Counts and judges all that was told."""
        while self._journal.post().entries:
            pass

    def traffic(self, domain: str, sent: int, bounces: int = 0, complaints: int = 0) -> None:
        """Some mails of a domain, the first of which bounced, the next ones complained of; counted and judged."""
        ids = [f"{domain}-{number:05d}" for number in range(sent)]
        told = [payload("Send", mail, domain=domain) for mail in ids]
        told += [payload("Bounce", mail, domain=domain) for mail in ids[:bounces]]
        told += [payload("Complaint", mail, domain=domain) for mail in ids[bounces : bounces + complaints]]
        self.tell(*told)
        self.post()


def _batches(effects: list[Effects]) -> Iterator[list[Effects]]:
    for start in range(0, len(effects), 200):
        yield effects[start : start + 200]


def ago(**amount: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(**amount)
