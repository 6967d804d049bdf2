"""What the benchmarks of alerts begin with: endpoints for receivers, and alerts in the outbox."""

from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from webhook.adapters.mongo import outbox
from webhook.adapters.mongo.client import MAJORITY, SNAPSHOT, Db
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.sealing import Sealer, new_secret
from webhook.domain import alerts
from webhook.domain.endpoints import Endpoint, Kind, Secret
from webhook.errors import SentinelError

#: What seals the secrets of a benchmark's endpoints: they live as long as it does.
KEY = "a benchmark's key, which protects nothing"


class Undone(SentinelError):
    """A change that does not come about."""


def enrol(db: Db, ports: dict[str, int]) -> None:
    """An endpoint that wants everything, signed, for each receiver: its id and its port."""
    known, sealer, now = Endpoints(db, lambda: datetime.now(UTC)), Sealer([KEY]), datetime.now(UTC)
    for name, port in ports.items():
        secrets = (Secret(sealer.seal(new_secret()), now),)
        known.add(Endpoint(name, f"http://127.0.0.1:{port}/", Kind.WEBHOOK, ("*",), now, secrets=secrets))


def write_alerts(db: Db, domains: list[str], *, undone: bool = False) -> list[str]:
    """Alerts about these domains in one transaction; gives their ids."""
    now = datetime.now(UTC)
    pause = {"by": "staff", "who": "bench", "why": "a benchmark", "at": now}

    def work(one: ClientSession) -> list[str]:
        written = outbox.write(db, [alerts.paused(domain, None, pause) for domain in domains], now, one)
        if undone:
            raise Undone
        return [alert.id for alert in written]

    with db.client.start_session() as one:
        return one.with_transaction(work, read_concern=SNAPSHOT, write_concern=MAJORITY)
