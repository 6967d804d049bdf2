"""A domain is flagged, and a customer's own program hears of it: the whole way, through real processes."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.acceptance.posting import envelope, post_all, trust
from tests.acceptance.serving import Server as Product
from tests.acceptance.serving import await_that, serving
from tests.loopback import Asked, Server, answering
from tests.telling import payload

pytestmark = pytest.mark.mongo

DOMAIN = "flagged.example"
#: Of so many mails that were sent so many bounced.
SENT, BOUNCED = 200, 30


def traffic() -> Iterator[bytes]:
    """What SNS tells of them, signed."""
    for number in range(SENT):
        yield envelope(payload("Send", f"mail-{number}", domain=DOMAIN))
    for number in range(BOUNCED):
        yield envelope(payload("Bounce", f"mail-{number}", domain=DOMAIN))


def enrol(product: Product, url: str) -> str:
    """Makes an endpoint for flags; gives its secret."""
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=10)
    try:
        wanted = {"url": url, "types": ["domain.reputation.*"]}
        headers = {"Authorization": "Bearer s3cret-token", "Content-Type": "application/json"}
        connection.request("POST", "/api/alert-endpoints", json.dumps(wanted), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        assert answer.status == 201, told
        return str(told["secret"])
    finally:
        connection.close()


def verified(asked: Asked, secret: str) -> dict[str, Any]:
    """The body, verified as the library of Standard Webhooks does it."""
    headers = {name.lower(): value for name, value in asked.headers.items()}
    told: dict[str, Any] = Webhook(secret).verify(asked.body, headers)
    return told


def test_a_flag_reaches_a_receiver_and_can_be_verified(tmp_path: Path) -> None:
    settings = trust(tmp_path / "certificates") | {
        "API_TOKENS": "ops:s3cret-token",
        "ALERT_ALLOW_NETWORKS": "127.0.0.0/8",
        "PUBLIC_URL": "https://ses.example.net",
    }
    with Server(answering(204)) as receiver, serving(tmp_path, **settings) as (product, _):
        secret = enrol(product, f"{receiver.origin}/alerts")
        assert set(post_all(product.port, traffic())) == {200}

        def flags() -> list[dict[str, Any]]:
            told = [verified(asked, secret) for asked in [*receiver.asked]]
            return [body for body in told if body["type"] == "domain.reputation.flagged"]

        await_that(lambda: bool(flags()))
    [flag] = flags()
    assert (flag["data"]["domain"], flag["data"]["reputation"]["flags"]) == (DOMAIN, ["bounce"])
    assert flag["data"]["link"] == f"https://ses.example.net/api/email-domains/{DOMAIN}/reputation"
    assert len({asked.headers["webhook-id"] for asked in receiver.asked}) == len(receiver.asked)
