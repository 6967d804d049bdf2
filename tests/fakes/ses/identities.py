"""Identities, and what becomes of them: found within 72 hours or failed, lost for 72 hours and failed."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PATIENCE = timedelta(hours=72)
ZONE = "dkim.amazonses.com"


@dataclass
class Search:
    """SES looking for records: PENDING → SUCCESS or FAILED; SUCCESS → TEMPORARY_FAILURE → SUCCESS or FAILED."""

    since: datetime
    status: str = "PENDING"

    def settle(self, now: datetime, *, there: bool) -> None:
        """What time, and records that are there or not, make of it. FAILED is the end."""
        if self.status in ("PENDING", "TEMPORARY_FAILURE"):
            if there:
                self.status, self.since = "SUCCESS", now
            elif now - self.since >= PATIENCE:
                self.status, self.since = "FAILED", self.since + PATIENCE
        elif self.status == "SUCCESS" and not there:
            self.status, self.since = "TEMPORARY_FAILURE", now


@dataclass
class FakeIdentity:
    """One identity. `present` and `mail_from_present`: its records are in the DNS."""

    name: str
    created: datetime
    configuration_set: str | None = None
    tags: list[dict[str, str]] = field(default_factory=list)
    key_length: str = "RSA_1024_BIT"
    signing: bool = True
    present: bool = False
    mail_from: str | None = None
    mail_from_present: bool = False
    behavior: str = "USE_DEFAULT_VALUE"
    last_success: datetime | None = None
    forwarding: bool = True
    topics: dict[str, str] = field(default_factory=dict)
    headers_in: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dkim = Search(self.created)
        self.mail_from_search = Search(self.created)

    @property
    def kind(self) -> str:
        return "EMAIL_ADDRESS" if "@" in self.name else "DOMAIN"

    @property
    def tokens(self) -> list[str]:
        """Three tokens; the same ones when the identity is made again."""
        return [hashlib.sha256(f"{self.name}/{number}".encode()).hexdigest()[:32] for number in range(3)]

    @property
    def verified(self) -> bool:
        """Whether it may send: SES lets it while it only may have lost its records."""
        return self.dkim.status in ("SUCCESS", "TEMPORARY_FAILURE")

    def settle(self, now: datetime) -> None:
        self.dkim.settle(now, there=self.present)
        if self.dkim.status == "SUCCESS":
            self.last_success = now
        if self.mail_from:
            self.mail_from_search.settle(now, there=self.mail_from_present)

    def set_mail_from(self, domain: str | None, behavior: str, now: datetime) -> None:
        if domain != self.mail_from:
            self.mail_from_search, self.mail_from_present = Search(now), False
        self.mail_from, self.behavior = domain, behavior

    def dkim_attributes(self) -> dict[str, Any]:
        return {
            "SigningEnabled": self.signing,
            "Status": self.dkim.status,
            "Tokens": self.tokens,
            "SigningHostedZone": ZONE,
            "SigningAttributesOrigin": "AWS_SES",
            "NextSigningKeyLength": self.key_length,
            "CurrentSigningKeyLength": self.key_length,
            "LastKeyGenerationTimestamp": self.created.timestamp(),
        }

    def told(self, now: datetime) -> dict[str, Any]:
        """As GetEmailIdentity tells it."""
        checked: dict[str, Any] = {"LastCheckedTimestamp": now.timestamp()}
        if self.last_success:
            checked["LastSuccessTimestamp"] = self.last_success.timestamp()
        if not self.present:
            checked["ErrorType"] = "HOST_NOT_FOUND"
        answer: dict[str, Any] = {
            "IdentityType": self.kind,
            "FeedbackForwardingStatus": self.forwarding,
            "VerifiedForSendingStatus": self.verified,
            "DkimAttributes": self.dkim_attributes(),
            "Policies": {},
            "Tags": self.tags,
            "VerificationStatus": self.dkim.status,
            "VerificationInfo": checked,
        }
        if self.configuration_set:
            answer["ConfigurationSetName"] = self.configuration_set
        if self.mail_from:
            answer["MailFromAttributes"] = {
                "MailFromDomain": self.mail_from,
                "MailFromDomainStatus": self.mail_from_search.status,
                "BehaviorOnMxFailure": self.behavior,
            }
        return answer
