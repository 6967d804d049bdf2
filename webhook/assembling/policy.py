"""What `policy` works with: the settings' circumstances, and the way to AWS."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

import msgspec

from webhook.adapters.aws.permissions import Caller, Permissions
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.limiter import Limiter
from webhook.amazon import Amazon, Reserve
from webhook.aws import PATIENT, access
from webhook.bootstrap import usable_database
from webhook.config import Settings
from webhook.domain.blueprint import Place
from webhook.domain.endpoints import Endpoint, Kind
from webhook.domain.permissions import ANYTHING, Circumstances
from webhook.domain.queues import Queue
from webhook.errors import AwsError, Misconfigured, Unavailable

_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Bench:
    """What a policy is made from, and what examines one. `notes` say what could not be known, in plain sentences."""

    here: Circumstances
    permissions: Permissions
    notes: tuple[str, ...]


@contextmanager
def open_policy(settings: Settings, *, name: str, everything: bool = False) -> Iterator[Bench]:
    """The settings' circumstances, `name` being that of setup's pieces; with `everything`, as if all were switched on.

    The database and AWS are asked if they answer: only they know where alerts go, and whose account it is.
    """
    clock, notes = Clock(), list[str]()
    with ExitStack() as stack:
        db = _database(settings, stack, notes)
        reserve: Reserve = Limiter(db, clock.now).reserve if db is not None else _alone
        amazon = stack.enter_context(closing(Amazon(access(settings), reserve, clock.sleep, patience=PATIENT)))
        permissions = Permissions(amazon)
        endpoints = Endpoints(db, clock.now).enabled().values() if db is not None else ()
        caller = _caller(permissions, notes)
        region = _region(amazon)
        place = Place(
            caller.partition if caller else _partition(region), region, caller.account if caller else ANYTHING
        )
        here = circumstances(settings, place, endpoints, name=name, everything=everything)
        principal = caller.principal if caller else ""
        yield Bench(msgspec.structs.replace(here, principal=principal), permissions, tuple(notes))


def circumstances(
    settings: Settings, place: Place, endpoints: Iterable[Endpoint], *, name: str, everything: bool = False
) -> Circumstances:
    """What the settings, and the endpoints that alerts go to, switch on."""
    alerts: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for endpoint in endpoints:
        alerts[endpoint.kind].append(endpoint.url)
    mails = settings.alert_email_from is not None and (everything or settings.alert_smtp_url is None)
    return Circumstances(
        partition=place.partition,
        account=place.account,
        region=place.region,
        registers=everything or settings.aws_ses_auto_register,
        sends=everything or settings.aws_ses_enable_sending,
        tenant_prefix=settings.ses_tenant_prefix or (ANYTHING if everything else ""),
        reads_suppressions=everything or settings.ses_suppression_sync != "off",
        writes_suppressions=everything or settings.ses_suppression_sync == "both",
        topics=settings.sns_topic_arns or _if(everything, place.topic(ANYTHING)),
        queues=tuple(_queue(url, place) for url in settings.sqs_queue_urls) or _if(everything, place.queue(ANYTHING)),
        alert_topics=tuple(alerts[Kind.SNS]) or _if(everything, place.topic(ANYTHING)),
        alert_queues=tuple(_queue(url, place) for url in alerts[Kind.SQS]) or _if(everything, place.queue(ANYTHING)),
        alert_buses=tuple(alerts[Kind.EVENTBRIDGE])
        or _if(everything, f"arn:{place.partition}:events:{place.region}:{place.account}:event-bus/*"),
        alert_sender=settings.alert_email_from or "" if mails else "",
        name=name,
        configuration_set=settings.ses_configuration_set or name,
    )


def _if(condition: bool, *arns: str) -> tuple[str, ...]:
    return arns if condition else ()


def _queue(url: str, place: Place) -> str:
    """The ARN of the queue at this address."""
    region = Queue.from_url(url).region or place.region
    account, name = url.rstrip("/").rsplit("/", 2)[1:]
    return f"arn:{_partition(region)}:sqs:{region}:{account}:{name}"


def _partition(region: str) -> str:
    return next((partition for prefix, partition in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def _database(settings: Settings, stack: ExitStack, notes: list[str]) -> Db | None:
    try:
        return stack.enter_context(usable_database(settings))
    except (Misconfigured, Unavailable) as error:
        notes.append(f"The database can't be used, so where alerts go to is not in it: {error}")
        return None


def _caller(permissions: Permissions, notes: list[str]) -> Caller | None:
    try:
        return permissions.caller()
    except AwsError as error:
        notes.append(f"AWS does not say whose account it is, so * stands in its place: {error.detail}.")
        return None


def _region(amazon: Amazon) -> str:
    try:
        return amazon.region
    except AwsError:
        return ANYTHING


def _alone(bucket: str, rate: float, *, burst: float = 1.0, patience: float = 0.0, count: int = 1) -> float:
    """Keeps the pace without a database: nobody else's calls are known."""
    del bucket, burst, patience
    return count / rate
