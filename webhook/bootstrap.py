"""The wiring: the one place that knows which adapter plays which role."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from webhook import logs
from webhook.adapters.clock import Clock
from webhook.adapters.confirmation import Confirmer
from webhook.adapters.embedded import running
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.library import Library
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.config import Settings
from webhook.domain.reputation import Policy
from webhook.domain.topics import TopicAllowList
from webhook.groupcommit import GroupCommit
from webhook.worker import Worker

#: Seconds that one operation of the worker or of a command may take.
PATIENT = 30.0


@dataclass(frozen=True)
class Services:
    """What the web works with."""

    settings: Settings
    clock: Clock
    verifier: Verifier
    confirmer: Confirmer
    commit: GroupCommit
    library: Library

    @property
    def retention(self) -> timedelta:
        """How long mails are kept."""
        return retention(self.settings)


def retention(settings: Settings) -> timedelta:
    """How long a mail is kept after it was sent."""
    return timedelta(days=settings.event_retention_days)


def policy(settings: Settings) -> Policy:
    """The rules that domains are judged by."""
    return Policy(
        bounce_limit=settings.bounce_rate_limit,
        complaint_limit=settings.complaint_rate_limit,
        warn_at=settings.reputation_warn_at,
        min_sent=settings.reputation_min_sent,
        volume=settings.reputation_volume,
        min_days=settings.reputation_min_days,
        max_days=settings.reputation_max_days,
    )


@contextmanager
def database(settings: Settings, *, patience: float = PATIENT) -> Iterator[Db]:
    """The database of the settings: that of MONGODB_URI, or the embedded one, which runs while this is open."""
    with ExitStack() as stack:
        uri = settings.mongodb_uri or stack.enter_context(running(settings.data_dir))
        db = connect(uri, patience=patience)
        stack.callback(db.client.close)
        yield db


def store(db: Db, settings: Settings, clock: Clock) -> MongoStore:
    """Where commits go."""
    return MongoStore(db, retention(settings), clock.now)


def journal(db: Db, settings: Settings, clock: Clock) -> Journal:
    """Where commits are posted and judged from."""
    return Journal(db, Judge(db, policy(settings)), clock.now)


@contextmanager
def services(settings: Settings) -> Iterator[Services]:
    """What a web process works with, while it is open."""
    clock = Clock()
    fetcher = Fetcher(clock)
    certificates = Certificates(
        fetch=fetcher, clock=clock, cert_dir=settings.sns_cert_dir, trusted_origins=settings.sns_trusted_origins
    )
    verifier = Verifier(
        certificates=certificates,
        topics=TopicAllowList.from_patterns(settings.sns_topic_arns),
        clock=clock,
        max_age=timedelta(seconds=settings.sns_max_age_seconds),
    )
    confirmer = Confirmer(
        verifier,
        fetcher,
        aws_region=settings.aws_sdk_region,
        aws_access_key_id=settings.aws_sdk_access_key_id,
        aws_secret_access_key=settings.aws_sdk_secret_access_key,
        endpoint_url=settings.aws_endpoint_url,
    )
    with database(settings, patience=1.5) as db:
        commit = GroupCommit(store(db, settings, clock), settings.max_pending)
        try:
            yield Services(settings, clock, verifier, confirmer, commit, Library(db, clock.now))
        finally:
            commit.close()


def work(settings: Settings) -> None:
    """Runs the worker until it is told to stop."""
    logs.configure(settings.log_level, settings.log_format)
    clock = Clock()
    with database(settings) as db:
        Worker(journal(db, settings, clock), clock).run()
