"""What the commands `gaps` and `account` work with, put together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webhook.account import Account
from webhook.adapters.aws.dead_letters import DeadLetters
from webhook.adapters.aws.suppressed import SuppressionList
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.client import Db
from webhook.aws import PATIENT
from webhook.bootstrap import store, usable_database
from webhook.config import Settings
from webhook.domain.queues import Queue
from webhook.gaps import Drainer, PatientStore, Repairer, Restorer
from webhook.intake import intake
from webhook.oversight import Oversight, oversight
from webhook.platform import ses_api
from webhook.reception import Reception


@dataclass(frozen=True)
class GapDesk:
    """What the commands work with."""

    oversight: Oversight
    repairer: Repairer
    account: Account
    clock: Clock


@contextmanager
def open_gaps(settings: Settings) -> Iterator[GapDesk]:
    """The desk of the settings' database, for a command; raises Misconfigured if that database is of no use."""
    clock = Clock()
    with usable_database(settings) as db:
        ses = ses_api(db, settings, clock)
        account = Account(ses, Accounts(db), clock.now)
        seen = oversight(db, settings, clock, account, patience=PATIENT)
        try:
            yield GapDesk(seen, repairer(db, settings, clock, seen), account, clock)
        finally:
            seen.close()
            ses.close()


def repairer(db: Db, settings: Settings, clock: Clock, seen: Oversight) -> Repairer:
    """Who restores: by the same way in, and the same commit, as everything else."""
    means = intake(db, settings, clock)
    commits = PatientStore(store(db, settings, clock), clock.sleep)
    queues = [Queue.from_url(url) for url in settings.sqs_queue_urls]
    letters = DeadLetters(seen.amazon, settings.sns_topic_arns, settings.public_url, queues)
    reception = Reception(means.verifier, means.confirmer, clock.now, means.memory)
    listed = SuppressionList(seen.amazon)
    return Repairer(Drainer(letters, reception, commits), Restorer(listed, seen.hearing, commits, seen.gaps, clock.now))
