"""moto, in this process: it answers for the services that the fake does not play itself, and remembers.

Its state belongs to the process, not to an object: a `Moto` begins by wiping it.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.models import reset_model_data
from moto.events.models import Rule
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sns.models import SNSBackend, Subscription, Topic
from moto.sqs.models import Queue, SQSBackend
from werkzeug.test import run_wsgi_app

from tests.fakes.ses.wire import Asked, Received, Reply, cbor
from tests.fakes.ses.wire.model import service_model

ACCOUNT = "123456789012"
#: A hop's own headers, which the next hop writes anew.
_OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@cache
def _application() -> DomainDispatcherApplication:
    return DomainDispatcherApplication(create_backend_app)


class Moto:
    """moto, wiped."""

    def __init__(self) -> None:
        BackendDict.reset()
        reset_model_data()

    def answer(self, asked: Asked, received: Received) -> Reply:
        """moto's own answer to the request."""
        if asked.protocol == "cbor":
            return self._translated(asked, received)
        return _pass(received, received.headers.items())

    def _translated(self, asked: Asked, received: Received) -> Reply:
        """moto speaks no CBOR, but JSON."""
        metadata = service_model(asked.service).metadata
        headers = {
            "Authorization": received.headers["Authorization"],
            "Host": received.headers["Host"],
            "Content-Type": f"application/x-amz-json-{metadata['jsonVersion']}",
            "X-Amz-Target": f"{metadata['targetPrefix']}.{asked.operation}",
        }
        body = json.dumps(asked.arguments, default=datetime.timestamp).encode()
        reply = _pass(Received("POST", "/", received.headers, body), headers.items())
        shape = service_model(asked.service).operation_model(asked.operation).output_shape
        answer = cbor.write(json.loads(reply.body or b"{}"), shape if reply.status == 200 else None)
        kind = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        queried = {k: v for k, v in reply.headers.items() if k.lower() == "x-amzn-query-error"}
        return Reply(reply.status, answer, {**kind, **queried})

    def sns(self, region: str) -> SNSBackend:
        return get_backend("sns")[ACCOUNT][region]

    def sqs(self, region: str) -> SQSBackend:
        return get_backend("sqs")[ACCOUNT][region]

    def topic(self, arn: str) -> Topic | None:
        return self.sns(_region(arn)).topics.get(arn)

    def subscription(self, arn: str) -> Subscription | None:
        return self.sns(_region(arn)).subscriptions.get(arn) if arn.count(":") >= 6 else None

    def subscriptions(self, topic_arn: str) -> list[Subscription]:
        held = list(self.sns(_region(topic_arn)).subscriptions.values())
        return [one for one in held if one.topic.arn == topic_arn]

    def queue(self, arn: str) -> Queue | None:
        return self.sqs(_region(arn)).queues.get(arn.rpartition(":")[2])

    def enqueue(self, arn: str, body: str) -> None:
        """A message in the queue, which must be there."""
        self.sqs(_region(arn)).send_message(arn.rpartition(":")[2], body)

    def rules(self, region: str) -> list[Rule]:
        """All rules of the default bus."""
        return list(get_backend("events")[ACCOUNT][region].event_buses["default"].rules.values())

    def key_policy(self, region: str, key: str) -> str | None:
        """The policy of the KMS key by its id, alias or ARN; None if there is no such key."""
        backend = get_backend("kms")[ACCOUNT][region]
        name = key.rpartition(":")[2].removeprefix("key/")
        found = backend.keys.get(backend.get_key_id_from_alias(name) if name.startswith("alias/") else name)
        return found.policy if found else None


def _region(arn: str) -> str:
    return arn.split(":")[3]


def _pass(received: Received, headers: Iterable[tuple[str, str]]) -> Reply:
    parts, status, answered = run_wsgi_app(_application(), dict(_environ(received, headers)), buffered=True)
    kept = {name: value for name, value in answered if name.lower() not in _OWN}
    return Reply(int(status.split()[0]), b"".join(parts), kept)


def _environ(received: Received, headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    split = urlsplit(received.target)
    given = {name.upper().replace("-", "_"): value for name, value in headers}
    host, _, port = given.get("HOST", "127.0.0.1").partition(":")
    yield from {
        "REQUEST_METHOD": received.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": split.path,
        "QUERY_STRING": split.query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": given.pop("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(received.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(received.body),
        "wsgi.errors": BytesIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }.items()
    yield from ((f"HTTP_{name}", value) for name, value in given.items() if name != "CONTENT_LENGTH")
