"""The worker, put together with all that works beside it."""

from contextlib import closing
from importlib import import_module

from webhook import logs
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.assembling.suppression_sync import suppression_chores
from webhook.bootstrap import journal, judge, usable_database
from webhook.chores import Chores
from webhook.config import Settings
from webhook.platform import Platform, platform
from webhook.worker import Companion, Worker


def work(settings: Settings) -> None:
    """Runs the worker until it is told to stop; raises Died if a part of it ended before."""
    logs.configure(settings.log_level, settings.log_format)
    clock = Clock()
    with (
        usable_database(settings) as db,
        closing(platform(db, settings, clock, judge(db, settings))) as made,
        suppression_chores(db, settings, clock, made.account) as more,
    ):
        chores = Chores({**made.chores(), **more}, clock.monotonic)
        Worker(journal(db, settings, clock), clock, chores, _companions(db, settings, clock, made)).run()


def _companions(db: Db, settings: Settings, clock: Clock, made: Platform) -> list[Companion]:
    companions: list[Companion] = [made.dispatcher]
    if settings.sqs_queue_urls:
        # Only now: what it takes to verify and confirm messages takes its time to load.
        companions.append(import_module("webhook.assembling.polling").poller(db, settings, clock))
    return companions
