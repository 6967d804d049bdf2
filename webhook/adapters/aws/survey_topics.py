"""What SNS, SQS and KMS say of topics, their subscriptions, queues and keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.adapters.aws.documents import decoded
from webhook.adapters.aws.survey import found
from webhook.amazon import Amazon
from webhook.domain.queues import Queue as QueueAddress
from webhook.domain.topics import TopicAllowList
from webhook.domain.wiring import Queue, Subscription, Topic, Traits

_BODY = "MessageBody"


class TopicSurvey:
    """Reads one region. Each method raises AwsError; what is not there is None."""

    def __init__(self, amazon: Amazon, region: str) -> None:
        self._amazon = amazon
        self._region = region

    def topics_like(self, pattern: str) -> list[str]:
        """The ARNs of all topics that a pattern of SNS_TOPIC_ARNS covers."""
        allowed = TopicAllowList.from_patterns([pattern])
        pages = self._amazon.pages("sns", "ListTopics", {}, region=self._region)
        arns = [topic["TopicArn"] for page in pages for topic in page.get("Topics", [])]
        return sorted(arn for arn in arns if allowed.allows(arn))

    def topic(self, arn: str) -> Topic | None:
        """A topic."""
        asked = {"TopicArn": arn}
        answer = found(lambda: self._amazon.call("sns", "GetTopicAttributes", asked, region=self._region))
        if answer is None:
            return None
        attributes = answer["Attributes"]
        return Topic(
            arn=arn,
            policy=decoded(attributes.get("Policy")),
            signature_version=attributes.get("SignatureVersion") or "1",
            key=attributes.get("KmsMasterKeyId") or None,
            delivery=decoded(attributes.get("DeliveryPolicy")),
        )

    def all_subscriptions(self) -> list[Subscription]:
        """All subscriptions of all topics, without their traits."""
        return _listed(self._amazon.pages("sns", "ListSubscriptions", {}, region=self._region))

    def subscriptions(self, topic: str) -> list[Subscription]:
        """All subscriptions of a topic, without their traits; none of a topic that is not there."""
        asked = {"TopicArn": topic}
        pages = found(lambda: self._amazon.pages("sns", "ListSubscriptionsByTopic", asked, region=self._region))
        return _listed(pages or [])

    def traits(self, subscription: str) -> Traits:
        """How a subscription is set."""
        asked = {"SubscriptionArn": subscription}
        answer = self._amazon.call("sns", "GetSubscriptionAttributes", asked, region=self._region)
        attributes = answer["Attributes"]
        return Traits(
            raw=attributes.get("RawMessageDelivery") == "true",
            filter=decoded(attributes.get("FilterPolicy")),
            filters_bodies=attributes.get("FilterPolicyScope") == _BODY,
            delivery=decoded(attributes.get("DeliveryPolicy")),
            dead_letters=decoded(attributes.get("RedrivePolicy")).get("deadLetterTargetArn"),
        )

    def queue_named(self, arn: str) -> Queue | None:
        """A queue by its ARN."""
        *_, region, account, name = arn.split(":")
        asked = {"QueueName": name, "QueueOwnerAWSAccountId": account}
        answer = found(lambda: self._amazon.call("sqs", "GetQueueUrl", asked, region=region))
        return self._queue(answer["QueueUrl"], region) if answer else None

    def queue(self, url: str) -> Queue | None:
        """A queue by its address."""
        return self._queue(url, QueueAddress.from_url(url).region or self._region)

    def _queue(self, url: str, region: str) -> Queue | None:
        asked = {"QueueUrl": url, "AttributeNames": ["QueueArn", "Policy", "ApproximateNumberOfMessages"]}
        answer = found(lambda: self._amazon.call("sqs", "GetQueueAttributes", asked, region=region))
        if answer is None:
            return None
        attributes = answer.get("Attributes", {})
        return Queue(
            arn=attributes["QueueArn"],
            url=url,
            policy=decoded(attributes.get("Policy")),
            waiting=int(attributes.get("ApproximateNumberOfMessages", 0)),
        )

    def key_policy(self, key: str) -> Mapping[str, Any] | None:
        """The policy of a key by its id, ARN or alias; None if there is no such key."""
        described = found(lambda: self._amazon.call("kms", "DescribeKey", {"KeyId": key}, region=self._region))
        if described is None:
            return None
        asked = {"KeyId": described["KeyMetadata"]["Arn"], "PolicyName": "default"}
        answer = found(lambda: self._amazon.call("kms", "GetKeyPolicy", asked, region=self._region))
        return decoded(answer.get("Policy")) if answer else None


def _listed(pages: Sequence[Mapping[str, Any]]) -> list[Subscription]:
    rows = [row for page in pages for row in page.get("Subscriptions", [])]
    return [
        Subscription(
            topic=row["TopicArn"],
            protocol=row.get("Protocol", ""),
            endpoint=row.get("Endpoint", ""),
            arn=row["SubscriptionArn"] if row["SubscriptionArn"].startswith("arn:") else None,
        )
        for row in rows
        if row["SubscriptionArn"] != "Deleted"
    ]
