"""The receivers of docs/webhooks.md, as they stand there, given good deliveries and forged ones."""

import os
import re
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from tests.signer import Clock
from webhook.adapters.destinations import Destinations
from webhook.adapters.outgoing import Guard, Outgoing, Resolver
from webhook.adapters.sealing import Sealer, new_secret
from webhook.children import ROOT
from webhook.domain import alerts
from webhook.domain.alerts import numbered
from webhook.domain.endpoints import Endpoint, Kind, Secret
from webhook.domain.signing import hmac_signer, signed_headers

PAGE = (ROOT / "docs" / "webhooks.md").read_text()
NODE = shutil.which("node")
SECRET, OLD, OTHER = new_secret(), new_secret(), new_secret()
BODY = '{"type":"domain.paused","timestamp":"x","data":{"domain":"example.com","why":"Rückläufer — 猫"}}'.encode()


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found


@contextmanager
def running(command, folder, secrets):
    """The receiver's address, once it says that it listens, and the process, whose output is read afterwards."""
    environment = {**os.environ, "WEBHOOK_SECRET": " ".join(secrets), "PORT": "0", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                pytest.fail("the receiver did not start")
            yield found[0], process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def flask(folder, secrets):
    (folder / "receiver.py").write_text(block("python"))
    return running([sys.executable, "-m", "flask", "--app", "receiver", "run", "--port", "0"], folder, secrets)


def node(folder, secrets):
    (folder / "receiver.mjs").write_text(block("js"))
    return running([NODE, "receiver.mjs"], folder, secrets)


WITHOUT_NODE = pytest.mark.skipif(
    NODE is None, reason="Node is not installed, and its receiver can't be run without it"
)
each_receiver = pytest.mark.parametrize(
    "receiver", [pytest.param(flask, id="flask"), pytest.param(node, id="node", marks=WITHOUT_NODE)]
)


@pytest.fixture
def web():
    client = Outgoing(Guard(Resolver(), [ip_network("127.0.0.1/32")]), Clock().monotonic)
    yield client
    client.close()


def signed(*secrets, late=timedelta(0), identity="alt_01", body=BODY):
    """Signed now: a suite may run for minutes, and receivers look at the time."""
    at = datetime.now(UTC) - late
    return signed_headers(identity, at, body, [hmac_signer(secret) for secret in secrets])


def forged():
    """Deliveries that are not ours, by what is wrong with them."""
    return [
        pytest.param(signed(OTHER), BODY, id="another secret"),
        pytest.param(signed(SECRET), BODY + b" ", id="another body"),
        pytest.param(signed(SECRET) | {"webhook-id": "alt_02"}, BODY, id="another id"),
        pytest.param(signed(SECRET, late=timedelta(minutes=6)), BODY, id="a replay"),
        pytest.param(signed(SECRET, late=-timedelta(hours=6)), BODY, id="from the future"),
        pytest.param(
            signed(SECRET) | {"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) + 7)},
            BODY,
            id="another moment",
        ),
        pytest.param(signed(SECRET) | {"webhook-timestamp": "soon"}, BODY, id="no moment"),
        pytest.param(signed(SECRET) | {"webhook-timestamp": "9" * 5000}, BODY, id="a moment without end"),
        pytest.param(signed(SECRET) | {"webhook-signature": "v1,"}, BODY, id="an empty signature"),
        pytest.param(signed(SECRET) | {"webhook-signature": "v1,\xe9"}, BODY, id="a signature of other letters"),
        pytest.param(
            {name: value.replace("v1,", "v9,") for name, value in signed(SECRET).items()}, BODY, id="an unknown version"
        ),
        pytest.param({}, BODY, id="no headers"),
        *(
            pytest.param(
                {key: value for key, value in signed(SECRET).items() if key != name}, BODY, id=f"without {name}"
            )
            for name in signed(SECRET)
        ),
    ]


@each_receiver
def test_the_receiver_takes_what_is_ours_once_and_nothing_else(receiver, tmp_path, web):
    with receiver(tmp_path, [SECRET]) as (origin, process):
        answers = {case.id: web.post(f"{origin}/alerts", *case.values).status for case in forged()}
        assert answers == dict.fromkeys(answers, 400)
        for _ in range(3):
            assert (
                web.post(f"{origin}/alerts", {"Content-Type": "application/json"} | signed(SECRET), BODY).status == 204
            )
        web.close()
        process.send_signal(signal.SIGTERM)
        told = [line for line in process.stdout if line.startswith("alert ")]
    assert told == ["alert domain.paused example.com\n"]


@each_receiver
def test_while_the_secret_is_replaced_a_receiver_with_either_takes_it(receiver, tmp_path, web):
    headers = {"Content-Type": "application/json"}
    for held in ([SECRET], [OLD], [SECRET, OLD]):
        with receiver(tmp_path, held) as (origin, _):
            assert web.post(f"{origin}/alerts", headers | signed(SECRET, OLD), BODY).status == 204
            web.close()


@each_receiver
def test_the_receiver_takes_what_the_product_delivers(receiver, tmp_path, web):
    sealer = Sealer(["k" * 32])
    alert = numbered(alerts.resumed("example.com", None, "jo", "Rückläufer — 猫", datetime.now(UTC)), "alt_05", 1)
    with receiver(tmp_path, [SECRET]) as (origin, _):
        destinations = Destinations.over(web, sealer.open, lambda: datetime.now(UTC), Clock().monotonic)
        secrets = (Secret(sealer.seal(SECRET), datetime.now(UTC)),)
        endpoint = Endpoint("ep_1", f"{origin}/alerts", Kind.WEBHOOK, ("*",), datetime.now(UTC), secrets=secrets)
        assert destinations.deliver(endpoint, alert, 1).status == 204
        web.close()


def test_the_example_of_a_request_is_signed_as_the_page_says():
    """The page's request has the form of a real one; its signature is only an example."""
    request = block("http")
    assert set(re.findall(r"^(webhook-[a-z]+|Sentinel-Attempt|User-Agent|Content-Type): ", request, re.MULTILINE)) == {
        *signed(SECRET),
        "Sentinel-Attempt",
        "User-Agent",
        "Content-Type",
    }
    assert len(b64encode(bytes(32))) == len(re.search(r"v1,(\S+)", request)[1])
