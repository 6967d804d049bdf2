"""How these settings reach AWS."""

from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.limiter import Limiter
from webhook.amazon import Access, Amazon
from webhook.config import Settings

#: Seconds that a call of SES may wait for its slot: in a web process or the worker; and in a command, where only a
#: person who watches waits for the answer.
HASTY, PATIENT = 5.0, 600.0


def access(settings: Settings, region: str | None = None) -> Access:
    """The credentials and the address that are set, in this region, else in the one that is set."""
    return Access(
        region=region or settings.aws_sdk_region,
        access_key_id=settings.aws_sdk_access_key_id,
        secret_access_key=settings.aws_sdk_secret_access_key,
        endpoint_url=settings.aws_endpoint_url,
    )


def amazon(db: Db, settings: Settings, clock: Clock, *, patience: float = HASTY) -> Amazon:
    """AWS, at the pace that all processes on this database share."""
    return Amazon(access(settings), Limiter(db, clock.now).reserve, clock.sleep, patience=patience)
