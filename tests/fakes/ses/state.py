"""What SES remembers."""

from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from tests.fakes.ses import errors
from tests.fakes.ses.account import FakeAccount, Sent
from tests.fakes.ses.identities import FakeIdentity
from tests.fakes.ses.sets import FakeSet
from tests.fakes.ses.suppressed import Suppressed
from tests.fakes.ses.tenants import FakeTenant


class Clock(Protocol):
    """Whatever tells the time: the simulated clock, or the system's."""

    def now(self) -> datetime: ...


class Call(NamedTuple):
    """One call that arrived: when by the fake's clock, and with which arguments (those in the path included)."""

    operation: str
    at: datetime
    asked: dict[str, Any]


class Topics(Protocol):
    """SNS, as SES sees it; `source_arn` is the configuration set or the identity for which SES speaks."""

    def publish(self, topic_arn: str, message: str, subject: str | None, source_arn: str) -> None: ...

    def refusal(self, topic_arn: str, source_arn: str) -> str | None:
        """Why SES can't publish there; None if it can."""


class State:
    """What SES remembers."""

    def __init__(self, clock: Clock, region: str) -> None:
        self.clock = clock
        self.region = region
        self.arn = f"arn:aws:ses:{region}:123456789012"
        self.account = FakeAccount()
        self.identities: dict[str, FakeIdentity] = {}
        self.sets: dict[str, FakeSet] = {}
        self.suppressed: dict[str, Suppressed] = {}
        #: Figures of the Virtual Deliverability Manager by identity, metric ("SEND") and day.
        self.vdm: dict[tuple[str, str, date], int] = {}
        #: Identities whose figures can't be had.
        self.vdm_failing: set[str] = set()
        #: Data points of GetSendStatistics, with a datetime as Timestamp.
        self.statistics: list[dict[str, Any]] = []
        self.topics: Topics | None = None
        self.tenants: dict[str, FakeTenant] = {}
        self.calls: list[Call] = []

    def identity(self, name: str) -> FakeIdentity:
        """The identity as it is by now."""
        if name not in self.identities:
            raise errors.not_found(f"Email identity {name}")
        self.identities[name].settle(self.clock.now())
        return self.identities[name]

    def identity_for(self, address: str) -> FakeIdentity | None:
        """The identity that an address belongs to: its own, its domain's, or that of a domain above."""
        if address in self.identities:
            return self.identity(address)
        labels = address.rpartition("@")[2].lower().split(".")
        names = (".".join(labels[start:]) for start in range(len(labels)))
        found = next((name for name in names if name in self.identities), None)
        return self.identity(found) if found else None

    def tenant(self, name: str) -> FakeTenant:
        if name not in self.tenants:
            raise errors.not_found(f"Tenant {name}")
        return self.tenants[name]

    @property
    def configuration_sets(self) -> dict[str, bool]:
        """The sets' names, and whether they may send."""
        return {name: one.sending for name, one in self.sets.items()}

    def configuration_set(self, name: str) -> FakeSet:
        if name not in self.sets:
            raise errors.not_found(f"Configuration set <{name}>")
        return self.sets[name]

    def set_of(self, mail: Sent) -> str | None:
        """The configuration set of the mail: the one that is named, else its identity's."""
        identity = self.identity_for(mail.source)
        return mail.chosen_set or (identity.configuration_set if identity else None)

    def taken(self, mail: Sent) -> None:
        """What follows from a mail that was taken."""

    def require_resource(self, arn: str) -> None:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        if kind == "identity":
            self.identity(name)
        elif kind == "configuration-set":
            self.configuration_set(name)
        else:
            raise errors.bad_request(f"{arn} can't be associated.")
