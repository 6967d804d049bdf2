"""`awsSes` of a domain's document: between what is known of an identity and how it is stored.

The collection is shared with the platform: what is of another type than we write counts as absent.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhook.adapters.mongo.client import Document
from webhook.domain import ses
from webhook.domain.following import Followed
from webhook.domain.ownership import part
from webhook.domain.verification import Aspect, Reading, State, Verification
from webhook.errors import AwsError

#: The name of a domain that has one.
NAME: Document = {"$type": "string", "$not": {"$type": "array"}}
#: Domains that are followed: registered with SES, and nothing about to be done to them there. MongoDB looks into lists
#: as well, where nothing could be written.
FOLLOWED: Document = {
    "awsSes.registered": True,
    "awsSes.intent": None,
    "$and": [{"domain": NAME}, {"awsSes": {"$not": {"$type": "array"}}}],
}
#: Who put an error there: only its own errors does following take away.
_FOLLOWING = "following"
_ZONE = "dkim.amazonses.com"


def text_of(found: object) -> str | None:
    """What was found, if it is a text."""
    return found if isinstance(found, str) else None


def moment_of(found: object) -> datetime | None:
    """What was found, if it is a moment."""
    return found if isinstance(found, datetime) else None


def followed_of(document: Mapping[str, Any]) -> Followed:
    """A domain as following sees it."""
    aws_ses = part(document, "awsSes")
    epoch = aws_ses.get("registeredAt"), aws_ses.get("intentAt")
    return Followed(document["domain"], known_of(aws_ses), epoch)


def known_of(aws_ses: Mapping[str, Any]) -> Verification:
    """What is known of an identity: the latest reading makes its states; before the first one they are as written."""
    reading = reading_of(aws_ses.get("observed"))
    changed_at, counted = moment_of(aws_ses.get("changedAt")), aws_ses.get("checks")
    checks = counted if isinstance(counted, int) else 0
    if reading is not None:
        return Verification(
            identity=State(reading.state(Aspect.IDENTITY)),
            dkim=State(reading.state(Aspect.DKIM)),
            mail_from=State(reading.state(Aspect.MAIL_FROM)),
            sending=reading.sending,
            reading=reading,
            listed=text_of(part(aws_ses, "observed").get("listed")),
            changed_at=changed_at,
            checks=checks,
        )
    return Verification(
        identity=State.GONE if aws_ses.get("missing") else _state(aws_ses.get("verificationStatus")),
        dkim=_state(aws_ses.get("dkimStatus")),
        mail_from=_state(part(aws_ses, "mailFrom").get("status")),
        sending=bool(aws_ses.get("verifiedForSending")),
        changed_at=changed_at,
        checks=checks,
    )


def _state(word: object) -> State:
    return State(ses.State.from_text(text_of(word)))


def reading_of(observed: object) -> Reading | None:
    """The latest reading, if there is one."""
    if not isinstance(observed, Mapping) or observed.get("identity") not in list(State):
        return None
    at = moment_of(observed.get("at"))
    if at is None:
        return None
    tokens = observed.get("dkimTokens")
    return Reading(
        at=at,
        identity=State(observed["identity"]),
        dkim=_state(observed.get("dkim")),
        mail_from=_state(observed.get("mailFrom")),
        sending=observed.get("sending") is True,
        last_success=moment_of(observed.get("lastSuccess")),
        error=text_of(observed.get("error")),
        mail_from_domain=text_of(observed.get("mailFromDomain")),
        behavior=text_of(observed.get("behavior")),
        dkim_tokens=tuple(filter(text_of, tokens)) if isinstance(tokens, list) else (),
        hosted_zone=text_of(observed.get("hostedZone")) or "",
        signing=observed.get("signing") is True,
    )


def observed_document(reading: Reading, listed: str | None) -> Document:
    """A reading as it is stored."""
    return {
        "at": reading.at,
        "identity": reading.identity.value,
        "dkim": reading.dkim.value,
        "mailFrom": reading.mail_from.value,
        "sending": reading.sending,
        "lastSuccess": reading.last_success,
        "error": reading.error,
        "mailFromDomain": reading.mail_from_domain,
        "behavior": reading.behavior,
        "dkimTokens": list(reading.dkim_tokens),
        "hostedZone": reading.hosted_zone,
        "signing": reading.signing,
        "listed": listed,
    }


def fields_of(domain: str, known: Verification, next_check: datetime, before: Mapping[str, Any]) -> Document:
    """The fields of `awsSes` that following writes after a reading."""
    reading = known.reading
    if reading is None:
        return {}
    gone = known.identity is State.GONE
    fields: Document = {
        "verificationStatus": (State.NOT_STARTED if gone else known.identity).value,
        "dkimStatus": known.dkim.value,
        "verifiedForSending": known.sending,
        "mailFrom": _mail_from(reading),
        "lastVerificationCheck": reading.at,
        "changedAt": known.changed_at,
        "checks": known.checks,
        "nextCheck": next_check,
        "observed": observed_document(reading, known.listed),
        "missing": gone,
    }
    if part(before, "error").get("by") == _FOLLOWING:
        fields["error"] = None
    return fields | _dkim(domain, reading)


def _mail_from(reading: Reading) -> Document | None:
    if not reading.mail_from_domain:
        return None
    return {"domain": reading.mail_from_domain, "status": reading.mail_from.value, "behavior": reading.behavior}


def _dkim(domain: str, reading: Reading) -> Document:
    """What was made anew outside has other tokens; the records of one that is gone stay to be seen."""
    if not reading.dkim_tokens:
        return {}
    zone = reading.hosted_zone or _ZONE
    names = {token: f"{token}._domainkey.{domain}" for token in reading.dkim_tokens}
    return {
        "dkimTokens": list(names.values()),
        "dkimRecords": [{"type": "CNAME", "name": name, "value": f"{token}.{zone}"} for token, name in names.items()],
        "signingHostedZone": zone,
        "dkimSigningEnabled": reading.signing,
    }


def error_document(error: AwsError, at: datetime) -> Document:
    """An error of AWS as it is stored."""
    return {"code": error.code, "detail": error.detail, "hint": error.hint, "at": at, "by": _FOLLOWING}
