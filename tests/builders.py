"""SES and AWS payloads, as short as they may be, for tests that look at one thing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook.domain.effects import Effects, Source
from webhook.pipeline import accept

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
RETENTION = timedelta(days=30)
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses"
SENT_AT = "2026-03-10T09:00:00.000Z"
LATER = "2026-03-10T09:00:05.000Z"

Payload = dict[str, Any]


def mail(mail_id: str = "mail-1", *to: str, domain: str = "example.com", **changes: Any) -> Payload:
    """The `mail` object; a change to None takes the field out."""
    fields = {
        "timestamp": SENT_AT,
        "messageId": mail_id,
        "source": f"shop@{domain}",
        "sourceArn": f"arn:aws:ses:eu-north-1:123456789012:identity/{domain}",
        "destination": list(to) or ["ann@gmail.com"],
        "tags": {"ses:configuration-set": ["main"]},
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def send(of: Payload | None = None) -> Payload:
    return {"eventType": "Send", "mail": of or mail(), "send": {}}


def delivery(of: Payload | None = None, *to: str) -> Payload:
    of = of or mail()
    told = {"recipients": list(to) or of["destination"], "timestamp": LATER, "smtpResponse": "250 ok"}
    return {"eventType": "Delivery", "mail": of, "delivery": told}


def bounce(of: Payload | None = None, *to: str, kind: str = "Permanent", subtype: str = "General") -> Payload:
    of = of or mail()
    recipients = [
        {"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown user"}
        for address in to or of["destination"]
    ]
    told = {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": recipients, "timestamp": LATER}
    return {"eventType": "Bounce", "mail": of, "bounce": told}


def complaint(of: Payload | None = None, feedback_id: str = "feedback-1", **changes: Any) -> Payload:
    of = of or mail()
    told = {
        "complainedRecipients": [{"emailAddress": address} for address in of["destination"]],
        "feedbackId": feedback_id,
        "complaintFeedbackType": "abuse",
        "timestamp": LATER,
    } | changes
    return {"eventType": "Complaint", "mail": of, "complaint": told}


def by_notification(payload: Payload) -> Payload:
    """The same, as an identity notification tells it."""
    of = {name: value for name, value in payload["mail"].items() if name != "tags"}
    rest = {name: value for name, value in payload.items() if name not in ("eventType", "mail")}
    return {"notificationType": payload["eventType"], "mail": of, **rest}


def by_eventbridge(detail: Payload, detail_type: str, source: str = "aws.ses", **changes: Any) -> Payload:
    """The envelope that EventBridge puts around a `detail`."""
    fields = {
        "version": "0",
        "id": "event-1",
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": "2026-03-10T09:00:00Z",
        "region": "eu-north-1",
        "resources": ["arn:aws:ses:eu-north-1:123456789012:identity/example.com"],
        "detail": detail,
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def effects_of(payload: Payload | str, endpoint: str = "", now: datetime = NOW) -> Effects:
    """What the pipeline makes of a payload."""
    message = payload if isinstance(payload, str) else json.dumps(payload)
    return accept(Source(TOPIC, "message-1", message, endpoint), now, RETENTION)
