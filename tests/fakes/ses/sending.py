"""SendEmail, with what SES looks at before it takes a mail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors
from tests.fakes.ses.account import Sent

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

SIMULATOR = "simulator.amazonses.com"


def send_email(state: State, asked: dict[str, Any], message_id: str) -> dict[str, Any]:
    """Takes the mail or refuses it, in the order in which SES looks."""
    mail = Sent(message_id, state.clock.now(), asked)
    if not 1 <= len(mail.recipients) <= 50:
        raise errors.bad_request(f"Recipient count is {len(mail.recipients)}, must be 1 to 50.")
    _require_running(state, mail)
    _require_verified(state, mail)
    _require_room(state, mail)
    state.account.sent.append(mail)
    state.taken(mail)
    return {"MessageId": message_id}


def _require_running(state: State, mail: Sent) -> None:
    asked = mail.request
    if not state.account.sending_enabled:
        raise errors.paused("Sending paused for this account.")
    chosen = state.set_of(mail)
    if chosen and not state.configuration_set(chosen).sending:
        raise errors.paused(f"Sending paused for configuration set {chosen}.")
    if asked.get("TenantName") and state.tenant(asked["TenantName"]).status == "DISABLED":
        raise errors.paused(f"Sending paused for tenant {asked['TenantName']}.")


def _require_verified(state: State, mail: Sent) -> None:
    source = mail.source
    identity = state.identity_for(source)
    unverified = [] if identity and identity.verified else [source]
    if not state.account.production:
        unverified += [address for address in mail.recipients if not _may_receive(state, address)]
    if unverified:
        failed = ", ".join(unverified)
        raise errors.rejected(
            "Email address is not verified. The following identities failed the check in region"
            f" {state.region.upper()}: {failed}"
        )


def _may_receive(state: State, address: str) -> bool:
    domain = address.rpartition("@")[2].rstrip(">").lower()
    identity = state.identity_for(address)
    return domain == SIMULATOR or bool(identity and identity.verified)


def _require_room(state: State, mail: Sent) -> None:
    account, now = state.account, state.clock.now()
    count = len(mail.recipients)
    # A single mail goes through however low the rate; SES only looks whether there is any room left.
    taken = account.recipients_since(now - timedelta(seconds=1))
    if taken and taken + count > account.max_send_rate:
        raise errors.throttled("Maximum sending rate exceeded.")
    if 0 <= account.max_24_hour_send < account.sent_last_24_hours(now) + count:
        raise errors.limit_exceeded("Daily message quota exceeded.")
