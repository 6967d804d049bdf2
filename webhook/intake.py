"""Who tells genuine messages from others, put together. Loaded only where messages come in: it brings AWS's client."""

from dataclasses import dataclass
from datetime import timedelta

from webhook.adapters.clock import Clock
from webhook.adapters.confirmation import Confirmer
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.retention import Memory
from webhook.adapters.sns import Certificates, Fetcher, Verifier
from webhook.config import Settings
from webhook.domain.topics import TopicAllowList


@dataclass(frozen=True)
class Intake:
    """What every way in works with; `memory` knows how old a mail may be whose news is taken."""

    verifier: Verifier
    confirmer: Confirmer
    memory: Memory


def intake(db: Db, settings: Settings, clock: Clock) -> Intake:
    """All of it, for these settings."""
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
    memory = Memory(db, timedelta(days=settings.event_retention_days), clock.now)
    return Intake(verifier, confirmer, memory)
