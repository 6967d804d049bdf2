"""Query parameters, declared per route: everything else is refused by name, so that no slip goes unnoticed."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import request

from webhook.domain.address import plain
from webhook.moments import moment_of
from webhook.paging import LIMIT, LIMIT_MAX
from webhook.web.errors import BadParameter
from webhook.web.services import services

#: From the text of a parameter to its value; the message of a ValueError says what it may be.
Parse = Callable[[str], Any]
_TEXT_MAX = 500


def parameters(**declared: Parse) -> dict[str, Any]:
    """The values of the parameters that were given, by name; an empty one is the same as none.

    Raises:
        BadParameter: one is unknown, given twice, or not what it may be.
    """
    given = request.args
    unknown = sorted(set(given) - set(declared))
    if unknown:
        taken = ", ".join(declared) or "no parameters"
        raise BadParameter(", ".join(unknown), f"unknown here; this route takes {taken}", code="unknown_parameter")
    return {name: _value(name, given.getlist(name), parse) for name, parse in declared.items() if given.get(name)}


def _value(name: str, texts: list[str], parse: Parse) -> object:
    if len(texts) > 1:
        raise BadParameter(name, "may be given once")
    try:
        return parse(texts[0].strip())
    except ValueError as error:
        raise BadParameter(name, str(error)) from error


def text(value: str) -> str:
    """Any text of a sensible length."""
    if len(value) > _TEXT_MAX or not value.isprintable():
        raise ValueError(f"must be printable text of at most {_TEXT_MAX} characters")
    return value


def address(value: str) -> str:
    """A mail address, as they are compared: bare, in lower case."""
    return plain(text(value))


def cursor(value: str) -> str:
    """Where the page before ended; whoever made it says whether it is good."""
    return value


def limit(value: str) -> int:
    """How many items a page may have."""
    if not (value.isascii() and value.isdigit() and len(value) <= 6 and 1 <= int(value) <= LIMIT_MAX):
        raise ValueError(f"must be a whole number from 1 to {LIMIT_MAX} ({LIMIT} without it)")
    return int(value)


def since(value: str) -> datetime:
    """A moment."""
    return moment_of(value, services().clock.now())


def one_of(choices: Iterable[str]) -> Parse:
    """One of some words."""
    known = tuple(choices)

    def parse(value: str) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return parse
