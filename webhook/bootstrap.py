"""The wiring: the one place that knows which adapter plays which role."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from webhook.adapters.clock import Clock
from webhook.adapters.embedded import running
from webhook.adapters.mongo.client import Db, connect
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.domains import Domains
from webhook.adapters.mongo.events import Events
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.policing import policy_act
from webhook.adapters.mongo.quarantine import Quarantine
from webhook.adapters.mongo.queues import QueueLedger
from webhook.adapters.mongo.rebuild import Rebuilder
from webhook.adapters.mongo.retention import Memory, note_retention
from webhook.adapters.mongo.store import MongoStore
from webhook.adapters.mongo.topology import check_replica_set
from webhook.adapters.mongo.verdicts import Judge
from webhook.adapters.mongo.vitals import Vitals
from webhook.adapters.mongo.wirings import Wirings
from webhook.adapters.prices import load_prices
from webhook.config import Settings
from webhook.domain.reputation import Policy
from webhook.platform import Platform, platform
from webhook.replay import Replayer

__all__ = [
    "PATIENT",
    "Clock",
    "Library",
    "database",
    "journal",
    "judge",
    "library",
    "open_library",
    "policy",
    "rebuilder",
    "retention",
    "store",
]

#: Seconds that one operation of the worker or of a command may take.
PATIENT = 30.0


@dataclass(frozen=True)
class Library:
    """What is read, and the little that a person changes."""

    domains: Domains
    events: Events
    quarantine: Quarantine
    wirings: Wirings
    vitals: Vitals
    replayer: Replayer


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


def judge(db: Db, settings: Settings) -> Judge:
    """Who judges domains, and pauses those that the policy wants paused."""
    return Judge(db, policy(settings), policy_act(db, settings.reputation_action), settings.public_url)


def journal(db: Db, settings: Settings, clock: Clock) -> Journal:
    """Where commits are posted and judged from."""
    return Journal(db, judge(db, settings), clock.now)


def rebuilder(db: Db, settings: Settings, clock: Clock) -> Rebuilder:
    """Who compares counters and verdicts with the stored mails."""
    return Rebuilder(db, judge(db, settings), journal(db, settings, clock), retention(settings), clock.now)


def memory(db: Db, settings: Settings, clock: Clock) -> Memory:
    """How old a mail may be whose news is taken."""
    return Memory(db, retention(settings), clock.now)


def library(db: Db, settings: Settings, clock: Clock) -> Library:
    """What the API, the dashboard and the commands show."""
    domains = Domains(db, judge(db, settings), clock.now)
    quarantine = Quarantine(db)
    return Library(
        domains=domains,
        events=Events(db),
        quarantine=quarantine,
        wirings=Wirings(db),
        vitals=Vitals(db, journal(db, settings, clock), domains, Deliveries(db, clock.now), QueueLedger(db, clock.now)),
        replayer=Replayer(quarantine, store(db, settings, clock), clock.now, memory(db, settings, clock)),
    )


@contextmanager
def usable_database(settings: Settings) -> Iterator[Db]:
    """The database of the settings; raises Misconfigured if it can't keep what we promise."""
    if settings.mongodb_uri:
        check_replica_set(settings.mongodb_uri)
    with database(settings) as db:
        yield db


@contextmanager
def open_library(settings: Settings) -> Iterator[Library]:
    """The library of the settings' database, for a command; raises Misconfigured if that database is of no use."""
    with usable_database(settings) as db:
        yield library(db, settings, Clock())


@contextmanager
def open_platform(settings: Settings) -> Iterator[Platform]:
    """What is done for domains, for a command; raises Misconfigured if the settings' database is of no use."""
    with usable_database(settings) as db:
        made = platform(db, settings, Clock(), judge(db, settings))
        with closing(made):
            yield made


def prepare(settings: Settings) -> list[str]:
    """Makes the database fit for this version and these settings; gives the names of its indexes. Safe to repeat.

    Raises Misconfigured if that database is of no use, or the list of prices: before anything is started that would
    then die again and again.
    """
    load_prices(settings.prices_file)
    with usable_database(settings) as db:
        note_retention(db, retention(settings), Clock().now())
        return ensure_indexes(db)
