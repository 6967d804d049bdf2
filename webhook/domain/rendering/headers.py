"""The headers that an endpoint's owner may add to what is sent there."""

import re
from collections.abc import Mapping

from webhook.errors import Invalid

MOST = 20
LONGEST = 2048
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "sentinel-attempt",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_OUR_FAMILIES = ("proxy-", "webhook-")


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises Invalid naming `headers` if they can't be sent, or are ours to set."""
    if len(headers) > MOST:
        raise Invalid("headers", f"there are {len(headers)} of them", f"give at most {MOST}")
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise Invalid("headers", f"{name[:100]!r} is no name of a header", "use letters, digits and hyphens")
        if is_ours(name):
            raise Invalid("headers", f"{name} is set by the delivery itself", "leave it out")
        if not (value.isascii() and value.isprintable()) or len(value) > LONGEST:
            hint = f"write it in ASCII, on one line, in at most {LONGEST} characters"
            raise Invalid("headers", f"the value of {name} can't be sent", hint)


def is_ours(name: str) -> bool:
    """Whether nobody but the delivery itself sets this header."""
    return name.lower() in _OURS or name.lower().startswith(_OUR_FAMILIES)
