"""An endpoint that takes what SNS posts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any, NamedTuple

from tests.fakes.ses.server import Server
from tests.fakes.ses.wire import Received, Reply


class Posted(NamedTuple):
    """A request that arrived at the endpoint."""

    headers: Message
    body: bytes

    @property
    def fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields


class Endpoint:
    """Takes what is posted, and answers with `status`."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.status = 200
        self._server = Server(self._take)
        self.url = f"{self._server.origin}/hook?a=b"

    def _take(self, received: Received) -> Reply:
        self.posted.append(Posted(received.headers, received.body))
        return Reply(self.status, b"", {})

    @contextmanager
    def serving(self) -> Iterator["Endpoint"]:
        self._server.start()
        try:
            yield self
        finally:
            self._server.stop()
