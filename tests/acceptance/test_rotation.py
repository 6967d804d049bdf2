"""A secret is replaced while alerts flow: every delivery verifies with the old one and the new, and none fails."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.acceptance.serving import Server as Product
from tests.acceptance.serving import await_that, serving
from tests.alerting import pausing, write
from tests.loopback import Asked, Server
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.client import Db, connect

pytestmark = pytest.mark.mongo

ROTATIONS = 4
#: Alerts in one transaction, and seconds between two.
AT_ONCE, PACE = 6, 0.05


def ask(product: Product, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """What the API answers to a POST."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=10)
    try:
        headers = {"Authorization": "Bearer s3cret-token", "Content-Type": "application/json"}
        connection.request("POST", f"/api/alert-endpoints{path}", json.dumps(wanted), headers)
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        assert answer.status < 300, told
        return told
    finally:
        connection.close()


def verifies(asked: Asked, secret: str) -> bool:
    """Whether the library of Standard Webhooks takes it with this secret."""
    try:
        Webhook(secret).verify(asked.body, {name.lower(): value for name, value in asked.headers.items()})
    except WebhookVerificationError:
        return False
    return True


class Customer:
    """A receiver that knows the last two secrets it was given, and refuses what neither of them verifies."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.refused = 0
        self.server = Server(self._answer)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        identity = request.headers["webhook-id"]
        asked = next(one for one in reversed([*self.server.asked]) if one.headers["webhook-id"] == identity)
        taken = any(verifies(asked, secret) for secret in self.given[-2:])
        self.refused += not taken
        request.send_response(204 if taken else 400)
        request.end_headers()

    @property
    def has(self) -> set[str]:
        """The ids of the alerts that it was told of."""
        return {asked.headers["webhook-id"] for asked in [*self.server.asked]}


@contextmanager
def flow(db: Db) -> Iterator[set[str]]:
    """Alerts that are written all the time, each about another domain; gives their ids, which become more."""
    written: set[str] = set()
    over = Event()

    def work() -> None:
        while not over.wait(PACE):
            domains = [f"{len(written) + number}.example" for number in range(AT_ONCE)]
            written.update(alert.id for alert in write(db, *map(pausing, domains), at=Clock().now()))

    thread = Thread(target=work)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()


def test_a_secret_is_replaced_under_load_and_no_delivery_fails(tmp_path: Path, mongodb_uri: str) -> None:
    settings = {
        "MONGODB_URI": mongodb_uri,
        "SECRET_KEY": "a key that seals the secrets of this test",
        "API_TOKENS": "ops:s3cret-token",
        "ALERT_ALLOW_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "warning",  # nobody reads on: a line for each delivery would fill the pipe
    }
    customer, db = Customer(), connect(mongodb_uri, patience=30)
    with db.client, customer.server as receiver, serving(tmp_path, **settings) as (product, _):
        told = ask(product, "", {"url": f"{receiver.origin}/alerts"})
        customer.given.append(told["secret"])
        with flow(db) as written:
            for _ in range(ROTATIONS):
                await_all_of_now(customer, written)
                customer.given.append(ask(product, f"/{told['id']}/rotate-secret", {})["secret"])
                newest = customer.given[-1]
                await_that(lambda newest=newest: verifies(receiver.asked[-1], newest))
        await_that(lambda: customer.has >= written)
        await_that(lambda: db.deliveries.count_documents({"state": "delivered"}) == len(written))
        endpoint = db.endpoints.find_one({"_id": told["id"]})

    assert customer.refused == 0
    assert len(receiver.asked) == len(written) >= 200
    assert {asked.headers["Sentinel-Attempt"] for asked in receiver.asked} == {"1"}
    assert endpoint is not None
    assert (endpoint["state"], endpoint["failures"]) == ("active", 0)
    overlaps = Counter(newest_of(asked, customer.given) for asked in receiver.asked)
    assert set(overlaps) == set(range(1, ROTATIONS + 2)), overlaps
    assert all(overlaps[number] >= AT_ONCE for number in range(1, ROTATIONS + 1)), overlaps


def await_all_of_now(customer: Customer, written: set[str]) -> None:
    """Waits until it has what was written by now: then nothing that was signed before now is on its way any more."""
    await_that(lambda: len(written) >= AT_ONCE)
    by_now = {*written}
    await_that(lambda: customer.has >= by_now)


def newest_of(asked: Asked, given: list[str]) -> int:
    """The number of the newest secret that a delivery was signed with.

    After a check that the one before it signed as well, that none between two is left out, and none else is there.
    """
    signed = [number for number, secret in enumerate(given, start=1) if verifies(asked, secret)]
    newest = signed[-1]
    assert signed == list(range(newest - len(signed) + 1, newest + 1))
    assert len(signed) >= min(newest, 2)
    assert len(asked.headers["webhook-signature"].split()) == len(signed)
    return newest
