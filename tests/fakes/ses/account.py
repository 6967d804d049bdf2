"""The account: its quota, its standing, and what it sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One mail that was taken."""

    message_id: str
    at: datetime
    request: dict[str, Any]

    @property
    def recipients(self) -> list[str]:
        people = self.request.get("Destination", {})
        return [
            address for kind in ("ToAddresses", "CcAddresses", "BccAddresses") for address in people.get(kind) or ()
        ]


@dataclass
class FakeAccount:
    """As GetAccount tells it; a `max_24_hour_send` of -1 is unlimited. `sent_before` was sent before the test."""

    max_24_hour_send: float = 50_000.0
    max_send_rate: float = 14.0
    sent_before: float = 0.0
    production: bool = True
    sending_enabled: bool = True
    enforcement: str = "HEALTHY"
    sent: list[Sent] = field(default_factory=list)

    def recipients_since(self, at: datetime) -> int:
        return sum(len(mail.recipients) for mail in self.sent if mail.at > at)

    def sent_last_24_hours(self, now: datetime) -> float:
        return self.sent_before + self.recipients_since(now - timedelta(hours=24))

    def told(self, now: datetime) -> dict[str, Any]:
        return {
            "DedicatedIpAutoWarmupEnabled": True,
            "EnforcementStatus": self.enforcement,
            "ProductionAccessEnabled": self.production,
            "SendingEnabled": self.sending_enabled,
            "SendQuota": {
                "Max24HourSend": self.max_24_hour_send,
                "MaxSendRate": self.max_send_rate,
                "SentLast24Hours": self.sent_last_24_hours(now),
            },
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        }
