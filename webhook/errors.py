"""One class per decision that a caller makes; the data is in attributes, the message is one plain sentence."""


class SentinelError(Exception):
    """Any error that this product raises on purpose."""


class Rejected(SentinelError):
    """Not authentic, not SNS, or too large: answered 4xx, and SNS will not send it again.

    `status` is the HTTP status, `code` the machine-readable word of the public contract, `detail` the sentence.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class Unavailable(SentinelError):
    """Our side cannot do it now: answered 503 with `Retry-After`, so that SNS sends it again."""

    def __init__(self, detail: str, retry_after: int = 20) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Contended(Unavailable):
    """Somebody else holds what this would change; what does not touch it can be done."""


class NotUnderstood(SentinelError):
    """Authentic, yet not a message we know: kept in quarantine with `reason` (a code) and `detail` (where and why)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class NotFound(SentinelError):
    """There is no such thing; the message names it."""


class Conflict(SentinelError):
    """The state changed under the caller's hands, or does not allow what was asked."""


class Misconfigured(SentinelError):
    """A setting, a file or a program this needs is wrong or missing; the message says which, and the fix."""
