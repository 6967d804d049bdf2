"""Calls of AWS's APIs by their own names, each at the pace that the whole account may ask."""

import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from webhook.amazon.access import Access
from webhook.domain.ses import API_RATE

if TYPE_CHECKING:
    from botocore.session import Session

    from webhook.amazon.connection import Connection

#: The services whose calls share SES's one call a second, and those of their calls that don't.
PACED = frozenset({"ses", "sesv2"})
UNPACED = frozenset({"SendEmail", "BatchGetMetricData"})


class Reserve(Protocol):
    """Takes a slot of a rate that all processes share; see `adapters.mongo.limiter`."""

    def __call__(
        self, bucket: str, rate: float, *, burst: float = ..., patience: float = ..., count: int = ...
    ) -> float:
        """Seconds to wait; raises Limited if that were more than `patience`."""


class Amazon:
    """AWS in any number of regions, for all threads; a connection is made when it is first needed.

    `patience` is how many seconds a call of SES may wait for its slot: few where somebody waits for the answer.
    """

    def __init__(
        self, access: Access, reserve: Reserve, pause: Callable[[float], None], *, patience: float = 5.0
    ) -> None:
        self._access = access
        self._reserve = reserve
        self._pause = pause
        self._patience = patience
        self._making = threading.Lock()
        self._session: Session | None = None
        self._made: dict[tuple[str, str | None], Connection] = {}

    @property
    def region(self) -> str:
        """The region that is asked where none is named; raises AwsError if none is set."""
        return self._access.region or self._connection("sesv2", None).region

    def call(
        self, service: str, operation: str, request: Mapping[str, Any] | None = None, *, region: str | None = None
    ) -> Mapping[str, Any]:
        """Asks once: `call("sns", "GetTopicAttributes", {"TopicArn": arn})`, in boto3's words for service and request.

        Raises:
            AwsError: what AWS has against it, in plain words; also that it can't be reached.
            Limited: SES may be asked again only later than `patience` allows.
        """
        connection = self._connection(service, region)
        if service in PACED and operation not in UNPACED:
            wait = self._reserve(f"ses:api:{connection.region}", API_RATE, patience=self._patience)
            if wait > 0:
                self._pause(wait)
        return connection.call(operation, request or {})

    def pages(
        self,
        service: str,
        operation: str,
        request: Mapping[str, Any] | None = None,
        *,
        region: str | None = None,
        following: str = "NextToken",
    ) -> "list[Mapping[str, Any]]":
        """All pages of a list, each at its pace; `following` is the field that leads from one to the next."""
        asked, pages = dict(request or {}), []
        while True:
            pages.append(self.call(service, operation, asked, region=region))
            if not pages[-1].get(following):
                return pages
            asked[following] = pages[-1][following]

    def close(self) -> None:
        """Ends the connections; the next call opens them again."""
        with self._making:
            made, self._made = list(self._made.values()), {}
        for connection in made:
            connection.close()

    def _connection(self, service: str, region: str | None) -> "Connection":
        with self._making:
            key = (service, region or self._access.region)
            if key not in self._made:
                # Only now: boto3 and its description of AWS take longer to load than all the rest of the start.
                module = import_module("webhook.amazon.connection")
                self._session = self._session or module.open_session()
                self._made[key] = module.Connection(self._session, service, self._access, key[1])
            return self._made[key]
