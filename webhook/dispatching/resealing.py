"""Resealing: after a change of SECRET_KEY all secrets are sealed with the new key, so that the old one may go."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.endpoints import Endpoint
from webhook.errors import Contended, Misconfigured, NotFound
from webhook.logs import get_logger

#: A worker begins so long after its start: by then every process should know the new key, and can open what it sealed.
SETTLING = timedelta(minutes=10)
#: … and looks again so often, for what was sealed by a process that was started with the old key.
EVERY = timedelta(hours=1)
#: Looks at an endpoint that others are changing at the same time.
LOOKS = 5

log = get_logger(__name__)


class Sealed(Protocol):
    """Where endpoints are kept. Raises Unavailable."""

    def signing(self) -> Iterable[Endpoint]:
        """All that have a secret or headers."""

    def get(self, identity: str) -> Endpoint:
        """One of them; raises NotFound."""

    def reseal(self, before: Endpoint, after: Endpoint) -> bool:
        """Puts the secrets and headers of `after` there; False if they are not those of `before` any more."""


class Sealer(Protocol):
    """Who seals."""

    def seal(self, text: str) -> str:
        """Encrypt it with the newest key. Raises Misconfigured if there is none."""

    def renewed(self, sealed: str) -> str | None:
        """The same, sealed with the newest key; None if it is already. Raises Misconfigured if no key opens it."""


class Resealed(Struct, frozen=True, rename="camel"):
    """How many secrets were sealed anew and how many had been already; whose secrets no key opens, by endpoint.

    The values of headers are secrets, too.
    """

    renewed: int = 0
    kept: int = 0
    unreadable: tuple[str, ...] = ()


class Resealing:
    """Seals anew, all at once or now and then."""

    def __init__(self, endpoints: Sealed, sealer: Sealer, now: Callable[[], datetime]) -> None:
        self._endpoints = endpoints
        self._sealer = sealer
        self._now = now
        self._due = now() + SETTLING

    def work(self) -> bool:
        """Seals anew what has to be, if it is time for that; there is never more to do at once. Raises Unavailable."""
        if self._now() < self._due:
            return False
        self._due = self._now() + EVERY
        done = self.run()
        if done.renewed:
            log.info("secrets_resealed", renewed=done.renewed, kept=done.kept)
        if done.unreadable:
            log.warning("secrets_unreadable", endpoints=done.unreadable)
        return False

    def run(self) -> Resealed:
        """Seals all secrets with the newest key. What is out of date is forgotten. Raises Unavailable."""
        done = [self._counted(endpoint) for endpoint in list(self._endpoints.signing())]
        unreadable = tuple(name for one in done for name in one.unreadable)
        return Resealed(sum(one.renewed for one in done), sum(one.kept for one in done), unreadable)

    def _counted(self, endpoint: Endpoint) -> Resealed:
        try:
            return self._resealed(endpoint)
        except Misconfigured:
            return Resealed(unreadable=(endpoint.id,))
        except NotFound:
            return Resealed()  # removed meanwhile

    def _resealed(self, endpoint: Endpoint) -> Resealed:
        for _ in range(LOOKS):
            secrets = {one: self._sealer.renewed(one.sealed) for one in endpoint.secrets_at(self._now())}
            headers = {name: self._renewed(endpoint, name) for name in endpoint.headers}
            after = replace(
                endpoint,
                secrets=tuple(replace(one, sealed=new or one.sealed) for one, new in secrets.items()),
                headers={name: new or endpoint.headers[name] for name, new in headers.items()},
                headers_sealed=bool(headers),
            )
            if after == endpoint or self._endpoints.reseal(endpoint, after):
                done = [new is not None for new in (*secrets.values(), *headers.values())]
                return Resealed(sum(done), len(done) - sum(done))
            endpoint = self._endpoints.get(endpoint.id)
        raise Contended(f"the alert endpoint {endpoint.id} is being changed all the time: try again")

    def _renewed(self, endpoint: Endpoint, name: str) -> str | None:
        """The value of a header, sealed with the newest key; one that was stored before headers were sealed is now."""
        value = endpoint.headers[name]
        return self._sealer.renewed(value) if endpoint.headers_sealed else self._sealer.seal(value)
