"""Where SNS puts what it could not deliver here: the dead-letter queues of our own subscriptions."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from webhook.adapters.aws.inbox import Inbox
from webhook.amazon import Amazon
from webhook.domain.queues import Queue
from webhook.domain.topics import TopicAllowList, TopicArn

#: Seconds that one look into a queue waits: what lies there lies there already.
WAIT = 1
_DOOR = "/webhooks/sns"


class DeadLetters:
    """Plays `gaps.draining.DeadLetters`. Raises AwsError.

    Other subscriptions of the same topics have queues of their own, which are somebody else's: only those count whose
    endpoint is ours, by `public_url` or, without one, by its path.
    """

    def __init__(self, amazon: Amazon, topics: Iterable[str], public_url: str | None, queues: Iterable[Queue]) -> None:
        self._amazon = amazon
        self._patterns = tuple(topics)
        self._public_url = public_url
        self._queues = tuple(queues)

    def queues(self) -> list[Queue]:
        """The queues that may hold messages for us, those of SQS_QUEUE_URLS first; each once."""
        found = {queue.url: queue for queue in self._queues}
        for topic in self._topics():
            for subscription in self._subscriptions(topic):
                queue = self._dead_letters_of(topic, subscription)
                if queue:
                    found.setdefault(queue.url, queue)
        return list(found.values())

    def inbox(self, queue: Queue) -> Inbox:
        """The way to what is in a queue."""
        return Inbox(self._amazon, queue, wait=WAIT)

    def _topics(self) -> Iterator[TopicArn]:
        """Our topics: those that SNS_TOPIC_ARNS names, and those that a pattern of it covers."""
        for pattern in self._patterns:
            if not pattern.endswith("*"):
                yield TopicArn.from_text(pattern)
                continue
            allowed = TopicAllowList.from_patterns([pattern])
            for page in self._amazon.pages("sns", "ListTopics", region=pattern.split(":")[3]):
                arns = (topic["TopicArn"] for topic in page.get("Topics") or ())
                yield from (TopicArn.from_text(arn) for arn in arns if allowed.allows(arn))

    def _subscriptions(self, topic: TopicArn) -> Iterator[str]:
        """The ARNs of our own subscriptions that were confirmed."""
        asked = {"TopicArn": _arn(topic)}
        for page in self._amazon.pages("sns", "ListSubscriptionsByTopic", asked, region=topic.region):
            for one in page.get("Subscriptions") or ():
                if self._is_ours(one) and one["SubscriptionArn"].startswith("arn:"):
                    yield one["SubscriptionArn"]

    def _is_ours(self, subscription: dict[str, Any]) -> bool:
        protocol, endpoint = subscription.get("Protocol", ""), subscription.get("Endpoint", "")
        if protocol == "sqs":
            name = endpoint.rpartition(":")[2]
            return name in {queue.name for queue in self._queues}
        if protocol not in {"http", "https"}:
            return False
        return endpoint.startswith(self._public_url) if self._public_url else _DOOR in endpoint

    def _dead_letters_of(self, topic: TopicArn, subscription: str) -> Queue | None:
        asked = {"SubscriptionArn": subscription}
        told = self._amazon.call("sns", "GetSubscriptionAttributes", asked, region=topic.region)
        policy = json.loads((told.get("Attributes") or {}).get("RedrivePolicy") or "{}")
        target = str(policy.get("deadLetterTargetArn") or "").split(":")
        if len(target) != 6:
            return None
        region, account, name = target[3:]
        wanted = {"QueueName": name, "QueueOwnerAWSAccountId": account}
        return Queue(self._amazon.call("sqs", "GetQueueUrl", wanted, region=region)["QueueUrl"], region)


def _arn(topic: TopicArn) -> str:
    return f"arn:{topic.partition}:sns:{topic.region}:{topic.account}:{topic.name}"
