"""Who may use the API: bearers of a token (RFC 6750), each within its scopes and its owner's domains."""

from flask import Response, g, request

from webhook.domain.tokens import Bearer, Scope
from webhook.errors import Refused
from webhook.web.errors import problem
from webhook.web.services import services

_REALM = 'Bearer realm="ses-sentinel"'


def bearer() -> Bearer:
    """Who asks; only where `check_token` let somebody in."""
    found: Bearer = g.bearer
    return found


def check_token() -> Response | None:
    """Lets bearers of a token pass; 401 for everybody else, 429 for those who keep trying wrong ones.

    Raises Unavailable if the token can't be looked up now.
    """
    bearers = services().platform.tokens
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    found = bearers.bearer(token) if token else None
    if found is not None:
        g.bearer = found
        return None
    if not bearers.any():
        detail = "no token is configured, so nobody may use the API"
        hint = "set API_TOKENS to name:token, with a long random token, and start again; or run `tokens create`"
        return _unauthorized("no_tokens", detail, hint, _REALM)
    if not token:
        hint = "send the header Authorization: Bearer TOKEN"
        return _unauthorized("token_missing", "a token is required", hint, _REALM)
    services().wrong_tokens.note(request.remote_addr or "")
    hint = "use a token of API_TOKENS or one that `tokens create` made, and that was not revoked"
    return _unauthorized("token_unknown", "this token is not known", hint, f'{_REALM}, error="invalid_token"')


def check_scope(scope: Scope, *, of_all: bool) -> None:
    """Raises Refused (403) if the bearer lacks the scope, or is bound to an owner where things are of all owners."""
    who = bearer()
    if scope not in who.scopes:
        hint = f"use a token with it; this one has {', '.join(sorted(who.scopes))}"
        raise Refused("scope_missing", f"this token lacks the scope {scope}", hint, 403)
    if of_all and who.owner is not None:
        detail = f"this token is bound to the owner {who.owner!r}, and this is of all owners"
        raise Refused("owner_bound", detail, "use a token without an owner", 403)


def _unauthorized(code: str, detail: str, hint: str, challenge: str) -> Response:
    return problem(401, code, detail, hint, headers={"WWW-Authenticate": challenge})
