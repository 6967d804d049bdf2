"""The emulator put together: a notary, a server, a topic, and the handshake that subscribes an endpoint."""

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

import msgspec

from webhook.domain.envelope import MessageType
from webhook.emulator.courier import Line, Reply, RetryPolicy
from webhook.emulator.notary import Notary
from webhook.emulator.server import SnsServer
from webhook.emulator.target import Target
from webhook.emulator.topic import Topic
from webhook.errors import Misconfigured

TOPIC_ARN = "arn:aws:sns:eu-north-1:000000000000:ses-sentinel-demo"
_PATIENCE = 15.0
_POLL = 0.25


class Stand(msgspec.Struct, frozen=True):
    """A running emulator."""

    topic: Topic
    server: SnsServer

    @property
    def settings(self) -> dict[str, str]:
        """The settings with which a service believes this emulator."""
        return {"SNS_TOPIC_ARNS": self.topic.arn, "SNS_TRUSTED_ORIGINS": self.topic.origin}

    def subscribe(
        self, target: Target, paths: Iterable[str], policy: RetryPolicy, *, patience: float = _PATIENCE
    ) -> None:
        """Subscribe each path of `target`; raises `Misconfigured` if one has not confirmed after `patience` seconds."""
        for path in dict.fromkeys(target.path_of(path) for path in paths):
            self._subscribe(target, path, policy, patience)

    def _subscribe(self, target: Target, path: str, policy: RetryPolicy, patience: float) -> None:
        token = secrets.token_hex(64)
        confirmed = self.server.expect(token, topic_arn=self.topic.arn, subscription_arn=self.topic.subscription_arn)
        signed = self.topic.confirmation(
            MessageType.SUBSCRIPTION, token=token, message_id=str(uuid4()), at=datetime.now(UTC)
        )
        line = Line(target, policy.timeout)
        try:
            reply = line.post(path, signed)
            for _ in range(policy.retries):
                if reply.delivered:
                    break
                time.sleep(policy.delay)
                reply = line.post(path, signed)
        finally:
            line.close()
        if not (reply.status == 200 and confirmed.wait(patience)):
            raise Misconfigured(self._why(target, path, reply))

    def _why(self, target: Target, path: str, reply: Reply) -> str:
        endpoint = f"{msgspec.structs.replace(target, path='').url}{path}"
        if not reply.status:
            return f"{endpoint} does not answer ({reply.text})"
        if reply.status == 200:
            return f"{endpoint} answered 200, but did not visit the SubscribeURL"
        answered = f"{endpoint} answered {reply.status} to the subscription: {reply.text[:300].strip()}"
        if reply.status != 403:
            return answered
        settings = " and ".join(f"{name}={value}" for name, value in self.settings.items())
        return (
            f"{answered} (it needs {settings}: start the service with these "
            f"and run this again with --listen-port {self.server.port})"
        )


@contextmanager
def standing(
    topic_arn: str = TOPIC_ARN, *, port: int = 0, key_dir: Path | None = None, signature_version: str = "2"
) -> Iterator[Stand]:
    """An emulator that serves on 127.0.0.1 until the context is left; `key_dir` keeps its key between runs."""
    now = datetime.now(UTC)
    notary = Notary.kept_in(key_dir, now) if key_dir else Notary.fresh(now)
    with SnsServer(notary, port) as server:
        yield Stand(Topic(topic_arn, notary, server.origin, signature_version), server)


def wait_until_ready(target: Target, patience: float) -> None:
    """Return as soon as GET /readyz answers 200; raises `Misconfigured` if it has not after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not _is_ready(target):
        if time.monotonic() > deadline:
            raise Misconfigured(f"{target.url} was not ready within {patience:.0f} s")
        time.sleep(_POLL)


def _is_ready(target: Target) -> bool:
    connection = target.connect(timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
