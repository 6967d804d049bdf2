"""In which account, for which settings and with which names a policy is to hold."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct

ANYTHING = "*"


class Where(StrEnum):
    """What a permission is for; the value is how people call it."""

    #: The action knows no resources.
    ANY = "everything"
    IDENTITIES = "SES identities"
    SETS = "SES configuration sets"
    TENANTS = "our SES tenants"
    TOPICS = "the topics of SNS_TOPIC_ARNS"
    QUEUES = "the queues of SQS_QUEUE_URLS"
    ALERT_TOPICS = "the topics that alerts go to"
    ALERT_QUEUES = "the queues that alerts go to"
    ALERT_BUSES = "the event buses that alerts go to"
    ALERT_SENDER = "the identity of ALERT_EMAIL_FROM"
    OWN_SET = "the configuration set of setup"
    OWN_TOPIC = "the topic of setup"
    OWN_QUEUES = "the queues of setup"
    OWN_RULES = "the rules of setup"
    ALL_TOPICS = "SNS topics of the account"
    ALL_QUEUES = "SQS queues of the account"
    ALL_RULES = "EventBridge rules of the account"
    ALL_KEYS = "KMS keys of the account"
    SELF = "the user or role itself"


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is switched on, and what it is about. What is not known of the account is `*`."""

    partition: str = "aws"
    account: str = ANYTHING
    region: str = ANYTHING
    #: The user or role that the policy is for, "" if that is not known.
    principal: str = ""
    registers: bool = True
    sends: bool = False
    tenant_prefix: str = ""
    #: Whether SES's own suppression list is read, and whether it is written to.
    reads_suppressions: bool = False
    writes_suppressions: bool = False
    #: As in SNS_TOPIC_ARNS, with their `*`.
    topics: tuple[str, ...] = ()
    #: ARNs.
    queues: tuple[str, ...] = ()
    alert_topics: tuple[str, ...] = ()
    alert_queues: tuple[str, ...] = ()
    alert_buses: tuple[str, ...] = ()
    #: The address that alerts come from, if SES sends them.
    alert_sender: str = ""
    #: Of setup's pieces.
    name: str = "ses-sentinel"
    configuration_set: str = "ses-sentinel"

    def arns(self, where: Where) -> tuple[str, ...]:
        """The ARNs, with wildcards, of what is meant; sorted, and each once."""
        return tuple(sorted(set(_ARNS[where](self)))) or (ANYTHING,)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """The ARN of something of this account."""
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"


def _of(service: str, *resources: str, region: str | None = None) -> Callable[[Circumstances], Iterable[str]]:
    return lambda here: [here.arn(service, resource, region=region) for resource in resources]


def _sender(here: Circumstances) -> Iterator[str]:
    """The identity may be the address, its domain, or one above that."""
    yield here.arn("ses", f"identity/{here.alert_sender}")
    labels = here.alert_sender.rpartition("@")[2].split(".")
    for place in range(len(labels) - 1):
        yield here.arn("ses", f"identity/{'.'.join(labels[place:])}")


#: What has no region here may be in any: topics and their dead letters are where their subscriptions are.
_ARNS: dict[Where, Callable[[Circumstances], Iterable[str]]] = {
    Where.ANY: lambda _: [ANYTHING],
    Where.IDENTITIES: _of("ses", "identity/*"),
    Where.SETS: _of("ses", "configuration-set/*"),
    Where.TENANTS: lambda here: [here.arn("ses", f"tenant/{here.tenant_prefix}*")],
    Where.TOPICS: lambda here: here.topics,
    Where.QUEUES: lambda here: here.queues,
    Where.ALERT_TOPICS: lambda here: here.alert_topics,
    Where.ALERT_QUEUES: lambda here: here.alert_queues,
    Where.ALERT_BUSES: lambda here: here.alert_buses,
    Where.ALERT_SENDER: _sender,
    Where.OWN_SET: lambda here: [here.arn("ses", f"configuration-set/{here.configuration_set}")],
    Where.OWN_TOPIC: lambda here: [here.arn("sns", f"{here.name}-events", region=ANYTHING)],
    Where.OWN_QUEUES: lambda here: [
        here.arn("sqs", f"{here.name}-{suffix}", region=ANYTHING) for suffix in ("dead-letters", "events")
    ],
    Where.OWN_RULES: lambda here: [
        here.arn("events", f"rule/{here.name}-{suffix}", region=ANYTHING) for suffix in ("health", "ses")
    ],
    Where.ALL_TOPICS: _of("sns", "*", region=ANYTHING),
    Where.ALL_QUEUES: _of("sqs", "*", region=ANYTHING),
    Where.ALL_RULES: _of("events", "rule/*", region=ANYTHING),
    Where.ALL_KEYS: _of("kms", "key/*", region=ANYTHING),
    Where.SELF: lambda here: [here.principal or f"arn:{here.partition}:iam::{here.account}:*"],
}
