"""Who may use the API: bearers of a token (RFC 6750)."""

from flask import Response, g, request

from webhook.web.errors import problem
from webhook.web.services import services

_REALM = 'Bearer realm="ses-sentinel"'


def require_token() -> Response | None:
    """Lets bearers of a token pass, their name in `g.bearer`; 401 for everybody else."""
    tokens = services().tokens
    if not tokens:
        detail = "no token is configured, so nobody may use the API"
        hint = "set API_TOKENS to name:token, with a long random token, and start again"
        return _refused("no_tokens", detail, hint, _REALM)
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _refused("token_missing", "a token is required", "send the header Authorization: Bearer TOKEN", _REALM)
    bearer = tokens.bearer(token.strip())
    if bearer is None:
        challenge = f'{_REALM}, error="invalid_token"'
        return _refused("token_unknown", "this token is not known", "use a token of API_TOKENS", challenge)
    g.bearer = bearer
    return None


def _refused(code: str, detail: str, hint: str, challenge: str) -> Response:
    return problem(401, code, detail, hint, headers={"WWW-Authenticate": challenge})
