"""Who reads what: the roles that adapters play for `doctor`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from webhook.domain.blueprint import Place
from webhook.domain.ses import AccountState
from webhook.domain.wiring import (
    ConfigurationSet,
    Destination,
    Front,
    Identity,
    Queue,
    Rule,
    Subscription,
    Topic,
    Traits,
)

#: Tells of progress, a line at a time.
Tell = Callable[[str], None]


class Mailing(Protocol):
    """Reads SES in one region; each method raises AwsError or Limited, and gives None for what is not there."""

    skew: float | None

    def place(self) -> Place:
        """The account that the credentials belong to; notes in `skew` by how many seconds AWS's clock is ahead."""
        ...

    def account(self) -> AccountState:
        """The account in this region."""
        ...

    def identities(self) -> Mapping[str, bool]:
        """All identities by name; True for a domain."""
        ...

    def identity(self, name: str) -> Identity | None:
        """An identity, without its notifications."""
        ...

    def notifications(self, names: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Which topic hears of which kind of feedback, for each of up to 100 identities."""
        ...

    def configuration_set(self, name: str) -> ConfigurationSet | None:
        """A set, without its destinations."""
        ...

    def destinations(self, name: str) -> tuple[Destination, ...]:
        """Where a set publishes its events."""
        ...


class Channel(Protocol):
    """Reads SNS, SQS and KMS in one region; each method raises AwsError, and gives None for what is not there."""

    def topics_like(self, pattern: str) -> list[str]:
        """The ARNs of all topics that a pattern covers."""
        ...

    def topic(self, arn: str) -> Topic | None:
        """A topic."""
        ...

    def all_subscriptions(self) -> list[Subscription]:
        """All subscriptions of all topics, without their traits."""
        ...

    def subscriptions(self, topic: str) -> list[Subscription]:
        """All subscriptions of a topic, without their traits."""
        ...

    def traits(self, subscription: str) -> Traits:
        """How a subscription is set."""
        ...

    def queue_named(self, arn: str) -> Queue | None:
        """A queue by its ARN."""
        ...

    def queue(self, url: str) -> Queue | None:
        """A queue by its address."""
        ...

    def key_policy(self, key: str) -> Mapping[str, Any] | None:
        """The policy of a key."""
        ...


class Ruling(Protocol):
    """Reads EventBridge in one region; each method raises AwsError."""

    def rules(self) -> list[Rule]:
        """All rules of the default bus, without their targets."""
        ...

    def targets(self, rule: str) -> tuple[str, ...]:
        """The ARNs that a rule leads to."""
        ...


class Door(Protocol):
    """Asks PUBLIC_URL as the outside would."""

    def knock(self, url: str) -> Front:
        """What it answers; never raises."""
        ...


class Registered(Protocol):
    """The domains that are registered here. Raises Unavailable."""

    def domains(self) -> Mapping[str, bool]:
        """Each by name, and whether it was registered with SES."""
        ...

    def paused(self) -> frozenset[str]:
        """Those that are kept from sending."""
        ...
