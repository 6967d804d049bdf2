"""How far comparing our suppression list with that of the SES account is; the same for all processes. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

#: What is counted, from the first day on.
NUMBERS = ("added", "removed", "put", "deleted", "failed")


class Phase(StrEnum):
    """What is under way. Between two rounds, what is due at SES is done."""

    REST = "rest"
    LIST = "list"  #: reading SES's list, page by page
    CONFIRM = "confirm"  #: asking for each address that a full listing lacked
    SWEEP = "sweep"  #: looking through ours for what theirs lacks
    PRUNE = "prune"  #: looking through what we put for what ours has no more


class State(Struct, frozen=True, kw_only=True, rename="camel"):
    """How far it is, for all processes; kept in the database.

    `since` bounds a listing that is not full; `token` leads to its next page, `cursor` on through a list of ours.
    `listed_at`, `full_at` and `swept_at` are when the last listing, full listing and look through all of ours began
    that came to its end. After an error nothing is asked before `retry_at`, or nothing written at SES before
    `writes_at`; `problems` say why. `accepts`: a person said that many removals are meant.
    """

    region: str
    phase: Phase = Phase.REST
    full: bool = False
    generation: int = 0
    began: datetime | None = None
    since: datetime | None = None
    token: str | None = None
    cursor: str = ""
    listed_at: datetime | None = None
    full_at: datetime | None = None
    swept_at: datetime | None = None
    retry_at: datetime | None = None
    writes_at: datetime | None = None
    accepts: bool = False
    problems: dict[str, dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    audited: dict[str, int] = {}
