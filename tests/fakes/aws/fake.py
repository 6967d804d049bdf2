"""AWS on one port of this machine: SES and SNS as they are, all else by moto."""

from datetime import UTC, datetime
from functools import cache
from threading import RLock
from typing import Any, Protocol, Self

import boto3
from botocore.config import Config

from tests.fakes.aws.envelopes import notary
from tests.fakes.aws.gateway import Answer, Call, Gateway
from tests.fakes.aws.happenings import Happenings
from tests.fakes.aws.moto_app import ACCOUNT, Moto
from tests.fakes.aws.permissions import Permissions, denial
from tests.fakes.aws.post import Attempted, Post
from tests.fakes.aws.publishing import Publishing
from tests.fakes.aws.ses_topics import SesTopics
from tests.fakes.aws.topics import Topics
from tests.fakes.ses.errors import unknown
from tests.fakes.ses.fake import FakeSes
from tests.fakes.ses.operations import CLASSIC_OPERATIONS
from tests.fakes.ses.script import Failure, Reset
from tests.fakes.ses.server import Server
from tests.fakes.ses.wire import LOOKING, Asked

REGION = "eu-north-1"


class Clock(Protocol):
    """Whatever tells the time: a simulated clock, or the system's."""

    def now(self) -> datetime: ...


class SystemClock:
    """The time by this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@cache
def _session() -> boto3.Session:
    """One for all fakes: what it reads of the services takes its time."""
    return boto3.Session(LOOKING, "secret")


class FakeAws:
    """A fake AWS, as a context manager; `origin` is its AWS_ENDPOINT_URL. One at a time: what moto knows is shared.

    What can't be delivered over HTTP is tried `retries` times more, `retry_delay` seconds apart, whatever policies of
    delivery say.
    """

    account_id = ACCOUNT

    def __init__(
        self, clock: Clock | None = None, *, region: str = REGION, retries: int = 2, retry_delay: float = 0.02
    ) -> None:
        self.clock = clock or SystemClock()
        self.region = region
        self.permissions = Permissions()
        self._lock = RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._ses: dict[str, FakeSes] = {}
        moto = Moto()
        self._gateway = Gateway(moto, self.permissions, self._answer)
        self._server = Server(self._gateway.take)
        self.origin = self._server.origin
        self.post = Post(retries, retry_delay)
        self.publishing = Publishing(moto, self.post, self.clock.now, self.origin)
        self.topics = Topics(moto, self.post, self.publishing, self.clock.now, self.origin)
        self._ses_topics = SesTopics(moto, self.publishing)
        self._happenings = Happenings(moto, self.publishing, self.clock.now)
        self._own: dict[Call, Answer] = {
            Call("sts", "GetCallerIdentity"): self.permissions.who,
            Call("iam", "SimulatePrincipalPolicy"): self.permissions.simulate,
            Call("events", "PutEvents"): self._happenings.put,
        }

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gateway.script.clear()
        for client in self._clients.values():
            client.close()
        self.post.stop()
        self._server.stop()

    # -- who is here

    @property
    def ses(self) -> FakeSes:
        """SES in the fake's own region."""
        return self.ses_in(self.region)

    def ses_in(self, region: str) -> FakeSes:
        """SES in any region."""
        with self._lock:
            if region not in self._ses:
                ses = FakeSes(self.clock, region=region, throttle=False, origin=self.origin)
                ses.topics, ses.later = self._ses_topics, self.post.start
                self._ses[region] = ses
            return self._ses[region]

    def client(self, service: str, region: str | None = None) -> Any:
        """A boto3 client for the test's own looks: it may do anything, breaks never, and is in no list of calls."""
        key = service, region or self.region
        with self._lock:
            if key not in self._clients:
                config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
                self._clients[key] = _session().client(service, key[1], endpoint_url=self.origin, config=config)
            return self._clients[key]

    def _answer(self, asked: Asked) -> Answer | None:
        if asked.service in ("ses", "sesv2"):
            # Some names are in both versions of the API; of the first only its own are played.
            if (asked.service == "ses") is not (asked.operation in CLASSIC_OPERATIONS):
                raise unknown(f"{asked.service} {asked.operation}")
            return lambda asked: self.ses_in(asked.region).answer(asked.operation, asked.arguments)
        own = self._own.get(Call(asked.service, asked.operation))
        return self.topics.operation(asked.operation) if asked.service == "sns" else own

    # -- what goes wrong

    def fail_next(
        self, service: str, operation: str, code: str, status: int = 403, times: int = 1, message: str | None = None
    ) -> None:
        """The next such calls are answered with that error of AWS, and not done ("*": any operation of the service)."""
        denied = code == denial(service) or code.startswith("AccessDenied")
        said = self.permissions.sentence(f"{service}:{{operation}}") if denied else f"{code}, as the test wants it"
        self._gateway.script.add(f"{service} {operation}", Failure(code, status, message or said), times)

    def reset_next(self, service: str, operation: str, times: int = 1, *, done: bool = False) -> None:
        """The connection of the next such calls breaks: before they are done, or (`done`) before the answer."""
        self._gateway.script.add(f"{service} {operation}", Reset(done=done), times)

    def kill_after(self, calls: int | None, *, done: bool = False) -> None:
        """From now on so many calls are answered, then all connections break (None: none does any more).

        `done`: the first of those that break is done all the same, and only its answer is lost.
        """
        self._gateway.kill_after(calls, done=done)

    def recover(self) -> None:
        """Nothing goes wrong any more, and all is allowed."""
        self._gateway.script.clear()
        self._gateway.kill_after(None, done=False)
        self.permissions.denied.clear()

    def deny(self, *actions: str) -> None:
        """IAM allows these no more ("sns:Subscribe", "ses:*")."""
        self.permissions.denied.update(actions)

    def allow(self, *actions: str) -> None:
        """IAM allows these again that were denied; all, if none is named."""
        self.permissions.denied -= set(actions or self.permissions.denied)

    # -- what was seen, and what happens

    @property
    def requests(self) -> list[Asked]:
        """All calls in order, with their regions and arguments, also those that failed; not the test's own looks."""
        return list(self._gateway.requests)

    @property
    def calls(self) -> list[Call]:
        """The same, briefly: [("sns", "CreateTopic"), ("sns", "Subscribe")]."""
        return [Call(asked.service, asked.operation) for asked in self.requests]

    def asked(self, service: str, operation: str) -> list[dict[str, Any]]:
        """The arguments of all such calls."""
        return [one.arguments for one in self.requests if (one.service, one.operation) == (service, operation)]

    @property
    def attempts(self) -> list[Attempted]:
        """All attempts to post something to an endpoint."""
        return list(self.post.attempts)

    @property
    def deliver_confirmations(self) -> bool:
        """Whether an endpoint that is subscribed hears of it, and so can confirm."""
        return self.topics.deliver_confirmations

    @deliver_confirmations.setter
    def deliver_confirmations(self, value: bool) -> None:
        self.topics.deliver_confirmations = value

    @property
    def certificate(self) -> tuple[str, bytes]:
        """The name and the content (PEM) of the certificate's file, for SNS_CERT_DIR."""
        return notary().file_name, notary().certificate_pem

    def publish(self, topic_arn: str, message: str, subject: str | None = None) -> str:
        """Somebody publishes to the topic; the MessageId."""
        self.topics.topic(topic_arn)
        return self.publishing.publish(topic_arn, message, subject)

    def happen(self, event: dict[str, Any], region: str | None = None) -> str:
        """An event of AWS's own (`source`, `detail-type`, `detail`, …) goes to the targets of matching rules."""
        return self._happenings.happen(event, region or self.region)

    def settle(self, timeout: float = 30) -> None:
        """Waits until all that was published is delivered or given up; raises TimeoutError."""
        self.post.settle(timeout)
