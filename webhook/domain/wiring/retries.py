"""How long SNS keeps at a delivery that fails."""

from collections.abc import Mapping
from typing import Any

#: Seconds that are as good as all that SNS can do: it stops after 3,600 ("Amazon SNS message delivery retries").
ENOUGH = 3_300
#: What holds where nothing is set: three retries, 20 seconds apart.
_USUAL = {
    "numRetries": 3,
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "numMaxDelayRetries": 0,
}

Policy = Mapping[str, Any]


def persistence(subscription: Policy, topic: Policy) -> int:
    """Seconds from the first attempt to the last by the delivery policies of a subscription and of its topic.

    At most that: delays that grow are taken to grow evenly, where SNS may take shorter ones first.
    """
    of_topic = topic.get("http") or {}
    own = subscription.get("healthyRetryPolicy")
    chosen = (
        own if own and not of_topic.get("disableSubscriptionOverrides") else of_topic.get("defaultHealthyRetryPolicy")
    )
    return _sum({**_USUAL, **{name: value for name, value in (chosen or {}).items() if value is not None}})


def _sum(policy: Policy) -> int:
    shortest, longest = int(policy["minDelayTarget"]), int(policy["maxDelayTarget"])
    at_once, first, last = (
        int(policy[name]) for name in ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries")
    )
    growing = max(int(policy["numRetries"]) - at_once - first - last, 0)
    return first * shortest + last * longest + growing * (shortest + longest) // 2
