"""Who bears which token: made and revoked by the operator, looked up for every request."""

import hmac
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from webhook.domain.tokens import ENTROPY, Bearer, TokenRecord, digest_of, minted
from webhook.errors import Conflict

#: Seconds that a process goes by what it read of a token: so long a revoked one may still get in.
REMEMBERED = 5.0
#: Tokens that a process remembers.
KEPT = 10_000
#: A token's last use is noted that often at most: it tells whether anybody still needs it, no more.
NOTED_EVERY = timedelta(minutes=5)


class Registry(Protocol):
    """Where tokens are kept. Raises Unavailable if it can't be asked."""

    def add(self, new: TokenRecord) -> None:
        """Keeps a new token; raises Conflict if the name was ever used."""

    def revoke(self, name: str, at: datetime) -> TokenRecord:
        """Ends a token for good; gives it as it is then. Raises NotFound. Revoking again changes nothing."""

    def all(self) -> list[TokenRecord]:
        """Every token there was, by name."""

    def find(self, digest: str) -> TokenRecord | None:
        """The token of this digest, if it was not revoked."""

    def any(self) -> bool:
        """True if there is a token that was not revoked."""

    def note_use(self, name: str, at: datetime) -> None:
        """Notes when it was used; never goes back."""


class TokenDesk:
    """Makes and revokes tokens. `entropy(n)` gives n random bytes; `reserved` are names that the settings use."""

    def __init__(
        self,
        registry: Registry,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        reserved: Iterable[str] = (),
    ) -> None:
        self._registry = registry
        self._now = now
        self._entropy = entropy
        self._reserved = frozenset(reserved)

    def create(self, name: str, owner: str | None, scopes: str) -> tuple[str, TokenRecord]:
        """A new token, told this once, and its record.

        Raises:
            Invalid: the name, the owner or a scope is not what it may be.
            Conflict: the name is in use, or was: what was done under a name must stay one token's doing.
        """
        token = minted(self._entropy(ENTROPY))
        record = TokenRecord.from_words(name, owner, scopes, token, self._now())
        if name in self._reserved:
            raise Conflict(f"API_TOKENS has a token named {name!r} already: choose another name")
        self._registry.add(record)
        return token, record

    def revoke(self, name: str) -> TokenRecord:
        """Ends a token: within REMEMBERED seconds no process lets it in. Raises NotFound."""
        return self._registry.revoke(name, self._now())

    def all(self) -> list[TokenRecord]:
        """Every token there was, by name."""
        return self._registry.all()


class Bearers:
    """Knows who bears a token. Those of the settings may do everything at everybody's domains."""

    def __init__(
        self,
        named: Iterable[tuple[str, str]],
        registry: Registry,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._fixed = [Bearer(name, digest_of(token)) for name, token in named]
        self._registry = registry
        self._now = now
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, Bearer]] = {}
        self._lock = Lock()

    def any(self) -> bool:
        """True if anybody may use the API; raises Unavailable."""
        return bool(self._fixed) or self._registry.any()

    def bearer(self, token: str) -> Bearer | None:
        """Who bears this token, or None; raises Unavailable if that can't be found out now.

        Digests are compared, each in constant time. The registry is asked by digest: what a look-up's duration might
        tell of one is of no use without a token that has it.
        """
        digest = digest_of(token)
        found = None
        for bearer in self._fixed:
            if hmac.compare_digest(bearer.digest, digest):
                found = bearer
        return found or self._remembered(digest) or self._looked_up(digest)

    def _remembered(self, digest: str) -> Bearer | None:
        read_at, bearer = self._known.get(digest, (float("-inf"), None))
        return bearer if self._monotonic() - read_at < REMEMBERED else None

    def _looked_up(self, digest: str) -> Bearer | None:
        asked_at = self._monotonic()
        record = self._registry.find(digest)
        with self._lock:
            self._known.pop(digest, None)
            if record is None or not hmac.compare_digest(record.digest, digest):
                return None
            while len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[digest] = (asked_at, record.bearer)
        self._note(record)
        return record.bearer

    def _note(self, record: TokenRecord) -> None:
        at = self._now()
        if record.last_used_at is None or at - record.last_used_at >= NOTED_EVERY:
            self._registry.note_use(record.name, at)
