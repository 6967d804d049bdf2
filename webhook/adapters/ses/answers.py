"""SES's answers as values of ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from webhook.domain.ses import AccountState, Identity, Listed, ListedPage, State

Answer = Mapping[str, Any]


def identity_of(name: str, answer: Answer) -> Identity:
    """The identity in an answer of CreateEmailIdentity or GetEmailIdentity; the former says nothing of its state."""
    dkim: Answer = answer.get("DkimAttributes") or {}
    mail_from: Answer = answer.get("MailFromAttributes") or {}
    checked: Answer = answer.get("VerificationInfo") or {}
    dkim_status = State.from_text(dkim.get("Status"))
    stated = answer.get("VerificationStatus")
    return Identity(
        name=name,
        verified_for_sending=bool(answer.get("VerifiedForSendingStatus")),
        # A domain is verified by its DKIM records, so the state of these is its own where SES does not tell it.
        verification=State.from_text(stated) if stated else dkim_status,
        dkim_status=dkim_status,
        dkim_tokens=tuple(dkim.get("Tokens") or ()),
        signing_hosted_zone=dkim.get("SigningHostedZone") or "dkim.amazonses.com",
        signing_enabled=bool(dkim.get("SigningEnabled")),
        mail_from_domain=mail_from.get("MailFromDomain") or None,
        mail_from_status=State.from_text(mail_from["MailFromDomainStatus"])
        if mail_from.get("MailFromDomain")
        else None,
        behavior=mail_from.get("BehaviorOnMxFailure") if mail_from.get("MailFromDomain") else None,
        configuration_set=answer.get("ConfigurationSetName") or None,
        last_success=_moment(checked.get("LastSuccessTimestamp")),
        last_checked=_moment(checked.get("LastCheckedTimestamp")),
        error_type=checked.get("ErrorType"),
        tags={tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()},
    )


def page_of(answer: Answer) -> ListedPage:
    """A page of the list of identities, its domains only."""
    items = (
        Listed(row["IdentityName"], bool(row.get("SendingEnabled")), State.from_text(row.get("VerificationStatus")))
        for row in answer.get("EmailIdentities") or ()
        if row.get("IdentityType", "DOMAIN") == "DOMAIN"
    )
    return ListedPage(tuple(items), answer.get("NextToken") or None)


def account_of(region: str, answer: Answer) -> AccountState:
    """The account in an answer of GetAccount."""
    quota: Answer = answer.get("SendQuota") or {}
    most, rate = quota.get("Max24HourSend", 0.0), quota.get("MaxSendRate", 0.0)
    return AccountState(
        region=region,
        production_access=bool(answer.get("ProductionAccessEnabled")),
        sending_enabled=bool(answer.get("SendingEnabled")),
        enforcement_status=answer.get("EnforcementStatus") or "",
        max_24_hour_send=None if most < 0 else float(most),
        sent_last_24_hours=float(quota.get("SentLast24Hours", 0.0)),
        max_send_rate=None if rate < 0 else float(rate),
    )


def _moment(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None
