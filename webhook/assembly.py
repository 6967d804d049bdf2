"""What a web process works with, put together. Not in `bootstrap`: commands need not wait for AWS's client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from webhook.adapters.clock import Clock
from webhook.adapters.confirmation import Confirmer
from webhook.adapters.mongo.retention import Memory
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.bootstrap import Library, database, judge, library, memory, store
from webhook.config import Settings
from webhook.domain.topics import TopicAllowList
from webhook.groupcommit import GroupCommit
from webhook.platform import Platform, platform

#: Seconds that one operation of a web process may take: the sender's patience must not end before.
HASTY = 1.5


@dataclass(frozen=True)
class Services:
    """What the web works with."""

    settings: Settings
    clock: Clock
    verifier: Verifier
    confirmer: Confirmer
    commit: GroupCommit
    library: Library
    platform: Platform
    #: How old a mail may be whose news is taken.
    memory: Memory


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
    with database(settings, patience=HASTY) as db:
        built = platform(db, settings, clock, judge(db, settings))
        commit = GroupCommit(store(db, settings, clock), settings.max_pending, clock)
        try:
            remembered = memory(db, settings, clock)
            books = library(db, settings, clock)
            yield Services(settings, clock, verifier, confirmer, commit, books, built, remembered)
        finally:
            built.close()
            commit.close()
