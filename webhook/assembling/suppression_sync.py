"""Who keeps the suppression lists in step, put together for the command and for the worker."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from webhook.account import Account
from webhook.adapters.aws.suppressed import SuppressionList
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.limiter import Limiter
from webhook.adapters.mongo.suppression_survey import SyncSurvey
from webhook.adapters.mongo.suppression_sync import SyncBook
from webhook.amazon import Amazon
from webhook.aws import access
from webhook.bootstrap import usable_database
from webhook.chores import Chore
from webhook.config import Settings
from webhook.platform import ses_api
from webhook.syncing import Run, Synchronizer
from webhook.syncing.ports import Survey, TheirList

#: Seconds that a call of the command may wait for its slot at SES; the worker's waits for none: others come first.
PATIENCE = 600.0


@dataclass(frozen=True)
class SyncDesk:
    """What the command works with."""

    run: Run
    theirs: TheirList
    survey: Survey
    clock: Clock
    region: str


@contextmanager
def open_sync(settings: Settings) -> Iterator[SyncDesk]:
    """The desk of the settings' database.

    Raises Misconfigured if that database is of no use, AwsError if AWS can't be asked at all.
    """
    clock = Clock()
    with usable_database(settings) as db, closing(ses_api(db, settings, clock)) as ses:
        account = Account(ses, Accounts(db), clock.now)
        with closing(
            Amazon(access(settings), Limiter(db, clock.now).reserve, clock.sleep, patience=PATIENCE)
        ) as amazon:
            book = _book(db, amazon, clock)
            run = Run(_synchronizer(book, amazon, settings, clock, account), book, clock.now, clock.sleep)
            yield SyncDesk(run, SuppressionList(amazon), SyncSurvey(db, amazon.region), clock, amazon.region)


@contextmanager
def suppression_chores(db: Db, settings: Settings, clock: Clock, account: Account) -> Iterator[dict[str, Chore]]:
    """What the worker does of it: nothing, unless SES_SUPPRESSION_SYNC is set."""
    if settings.ses_suppression_sync == "off":
        yield {}
        return
    with closing(Amazon(access(settings), Limiter(db, clock.now).reserve, clock.sleep, patience=0.0)) as amazon:
        made: list[Synchronizer] = []

        def work() -> bool:
            if not made:  # only now: asking for the region loads AWS's client
                made.append(_synchronizer(_book(db, amazon, clock), amazon, settings, clock, account))
            return made[0].work()

        yield {"suppression_sync": work}


def _book(db: Db, amazon: Amazon, clock: Clock) -> SyncBook:
    return SyncBook(db, amazon.region, clock.entropy(12).hex())


def _synchronizer(book: SyncBook, amazon: Amazon, settings: Settings, clock: Clock, account: Account) -> Synchronizer:
    return Synchronizer(
        SuppressionList(amazon),
        book,
        clock.now,
        writes=settings.ses_suppression_sync == "both",
        sandbox=lambda: bool(account.account()["sandbox"]),
    )
