"""Ownership: whose a domain may be, which is decided when it is added.

Documents are those of `emaildomains`; parts of them that the platform wrote may look like anything.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from webhook.domain.names import DomainName
from webhook.domain.ses import MANAGED, MANAGED_TAG, OWNER_TAG, Identity
from webhook.errors import AwsError, Refused

Document = dict[str, Any]


class Admission(Struct, frozen=True):
    """A domain to be added, examined. `asker` is whose domains the one who asks may touch, None all."""

    name: DomainName
    max_accounts: int | None
    owner: str | None
    mail_from_domain: str | None
    who: str
    asker: str | None
    register: bool


def part(document: Mapping[str, Any] | None, name: str) -> Document:
    """A part of a document, empty if it is missing or something else."""
    found = (document or {}).get(name)
    return dict(found) if isinstance(found, Mapping) else {}


#: What judging and pausing write of themselves: a document with nothing else was only heard of in mail.
HEARD_OF = frozenset({"_id", "domain", "reputation", "paused", "pauseTask", "freshStart", "alerting"})


def is_known(document: Mapping[str, Any] | None) -> bool:
    """Whether a domain was added, here or by the platform's own backend, and not only heard of in mail."""
    return bool(document and document.keys() - HEARD_OF)


def refuse_taken(admission: Admission, found: Mapping[str, Any] | None) -> None:
    """Raises Refused if the domain itself is somebody else's.

    One without an owner is the platform's own: who may touch all domains may add it, an owner may not, since he would
    come to send with what was verified for others. One that was only heard of in mail is nobody's yet.
    """
    if not is_known(found):
        return
    held = (found or {}).get("owner")
    if admission.asker is not None and held != admission.asker:
        raise taken(admission.name.name)
    if admission.owner is not None and held is not None and held != admission.owner:
        raise taken(admission.name.name)


def refuse_relatives(name: DomainName, owner: str | None, asker: str | None, relatives: Iterable[Document]) -> None:
    """Raises Refused if a domain above or below is another owner's.

    A verified domain may send for all names below it, so the two would be one to SES. The platform itself, which has
    no owner, may hold the domain whose sub-domains it gives out.
    """
    for relative in filter(is_known, relatives):
        held = relative.get("owner")
        if held != owner and (asker is not None or (held is not None and owner is not None)):
            raise taken(name.name)


def taken(domain: str) -> Refused:
    """The refusal; it doesn't tell whose the domain is, nor which of its relatives."""
    return Refused(
        "domain_taken",
        f"{domain} is not available: it, or a domain above or below it, is another owner's",
        "use a domain of your own, or ask whoever runs this service",
    )


def is_ours(document: Mapping[str, Any], identity: Identity) -> bool:
    """Whether we made this identity, for the domain's owner: its tags say so."""
    same = identity.tags.get(OWNER_TAG, "") == (document.get("owner") or "")
    return identity.tags.get(MANAGED_TAG) == MANAGED and same


def may_adopt(document: Mapping[str, Any], identity: Identity) -> bool:
    """Whether an identity that SES had before may become this domain's.

    It may if it is ours, or if the domain was added by somebody who may touch all domains. An owner who could name any
    domain of the account would come to send with it.
    """
    return is_ours(document, identity) or bool(part(document, "awsSes").get("adopt"))


def not_adopted() -> AwsError:
    """What keeps such an identity from being used."""
    return AwsError(
        "aws_already_exists",
        "SES has had this domain before, set up by somebody else",
        "have it added by someone whose token may touch all owners' domains, or delete the identity in SES first",
        retryable=False,
    )
