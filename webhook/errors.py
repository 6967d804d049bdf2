"""One class per decision that a caller makes; the data is in attributes, the message is one plain sentence."""

import re


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


class Invalid(SentinelError):
    """What was given is wrong: `field` names it, `detail` says how, `hint` what it may be. Answered 400."""

    def __init__(self, field: str, detail: str, hint: str = "") -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail
        self.hint = hint or detail


class Refused(SentinelError):
    """Understood, but not done: `code` is the word of the public contract, `detail` why, `hint` what would help."""

    def __init__(self, code: str, detail: str, hint: str, status: int = 409) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.status = status


class Limited(SentinelError):
    """Too much at once: to be tried again after `retry_after` seconds. Answered 429."""

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class AwsError(SentinelError):
    """AWS did not do it: `code` is one of ours, `detail` one plain sentence, `hint` the fix.

    `retryable` is true if the same call may succeed after `retry_after` seconds without anybody doing anything.
    """

    def __init__(self, code: str, detail: str, hint: str, *, retryable: bool, retry_after: float = 60) -> None:
        super().__init__(f"{detail}: {begun_small(hint)}" if hint else detail)
        self.code = code
        self.detail = detail
        self.hint = hint
        self.retryable = retryable
        self.retry_after = retry_after


class Misconfigured(SentinelError):
    """A setting, a file or a program this needs is wrong or missing; the message says which, and the fix."""


def begun_small(sentence: str) -> str:
    """A sentence as it stands behind a colon: "Set it" is "set it"; names such as AWS and EventBridge stay."""
    return re.sub(r"^[A-Z](?=[a-z]*\b)", lambda first: first[0].lower(), sentence)
