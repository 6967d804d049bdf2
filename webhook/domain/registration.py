"""Registration, decided: what is examined and written when a domain is added, and when SES is asked again."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from webhook.domain.names import DomainName, is_within
from webhook.domain.ownership import Admission, Document, part
from webhook.domain.ses import MANAGED, MANAGED_TAG, OWNER_TAG, Identity, backoff
from webhook.errors import AwsError, Invalid, Limited

#: Seconds until what nobody but a person can mend is tried again.
SLOWLY = 3600.0
_RETRY_MAX = 900.0
_TENANT_MAX = 64
_OWNER = re.compile(r"[\w.@-]{1,64}", re.ASCII)
#: AWS refused these before it did anything: there is no identity that we don't know of.
_UNTOUCHED = frozenset(
    {
        "aws_no_credentials",
        "aws_bad_credentials",
        "aws_no_region",
        "aws_access_denied",
        "aws_throttled",
        "aws_bad_request",
    }
)


class Intent(StrEnum):
    """What SES is yet to be told of a domain, kept until it was."""

    #: Make SES as the document says.
    REGISTER = "register"
    #: Delete the identity and make it again.
    RESTART = "restart"
    #: Delete the identity, then the document.
    DELETE = "delete"


class NewDomain(Struct, frozen=True):
    """A domain to be added, as somebody gave it."""

    domain: str
    max_accounts: int | None = None
    owner: str | None = None
    mail_from_domain: str | None = None


class Task(Struct, frozen=True):
    """An intent that is ours to carry out until `lease`; `claim` tells whether it still is."""

    domain: str
    intent: Intent
    claim: str
    lease: datetime
    attempts: int
    document: Document

    @property
    def aws(self) -> Document:
        """What is known of the domain at SES."""
        return part(self.document, "awsSes")


# -- what is given


def checked_owner(owner: object) -> str | None:
    """An owner's name, or None; raises Invalid."""
    if owner is not None and not (isinstance(owner, str) and _OWNER.fullmatch(owner)):
        raise Invalid("owner", "is not a name of an owner", "give 1 to 64 letters, digits, or any of _ . @ -")
    return owner


def checked_max_accounts(count: object) -> int:
    """A number of accounts; raises Invalid."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < 2**31:
        raise Invalid("maxAccounts", "is not a number of accounts", "give a whole number of at least 1")
    return count


def checked_mail_from(mail_from: DomainName, domain: DomainName) -> str:
    """A MAIL FROM domain of this domain (PutEmailIdentityMailFromAttributes); raises Invalid."""
    if not is_within(mail_from.name, domain.name):
        hint = f"give one like bounce.{domain.name}, which is used for nothing else"
        raise Invalid("mailFromDomain", f"is not a sub-domain of {domain.name}", hint)
    return mail_from.name


# -- what is written


def admitted(admission: Admission, found: Mapping[str, Any] | None, now: datetime) -> Document:
    """The paths to set on the domain's document: what it has already is kept, unless it was about to be removed."""
    document = found or {}
    leaving = part(document, "awsSes").get("intent") == Intent.DELETE
    given = {
        "maxAccounts": admission.max_accounts,
        "owner": admission.owner,
        "mailFromDomain": admission.mail_from_domain,
        "createdAt": now,
    }
    fields = {
        name: value for name, value in given.items() if value is not None and (leaving or document.get(name) is None)
    }
    return fields | {"ownedSince": now} if "owner" in fields else fields


class Changed(Struct, frozen=True):
    """A change as it is written: paths of the document and below `awsSes`, and what was and is, for the audit trail."""

    fields: Document
    aws: Document
    told: dict[str, list[Any]]

    @property
    def concerns_ses(self) -> bool:
        """Whether SES is to be told."""
        return bool(self.aws) or "mailFromDomain" in self.fields


def changed(document: Mapping[str, Any], changes: Mapping[str, Any], now: datetime) -> Changed:
    """What of these checked changes is one; `dkimSigning` is kept as what is wanted, beside what SES says."""
    aws = part(document, "awsSes")
    signing = changes.get("dkimSigning")
    before = aws.get("dkimSigning", aws.get("dkimSigningEnabled"))
    fields = {
        name: value
        for name, value in changes.items()
        if name != "dkimSigning" and (document.get(name) != value or name not in document)
    }
    told = {name: [document.get(name), value] for name, value in fields.items() if document.get(name) != value}
    if "owner" in told:
        fields["ownedSince"] = now
    if signing is None or signing == before:
        return Changed(fields, {}, told)
    return Changed(fields, {"dkimSigning": signing}, {**told, "dkimSigning": [before, signing]})


def wants_registering(aws: Mapping[str, Any], now: datetime, *, new: bool) -> bool:
    """Whether adding a domain is to ask SES now: if it is `new` to us or not registered, unless somebody is asking."""
    return (new or not aws.get("registered")) and not in_progress(aws, now)


def in_progress(aws: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody is at SES for this domain now, or died there less than a lease ago."""
    due = aws.get("retryAt")
    return bool(aws.get("intent") and aws.get("claim") and due is not None and due > now)


def needs_deleting(aws: Mapping[str, Any]) -> bool:
    """Whether there is, or may be, an identity to delete."""
    return bool(aws.get("registered") or aws.get("unsure"))


def mail_from_of(document: Mapping[str, Any], identity: Identity) -> str | None:
    """The MAIL FROM domain that a domain is to have; None is SES's own.

    One that says nothing of it keeps what its identity has, or had before it was made again.
    """
    if "mailFromDomain" in document:
        wanted: str | None = document["mailFromDomain"]
        return wanted
    return identity.mail_from_domain or part(part(document, "awsSes"), "mailFrom").get("domain")


def error_fields(error: AwsError | Limited, now: datetime) -> Document:
    """`awsSes.error`: what was in the way, in words for whoever adds a domain."""
    if isinstance(error, Limited):
        hint = "Nothing needs to be done: it is tried again by itself."
        return {
            "code": "aws_throttled",
            "detail": "SES is busy with other domains of this account",
            "hint": hint,
            "at": now,
        }
    return {"code": error.code, "detail": error.detail, "hint": error.hint, "at": now}


def wait_after(error: AwsError | Limited, attempts: int, jitter: float) -> float:
    """Seconds until the next attempt: soon and ever slower for what passes, hourly for what a person must mend."""
    if isinstance(error, Limited):
        return max(1.0, error.retry_after) * (1 + jitter / 2)
    if not error.retryable:
        return SLOWLY
    return backoff(attempts, jitter, base=2 * min(error.retry_after, 60.0), cap=_RETRY_MAX)


def is_unsure(error: AwsError | Limited) -> bool:
    """Whether SES may have done what was asked all the same: no answer is no refusal."""
    return not (isinstance(error, Limited) or error.code in _UNTOUCHED)


def tags_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an identity or a tenant that is made for a domain."""
    owner = document.get("owner")
    return {MANAGED_TAG: MANAGED, **({OWNER_TAG: owner} if owner else {})}


def tenant_name(prefix: str, domain: str) -> str:
    """The domain's tenant: at most 64 of `A-Za-z0-9_-` (CreateTenant), another for each domain.

    Domains have no underscores, so one in place of each dot keeps them apart; a long one ends in a digest.
    """
    name = prefix + domain.replace(".", "_")
    if len(name) <= _TENANT_MAX:
        return name
    digest = hashlib.sha256(domain.encode()).hexdigest()[:16]
    return f"{name[: _TENANT_MAX - len(digest) - 1]}-{digest}"


#: Raises Refused if a document is not in the state that the one who asks last saw.
Check = Callable[[Document], None]


def check_time(task: Task, now: datetime, until: datetime, margin: float) -> None:
    """Raises Limited if it is past `until`, or too little of the lease is left to begin another call."""
    if now > until or (task.lease - now).total_seconds() < margin:
        raise Limited("the rest is done by the worker", retry_after=0)
