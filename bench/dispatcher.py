"""A dispatcher in a process of its own, to be killed: `python -m bench.dispatcher URI WAY`.

The way is `plain`, POSTs that are given up soon, so that what was claimed is taken up again soon; or `signed`, as the
product delivers.
"""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network

import requests
from requests.adapters import HTTPAdapter

from bench.alerts_source import KEY
from bench.receivers import HANG
from bench.servers import ROOT
from webhook import logs
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import connect
from webhook.adapters.mongo.deliveries import LEASE, Deliveries
from webhook.adapters.mongo.endpoints import Endpoints
from webhook.adapters.mongo.fanout import FanOut
from webhook.alerting import Sealing, Ways
from webhook.config import Settings
from webhook.dispatching import Dispatcher
from webhook.domain.alerts import Alert, body_of
from webhook.domain.delivery_errors import Answer, DeliveryFailed
from webhook.domain.endpoints import Endpoint

#: Seconds to connect, and for the answer.
PATIENCE = (2.0, 1.5)
#: Seconds after which what a killed dispatcher had claimed is taken up by another: over what an attempt may take.
SHORT_LEASE = timedelta(seconds=2 * sum(PATIENCE))


class Way(StrEnum):
    """How it delivers."""

    PLAIN = "plain"
    SIGNED = "signed"


class Poster:
    """POSTs an alert with its id and the number of the attempt in headers."""

    def __init__(self) -> None:
        self._local = threading.local()

    def deliver(self, endpoint: Endpoint, alert: Alert, attempt: int) -> Answer:
        """See `dispatching.ports.Destination`."""
        headers = {"webhook-id": alert.id, "webhook-attempt": str(attempt)}
        try:
            told = self._session().post(endpoint.url, json=body_of(alert), headers=headers, timeout=PATIENCE)
        except requests.RequestException as error:
            raise DeliveryFailed(False, f"it does not answer ({type(error).__name__})") from error
        if told.status_code != 204:
            raise DeliveryFailed(told.status_code == 410, f"it answered {told.status_code}", told.status_code)
        return Answer(told.status_code)

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = session()
        kept: requests.Session = self._local.session
        return kept


def session() -> requests.Session:
    """Connections that are kept, and no proxies of the environment."""
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", HTTPAdapter(pool_connections=64))
    return made


def signed(uri: str, clock: Clock) -> Ways:
    """The product's own way to webhooks on this machine."""
    settings = Settings(mongodb_uri=uri, secret_key=(KEY,), alert_allow_networks=(ip_network("127.0.0.0/8"),))
    return Ways(settings, clock, Sealing(settings))


class Pack:
    """Dispatchers, of which one is killed now and then; another takes its place at once."""

    def __init__(self, uri: str, size: int, way: Way) -> None:
        self._uri = uri
        self._way = way
        self._members = [self._start() for _ in range(size)]

    def kill(self, rng: random.Random) -> None:
        """Kills one with SIGKILL."""
        place = rng.randrange(len(self._members))
        self._end(self._members[place], signal.SIGKILL)
        self._members[place] = self._start()

    def end(self) -> None:
        """Stops all."""
        for member in self._members:
            self._end(member, signal.SIGTERM)

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bench.dispatcher", self._uri, self._way.value]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    def _end(self, member: subprocess.Popen[str], how: signal.Signals) -> None:
        member.send_signal(how)
        member.wait(HANG)
        assert member.stdout is not None
        member.stdout.close()


@contextmanager
def dispatching(uri: str, size: int, way: Way = Way.PLAIN) -> Iterator[Pack]:
    """So many dispatchers, stopped at the end."""
    pack = Pack(uri, size, way)
    try:
        yield pack
    finally:
        pack.end()


def main() -> None:
    """Dispatch until told to stop."""
    uri, way = sys.argv[1], Way(sys.argv[2])
    logs.configure("warning", "json", sys.stderr)
    db, clock = connect(uri, patience=30), Clock()
    destination, lease = (signed(uri, clock), LEASE) if way is Way.SIGNED else (Poster(), SHORT_LEASE)
    endpoints, deliveries = Endpoints(db, clock.now), Deliveries(db, clock.now, lease)
    dispatcher = Dispatcher(FanOut(db, clock.now), deliveries, endpoints, destination, clock, clock.jitter)
    signal.signal(signal.SIGTERM, lambda *_: dispatcher.stop())
    print("ready", flush=True)
    dispatcher.run()


if __name__ == "__main__":
    main()
