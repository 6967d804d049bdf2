"""Enrolment: endpoints as people make, change and try them out."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import BoundedSemaphore
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Struct, UnsetType

from webhook.dispatching.ports import Destination
from webhook.domain.address import well_formed
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import alert_id, endpoint_tested, numbered
from webhook.domain.delivery_errors import DeliveryFailed, cut
from webhook.domain.disclosure import HIDDEN, Deed
from webhook.domain.endpoints import RATE_MAX, RATE_MIN, Endpoint, Format, Kind, Secret, Signing, is_pattern
from webhook.domain.key_pairs import public_of
from webhook.errors import Conflict, Invalid, Limited

#: For so long the secret that is being replaced signs as well, and how long that may be made.
OVERLAP, OVERLAP_MAX = timedelta(hours=24), timedelta(days=7)
#: Secrets that sign at the same time, however often they are replaced.
SECRETS_MAX = 3
#: Tests under way at once: each may keep one of the few threads of a server waiting for 15 seconds.
TESTS_AT_ONCE, TEST_TAKES = 2, 15.0
TYPES_MAX, DOMAINS_MAX, DESCRIPTION_MAX = 50, 1000, 500

_Closed = TypeVar("_Closed", Kind, Format, Signing)
_SPAN = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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
    signing: str = Signing.HMAC.value


class Changes(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be another than before; what is not given stays. Kind and signing stay in any case."""

    url: str | UnsetType = UNSET
    types: Sequence[str] | UnsetType = UNSET
    domains: Sequence[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    headers: Mapping[str, str] | UnsetType = UNSET
    rate: float | UnsetType | None = UNSET
    format: str | UnsetType = UNSET


class Registry(Protocol):
    """Where endpoints are kept, and who did what to them. `get` raises NotFound, also for one of another owner."""

    def add(self, endpoint: Endpoint, *, who: str) -> None: ...
    def new_id(self) -> str: ...
    def get(self, identity: str, owner: str | None) -> Endpoint: ...
    def replace(self, before: Endpoint, after: Endpoint, deed: Deed, *, who: str) -> bool: ...


class Checker(Protocol):
    """Who knows what an endpoint of a kind may look like."""

    def check(self, kind: Kind, url: str, headers: Mapping[str, str], form: Format) -> None:
        """Raises Invalid naming `url`, `headers` or `format`."""


class Enrolment:
    """Makes endpoints and changes them; `who` does it stands in the audit trail.

    `new_secret` makes a signing secret or a private key, `seal` hides it and the values of headers in the database.
    """

    def __init__(
        self,
        registry: Registry,
        checker: Checker,
        destination: Destination,
        new_secret: Callable[[Signing], str],
        seal: Callable[[str], str],
        now: Callable[[], datetime],
    ) -> None:
        self._registry = registry
        self._checker = checker
        self._destination = destination
        self._new_secret = new_secret
        self._seal = seal
        self._now = now
        self._tests = BoundedSemaphore(TESTS_AT_ONCE)

    def add(self, wanted: Wanted, owner: str | None = None, *, who: str) -> tuple[Endpoint, str | None]:
        """A new endpoint and, of a webhook, its secret, which is told only now; of one with a key pair nothing is.

        Raises:
            Invalid: something about it is wrong; it names the field.
            Misconfigured: there is no key to hide it with.
        """
        kind, signing = _member(Kind, "kind", wanted.kind), _member(Signing, "signing", wanted.signing)
        if kind is not Kind.WEBHOOK and signing is not Signing.HMAC:
            raise Invalid("signing", f"an endpoint of kind {kind} is not signed", "leave it out: only webhooks are")
        now = self._now()
        endpoint = Endpoint(self._registry.new_id(), wanted.url, kind, tuple(wanted.types), now, owner=owner)
        endpoint = self._changed(endpoint, Changes(**_fields(wanted, "kind", "signing")))
        told = None
        if kind is Kind.WEBHOOK:
            secret, told = self._secret(signing, now)
            endpoint = msgspec.structs.replace(endpoint, secrets=(secret,))
        self._registry.add(endpoint, who=who)
        return endpoint, told

    def change(self, identity: str, changes: Changes, owner: str | None = None, *, who: str) -> Endpoint:
        """The endpoint with what is given changed; raises Invalid, NotFound, Conflict.

        The values of headers are for the server that they were given for: another one does not get them.
        """
        before = self._registry.get(identity, owner)
        after = self._changed(before, changes)
        if before.headers and changes.headers is UNSET and _server(after.url) != _server(before.url):
            hint = "give all headers with the new url, or {} for none"
            raise Invalid("headers", "the values that are kept were given for another server", hint)
        return self._replaced(before, after, Deed.CHANGED, who)

    def rotate(
        self, identity: str, owner: str | None = None, *, who: str, overlap: str | None = None
    ) -> tuple[Endpoint, str | None]:
        """Gives a webhook a new secret, or a new key pair where it has one; None is told of that, as in `add`.

        For a day those before sign as well, or for `overlap` ("90m"; "0s" if one leaked), at most SECRETS_MAX in all.

        Raises:
            Invalid: an endpoint of this kind has none, or `overlap` is no such span.
            NotFound: there is no such endpoint.
            Conflict: somebody else changed it meanwhile.
        """
        before = self._registry.get(identity, owner)
        if before.kind is not Kind.WEBHOOK:
            raise Invalid("kind", f"an endpoint of kind {before.kind} has no secret", "only webhooks are signed")
        now = self._now()
        last = now + (OVERLAP if overlap is None else _overlap(overlap))
        new, told = self._secret(before.signing or Signing.HMAC, now)
        ending = (msgspec.structs.replace(old, until=min(old.until or last, last)) for old in before.secrets_at(now))
        secrets = (new, *(old for old in ending if last > now))[:SECRETS_MAX]
        after = msgspec.structs.replace(before, secrets=secrets)
        return self._replaced(before, after, Deed.ROTATED, who), told

    def test(self, identity: str, owner: str | None = None) -> dict[str, Any]:
        """Sends a made-up alert now, to a disabled endpoint too, and tells what came of it; nothing is stored.

        Gives `{"delivered", "status", "ms", "error", "body"}`; raises NotFound, and Limited if others are under way.
        """
        endpoint = self._registry.get(identity, owner)
        if not self._tests.acquire(blocking=False):
            raise Limited(f"{TESTS_AT_ONCE} endpoints are being tried out this moment", TEST_TAKES)
        try:
            return self._tested(endpoint)
        finally:
            self._tests.release()

    def _tested(self, endpoint: Endpoint) -> dict[str, Any]:
        now = self._now()
        draft = endpoint_tested(endpoint.told, endpoint.owner, now)
        alert = numbered(draft, alert_id(now, int.from_bytes(endpoint.id.encode()[-10:])), None)
        try:
            answer = self._destination.deliver(endpoint, alert, 1)
        except DeliveryFailed as failure:
            said = {"delivered": False, "status": failure.status, "ms": failure.ms, "error": failure.detail}
            return said | {"body": cut(failure.body_cut)}
        said = {"delivered": True, "status": answer.status, "ms": answer.ms, "error": None}
        return said | {"body": cut(answer.body_cut)}

    def _replaced(self, before: Endpoint, after: Endpoint, deed: Deed, who: str) -> Endpoint:
        if not self._registry.replace(before, after, deed, who=who):
            raise Conflict(f"the alert endpoint {before.id} was changed by somebody else meanwhile: try again")
        return after

    def _changed(self, endpoint: Endpoint, changes: Changes) -> Endpoint:
        given = _fields(changes)
        for field, check in _CHECKS.items():
            if field in given:
                given[field] = check(given[field])
        headers: Mapping[str, str] = given.get("headers", {})  # those that are there were checked, and are sealed
        after = msgspec.structs.replace(endpoint, **given)
        self._checker.check(after.kind, after.url, headers, after.format)
        if "headers" not in given:
            return after
        hidden = {name: self._seal(value) for name, value in headers.items()}
        return msgspec.structs.replace(after, headers=hidden, headers_sealed=bool(hidden))

    def _secret(self, signing: Signing, now: datetime) -> tuple[Secret, str | None]:
        """A new one as it is kept, and what is told of it once: nobody else needs the private half of a key pair."""
        text = self._new_secret(signing)
        public = public_of(text)
        return Secret(self._seal(text), now, public=public), None if public else text


def _fields(of: Struct, *leaving: str) -> dict[str, Any]:
    given = msgspec.structs.asdict(of).items()
    return {name: value for name, value in given if value is not UNSET and name not in leaving}


def _overlap(given: str) -> timedelta:
    read = _SPAN.fullmatch(given.strip())
    span = timedelta(**{_UNITS[read[2]]: int(read[1])}) if read else None
    if span is None or span > OVERLAP_MAX:
        hint = f"give a span such as 90m or 24h, up to {OVERLAP_MAX.days}d; 0s if the secret leaked"
        raise Invalid("overlap", f"{given[:100]!r} is none", hint)
    return span


def _server(url: str) -> tuple[str, str]:
    scheme, host, *_ = urlsplit(url)
    return scheme, host.lower()


def _url(given: str) -> str:
    if HIDDEN in given:
        raise Invalid("url", f"the {HIDDEN} stands for what is hidden", "leave it out to keep it, or give it whole")
    return given


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
    if given is not None and not RATE_MIN <= given <= RATE_MAX:
        hint = f"give alerts a second, from {RATE_MIN:.6f} (one an hour) to {RATE_MAX:,.0f}; null for no limit"
        raise Invalid("rate", f"{given} is none", hint)
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
    "url": _url,
    "types": _types,
    "domains": _domains,
    "rate": _rate,
    "description": _description,
    "format": lambda given: _member(Format, "format", given),
}
