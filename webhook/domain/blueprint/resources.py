"""The pieces of what we build in AWS, and what can be wished for."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from webhook.domain.ses import MANAGED, MANAGED_TAG
from webhook.errors import Invalid

#: The types of event that counting needs (EventType of SES's API), and those that only show what readers do.
EVENTS = ("SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION")
OPEN_CLICK = ("OPEN", "CLICK")
DEFAULT_NAME = "ses-sentinel"
#: The tag that says whose of several installations a piece is: a configuration set can be named by all of them.
NAME_TAG = "ses-sentinel-name"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_KEY = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/[A-Za-z0-9/_-]+")


class Kind(StrEnum):
    """The kinds of piece, by CloudFormation's names; an identity's default set is no piece of CloudFormation."""

    QUEUE = "AWS::SQS::Queue"
    QUEUE_POLICY = "AWS::SQS::QueuePolicy"
    TOPIC = "AWS::SNS::Topic"
    TOPIC_POLICY = "AWS::SNS::TopicPolicy"
    SUBSCRIPTION = "AWS::SNS::Subscription"
    CONFIGURATION_SET = "AWS::SES::ConfigurationSet"
    EVENT_DESTINATION = "AWS::SES::ConfigurationSetEventDestination"
    RULE = "AWS::Events::Rule"
    IDENTITY = "default configuration set"


#: How people call them.
TITLES = {
    Kind.QUEUE: "SQS queue",
    Kind.QUEUE_POLICY: "SQS queue policy",
    Kind.TOPIC: "SNS topic",
    Kind.TOPIC_POLICY: "SNS topic policy",
    Kind.SUBSCRIPTION: "SNS subscription",
    Kind.CONFIGURATION_SET: "SES configuration set",
    Kind.EVENT_DESTINATION: "SES event destination",
    Kind.RULE: "EventBridge rule",
    Kind.IDENTITY: "SES identity's default set",
}


class Resource(Struct, frozen=True, kw_only=True):
    """A piece as it should be.

    `key` is its logical id, `properties` have the shape and names of CloudFormation, `needs` are the keys of what must
    be there before. `on` is the key of what it hangs on, whose tags say whose it is; None: it bears the tags itself.
    """

    key: str
    kind: Kind
    name: str
    properties: Mapping[str, Any]
    needs: tuple[str, ...] = ()
    on: str | None = None

    @property
    def title(self) -> str:
        """What people call this kind of piece."""
        return TITLES[self.kind]


class Wanted(Struct, frozen=True, kw_only=True):
    """What is wished for in each region; raises Invalid for a name or a key that AWS would not take.

    `endpoint` is the address that SNS posts to; `queue`: the messages go into an SQS queue as well; `kms_key` is the
    ARN of the key that the topic is encrypted with.
    """

    configuration_set: str
    endpoint: str
    name: str = DEFAULT_NAME
    events: tuple[str, ...] = EVENTS
    queue: bool = False
    kms_key: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Invalid("name", "must be 1 to 50 letters, digits, - or _", "Use a name such as ses-sentinel.")
        # Not aws/sns: the policy of Amazon's own key lets nobody but SNS use it, and can't be changed.
        if self.kms_key is not None and (not _KEY.fullmatch(self.kms_key) or self.kms_key.endswith("alias/aws/sns")):
            raise Invalid(
                "kms-key",
                "must be the ARN of a customer managed key, since SES can't use Amazon's own",
                "Make a key in the KMS console and give its ARN.",
            )

    @property
    def tags(self) -> list[dict[str, str]]:
        """What each piece bears that can: that we made it, and for the installation of which name."""
        return [{"Key": MANAGED_TAG, "Value": MANAGED}, {"Key": NAME_TAG, "Value": self.name}]

    @property
    def topic(self) -> str:
        """The name of the topic."""
        return f"{self.name}-events"

    @property
    def dead_letters(self) -> str:
        """The name of the queue that takes what could not be delivered."""
        return f"{self.name}-dead-letters"

    @property
    def queue_name(self) -> str:
        """The name of the queue beside HTTPS."""
        return f"{self.name}-events"
