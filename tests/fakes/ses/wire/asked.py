"""A call as it arrived, and an answer as it leaves."""

from email.message import Message
from typing import Any, NamedTuple

#: The access key id of those who only look on: tests themselves.
LOOKING = "AKIALOOKINGON"


class Received(NamedTuple):
    """A request: `target` is path and query as written, undecoded."""

    method: str
    target: str
    headers: Message
    body: bytes


class Reply(NamedTuple):
    """An answer to a request."""

    status: int
    body: bytes
    headers: dict[str, str]


class Asked(NamedTuple):
    """What is asked of which service, by boto3's name of it (`sesv2`) and the API's name of the operation.

    `protocol` is "rest-json", "query", "json" or "cbor"; `key` the access key id, "" if nobody signed.
    """

    protocol: str
    service: str
    region: str
    operation: str
    arguments: dict[str, Any]
    key: str = ""

    @property
    def by_test(self) -> bool:
        """Whether a test itself is looking."""
        return self.key == LOOKING


class Unreadable(Exception):
    """It is no call that an AWS service knows."""
