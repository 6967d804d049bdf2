"""The poller of the queues in SQS_QUEUE_URLS, put together."""

from webhook.adapters.aws.inbox import LONG_POLL, Inbox
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.queues import QueueLedger
from webhook.aws import amazon
from webhook.bootstrap import store
from webhook.config import Settings
from webhook.domain.queues import Queue
from webhook.groupcommit import GroupCommit
from webhook.intake import intake
from webhook.polling import Desk, Poller
from webhook.reception import Reception


def poller(db: Db, settings: Settings, clock: Clock, *, wait: int = LONG_POLL) -> Poller:
    """Takes what is in the settings' queues. Nothing is asked of AWS before it runs."""
    means = intake(db, settings, clock)
    reception = Reception(means.verifier, means.confirmer, clock.now, means.memory)
    commit = GroupCommit(store(db, settings, clock), settings.max_pending, clock)
    ledger = QueueLedger(db, clock.now, clock.entropy(8).hex())
    queues = [Queue.from_url(url) for url in settings.sqs_queue_urls]
    desks = [
        # A way to AWS for each, so that the clerks of one never wait for the connections of another.
        Desk(queue, Inbox(amazon(db, settings, clock), queue, wait=wait), reception, commit, ledger, clock)
        for queue in queues
    ]
    return Poller(desks, commit, clock)
