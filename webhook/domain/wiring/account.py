"""Findings about the account: may it send at all, and to whom?"""

from collections.abc import Iterator

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.seen import Seen


def judged(seen: Seen) -> Iterator[Finding]:
    """What SES says of the account in this region."""
    account = seen.account
    if account is None:
        return
    if not account.production_access:
        yield Finding(
            Code.SANDBOX,
            f"SES has the account in the sandbox in {account.region}: it sends to verified addresses only.",
            "ask for production access in the SES console under Account dashboard",
            "production access",
        )
    if account.enforcement_status == "PROBATION":
        yield Finding(
            Code.PROBATION,
            f"SES has the account under review in {account.region}; if bounces and complaints stay high, it is paused.",
            "read the case in the AWS Support Center; python -m webhook domains --status flagged shows who causes it",
            "enforcement status HEALTHY",
        )
    if account.enforcement_status == "SHUTDOWN":
        yield Finding(
            Code.SHUTDOWN,
            f"SES has shut the account's sending down in {account.region} for its bounces or complaints.",
            "answer the case in the AWS Support Center with what was changed",
            "enforcement status HEALTHY",
        )
    elif not account.sending_enabled:
        yield Finding(
            Code.SENDING_PAUSED,
            f"Sending is paused for the whole account in {account.region}.",
            f"aws sesv2 put-account-sending-attributes --sending-enabled --region {account.region},"
            " once what it was paused for is over",
            "sending enabled",
        )
