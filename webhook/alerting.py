"""Alerts, put together: where they lie, who is told of them, and the ways there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from webhook.adapters.clock import Clock
from webhook.adapters.mongo.alerts import Alerts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.deliveries import Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.adapters.sealing import Sealer, kept_secret_key, new_secret
from webhook.config import Settings
from webhook.dispatching import Dispatcher, Enrolment
from webhook.dispatching.resealing import Resealing
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer
from webhook.domain.endpoints import Endpoint, Format, Kind

if TYPE_CHECKING:
    from webhook.adapters.destinations import Destinations


@dataclass(frozen=True)
class Alerting:
    """Everything about alerts but writing them, which is part of the changes that they tell of."""

    alerts: Alerts
    endpoints: Endpoints
    deliveries: Deliveries
    fanout: FanOut
    enrolment: Enrolment
    resealing: Resealing
    ways: "Ways"

    def dispatcher(self, clock: Clock) -> Dispatcher:
        """One that delivers; to be run on a thread."""
        return Dispatcher(self.fanout, self.deliveries, self.endpoints, self.ways, clock, clock.jitter)


def alerting(db: Db, settings: Settings, clock: Clock) -> Alerting:
    """All of it. Nobody is asked anything, and SECRET_KEY is not missed, before an endpoint needs it."""
    endpoints = Endpoints(db, clock.now)
    sealing = Sealing(settings)
    ways = Ways(settings, clock, sealing)
    return Alerting(
        alerts=Alerts(db),
        endpoints=endpoints,
        deliveries=Deliveries(db, clock.now),
        fanout=FanOut(db, clock.now),
        enrolment=Enrolment(endpoints, ways, ways, new_secret, sealing.seal, clock.now),
        resealing=Resealing(endpoints, sealing, clock.now),
        ways=ways,
    )


@dataclass
class Sealing:
    """Seals and opens with the keys of the settings, or with the embedded database's own."""

    settings: Settings = field(repr=False)

    def seal(self, text: str) -> str:
        """See `Sealer.seal`; raises Misconfigured if there is no key."""
        return self._sealer.seal(text)

    def open(self, sealed: str) -> str:
        """See `Sealer.open`; raises Misconfigured if there is no key, or none that fits."""
        return self._sealer.open(sealed)

    def renewed(self, sealed: str) -> str | None:
        """See `Sealer.renewed`; raises Misconfigured if there is no key, or none that fits."""
        return self._sealer.renewed(sealed)

    @cached_property
    def _sealer(self) -> Sealer:
        if self.settings.secret_key or self.settings.mongodb_uri:
            return Sealer(self.settings.secret_key)
        return Sealer([kept_secret_key(self.settings.data_dir)])


@dataclass
class Ways:
    """The ways to endpoints of every kind, made when the first is gone: AWS's client takes its time to load."""

    settings: Settings = field(repr=False)
    clock: Clock
    sealing: Sealing

    def check(self, kind: Kind, url: str, headers: Mapping[str, str], form: Format) -> None:
        """See `Destinations.check`."""
        self._made.check(kind, url, headers, form)

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """See `Destinations.deliver`."""
        return self._made.deliver(endpoint, alert, attempt)

    @cached_property
    def _made(self) -> "Destinations":
        made: Destinations = import_module("webhook.destinations").destinations(
            self.settings, self.clock, self.sealing.open
        )
        return made
