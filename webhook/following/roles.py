"""What following needs: SES, and where states, history, hints and the sweep are kept."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from webhook.domain.following import Followed, Hinted, Recorded, Sweep
from webhook.domain.ses import Identity, ListedPage
from webhook.domain.verification import Cause, Reading, Verification
from webhook.errors import AwsError


class Identities(Protocol):
    """What SES is asked. Raises AwsError; Limited if no call is free soon."""

    def get_identity(self, domain: str) -> Identity:
        """The identity; AwsError `aws_not_found` if there is none."""

    def list_identities(self, token: str | None = None) -> ListedPage:
        """A page of the list of identities, by the token of the page before."""


class Verifications(Protocol):
    """Where states and their history are kept. Raises Unavailable."""

    def find(self, domain: str) -> Followed | None:
        """The domain, if it is registered with SES and nothing is about to be done to it there."""

    def document(self, domain: str) -> dict[str, Any]:
        """The domain's whole document; raises NotFound."""

    def record(
        self, followed: Followed, reading: Reading, cause: Cause, when: Callable[[Verification], datetime], listed: str
    ) -> Recorded | None:
        """Writes what a reading changes, with its rows; None if the domain is in another epoch by now, or gone."""

    def put_off(self, domain: str, error: AwsError, at: datetime, until: datetime) -> None:
        """Notes on the domain what SES has against it, and looks again at `until`."""

    def restart(self, domain: str, at: datetime, unless_since: datetime) -> bool:
        """Asks for a fresh set-up of what failed or is gone, unless one was asked for after `unless_since`."""

    def next_due(self, at: datetime) -> Followed | None:
        """Of the domains that are due, the one that changed last; nobody else gets it for a while."""

    def unsettled(self) -> int:
        """How many domains may change any moment."""

    def next_hint(self, at: datetime) -> Hinted | None:
        """The domain of the oldest hint that nobody looks into, with all its hints; nobody else gets it for a while."""

    def seen(self, hinted: Hinted, at: datetime) -> None:
        """These hints were looked into."""


class Sweeps(Protocol):
    """Where the sweep through the list of identities stands, so that of many workers one sweeps. Raises Unavailable."""

    def claim(self, at: datetime) -> Sweep | None:
        """The sweep, begun or taken up, if there is something to do and nobody does it."""

    def needed(self) -> bool:
        """True if any domain is followed."""

    def known(self, names: Sequence[str]) -> Mapping[str, Verification]:
        """What is known of those of these domains that are followed."""

    def go_on(self, sweep: Sweep, names: Sequence[str], news: Mapping[str, str], token: str, at: datetime) -> None:
        """Keeps the names of a page, hints at `news` (domain to what is listed), and turns to the next page."""

    def unlisted(self, sweep: Sweep, names: Sequence[str]) -> tuple[list[str], int]:
        """Domains that no page of the sweep named (`names` is its last page), and how many there should be."""

    def finish(self, sweep: Sweep, news: Mapping[str, str], until: datetime, at: datetime, *, doubtful: bool) -> None:
        """Hints at `news` and ends the sweep; the next one begins at `until`."""

    def begin_again(self, sweep: Sweep) -> None:
        """Goes back to the first page: the token is no good any more."""

    def doubtful(self) -> bool:
        """True if the last sweep named so few domains that a "not found" of SES can't be trusted."""

    def note(self, operation: str, error: AwsError | None, at: datetime) -> None:
        """Notes for people what keeps an operation from being done; None: nothing."""
