"""What was found out of what some credentials may do."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class May(StrEnum):
    """Whether something is allowed."""

    YES = "allowed"
    NO = "lacking"
    UNKNOWN = "not known"


class How(StrEnum):
    """How it was found out."""

    SIMULATED = "IAM was asked"
    TRIED = "calls that change nothing were tried"
    ROOT = "the account's root user may do everything"


class Answer(Struct, frozen=True):
    """Whether the action is allowed for the resource, and for which statement of the policy it is wanted."""

    sid: str
    action: str
    resource: str
    may: May


class Examination(Struct, frozen=True):
    """What `caller` (an ARN) may do. `trouble` says why IAM could not be asked."""

    caller: str
    how: How
    answers: tuple[Answer, ...] = ()
    trouble: str = ""

    def those(self, may: May) -> Sequence[Answer]:
        """The answers of this kind."""
        return [answer for answer in self.answers if answer.may is may]
