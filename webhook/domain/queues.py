"""Queues of Amazon SQS that carry SNS messages: what is taken from them, and for how long it stays out of sight.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Self

from msgspec import Struct

#: Seconds that a message is ours after we took it: as the queue has it, within these bounds. What is under way for
#: longer is held again and again; what a killed process held comes back when they are over.
LEASE_MIN, LEASE_MAX = 5, 120
#: Seconds that a message which is not taken stays out of sight, at first; each time it comes back twice as long.
REJECTED, REJECTED_MAX = 900, 6 * 3600
#: … and one that could not be understood just now, since certificates or confirmations could not be had.
PUT_BACK, PUT_BACK_MAX = 60, 900

_URL = re.compile(r"https?://(?P<host>[A-Za-z0-9.:\[\]-]+)/\d{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_REGION = re.compile(r"(?:sqs|sqs-fips)\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+)\.[a-z.]+(?::\d+)?")


class Queue(Struct, frozen=True):
    """A queue by its URL; `region` is None where the URL does not tell it (an emulator's)."""

    url: str
    region: str | None = None

    @property
    def name(self) -> str:
        """Its name, without region and account."""
        return self.url.rpartition("/")[2]

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The queue at `https://sqs.<region>.amazonaws.com/<account>/<name>`; raises ValueError if it is none."""
        found = _URL.fullmatch(url)
        if found is None:
            raise ValueError(f"not the URL of a queue: {url[:100]!r}")
        place = _REGION.fullmatch(found["host"])
        return cls(url, place["region"] if place else None)


class Traits(Struct, frozen=True):
    """What a queue is set to: seconds that a message stays invisible, and whether it has a dead-letter queue."""

    visibility: int = 30
    redrives: bool = True

    @property
    def lease(self) -> int:
        """Seconds for which we take a message."""
        return min(max(self.visibility, LEASE_MIN), LEASE_MAX)


class QueuedMessage(Struct, frozen=True):
    """A message that was taken: `receipt` is what it is deleted by, `receives` how often it has been taken by now."""

    id: str
    receipt: str
    body: str
    receives: int = 1


class Figures(Struct, frozen=True):
    """What was done with a queue's messages since the last time, and since when the oldest is under way (or None)."""

    received: int = 0
    deleted: int = 0
    rejected: Mapping[str, int] = {}
    oldest: datetime | None = None


def rejected_for(receives: int) -> int:
    """Seconds that a message is left alone that we don't take, so that its queue's own redrive may have it."""
    return _doubled(REJECTED, REJECTED_MAX, receives)


def put_back_for(receives: int) -> int:
    """Seconds that a message is left alone that may be understood the next time."""
    return _doubled(PUT_BACK, PUT_BACK_MAX, receives)


def _doubled(first: int, most: int, times: int) -> int:
    return min(first << min(max(times - 1, 0), 16), most)
