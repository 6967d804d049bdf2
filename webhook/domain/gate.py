"""The gate before sending: which mail of which domain is not sent, and why. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from webhook.domain.ownership import is_known


class Gate(StrEnum):
    """Why a mail is not sent, in the order they are looked at."""

    DISABLED = "sending_disabled"
    UNKNOWN = "not_found"
    UNVERIFIED = "domain_not_verified"
    PAUSED = "domain_paused"
    FLAGGED = "domain_flagged"
    SUPPRESSED = "recipient_suppressed"


class Refusal(Struct, frozen=True):
    """Why not, and what would help; both are sentences."""

    gate: Gate
    detail: str
    hint: str


class Rules(Struct, frozen=True):
    """What the settings say of sending: AWS_SES_ENABLE_SENDING, and whether SENDING_FLAGGED is `allow`."""

    enabled: bool
    flagged_may: bool = False


#: A domain as it is stored, and the reasons by address of those that are suppressed.
Document = Mapping[str, Any]
Suppressed = Mapping[str, Mapping[str, Any]]


def decide(name: str, document: Document | None, rules: Rules, suppressed: Suppressed) -> Refusal | None:
    """Why a mail of this domain is not sent, or None. The first reason that holds is given.

    `document` is the domain as it is stored, None if there is none that the caller may see.
    """
    checks: tuple[Callable[[], Refusal | None], ...] = (
        lambda: _disabled(rules),
        lambda: _unknown(name, document),
        lambda: _unverified(name, _part(document, "awsSes")),
        lambda: _paused(name, (document or {}).get("paused")),
        lambda: _flagged(name, _part(document, "reputation"), rules),
        lambda: _suppressed(suppressed),
    )
    return next((refusal for check in checks if (refusal := check())), None)


def _part(document: Document | None, name: str) -> Document:
    """A part of the document; the platform writes there too, so it may be anything."""
    found = (document or {}).get(name)
    return found if isinstance(found, Mapping) else {}


def _disabled(rules: Rules) -> Refusal | None:
    if rules.enabled:
        return None
    hint = "Set AWS_SES_ENABLE_SENDING to true and restart the server."
    return Refusal(Gate.DISABLED, "Sending through this service is switched off.", hint)


def _unknown(name: str, document: Document | None) -> Refusal | None:
    if is_known(document):
        return None
    return Refusal(Gate.UNKNOWN, f"no domain {name!r}: it was never added", "Add it with POST /api/email-domains.")


def _unverified(name: str, ses: Document) -> Refusal | None:
    if ses.get("verifiedForSending") is True:
        return None
    status = ses.get("verificationStatus") or "not_started"
    hint = f"Publish its DNS records, then ask with POST /api/email-domains/{name}/verify."
    return Refusal(Gate.UNVERIFIED, f"SES does not send for {name} yet: its verification is `{status}`.", hint)


def _paused(name: str, told: object) -> Refusal | None:
    if not told:
        return None
    paused: Document = told if isinstance(told, Mapping) else {"why": told if isinstance(told, str) else ""}
    by = f"by {paused.get('who') or 'staff'}" if paused.get("by") != "policy" else "by policy"
    at = paused.get("at")
    since = f" on {at.date().isoformat()}" if isinstance(at, datetime) else ""
    detail = f"{name} was paused {by}{since}: {str(paused.get('why') or 'no reason was given').rstrip('.')}."
    cure = "Remove the cause first; then staff" if paused.get("by") == "policy" else "Staff"
    return Refusal(Gate.PAUSED, detail, f"{cure} may resume it with POST /api/email-domains/{name}/resume.")


def _flagged(name: str, reputation: Document, rules: Rules) -> Refusal | None:
    if rules.flagged_may or reputation.get("status") != "flagged":
        return None
    told = reputation.get("sentence") or "its bounces or complaints are above the limit."
    hint = (
        "Stop mailing the addresses that bounce or complain, until its rates are low again (or SENDING_FLAGGED=allow)."
    )
    return Refusal(Gate.FLAGGED, f"{name} is flagged: {told}", hint)


def _suppressed(suppressed: Suppressed) -> Refusal | None:
    if not suppressed:
        return None
    named = ", ".join(f"{who} ({entry.get('reason', 'suppressed')})" for who, entry in sorted(suppressed.items()))
    hint = "Leave them out; an entry that is wrong can be removed with DELETE /api/suppressions/{id}."
    return Refusal(Gate.SUPPRESSED, f"Nothing was sent, for these must not be written to: {named}.", hint)
