"""SES as a publisher: whether it may publish to a topic, and publishing what it has to tell."""

from tests.fakes.aws.moto_app import ACCOUNT, Moto
from tests.fakes.aws.policies import Attempt, allowed
from tests.fakes.aws.publishing import Publishing

_SERVICE = "ses.amazonaws.com"


class SesTopics:
    """What SES does with topics of SNS."""

    def __init__(self, moto: Moto, publishing: Publishing) -> None:
        self._moto = moto
        self._publishing = publishing

    def publish(self, topic_arn: str, message: str, subject: str | None, source_arn: str) -> None:
        """Publishes it, if SES still may; `source_arn` is the configuration set or the identity it speaks for."""
        if self.refusal(topic_arn, source_arn) is None:
            self._publishing.publish(topic_arn, message, subject)

    def refusal(self, topic_arn: str, source_arn: str) -> str | None:
        """What SES says if it can't publish there; None if it can."""
        able = self._can(topic_arn, source_arn)
        return None if able else f"Could not publish message to SNS topic <{topic_arn}>."

    def _can(self, topic_arn: str, source_arn: str) -> bool:
        topic = self._moto.topic(topic_arn)
        if topic is None or not self._publishing.policies:
            return topic is not None
        attempt = Attempt(_SERVICE, "SNS:Publish", topic_arn, source_arn, ACCOUNT)
        return allowed(topic.policy, attempt) and self._may_use(topic.kms_master_key_id, source_arn)

    def _may_use(self, key: str, source_arn: str) -> bool:
        """Of a topic that is encrypted: its key's policy must let SES use the key; that of alias/aws/sns never does."""
        if not key:
            return True
        own = key.endswith("alias/aws/sns")
        policy = None if own else self._moto.key_policy(source_arn.split(":")[3], key)
        actions = ("kms:GenerateDataKey", "kms:Decrypt")
        return all(allowed(policy, Attempt(_SERVICE, one, "*", source_arn, ACCOUNT)) for one in actions)
