"""Rests: what AWS refuses is left alone for a while, and said once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from webhook.errors import AwsError
from webhook.logs import get_logger

#: Until somebody changes a setting or a policy there is nothing to gain from asking; nor does it hurt to ask then.
MENDED_BY_PEOPLE = timedelta(minutes=5)
LONGEST = timedelta(minutes=5)

log = get_logger(__name__)


class Operation(StrEnum):
    """What may be refused on its own: an IAM policy may allow the one and not the other."""

    READ = "read"
    LIST = "list"


class Rest(Struct, frozen=True):
    """Until when an operation rests, after how many failures in a row, and the last error's code."""

    until: datetime
    failures: int = 0
    code: str = ""


class Rests:
    """Which operations rest. `note` is told of each error that is another than before, and of its end (None)."""

    def __init__(self, note: Callable[[str, AwsError | None, datetime], None]) -> None:
        self._note = note
        self._rests: dict[Operation, Rest] = {}

    def resting(self, operation: Operation, now: datetime) -> bool:
        """True if it is too early to try."""
        rest = self._rests.get(operation)
        return rest is not None and now < rest.until

    def wait(self, operation: Operation, until: datetime) -> None:
        """Lets it rest without any error."""
        rest = self._rests.get(operation)
        self._rests[operation] = Rest(until, rest.failures if rest else 0, rest.code if rest else "")

    def failed(self, operation: Operation, error: AwsError, now: datetime) -> None:
        """Lets it rest, longer each time; and the other one too if that can't do better."""
        said = {rest.code for rest in self._rests.values()}
        for one in Operation if error.code in _OF_ALL else [operation]:
            failures = rest.failures + 1 if (rest := self._rests.get(one)) else 1
            self._rests[one] = Rest(now + pause(error, failures), failures, error.code)
        if error.code not in said:
            log.warning("[AWS SES] following_rests", operation=operation.value, code=error.code, why=str(error))
            self._note(operation.value, error, now)

    def worked(self, operation: Operation, now: datetime) -> None:
        """Ends the rest of what does work again."""
        rest = self._rests.pop(operation, None)
        if rest is not None and rest.code:
            log.info("[AWS SES] following_goes_on", operation=operation.value, after=rest.code)
            self._note(operation.value, None, now)


#: Whatever the operation. All others, throttling too, are one operation's: the other one must not wait for it.
_OF_ALL = frozenset({"aws_no_credentials", "aws_bad_credentials", "aws_no_region", "aws_unreachable"})


def pause(error: AwsError, failures: int) -> timedelta:
    """How long to rest after so many failures in a row."""
    if not error.retryable:
        return MENDED_BY_PEOPLE
    longer: int = 1 << min(failures - 1, 8)
    return min(timedelta(seconds=error.retry_after) * longer, LONGEST)
