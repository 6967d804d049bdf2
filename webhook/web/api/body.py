"""Bodies of requests: JSON of a declared form, nothing unknown in it; what is wrong is named by its field."""

import re
from typing import TypeVar

import msgspec
from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from webhook.web.errors import BadParameter

Form = TypeVar("Form")
#: Bytes of a body, unless its route says otherwise.
BODY_MAX = 1 << 20
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<field>.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


def read_body(form: type[Form]) -> Form:
    """The request's body in this form.

    Raises:
        BadParameter: it is no JSON, or a field is missing, unknown, or not what it may be.
        UnsupportedMediaType: it does not say that it is JSON.
        RequestEntityTooLarge: it has more bytes than the route takes.
    """
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        return msgspec.json.decode(request.get_data(), type=form)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadParameter("body", "must be JSON") from error


def _wrong(told: str) -> BadParameter:
    """The error in msgspec's words, about the field that it names."""
    place = _PLACE.search(told)
    inside = place["field"] if place else ""
    told = _PLACE.sub("", told)
    for pattern, allowed in ((_UNKNOWN, "is unknown here"), (_MISSING, "is required")):
        if found := pattern.fullmatch(told):
            return BadParameter(".".join(filter(None, (inside, found["name"]))), allowed)
    return BadParameter(inside or "body", f"is not what it may be: {told[:1].lower()}{told[1:]}")
