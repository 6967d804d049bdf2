"""Query parameters, declared per route: everything else is refused by name, so that no slip goes unnoticed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypedDict

from flask import request
from msgspec import Meta

from webhook.domain.address import plain
from webhook.domain.mail import Kind
from webhook.domain.reputation import Status
from webhook.moments import FORMS, moment_of
from webhook.paging import LIMIT, LIMIT_MAX
from webhook.web.errors import BadParameter
from webhook.web.services import services

#: From the text of a parameter to its value; the message of a ValueError says what it may be.
Parse = Callable[[str], Any]
_TEXT_MAX = 500

#: `awsSes.verificationStatus`, as SES has it, in lower case.
VERIFICATIONS = ("pending", "success", "failed", "temporary_failure", "not_started")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its name, how it is read, and what the documentation says of it."""

    name: str
    parse: Parse
    type: Any


class Paging(TypedDict, total=False):
    """What every list takes."""

    cursor: str
    limit: int


def parameters(declared: Sequence[Parameter]) -> dict[str, Any]:
    """The values of the parameters that were given, by name; an empty one is the same as none.

    Raises:
        BadParameter: one is unknown, given twice, or not what it may be.
    """
    given = request.args
    known = {parameter.name for parameter in declared}
    unknown = sorted(set(given) - known)
    if unknown:
        taken = ", ".join(parameter.name for parameter in declared) or "no parameters"
        raise BadParameter(", ".join(unknown), f"unknown here; this route takes {taken}", code="unknown_parameter")
    return {
        parameter.name: _value(parameter, given.getlist(parameter.name))
        for parameter in declared
        if given.get(parameter.name)
    }


def _value(parameter: Parameter, texts: list[str]) -> object:
    if len(texts) > 1:
        raise BadParameter(parameter.name, "may be given once")
    try:
        return parameter.parse(texts[0].strip())
    except ValueError as error:
        raise BadParameter(parameter.name, str(error)) from error


# -- how they are read


def _text(value: str) -> str:
    """Any text of a sensible length."""
    if len(value) > _TEXT_MAX or not value.isprintable():
        raise ValueError(f"must be printable text of at most {_TEXT_MAX} characters")
    return value


def _address(value: str) -> str:
    """A mail address, as they are compared: bare, in lower case."""
    return plain(_text(value))


def _limit(value: str) -> int:
    """How many items a page may have."""
    if not (value.isascii() and value.isdigit() and len(value) <= 6 and 1 <= int(value) <= LIMIT_MAX):
        raise ValueError(f"must be a whole number from 1 to {LIMIT_MAX} ({LIMIT} without it)")
    return int(value)


def _since(value: str) -> datetime:
    """A moment."""
    return moment_of(value, services().clock.now())


def _one_of(choices: Iterable[str]) -> Parse:
    """One of some words."""
    known = tuple(choices)

    def parse(value: str) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return parse


# -- what routes take


def _free(name: str, about: str, example: str, parse: Parse = _text) -> Parameter:
    told = Meta(description=about, examples=[example], max_length=_TEXT_MAX)
    return Parameter(name, parse, Annotated[str, told])


def _choice(name: str, choices: Iterable[str], about: str) -> Parameter:
    words = [str(word) for word in choices]
    return Parameter(name, _one_of(words), Annotated[str, Meta(description=about, extra_json_schema={"enum": words})])


STATUS = _choice("status", Status, "Only domains of this status.")
VERIFICATION = _choice("verification", VERIFICATIONS, "Only domains with this `awsSes.verificationStatus`.")
PART = _free("q", "Any part of the name.", "example")
KIND = _choice("kind", Kind, "Only events of this kind.")
RECIPIENT = _free("recipient", "Only what befell mail to this address.", "ann@example.net", _address)
SINCE = _free("since", f"Only what happened since: {FORMS}.", "24h", _since)
REASON = _free("reason", "Only messages kept for this reason.", "malformed")
ADDRESS = _free("address", "Only entries of this address.", "ann@example.net", _address)
OF_DOMAIN = _free("domain", "Only what belongs to this domain.", "example.com")
IDENTITY = _choice("identity", ("keep", "delete"), "`keep` leaves the identity in SES alone; it is deleted otherwise.")
_CURSOR = Meta(description="The `nextCursor` of the page before, unchanged; none at first.")
_LIMIT = Meta(description=f"Items on a page; {LIMIT} without it.", ge=1, le=LIMIT_MAX)
PAGING = (Parameter("cursor", str, Annotated[str, _CURSOR]), Parameter("limit", _limit, Annotated[int, _LIMIT]))
