"""What a web process works with, put together. Not in `bootstrap`: commands need not wait for AWS's client."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webhook.adapters.clock import Clock
from webhook.adapters.confirmation import Confirmer
from webhook.adapters.mongo.retention import Memory
from webhook.adapters.sns import Verifier
from webhook.bootstrap import Library, database, judge, library, store
from webhook.config import Settings
from webhook.groupcommit import GroupCommit
from webhook.intake import intake
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
    with database(settings, patience=HASTY) as db:
        means = intake(db, settings, clock)
        built = platform(db, settings, clock, judge(db, settings))
        commit = GroupCommit(store(db, settings, clock), settings.max_pending, clock)
        try:
            books = library(db, settings, clock)
            yield Services(settings, clock, means.verifier, means.confirmer, commit, books, built, means.memory)
        finally:
            built.close()
            commit.close()
