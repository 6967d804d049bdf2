"""What following passes between the one who asks SES and the one who keeps the answers."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from webhook.domain.verification import Cause, CauseKind, Change, State, Verification


class Followed(Struct, frozen=True):
    """A domain that is registered with SES.

    `epoch` is when it was set up and what was last intended with it: a reading begun in another epoch says nothing of
    this one.
    """

    domain: str
    known: Verification
    epoch: tuple[datetime | None, datetime | None]


class Recorded(Struct, frozen=True):
    """What recording a reading changed, and why; the domain's whole document as it then is."""

    known: Verification
    changes: tuple[Change, ...]
    cause: Cause
    document: dict[str, Any]

    def restarted_since(self, moment: datetime) -> bool:
        """True if a fresh set-up was asked for after `moment`."""
        last = self.document["awsSes"].get("restartedAt")
        return last is not None and last > moment


class Hinted(Struct, frozen=True):
    """All hints about one domain that nobody has looked into, taken by `claim`.

    `listed` is what the list of identities says of the domain, if that is the hint, else "".
    """

    domain: str
    claim: str
    cause: Cause
    listed: str = ""


class Sweep(Struct, frozen=True):
    """One going through the list of identities: when it began, the token of its next page ("": the first), pages read.

    `doubtful` is true if the one before named too few domains to be believed.
    """

    started: datetime
    token: str = ""
    pages: int = 0
    doubtful: bool = False


def told_cause(before: Verification, after: Verification, cause: Cause) -> Cause:
    """The cause as history tells it: what was read for the first time, or is gone, says so.

    What made us look then stands in the detail.
    """
    if after.identity is State.GONE:
        kind = CauseKind.GONE
    elif before.reading is None:
        kind = CauseKind.REGISTERED
    else:
        return cause
    looked = f"{cause.kind.value}: {cause.detail}" if cause.detail else cause.kind.value
    return Cause(kind, looked, cause.hint)
