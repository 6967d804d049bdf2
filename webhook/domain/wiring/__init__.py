"""The chain from SES to here, judged: from what was read to findings. Pure."""

from collections.abc import Iterator

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring import account, identities, queues, rules, sets, subscriptions, topics
from webhook.domain.wiring.front import Front, Trouble, clocks_judged, domains_judged, front_judged
from webhook.domain.wiring.seen import (
    ConfigurationSet,
    Destination,
    Identity,
    Queue,
    Rule,
    Scope,
    Seen,
    Subscription,
    Topic,
    Traits,
)

__all__ = [
    "HOPS",
    "ConfigurationSet",
    "Destination",
    "Front",
    "Identity",
    "Queue",
    "Rule",
    "Scope",
    "Seen",
    "Subscription",
    "Topic",
    "Traits",
    "Trouble",
    "clocks_judged",
    "domains_judged",
    "front_judged",
    "hop",
    "judged",
]

#: The hops by the first two digits of their codes.
HOPS = {
    "60": "AWS account",
    "61": "SNS topics",
    "62": "Subscriptions",
    "63": "Dead letters",
    "64": "Configuration sets",
    "65": "Identities",
    "66": "EventBridge rules",
    "67": "Queues",
    "68": "PUBLIC_URL and clocks",
    "69": "Domains",
}
_JUDGES = (
    account.judged,
    topics.judged,
    subscriptions.judged,
    queues.dead_letters_judged,
    sets.judged,
    identities.judged,
    rules.judged,
    queues.judged,
)


def judged(seen: Seen) -> Iterator[Finding]:
    """All that is not as it should be in one region, hop by hop."""
    for judge in _JUDGES:
        yield from judge(seen)


def hop(code: Code) -> str:
    """The hop that a code is about."""
    return HOPS[code.value[1:3]]
