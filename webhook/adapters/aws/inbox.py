"""A queue of Amazon SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/."""

from collections.abc import Sequence
from typing import Any

from webhook.amazon import Amazon
from webhook.domain.queues import Queue, QueuedMessage, Traits

#: What one call takes, at most.
BATCH = 10
#: Seconds that a call waits for messages: the longest that SQS allows, so that an empty queue costs least.
LONG_POLL = 20


class Inbox:
    """Takes, deletes and holds messages; every method raises AwsError. For any number of threads."""

    def __init__(self, amazon: Amazon, queue: Queue, *, wait: int = LONG_POLL) -> None:
        self._amazon = amazon
        self._queue = queue
        self._wait = wait

    def traits(self) -> Traits:
        """What the queue is set to."""
        wanted = {"QueueUrl": self._queue.url, "AttributeNames": ["VisibilityTimeout", "RedrivePolicy"]}
        told = self._amazon.call("sqs", "GetQueueAttributes", wanted, region=self._queue.region)
        given = told.get("Attributes", {})
        return Traits(int(given.get("VisibilityTimeout", Traits().visibility)), bool(given.get("RedrivePolicy")))

    def receive(self, lease: int) -> Sequence[QueuedMessage]:
        """Up to ten messages, which nobody else gets for `lease` seconds; waits for the first one for a while."""
        wanted = {
            "QueueUrl": self._queue.url,
            "MaxNumberOfMessages": BATCH,
            "WaitTimeSeconds": self._wait,
            "VisibilityTimeout": lease,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
        }
        told = self._amazon.call("sqs", "ReceiveMessage", wanted, region=self._queue.region)
        return [_message(given) for given in told.get("Messages") or ()]

    def delete(self, messages: Sequence[QueuedMessage]) -> Sequence[QueuedMessage]:
        """Deletes them, at most ten; gives those that are left, though another try may delete them."""
        entries = [{"Id": str(place), "ReceiptHandle": one.receipt} for place, one in enumerate(messages)]
        request = {"QueueUrl": self._queue.url, "Entries": entries}
        told = self._amazon.call("sqs", "DeleteMessageBatch", request, region=self._queue.region)
        return [messages[int(failed["Id"])] for failed in told.get("Failed") or () if not failed.get("SenderFault")]

    def hold(self, holds: Sequence[tuple[QueuedMessage, int]]) -> None:
        """Keeps messages out of sight for so many seconds from now. One that is no longer ours stays as it is."""
        for start in range(0, len(holds), BATCH):
            entries = [
                {"Id": str(place), "ReceiptHandle": message.receipt, "VisibilityTimeout": seconds}
                for place, (message, seconds) in enumerate(holds[start : start + BATCH])
            ]
            request = {"QueueUrl": self._queue.url, "Entries": entries}
            self._amazon.call("sqs", "ChangeMessageVisibilityBatch", request, region=self._queue.region)

    def close(self) -> None:
        """Ends the connections."""
        self._amazon.close()


def _message(given: dict[str, Any]) -> QueuedMessage:
    receives = given.get("Attributes", {}).get("ApproximateReceiveCount", "1")
    return QueuedMessage(given["MessageId"], given["ReceiptHandle"], given.get("Body", ""), int(receives))
