"""The API's reading routes, and the quarantine. JSON in camel case; moments in ISO 8601, UTC; days as YYYY-MM-DD."""

from http import HTTPStatus

import msgspec
from flask import Blueprint, Response

from webhook.domain.mail import Kind
from webhook.domain.reputation import Status
from webhook.paging import Wanted
from webhook.web.auth import require_token
from webhook.web.parameters import address, cursor, limit, one_of, parameters, since, text
from webhook.web.services import services

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.before_request(require_token)

#: `awsSes.verificationStatus`, as SES has it, in lower case.
VERIFICATIONS = ("pending", "success", "failed", "temporary_failure", "not_started")

_STATUS = one_of(Status)
_VERIFICATION = one_of(VERIFICATIONS)
_KIND = one_of(Kind)


def answer(body: object, status: int = HTTPStatus.OK) -> Response:
    """The response with this body; what JSON does not know (the platform's own fields) is written as text."""
    return Response(msgspec.json.encode(body, enc_hook=str), status, content_type="application/json")


@blueprint.get("/email-domains")
def email_domains() -> Response:
    """Domains by name."""
    asked = parameters(status=_STATUS, verification=_VERIFICATION, q=text, cursor=cursor, limit=limit)
    return answer(services().library.domains.find(part=asked.pop("q", ""), **asked))


@blueprint.get("/email-domains/<domain>")
def email_domain(domain: str) -> Response:
    """One domain."""
    parameters()
    return answer(services().library.domains.get(domain))


@blueprint.get("/email-domains/<domain>/reputation")
def reputation(domain: str) -> Response:
    """A domain's verdict, and what it was made of."""
    parameters()
    return answer(services().library.domains.reputation(domain))


@blueprint.get("/email-domains/<domain>/events")
def events(domain: str) -> Response:
    """What happened at a domain, newest first."""
    asked = parameters(kind=_KIND, recipient=address, since=since, cursor=cursor, limit=limit)
    paging = {name: asked.pop(name) for name in ("cursor", "limit") if name in asked}
    return answer(services().library.events.of_domain(domain, Wanted(**asked), **paging))


@blueprint.get("/mails/<mail_id>")
def mail(mail_id: str) -> Response:
    """The whole story of one mail."""
    parameters()
    return answer(services().library.events.of_mail(mail_id))


@blueprint.get("/quarantine")
def quarantine() -> Response:
    """Messages that were not understood, newest first."""
    return answer(services().library.quarantine.find(**parameters(reason=text, cursor=cursor, limit=limit)))


@blueprint.get("/quarantine/<identity>")
def quarantined(identity: str) -> Response:
    """One of them, whole."""
    parameters()
    return answer(services().library.quarantine.get(identity))


@blueprint.delete("/quarantine/<identity>")
def drop(identity: str) -> Response:
    """Throws it away."""
    parameters()
    services().library.quarantine.drop(identity)
    return answer({"success": True, "id": identity})


@blueprint.post("/quarantine/<identity>/replay")
def replay(identity: str) -> Response:
    """Reads it again, by the code of today."""
    parameters()
    outcome = services().library.replayer.replay(identity)
    return answer({"success": True, "id": identity, "status": outcome.value})
