"""Enrolment: endpoints as people make, change, try out and enable them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from webhook.dispatching.ports import Destination
from webhook.domain.address import well_formed
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import alert_id, endpoint_tested, numbered
from webhook.domain.delivery_errors import DeliveryFailed, cut
from webhook.domain.endpoints import Endpoint, Format, Kind, Secret, is_pattern
from webhook.errors import Conflict, Invalid

#: For so long the secret that is being replaced signs as well.
OVERLAP = timedelta(hours=24)
_Closed = TypeVar("_Closed", Kind, Format)
TYPES_MAX, DOMAINS_MAX, RATE_MAX, DESCRIPTION_MAX = 50, 1000, 1000.0, 500


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """A new endpoint, as it is asked for."""

    url: str
    kind: str = Kind.WEBHOOK.value
    types: Sequence[str] = ("*",)
    domains: Sequence[str] = ()
    description: str = ""
    headers: Mapping[str, str] = {}
    rate: float | None = None
    format: str = Format.STANDARD.value


class Changes(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another than before; what is not given stays. The kind stays in any case."""

    url: str | UnsetType = UNSET
    types: Sequence[str] | UnsetType = UNSET
    domains: Sequence[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    headers: Mapping[str, str] | UnsetType = UNSET
    rate: float | UnsetType | None = UNSET
    format: str | UnsetType = UNSET


class Registry(Protocol):
    """Where endpoints are kept. `get` raises NotFound, as for an endpoint that is not the owner's."""

    def add(self, endpoint: Endpoint) -> None: ...
    def new_id(self) -> str: ...
    def get(self, identity: str, owner: str | None) -> Endpoint: ...
    def replace(self, before: Endpoint, after: Endpoint) -> bool: ...


class Checker(Protocol):
    """Who knows what an endpoint of a kind may look like."""

    def check(self, kind: Kind, url: str, headers: Mapping[str, str], form: Format) -> None:
        """Raises Invalid naming `url`, `headers` or `format`."""


class Enrolment:
    """Makes endpoints and changes them. `new_secret` makes a signing secret, `seal` hides it in the database."""

    def __init__(
        self,
        registry: Registry,
        checker: Checker,
        destination: Destination,
        new_secret: Callable[[], str],
        seal: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._checker = checker
        self._destination = destination
        self._new_secret = new_secret
        self._seal = seal
        self._now = now

    def add(self, wanted: Wanted, owner: str | None = None) -> tuple[Endpoint, str | None]:
        """A new endpoint and, of a webhook, its secret, which is told only now.

        Raises:
            Invalid: something about it is wrong; it names the field.
        """
        kind = _member(Kind, "kind", wanted.kind)
        now = self._now()
        endpoint = Endpoint(self._registry.new_id(), wanted.url, kind, tuple(wanted.types), now, owner=owner)
        endpoint = self._changed(endpoint, Changes(**_fields(wanted, leaving="kind")))
        secret = None
        if kind is Kind.WEBHOOK:
            secret = self._new_secret()
            endpoint = msgspec.structs.replace(endpoint, secrets=(Secret(self._seal(secret), now),))
        self._registry.add(endpoint)
        return endpoint, secret

    def change(self, identity: str, changes: Changes, owner: str | None = None) -> Endpoint:
        """The endpoint with what is given changed; raises Invalid, NotFound, Conflict."""
        before = self._registry.get(identity, owner)
        return self._replaced(before, self._changed(before, changes))

    def rotate(self, identity: str, owner: str | None = None) -> tuple[Endpoint, str]:
        """Gives a webhook a new secret; for a day the one before signs as well.

        Raises:
            Invalid: an endpoint of this kind has none.
            NotFound: there is no such endpoint.
            Conflict: somebody else changed it meanwhile.
        """
        before = self._registry.get(identity, owner)
        if before.kind is not Kind.WEBHOOK:
            raise Invalid("kind", f"an endpoint of kind {before.kind} has no secret", "only webhooks are signed")
        now, secret = self._now(), self._new_secret()
        ending = (msgspec.structs.replace(old, until=old.until or now + OVERLAP) for old in before.secrets_at(now))
        secrets = (Secret(self._seal(secret), now), *ending)
        return self._replaced(before, msgspec.structs.replace(before, secrets=secrets)), secret

    def test(self, identity: str, owner: str | None = None) -> dict[str, Any]:
        """Sends a made-up alert now, to a disabled endpoint too, and tells what came of it; nothing is stored.

        Gives `{"delivered", "status", "ms", "error", "body"}`; raises NotFound.
        """
        endpoint = self._registry.get(identity, owner)
        now = self._now()
        draft = endpoint_tested(endpoint.told, endpoint.owner, now)
        alert = numbered(draft, alert_id(now, int.from_bytes(identity.encode()[-10:])), None)
        try:
            answer = self._destination.deliver(endpoint, alert, 1)
        except DeliveryFailed as failure:
            said = {"delivered": False, "status": failure.status, "ms": failure.ms, "error": failure.detail}
            return said | {"body": cut(failure.body_cut)}
        said = {"delivered": True, "status": answer.status, "ms": answer.ms, "error": None}
        return said | {"body": cut(answer.body_cut)}

    def _replaced(self, before: Endpoint, after: Endpoint) -> Endpoint:
        if not self._registry.replace(before, after):
            raise Conflict(f"the alert endpoint {before.id} was changed by somebody else meanwhile: try again")
        return after

    def _changed(self, endpoint: Endpoint, changes: Changes) -> Endpoint:
        given = _fields(changes)
        for field, check in _CHECKS.items():
            if field in given:
                given[field] = check(given[field])
        after = msgspec.structs.replace(endpoint, **given)
        self._checker.check(after.kind, after.url, after.headers, after.format)
        return after


def _fields(of: Struct, leaving: str = "") -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(of).items() if value is not UNSET and name != leaving}


def _types(given: Sequence[str]) -> tuple[str, ...]:
    for pattern in given:
        if not is_pattern(pattern):
            known = ", ".join(kind.value for kind in AlertType)
            hint = f"give some of {known}; the end may be *, as in domain.* (email.* must be named)"
            raise Invalid("types", f"{pattern[:100]!r} names no type of alert", hint)
    if not 1 <= len(given) <= TYPES_MAX:
        raise Invalid("types", f"there are {len(given)} of them", f"give 1 to {TYPES_MAX}, or leave them out for all")
    return tuple(dict.fromkeys(given))


def _domains(given: Sequence[str]) -> tuple[str, ...]:
    if len(given) > DOMAINS_MAX:
        raise Invalid("domains", f"there are {len(given)} of them", f"give at most {DOMAINS_MAX}, or none for all")
    names = [(name, well_formed(name.strip().lower().rstrip("."))) for name in given]
    for name, read in names:
        if not read:
            raise Invalid("domains", f"{name[:100]!r} is no domain", "give names such as example.com")
    return tuple(dict.fromkeys(read for _, read in names))


def _rate(given: float | None) -> float | None:
    if given is not None and not 0 < given <= RATE_MAX:
        raise Invalid("rate", f"{given} is none", f"give alerts per second, up to {RATE_MAX:,.0f}; null for no limit")
    return given


def _description(given: str) -> str:
    if len(given) > DESCRIPTION_MAX:
        raise Invalid("description", "it is too long", f"give at most {DESCRIPTION_MAX} characters")
    return given


def _member(of: type[_Closed], field: str, given: str) -> _Closed:
    try:
        return of(given)
    except ValueError as error:
        raise Invalid(field, f"{given[:100]!r} is unknown", f"give one of {', '.join(of)}") from error


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "types": _types,
    "domains": _domains,
    "rate": _rate,
    "description": _description,
    "format": lambda given: _member(Format, "format", given),
}
