"""The account: its quota, its standing, and what it sent."""

from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from typing import Any, NamedTuple

#: Headers that SES's events tell of each mail anyhow.
_USUAL = frozenset({"from", "to", "subject", "mime-version", "content-type"})


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

    @property
    def addresses(self) -> list[str]:
        """The recipients without their names."""
        return [parseaddr(one)[1] for one in self.recipients]

    @property
    def message(self) -> Message | None:
        """A raw mail."""
        raw = self.request.get("Content", {}).get("Raw", {}).get("Data")
        return message_from_bytes(b64decode(raw)) if raw else None

    @property
    def sender(self) -> str:
        """Whom it is from; of a raw mail that may stand in the mail alone."""
        raw = self.message
        return str(self.request.get("FromEmailAddress") or (raw["From"] if raw else "") or "")

    @property
    def source(self) -> str:
        """The same without the name."""
        return parseaddr(self.sender)[1]

    @property
    def subject(self) -> str:
        raw = self.message
        if raw:
            return str(raw["Subject"] or "")
        return str(self.request.get("Content", {}).get("Simple", {}).get("Subject", {}).get("Data", ""))

    @property
    def more_headers(self) -> list[tuple[str, str]]:
        """Its own headers, beside those that each mail has."""
        raw = self.message
        if raw:
            return [(name, str(value)) for name, value in raw.items() if name.lower() not in _USUAL]
        given = self.request.get("Content", {}).get("Simple", {}).get("Headers") or ()
        return [(one["Name"], one["Value"]) for one in given]

    @property
    def chosen_set(self) -> str | None:
        """The configuration set that the request, or a raw mail itself, names."""
        raw = self.message
        return self.request.get("ConfigurationSetName") or (raw["X-SES-CONFIGURATION-SET"] if raw else None)


@dataclass
class FakeAccount:
    """As GetAccount tells it; a `max_24_hour_send` of -1 is unlimited. `sent_before` was sent before the test.

    `vdm`: whether the Virtual Deliverability Manager is on; None: as soon as it has figures.
    """

    max_24_hour_send: float = 50_000.0
    max_send_rate: float = 14.0
    sent_before: float = 0.0
    production: bool = True
    sending_enabled: bool = True
    enforcement: str = "HEALTHY"
    suppressed_reasons: list[str] = field(default_factory=lambda: ["BOUNCE", "COMPLAINT"])
    vdm: bool | None = None
    sent: list[Sent] = field(default_factory=list)

    def recipients_since(self, at: datetime) -> int:
        return sum(len(mail.recipients) for mail in self.sent if mail.at > at)

    def sent_last_24_hours(self, now: datetime) -> float:
        return self.sent_before + self.recipients_since(now - timedelta(hours=24))

    def vdm_enabled(self, figures: dict[Any, int]) -> bool:
        return bool(figures) if self.vdm is None else self.vdm

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
            "SuppressionAttributes": {"SuppressedReasons": self.suppressed_reasons},
        }
