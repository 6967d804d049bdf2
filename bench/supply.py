"""A queue that a benchmark fills, and the settings with which a service takes from it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3

from bench.servers import ROOT
from webhook.emulator.posts import Post
from webhook.emulator.topic import Topic

REGION = "eu-north-1"
ACCESS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret", "region_name": REGION}
#: Seconds after which what a killed worker had taken comes back.
VISIBILITY = "5"
BATCH = 10
LOOK_EVERY = 0.02


@contextmanager
def queue_server(module: str) -> Iterator[str]:
    """The origin of an SQS in a process of its own, `bench.queue_server` or `bench.queue_quick`."""
    command = [sys.executable, "-m", module]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


class Supply:
    """A queue on the server at this origin."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._sqs: Any = boto3.client("sqs", endpoint_url=origin, **ACCESS)
        made = self._sqs.create_queue(QueueName="ses-events", Attributes={"VisibilityTimeout": VISIBILITY})
        self.url: str = made["QueueUrl"]

    @property
    def settings(self) -> dict[str, str]:
        """With which a service takes from it."""
        return {
            "AWS_ENDPOINT_URL": self._origin,
            "AWS_SDK_REGION": REGION,
            "AWS_SDK_ACCESS_KEY_ID": ACCESS["aws_access_key_id"],
            "AWS_SDK_SECRET_ACCESS_KEY": ACCESS["aws_secret_access_key"],
            "SQS_QUEUE_URLS": self.url,
        }

    def fill(self, posts: list[Post], topic: Topic, note: Callable[[Post], None], *, rate: float, backlog: int) -> None:
        """Sends them, signed, ten at a time: at most so many a second, while fewer than `backlog` are in it."""
        began = time.monotonic()
        for start in range(0, len(posts), BATCH):
            while self.depth() > backlog or start > rate * (time.monotonic() - began):
                time.sleep(LOOK_EVERY)
            batch = posts[start : start + BATCH]
            entries = [{"Id": str(place), "MessageBody": _signed(post, topic)} for place, post in enumerate(batch)]
            self._sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
            for post in batch:
                note(post)

    def depth(self) -> int:
        """How many messages are in it, those out of sight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def await_empty(self, patience: float) -> int:
        """Waits until nothing is in it, at most so many seconds; gives what is left."""
        until = time.monotonic() + patience
        while (depth := self.depth()) and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
        return depth


def _signed(post: Post, topic: Topic) -> str:
    now = datetime.now(UTC)
    return topic.notification(post.payload, message_id=post.message_id, subject=post.subject, at=now).body.decode()
