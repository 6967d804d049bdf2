"""What mail costs, put together for commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from webhook.adapters.clock import Clock
from webhook.bootstrap import usable_database
from webhook.config import Settings
from webhook.costs import Costs
from webhook.platform import costs


@contextmanager
def open_costs(settings: Settings) -> Iterator[Costs]:
    """The same, of the settings' database; raises Misconfigured if that is of no use."""
    with usable_database(settings) as db:
        yield costs(db, settings, Clock())
