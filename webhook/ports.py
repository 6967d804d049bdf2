"""What the core needs of the outside world, as roles. The adapters play them; the tests' in-memory twins do, too."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from webhook.domain.counts import Counts
from webhook.domain.effects import Effects, Outcome
from webhook.domain.reputation import Verdict


class Clock(Protocol):
    """Knows what time it is."""

    def now(self) -> datetime:
        """The present moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""


class Store(Protocol):
    """Keeps what messages tell."""

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        """Writes the whole batch durably and at once, or nothing; the outcomes are in the batch's order.

        Raises:
            Unavailable: the database does not answer; the same batch may be tried again.
            Exception: anything else is taken for a message that can't be written.
        """


class Posting(Struct, frozen=True):
    """What one posting did: entries taken from the journal, domains judged, and those whose status changed.

    `more` is true if it stopped before the journal was empty, `busy` if news was coming in just then.
    """

    entries: int
    domains: int
    flipped: tuple[Verdict, ...]
    more: bool = False
    busy: bool = False


class Findings(Struct, frozen=True):
    """What comparing counters with the stored mails found.

    `mails` were read, of `places` (domain and day) since `first_day`. `wrong_counters` holds what must be added per
    domain and day; `wrong_verdicts` says in words what is wrong with the verdict on a domain.
    """

    mails: int
    places: int
    first_day: date
    wrong_counters: dict[tuple[str, str], Counts]
    wrong_verdicts: dict[str, str]

    @property
    def agree(self) -> bool:
        """True if nothing is wrong."""
        return not (self.wrong_counters or self.wrong_verdicts)


class Journal(Protocol):
    """What commits added and is not yet in the counters. Raises Unavailable if the database does not answer."""

    def post(self, limit: int = ..., breathe: Callable[[], None] = ...) -> Posting:
        """Posts the oldest entries, at most `limit`, and judges the domains they name: all or nothing.

        While messages come in it calls `breathe` every now and then, which may wait.
        """

    def set_aside(self) -> str:
        """Puts the oldest entry aside, where it stays without being posted; gives its id."""

    def slide(self) -> Posting:
        """Judges some of the domains whose window ends before today."""
