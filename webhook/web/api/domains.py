"""Domains: added, found, changed and removed; and how their mail is received."""

from datetime import datetime
from typing import Unpack

from flask import Response
from msgspec import UNSET, to_builtins

from webhook.domain.ownership import part
from webhook.domain.tokens import Scope
from webhook.errors import Invalid
from webhook.paging import Item, Wanted
from webhook.registration import NewDomain
from webhook.web.api import bodies, replies
from webhook.web.api.answers import answer, check_unchanged, tagged
from webhook.web.api.operation import route
from webhook.web.auth import bearer
from webhook.web.parameters import IDENTITY, KIND, PAGING, PART, RECIPIENT, SINCE, STATUS, VERIFICATION, Paging
from webhook.web.services import services

_TAG = "Domains"


@route(
    "POST",
    "/email-domains",
    tag=_TAG,
    scope=Scope.WRITE,
    body=bodies.NewDomain,
    answers={200: replies.Added, 201: replies.Added},
    refusals={409: "domain_taken"},
)
def add_email_domain(body: bodies.NewDomain) -> Response:
    """Adds a domain, and registers it with SES.

    201 the first time, 200 with the same answer again. If SES can't be asked now the domain is there nevertheless:
    `awsSes.registered` is false, `awsSes.error` says why, and it is tried again.
    """
    owner = bearer().owner
    if owner is not None and body.owner not in (None, owner):
        raise Invalid("owner", f"must be {owner!r} or left out: this token adds domains of that owner only")
    new = NewDomain(
        domain=body.domain,
        max_accounts=body.max_accounts,
        owner=owner or body.owner,
        mail_from_domain=body.mail_from_domain,
    )
    document, created = services().platform.registrar.add(new, bearer().name, owner)
    aws = told_of(document)
    told = {
        "success": True,
        "message": message_of(document["domain"], aws, created=created),
        "domain": document["domain"],
    }
    return answer({**told, "awsSes": aws}, 201 if created else 200)


def told_of(document: Item) -> Item:
    """`awsSes` of a domain as it is told: complete, whatever the platform may have put there."""
    aws: Item = {"registered": False, "dkimTokens": [], "dkimRecords": [], **part(document, "awsSes")}
    return aws | {name: [] for name in ("dkimTokens", "dkimRecords") if not isinstance(aws[name], list)}


def message_of(domain: str, aws: Item, *, created: bool) -> str:
    """What to do next, in words."""
    was = f"{domain} was added" if created else f"{domain} was added before"
    if aws.get("verifiedForSending"):
        return f"{was}; it is verified."
    if aws["registered"]:
        return f"{was}; publish its {len(aws['dkimRecords'])} CNAME records, and SES will verify it."
    if error := part(aws, "error"):
        why = f"{error.get('detail', 'it does not say why')}. {error.get('hint', '')}".rstrip()
        return f"{was}, but SES did not register it yet: {why} {_again(aws)}"
    return f"{was}; it is not registered with SES."


def _again(aws: Item) -> str:
    due = aws.get("retryAt")
    when = f"at {due:%H:%M} UTC" if isinstance(due, datetime) else "soon"
    return f"It is tried again {when}, and at once when the domain is added again or verified."


@route(
    "GET",
    "/email-domains",
    tag=_TAG,
    scope=Scope.READ,
    query=(STATUS, VERIFICATION, PART, *PAGING),
    answers={200: replies.DomainPage},
)
def email_domains(q: str = "", status: str = "", verification: str = "", **paging: Unpack[Paging]) -> Response:
    """Domains by name."""
    find, owner = services().library.domains.find, bearer().owner
    return answer(find(part=q, status=status, verification=verification, owner=owner, **paging))


@route(
    "GET",
    "/email-domains/<domain>",
    tag=_TAG,
    scope=Scope.READ,
    answers={200: replies.Domain, 304: None},
    tagged=True,
)
def email_domain(domain: str) -> Response:
    """One domain, with its ETag."""
    return tagged(services().library.domains.get(domain, bearer().owner))


@route(
    "PATCH",
    "/email-domains/<domain>",
    tag=_TAG,
    scope=Scope.WRITE,
    body=bodies.DomainChanges,
    answers={200: replies.Domain},
    refusals={412: "precondition_failed"},
    tagged=True,
    asks_aws=True,
)
def change_email_domain(domain: str, body: bodies.DomainChanges) -> Response:
    """Changes a domain: what is left out stays.

    `mailFromDomain: null` goes back to SES's own. With `If-Match` it is changed only if nobody changed it meanwhile.
    """
    owner = bearer().owner
    if owner is not None and body.owner not in (UNSET, owner):
        raise Invalid("owner", f"must be {owner!r} or left out: this token can't give a domain away")
    services().platform.registrar.change(domain, to_builtins(body), bearer().name, owner, check_unchanged())
    return tagged(services().library.domains.get(domain, owner))


@route(
    "DELETE",
    "/email-domains/<domain>",
    tag=_TAG,
    scope=Scope.WRITE,
    query=(IDENTITY,),
    answers={200: replies.Removed, 202: replies.Removed},
    refusals={412: "precondition_failed"},
    tagged=True,
)
def remove_email_domain(domain: str, identity: str = "delete") -> Response:
    """Removes a domain, and its identity from SES unless that is to be kept.

    202: SES could not be asked; the domain is gone as soon as it was.
    """
    name = services().library.domains.require(domain, bearer().owner)["domain"]
    registrar, keep = services().platform.registrar, identity == "keep"
    done = registrar.remove(name, keep, bearer().name, bearer().owner, check_unchanged())
    told = "was removed" if done else "will be removed as soon as SES has deleted its identity"
    return answer({"success": True, "message": f"{name} {told}.", "domain": name}, 200 if done else 202)


@route(
    "GET",
    "/email-domains/<domain>/reputation",
    tag=_TAG,
    scope=Scope.READ,
    answers={200: replies.Reputation},
)
def reputation(domain: str) -> Response:
    """A domain's verdict, and what it was made of."""
    return answer(services().library.domains.reputation(domain, bearer().owner))


@route(
    "GET",
    "/email-domains/<domain>/events",
    tag=_TAG,
    scope=Scope.READ,
    query=(KIND, RECIPIENT, SINCE, *PAGING),
    answers={200: replies.EventPage},
)
def events(
    domain: str, kind: str = "", recipient: str = "", since: datetime | None = None, **paging: Unpack[Paging]
) -> Response:
    """What happened at a domain, newest first."""
    wanted = Wanted(kind, recipient, since)
    return answer(services().library.events.of_domain(domain, wanted, owner=bearer().owner, **paging))
