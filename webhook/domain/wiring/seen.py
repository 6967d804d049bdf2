"""The chain from SES to here as it was read: plain values. What could not be read is None, or left out of a mapping."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from webhook.domain.blueprint.place import Place
from webhook.domain.ses import AccountState

Policy = Mapping[str, Any]


class Scope(Struct, frozen=True, kw_only=True):
    """What the settings say should be: where events are taken from, and how SNS reaches us.

    `topics` are the patterns of SNS_TOPIC_ARNS; `queues` the addresses in SQS_QUEUE_URLS; `home` is AWS_SDK_REGION.
    """

    topics: tuple[str, ...] = ()
    public_url: str | None = None
    queues: tuple[str, ...] = ()
    configuration_set: str | None = None
    home: str | None = None

    @property
    def endpoint(self) -> str | None:
        """The address that SNS posts to."""
        return f"{self.public_url}/webhooks/sns" if self.public_url else None


class Topic(Struct, frozen=True, kw_only=True):
    """An SNS topic. `key` is what it is encrypted with, `delivery` its delivery policy.

    Without a `policy` its attributes could not be read: all that is known is that it is one of ours.
    """

    arn: str
    policy: Policy | None = None
    signature_version: str = "1"
    key: str | None = None
    delivery: Policy = {}


class Traits(Struct, frozen=True, kw_only=True):
    """How a subscription is set."""

    raw: bool = False
    filter: Policy = {}
    filters_bodies: bool = False
    delivery: Policy = {}
    dead_letters: str | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription of a topic; `arn` is None until it is confirmed."""

    topic: str
    protocol: str
    endpoint: str
    arn: str | None = None
    traits: Traits | None = None

    @property
    def over_http(self) -> bool:
        """Whether SNS posts it to an address."""
        return self.protocol in ("http", "https")


class Queue(Struct, frozen=True, kw_only=True):
    """An SQS queue; `waiting` is about how many messages can be taken from it."""

    arn: str
    url: str
    policy: Policy = {}
    waiting: int = 0


class Destination(Struct, frozen=True, kw_only=True):
    """An event destination of a configuration set; `types` as SES's API spells them. `topic` is None: no topic."""

    name: str
    enabled: bool
    types: frozenset[str]
    topic: str | None = None


class ConfigurationSet(Struct, frozen=True, kw_only=True):
    """A configuration set and where it publishes."""

    name: str
    sending: bool = True
    metrics: bool = False
    destinations: tuple[Destination, ...] | None = None


class Identity(Struct, frozen=True, kw_only=True):
    """An identity of SES: its default set, and which topic hears of which kind of feedback (`Bounce`: an ARN)."""

    name: str
    default_set: str | None = None
    forwarding: bool = False
    notifications: Mapping[str, str] | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """An EventBridge rule of the default bus; `targets` are ARNs."""

    name: str
    arn: str
    enabled: bool
    pattern: Policy
    targets: tuple[str, ...] | None = None


class Seen(Struct, frozen=True, kw_only=True):
    """One region as it was read.

    `topics` are those of ours, by ARN, None for one that is not there. `identities` were looked at, of the `listed`
    ones (True: a domain). Queues are by address, dead-letter queues by ARN, policies of keys by the key's name.
    """

    place: Place
    scope: Scope
    account: AccountState | None = None
    topics: Mapping[str, Topic | None] | None = None
    subscriptions: Mapping[str, tuple[Subscription, ...]] = {}
    dead_letters: Mapping[str, Queue | None] = {}
    keys: Mapping[str, Policy | None] = {}
    sets: Mapping[str, ConfigurationSet | None] = {}
    listed: Mapping[str, bool] | None = None
    identities: tuple[Identity, ...] = ()
    unknown_identities: tuple[str, ...] = ()
    rules: tuple[Rule, ...] | None = None
    queues: Mapping[str, Queue | None] = {}
    paused: frozenset[str] = frozenset()

    @property
    def present(self) -> tuple[Topic, ...]:
        """The topics of ours that are there."""
        return tuple(topic for topic in (self.topics or {}).values() if topic is not None)
