"""How the API answers: JSON, with an ETag where it deals in them."""

import hashlib
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from flask import Response, request
from werkzeug.http import parse_etags

from webhook.errors import Refused
from webhook.paging import Item


def answer(body: object, status: int = HTTPStatus.OK) -> Response:
    """The response with this body; what JSON does not know (the platform's own fields) is written as text."""
    return Response(encoded(body), status, content_type="application/json")


def tagged(document: Item) -> Response:
    """The response with this document and its ETag; 304 without a body if the asker has it already."""
    etag = etag_of(document)
    if request.method in {"GET", "HEAD"} and request.if_none_match.contains_weak(etag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
        del response.headers["Content-Type"]
    else:
        response = answer(document)
    response.set_etag(etag)
    return response


def check_unchanged() -> Callable[[Item], None] | None:
    """What raises Refused (412) for a document that is no longer as the asker's `If-Match` says; None without one."""
    wanted = request.headers.get("If-Match")
    if wanted is None:
        return None
    etags = parse_etags(wanted)

    def check(document: Item) -> None:
        if not etags.contains(etag_of(document)):
            hint = "read it again, and send its ETag as If-Match"
            raise Refused(
                "precondition_failed", "it was changed since you read it", hint, HTTPStatus.PRECONDITION_FAILED
            )

    return check


def etag_of(document: Item) -> str:
    """A strong validator of a domain, the same for the document as it is stored and as it is shown."""
    known = {name: value for name, value in document.items() if value is not None and name != "_id"}
    reputation = known.pop("reputation", None)
    # What the platform put there is no verdict, and not shown.
    window = reputation.get("window") if isinstance(reputation, Mapping) else None
    if isinstance(window, Mapping) and isinstance(window.get("from"), str) and isinstance(window.get("to"), str):
        known["reputation"] = reputation
    return hashlib.sha256(encoded(dict(sorted(known.items())))).hexdigest()[:32]


def encoded(body: object) -> bytes:
    """As JSON; fields keep the order that they have."""
    return msgspec.json.encode(body, enc_hook=str)
