"""Signs of life: does the database answer, and how far behind is the judging?"""

from webhook.adapters.mongo.client import Db, database_errors
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.domains import Domains
from webhook.adapters.mongo.journal import Journal
from webhook.adapters.mongo.queues import QueueLedger
from webhook.adapters.mongo.tallies import Tally
from webhook.metrics import Gauges


class Vitals:
    """What health checks and Prometheus are told."""

    def __init__(self, db: Db, journal: Journal, domains: Domains, deliveries: Deliveries, queues: QueueLedger) -> None:
        self._db = db
        self._journal = journal
        self._domains = domains
        self._deliveries = deliveries
        self._queues = queues

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer."""
        with database_errors():
            self._db.command("ping")

    def has_tokens(self) -> bool:
        """Whether any token was made, and not revoked."""
        with database_errors():
            return self._db.tokens.find_one({"revokedAt": None}, {"_id": 1}) is not None

    def lag(self) -> float:
        """Seconds that the oldest news has been waiting to be judged; 0 if none waits."""
        return self._journal.lag()

    def tallies(self) -> list[Tally]:
        """How the attempts at each endpoint of alerts went."""
        return self._deliveries.tallies()

    def gauges(self) -> Gauges:
        """What /metrics reads from the database: name to (help, value)."""
        with database_errors():
            depth = self._db.quarantine.estimated_document_count()
        gauges: Gauges = {
            "sentinel_judging_lag_seconds": ("Age of the oldest news that is not judged yet.", self.lag()),
            "sentinel_quarantine_depth": ("Messages in quarantine.", float(depth)),
        }
        for status, number in self._domains.by_status().items():
            gauges[f"sentinel_domains_{status}"] = (f"Domains that are {status}.", float(number))
        return {**gauges, **self._deliveries.gauges(), **self._queues.gauges()}
