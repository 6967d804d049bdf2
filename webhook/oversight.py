"""What is watched of the account and compared with AWS's own figures, put together."""

from dataclasses import dataclass
from datetime import date, timedelta

from webhook.adapters.aws.figures import Figures
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.gaps import GapBook
from webhook.adapters.mongo.heard import Hearing
from webhook.adapters.mongo.readings import Readings, Shares
from webhook.adapters.mongo.retention import first_complete_day
from webhook.amazon import Amazon
from webhook.aws import HASTY, amazon
from webhook.config import Settings
from webhook.gaps import Checker
from webhook.watching import Account, Watch


@dataclass(frozen=True)
class Oversight:
    """Readings of the account, shares of its domains, and gaps."""

    watch: Watch
    checker: Checker
    gaps: GapBook
    hearing: Hearing
    readings: Readings
    shares: Shares
    amazon: Amazon

    def close(self) -> None:
        """Lets go of the connections to AWS."""
        self.amazon.close()


def oversight(db: Db, settings: Settings, clock: Clock, account: Account, *, patience: float = HASTY) -> Oversight:
    """All of it; AWS is asked when it works. `patience` is how many seconds a call of SES may wait for its slot."""
    way = amazon(db, settings, clock, patience=patience)
    figures, hearing, book = Figures(way, clock.sleep), Hearing(db), GapBook(db)
    readings = Readings(db)

    def keeps() -> date:
        return first_complete_day(db, timedelta(days=settings.event_retention_days), clock.now())

    return Oversight(
        watch=Watch(account, figures, readings, clock.now),
        checker=Checker(figures, hearing, book, keeps, clock.now),
        gaps=book,
        hearing=hearing,
        readings=readings,
        shares=Shares(db),
        amazon=way,
    )
