"""The tokens that the API knows."""

import hashlib
import hmac
from collections.abc import Iterable


class Tokens:
    """The tokens of the settings; only their digests are kept."""

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._digests = [(name, _digest(token)) for name, token in named]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def bearer(self, token: str) -> str | None:
        """The name of the token, or None. Takes as long for every token: all are compared, by digest."""
        given = _digest(token)
        found = None
        for name, digest in self._digests:
            if hmac.compare_digest(given, digest):
                found = name
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
