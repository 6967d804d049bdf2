"""Topics and queues, ready made."""

import json
from typing import Any

from tests.fakes.aws.fake import FakeAws
from tests.fakes.aws.moto_app import ACCOUNT

#: A statement of a topic's policy.
SES_MAY = {
    "Effect": "Allow",
    "Principal": {"Service": "ses.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": "*",
    "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
}


def topic_for(aws: FakeAws, *statements: dict[str, Any], name: str = "events", **attributes: str) -> str:
    """A topic with a policy of these statements; its ARN."""
    policy = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": list(statements)})} if statements else {}
    made = aws.client("sns").create_topic(Name=name, Attributes={**policy, **attributes})
    return str(made["TopicArn"])


def queue_for(aws: FakeAws, name: str, *, open_to: str | None = "sns.amazonaws.com") -> tuple[str, str]:
    """A queue that this service may send to; its ARN and URL."""
    arn = f"arn:aws:sqs:eu-north-1:{ACCOUNT}:{name}"
    may = {"Effect": "Allow", "Principal": {"Service": open_to}, "Action": "sqs:SendMessage", "Resource": arn}
    attributes = {"Policy": json.dumps({"Statement": [may]})} if open_to else {}
    return arn, aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def received(aws: FakeAws, url: str) -> list[str]:
    """The bodies of up to ten messages, which are hidden from others for a while."""
    answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]
