"""Where in AWS something stands, and how it is called there."""

from msgspec import Struct

_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


class Place(Struct, frozen=True):
    """An account in one region. The values may be placeholders of a template, then `suffix` is one too."""

    partition: str
    region: str
    account: str
    suffix: str = ""

    def topic(self, name: str) -> str:
        """The ARN of an SNS topic."""
        return self._arn("sns", name)

    def queue(self, name: str) -> str:
        """The ARN of an SQS queue."""
        return self._arn("sqs", name)

    def queue_url(self, name: str) -> str:
        """The address of an SQS queue ("Amazon SQS queue and message identifiers")."""
        suffix = self.suffix or _SUFFIXES.get(self.partition, "amazonaws.com")
        return f"https://sqs.{self.region}.{suffix}/{self.account}/{name}"

    def rule(self, name: str) -> str:
        """The ARN of an EventBridge rule of the default bus."""
        return self._arn("events", f"rule/{name}")

    def configuration_set(self, name: str) -> str:
        """The ARN of an SES configuration set."""
        return self._arn("ses", f"configuration-set/{name}")

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
