"""What tests of `doctor --live` share: a running service, a set-up that leads to it, and a trial that takes no time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from msgspec.structs import replace
from werkzeug.serving import make_server

from tests.fakes.aws import FakeAws
from tests.setting_up import REGION, TOPIC, WANTED, apply, confirm, wiped
from webhook.adapters.clock import Clock as SystemClock
from webhook.adapters.mongo.trials import Trials
from webhook.adapters.ses.client import SesApi
from webhook.amazon import Access, Amazon
from webhook.assembling.live import ses_of, trial
from webhook.bootstrap import database, journal
from webhook.config import Settings
from webhook.live import Report, Standing
from webhook.web.app import create_app
from webhook.web.services import services_of

SET = "ses-sentinel"
DOMAIN = "example.com"
#: Seconds that a trial waits, by its own clock.
WAIT = 5.0


class Pace:
    """Time that passes only by sleeping; meanwhile all happens that is to happen."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self._meanwhile()

    def entropy(self, size: int) -> bytes:
        return SystemClock().entropy(size)


class Service:
    """The service on a port of this machine."""

    def __init__(self, stack: ExitStack) -> None:
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.port = self._server.server_port
        self.origin = f"http://127.0.0.1:{self.port}"
        self._stack = stack
        self._app: Any = None
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def _serve(self, environ: Any, start: Any) -> Any:
        return self._app(environ, start)

    def begin(self, settings: Settings) -> None:
        """Serves with these settings."""
        self._app = create_app(settings, self._stack)
        self._thread.start()
        self._stack.callback(self.end)

    def end(self) -> None:
        """Nobody listens there any more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def flush(self) -> None:
        """What it has answered is counted from now on."""
        services_of(self._app).requests.flush()


@dataclass
class Stage:
    """All of it: the account, the service that it leads to, and what the command line is given."""

    aws: FakeAws
    service: Service
    mongodb_uri: str
    given: dict[str, Any]
    works: bool = True
    shown: list[Standing] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.aws.client(service)

    @property
    def subscription(self) -> str:
        held = self.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
        return str(next(one["SubscriptionArn"] for one in held))

    def resubscribe(self, endpoint: str, *, confirmed: bool = True) -> None:
        self.client("sns").unsubscribe(SubscriptionArn=self.subscription)
        self.client("sns").subscribe(TopicArn=TOPIC, Protocol="http", Endpoint=endpoint)
        if confirmed:
            confirm(self.aws)

    def set_subscription(self, name: str, value: str) -> None:
        self.client("sns").set_subscription_attributes(
            SubscriptionArn=self.subscription, AttributeName=name, AttributeValue=value
        )

    def change_destination(self, change: Callable[[set[str]], set[str]], *, enabled: bool = True) -> None:
        ses = self.client("sesv2")
        [held] = ses.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"]
        wanted = {"Enabled": enabled, "MatchingEventTypes": sorted(change(set(held["MatchingEventTypes"])))}
        ses.update_configuration_set_event_destination(
            ConfigurationSetName=SET,
            EventDestinationName=held["Name"],
            EventDestination={**wanted, "SnsDestination": held["SnsDestination"]},
        )

    def drop_destination(self) -> None:
        ses = self.client("sesv2")
        [held] = ses.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"]
        ses.delete_configuration_set_event_destination(ConfigurationSetName=SET, EventDestinationName=held["Name"])

    def settings(self, **more: Any) -> Settings:
        return Settings(**{**self.given, **more})

    def serve(self, **more: Any) -> None:
        """The service begins, with settings of its own."""
        self.service.begin(self.settings(log_level="error", **more))

    def try_it(self, name: str | None = None, wait: float = WAIT, *, patience: float = 30.0) -> Report:
        """The trial, put together as the command does, with time of its own."""
        settings = self.settings()
        with database(settings, patience=patience) as db:
            posting = journal(db, settings, SystemClock())

            def meanwhile() -> None:
                self.aws.settle()
                self.service.flush()
                if self.works:
                    posting.post()

            amazon, ses = ways(self.aws.origin)
            records = Trials(db, SystemClock().now)
            tried = trial(
                settings, amazon, ses, records, reserve=at_once, clock=Pace(meanwhile), show=self.shown.append
            )
            return tried.run(name, wait)


def at_once(*_: Any, **__: Any) -> float:
    """Takes a slot of a rate that has no bounds."""
    return 0.0


def ways(origin: str) -> tuple[Amazon, SesApi]:
    """The product's ways to AWS, which wait for nobody: making them takes longer than all that is done by them."""
    if origin not in _WAYS:
        access, clock = Access(REGION, "AKIAEXAMPLE", "secret", origin), Pace(lambda: None)
        _WAYS[origin] = Amazon(access, at_once, clock.sleep), ses_of(access, at_once, clock)
    return _WAYS[origin]


_WAYS: dict[str, tuple[Amazon, SesApi]] = {}


@contextmanager
def staged(aws: FakeAws, mongodb_uri: str) -> Iterator[Stage]:
    """What `setup apply` makes for a verified domain, led to a service that is about to begin."""
    with ExitStack() as stack:
        service = Service(stack)
        wiped(aws, DOMAIN)
        aws.ses.emits = True
        aws.post.routes.clear()
        endpoint = f"{service.origin}/webhooks/sns"
        apply(aws, replace(WANTED, endpoint=endpoint), public_url=service.origin)
        confirm(aws)
        given = {
            "mongodb_uri": mongodb_uri,
            "port": service.port,
            "public_url": service.origin,
            "sns_topic_arns": (TOPIC,),
            "sns_trusted_origins": (aws.origin,),
            "ses_configuration_set": SET,
            "aws_sdk_region": REGION,
            "aws_sdk_access_key_id": "AKIAEXAMPLE",
            "aws_sdk_secret_access_key": "secret",
            "aws_endpoint_url": aws.origin,
        }
        yield Stage(aws, service, mongodb_uri, given)
