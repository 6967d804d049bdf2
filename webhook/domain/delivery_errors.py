"""What an attempt to deliver an alert came to: an answer, or the error that says what to do next."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from webhook.errors import SentinelError

#: How much of what a receiver answered is kept with the attempt, in bytes.
BODY_KEPT = 1024
#: The longest that a receiver may ask us to wait, in seconds.
LONGEST_WAIT = 24 * 3600.0
#: Statuses with which servers use to send Retry-After. Of others (a redirect, say) it is not about trying again.
_WAITING = frozenset({429, 503})
_HINTS = {
    401: "it wants a login: give the endpoint the header for it",
    403: "it does not let us in: give the endpoint the header for it, or let us in by the signature",
    404: "nothing is at this path: check the endpoint's address",
    405: "it takes no POST at this path: check the endpoint's address",
    410: "it is gone for good",
    413: "it takes no body of this size",
    429: "it is asked too often: give the endpoint a lower rate",
}


class Answer(msgspec.Struct, frozen=True):
    """The receiver took it: with this `status`, after `ms` milliseconds; `body_cut` is the beginning of its answer.

    `retry_after` is None: whoever took an alert has nothing to ask for. It is here so that both outcomes read alike.
    """

    status: int
    retry_after: float | None = None
    ms: int = 0
    body_cut: str = ""


class DeliveryFailed(SentinelError):
    """The receiver did not take it. `detail` is one plain sentence, fit to be shown to the endpoint's owner.

    `permanent`: the receiver says that it is gone for good (410), so no attempt will ever succeed and the endpoint is
    to be disabled; anything else may be put right, and is tried again. `status` is the HTTP status, if it got that far;
    `retry_after` the seconds that the receiver asked for; `ms` and `body_cut` are as in `Answer`.
    """

    def __init__(
        self,
        permanent: bool,
        detail: str,
        status: int | None = None,
        retry_after: float | None = None,
        *,
        ms: int = 0,
        body_cut: str = "",
    ) -> None:
        super().__init__(detail)
        self.permanent = permanent
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.ms = ms
        self.body_cut = body_cut


def cut(body: bytes | str) -> str:
    """The beginning of an answer as text that can be stored and shown: no control characters but line breaks."""
    text = body if isinstance(body, str) else body[:BODY_KEPT].decode("utf-8", "replace")
    return "".join(char for char in text[:BODY_KEPT] if char in "\n\t" or char.isprintable())


def judged(
    status: int, headers: Mapping[str, str], body: bytes, ms: int, now: datetime, *, host: str = "the receiver"
) -> Answer:
    """The answer to a POST, if its status is 2xx; header names are in lower case.

    Raises:
        DeliveryFailed: any other status; redirects are not followed, because what is signed was meant for this address.
    """
    if 200 <= status < 300:
        return Answer(status, None, ms, cut(body))
    wait = wait_asked_for(headers.get("retry-after", ""), now) if status in _WAITING else None
    if 300 <= status < 400:
        detail = f"{host} answers {status}, a redirect, and those are not followed: give the endpoint its final address"
    else:
        hint = _HINTS.get(status, "see what it logged" if status >= 500 else "it does not want this")
        detail = f"{host} answers {status}: {hint}"
    raise DeliveryFailed(status == 410, detail, status, wait, ms=ms, body_cut=cut(body))


def wait_asked_for(header: str, now: datetime) -> float | None:
    """The seconds that a Retry-After asks for (a number of them, or an HTTP date), at most LONGEST_WAIT; else None.

    Source: RFC 9110, section 10.2.3.
    """
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(float(header[:9]), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(header)
    # A made-up date overflows here and there before anybody says that it is none.
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:  # "-0000": in UTC, says RFC 5322
        until = until.replace(tzinfo=now.tzinfo)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT)
