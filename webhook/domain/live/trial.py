"""A live trial: mails to SES's mailbox simulator, and what must become known of each. Pure.

Source: "Using the mailbox simulator manually", Amazon SES Developer Guide; a label after + makes no difference to it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from webhook.domain.address import SIMULATOR
from webhook.domain.mail import Kind


class Mailbox(StrEnum):
    """An address of the simulator, by what happens to mail that is sent there."""

    SUCCESS = "success"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    SUPPRESSED = "suppressionlist"

    def address(self, run: str) -> str:
        """The address with the label of a run."""
        return f"{self.value}+{run}@{SIMULATOR}"


_EXPECTED: Mapping[Mailbox, tuple[Kind, ...]] = {
    Mailbox.SUCCESS: (Kind.SENT, Kind.DELIVERED),
    Mailbox.BOUNCE: (Kind.SENT, Kind.BOUNCED),
    Mailbox.COMPLAINT: (Kind.SENT, Kind.DELIVERED, Kind.COMPLAINED),
    Mailbox.SUPPRESSED: (Kind.SENT, Kind.BOUNCED),
}


def expected(mailbox: Mailbox, *, by_set: bool) -> tuple[Kind, ...]:
    """What must become known of a mail there. Only configuration sets (`by_set`) tell that a mail was sent."""
    return tuple(kind for kind in _EXPECTED[mailbox] if by_set or kind is not Kind.SENT)


class Sender(Struct, frozen=True, kw_only=True):
    """Who sends: an identity in a region, with the configuration set and the tenant that the mails name.

    `default_set` is the set that SES itself would choose for the identity; `known` says whether SES could be asked.
    """

    identity: str
    region: str
    configuration_set: str | None = None
    tenant: str | None = None
    default_set: str | None = None
    known: bool = True

    @property
    def address(self) -> str:
        """The From address."""
        return self.identity if "@" in self.identity else f"ses-sentinel@{self.identity}"


class Heard(Struct, frozen=True):
    """A fact that came to be known: SES dates it `at`, and it was seen here `after` so many seconds."""

    kind: Kind
    at: datetime
    after: float


class Passage(Struct, frozen=True, kw_only=True):
    """How far one mail has come; times are seconds since SES took it, `took` those that SES needed for that.

    `waits_for` is what is still to become known; `set_aside` are reasons for which messages about it are in
    quarantine; `told` says that its story can be read.
    """

    mailbox: Mailbox
    address: str
    waits_for: tuple[Kind, ...]
    message_id: str = ""
    took: float = 0.0
    heard: tuple[Heard, ...] = ()
    set_aside: tuple[str, ...] = ()
    told: bool = False

    @property
    def sent(self) -> bool:
        """Whether SES took it."""
        return bool(self.message_id)

    @property
    def complete(self) -> bool:
        """Whether all has become known that should."""
        return self.sent and not self.waits_for and self.told


def missing(passages: Iterable[Passage]) -> frozenset[Kind]:
    """What did not become known of some mail that SES took."""
    return frozenset(kind for one in passages if one.sent for kind in one.waits_for)
