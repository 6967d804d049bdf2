"""The emulator against a small endpoint of the test's own, which checks signatures by AWS's page, not by our code."""

import argparse
import json
import os
import signal
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from webhook.cli import emulate
from webhook.emulator.courier import Courier, Delivery, Outcome, RetryPolicy
from webhook.emulator.posts import Post
from webhook.emulator.report import Report
from webhook.emulator.stand import standing, wait_until_ready
from webhook.emulator.target import Target
from webhook.errors import Misconfigured

ARN = "arn:aws:sns:eu-north-1:123456789012:ses-events"
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
ONCE_MORE = RetryPolicy(retries=3, delay=0, timeout=5)

Envelope = dict[str, Any]
Decide = Callable[[Envelope, int], tuple[int, str]]


def get(url: str) -> tuple[int, bytes]:
    """One GET by hand, so that no library of the product's is involved."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def accept(_envelope: Envelope, _time: int) -> tuple[int, str]:
    return 200, "accepted"


class Endpoint:
    """A receiver: verifies, confirms what it is told to, and answers as `decide(envelope, how often seen)` says."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._lock = threading.Lock()
        self._certificates: dict[str, bytes] = {}
        self.seen: Counter[str] = Counter()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.confirms = True

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """The answer to one POST; raises if its signature is wrong."""
        envelope = json.loads(body)
        self._verify(envelope)
        with self._lock:
            self.requests.append((path, headers, body))
            self.seen[envelope["MessageId"]] += 1
            time = self.seen[envelope["MessageId"]]
        status, word = self._decide(envelope, time)
        if envelope["Type"] == "SubscriptionConfirmation" and status == 200:
            if self.confirms:
                assert b"<SubscriptionArn>" + ARN.encode() in get(envelope["SubscribeURL"])[1]
            word = "confirmed"
        return status, json.dumps({"status": word})

    def _verify(self, envelope: Envelope) -> None:
        url = envelope["SigningCertURL"]
        if url not in self._certificates:
            status, self._certificates[url] = get(url)
            assert status == 200
        key = x509.load_pem_x509_certificate(self._certificates[url]).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        text = "".join(f"{name}\n{envelope[name]}\n" for name in SIGNED[envelope["Type"]] if name in envelope)
        algorithm = HASHES[envelope["SignatureVersion"]]()
        key.verify(b64decode(envelope["Signature"]), text.encode(), padding.PKCS1v15(), algorithm)


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    endpoint: Endpoint


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = self.server.endpoint.take(self.path, dict(self.headers.items()), body)
        self._answer(status, text)

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/readyz" else 404, "")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(decide: Decide = accept) -> Iterator[tuple[Endpoint, str]]:
    """An endpoint and its URL."""
    with Listener(("127.0.0.1", 0), Handler) as listener:
        listener.endpoint = Endpoint(decide)
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield listener.endpoint, f"http://127.0.0.1:{listener.server_address[1]}"
        listener.shutdown()
        thread.join()


def post(number: int) -> Post:
    return Post("/webhooks/sns", f'{{"n": {number}}}\n', "Hello", f"key-{number}", f"id-{number}", "a.example")


def deliver(url: str, posts: list[Post], policy: RetryPolicy = ONCE_MORE, connections: int = 4) -> list[Delivery]:
    deliveries: list[Delivery] = []
    with standing(ARN) as stand:
        target = Target.from_url(url)
        Courier(target, stand.topic, policy, deliveries.append, connections=connections).deliver(posts)
    return deliveries


def test_everything_is_delivered_once_and_signed() -> None:
    with serving() as (endpoint, url):
        deliveries = deliver(url, [post(number) for number in range(50)])
    assert Counter(one.outcome for one in deliveries) == {Outcome.ACCEPTED: 50}
    assert set(endpoint.seen.values()) == {1}
    _, headers, _ = endpoint.requests[0]
    assert headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert headers["x-amz-sns-message-type"] == "Notification"


@pytest.mark.parametrize("status", [500, 503, 599])
@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_failed_attempt_is_repeated_with_the_same_bytes(status: int, failures: int) -> None:
    with serving(lambda _, time: (status, "") if time <= failures else (200, "accepted")) as (endpoint, url):
        (delivery,) = deliver(url, [post(1)])
    assert (delivery.outcome, delivery.attempts) == (Outcome.ACCEPTED, failures + 1)
    assert len({body for _, _, body in endpoint.requests}) == 1


def test_after_the_last_retry_a_message_is_given_up() -> None:
    with serving(lambda *_: (503, "busy")) as (endpoint, url):
        (delivery,) = deliver(url, [post(1)])
    assert (delivery.outcome, delivery.reply.status) == (Outcome.GIVEN_UP, 503)
    assert endpoint.seen["id-1"] == 4


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 301])
def test_any_other_status_counts_as_delivered_and_the_message_is_lost(status: int) -> None:
    with serving(lambda *_: (status, "")) as (endpoint, url):
        (delivery,) = deliver(url, [post(1)])
    assert delivery.outcome is Outcome.REFUSED
    assert endpoint.seen["id-1"] == 1


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("accepted", Outcome.ACCEPTED),
        ("duplicate", Outcome.DUPLICATE),
        ("quarantined", Outcome.QUARANTINED),
        ("ignored", Outcome.IGNORED),
        ("whatever", Outcome.ACKNOWLEDGED),
    ],
)
def test_the_word_of_the_answer_is_the_outcome(word: str, outcome: Outcome) -> None:
    with serving(lambda *_: (200, word)) as (_, url):
        (delivery,) = deliver(url, [post(1)])
    assert delivery.outcome is outcome


def test_nobody_there_is_a_failed_attempt() -> None:
    with serving() as (_, url):
        pass
    (delivery,) = deliver(url, [post(1)])
    assert (delivery.outcome, delivery.attempts, delivery.reply.status) == (Outcome.GIVEN_UP, 4, 0)
    assert "refused" in delivery.reply.text


def test_a_message_that_waits_for_its_retry_holds_no_other_up() -> None:
    """One connection; the first post succeeds only after the last one has been seen."""
    last = threading.Event()

    def decide(envelope: Envelope, _: int) -> tuple[int, str]:
        if envelope["MessageId"] == "id-9":
            last.set()
        waits = envelope["MessageId"] == "id-0" and not last.is_set()
        return (503, "") if waits else (200, "accepted")

    with serving(decide) as (endpoint, url):
        deliveries = deliver(url, [post(number) for number in range(10)], RetryPolicy(10_000, 0.02), connections=1)
    assert {one.outcome for one in deliveries} == {Outcome.ACCEPTED}
    assert endpoint.seen["id-0"] >= 2
    assert {endpoint.seen[f"id-{number}"] for number in range(1, 10)} == {1}


def test_a_report_knows_what_was_acknowledged() -> None:
    answers = {"id-1": (200, "duplicate"), "id-2": (403, "bad_signature"), "id-3": (503, "")}
    with (
        serving(lambda envelope, _: answers.get(envelope["MessageId"], (200, "accepted"))) as (_, url),
        standing(ARN) as stand,
    ):
        report = Report()
        Courier(Target.from_url(url), stand.topic, ONCE_MORE, report.add).deliver(post(number) for number in range(5))
    assert sorted(report.acknowledged) == ["key-0", "key-1", "key-4"]
    assert (report.total, report.lost, report.retried) == (5, 2, 3)
    assert any("403" in example for example in report.examples)


def test_an_observer_that_fails_stops_the_courier() -> None:
    def observe(_: Delivery) -> None:
        raise RuntimeError("full")

    with serving() as (_, url), standing(ARN) as stand:
        courier = Courier(Target.from_url(url), stand.topic, ONCE_MORE, observe)
        with pytest.raises(RuntimeError, match="full"):
            courier.deliver(post(number) for number in range(1000))


def test_a_stopped_courier_takes_up_nothing_more() -> None:
    seen: list[Delivery] = []

    def endless() -> Iterator[Post]:
        number = 0
        while True:
            yield post(number)
            number += 1

    with serving() as (_, url), standing(ARN) as stand:

        def observe(delivery: Delivery) -> None:
            seen.append(delivery)
            courier.stop()

        courier = Courier(Target.from_url(url), stand.topic, ONCE_MORE, observe, rate=1000)
        courier.deliver(endless())
    assert seen


def test_an_endpoint_is_subscribed_when_it_has_visited_the_url() -> None:
    with serving() as (endpoint, url), standing(ARN, signature_version="1") as stand:
        stand.subscribe(Target.from_url(url), ["/webhooks/sns", "/webhooks/sns/bounces"], ONCE_MORE)
    assert [path for path, _, _ in endpoint.requests] == ["/webhooks/sns", "/webhooks/sns/bounces"]
    assert "x-amz-sns-subscription-arn" not in endpoint.requests[0][1]


def test_a_refused_subscription_names_the_settings() -> None:
    with serving(lambda *_: (403, "topic_not_allowed")) as (_, url), standing(ARN) as stand:
        sentence = (
            f"answered 403 .*topic_not_allowed.*SNS_TOPIC_ARNS={ARN} and SNS_TRUSTED_ORIGINS={stand.topic.origin}: "
            f"start the service with these and run this again with --listen-port {stand.server.port}"
        )
        with pytest.raises(Misconfigured, match=sentence):
            stand.subscribe(Target.from_url(url), ["/webhooks/sns"], ONCE_MORE)


def test_another_failure_of_the_subscription_is_told_as_it_is() -> None:
    with (
        serving(lambda *_: (404, "no such page")) as (_, url),
        standing(ARN) as stand,
        pytest.raises(Misconfigured, match=r"answered 404 to the subscription: .*no such page") as told,
    ):
        stand.subscribe(Target.from_url(url), ["/webhooks/sns"], ONCE_MORE)
    assert "--listen-port" not in str(told.value)


def test_an_endpoint_that_never_visits_the_url_is_not_subscribed() -> None:
    with serving() as (endpoint, url), standing(ARN) as stand:
        endpoint.confirms = False
        with pytest.raises(Misconfigured, match="did not visit the SubscribeURL"):
            stand.subscribe(Target.from_url(url), ["/webhooks/sns"], ONCE_MORE, patience=0)


def test_a_subscription_that_fails_for_a_moment_is_tried_again() -> None:
    with serving(lambda _, time: (503, "") if time < 3 else (200, "")) as (_, url), standing(ARN) as stand:
        stand.subscribe(Target.from_url(url), ["/webhooks/sns"], ONCE_MORE)


def test_a_token_confirms_its_own_topic_only() -> None:
    with standing(ARN) as stand:
        confirmed = stand.server.expect("t0k3n", topic_arn=ARN, subscription_arn=f"{ARN}:1")
        other = stand.topic.subscribe_url("t0k3n").replace("ses-events", "other")
        assert get(other)[0] == 400
        assert get(stand.topic.subscribe_url("guess"))[0] == 400
        assert not confirmed.is_set()
        status, body = get(stand.topic.subscribe_url("t0k3n"))
    assert status == 200
    assert f"<SubscriptionArn>{ARN}:1</SubscriptionArn>".encode() in body
    assert confirmed.is_set()


@pytest.mark.parametrize("path", ["/", "/SimpleNotificationService-0.pem", "/?Action=Unsubscribe", "/a/b"])
def test_the_emulator_serves_nothing_else(path: str) -> None:
    with standing(ARN) as stand:
        assert get(stand.topic.origin + path)[0] == 404


def test_a_port_that_is_taken_is_a_plain_sentence() -> None:
    with standing(ARN) as stand:
        port = urlsplit(stand.topic.origin).port
        with (
            pytest.raises(Misconfigured, match=f"port {port} of 127.0.0.1 can't be listened on"),
            standing(ARN, port=port or 0),
        ):
            pass


def test_a_service_that_never_gets_ready_is_a_plain_sentence() -> None:
    with serving() as (_, url):
        wait_until_ready(Target.from_url(url), 5)
    with pytest.raises(Misconfigured, match="was not ready within 0 s"):
        wait_until_ready(Target.from_url(url), 0)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    emulate.register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(words)
    code: int = arguments.run(arguments)
    return code


def test_emulate_subscribes_posts_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as (endpoint, url):
        assert run("emulate", "--to", url, "--topic", ARN, "--messages", "300", "--seed", "5") == 0
    said = capsys.readouterr().out
    assert f"SNS_TOPIC_ARNS={ARN}\nSNS_TRUSTED_ORIGINS=http://127.0.0.1:" in said
    assert "accepted" in said
    assert len(endpoint.requests) == 304


def test_emulate_posts_to_one_endpoint_if_given_one(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as (endpoint, url):
        words = ("emulate", "--to", f"{url}/hook", "--topic", ARN, "--messages", "40", "--domains", "3", "--json")
        assert run(*words) == 0
    assert {path for path, _, _ in endpoint.requests} == {"/hook"}
    printed = capsys.readouterr()
    assert json.loads(printed.out)["accepted"] == 40
    assert "SNS_TOPIC_ARNS" in printed.err


def test_emulate_fails_if_one_message_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    def decide(envelope: Envelope, _: int) -> tuple[int, str]:
        return (404, "") if '"eventType":"Bounce"' in envelope["Message"] else (200, "accepted")

    with serving(decide) as (_, url):
        words = ("emulate", "--to", url, "--topic", ARN, "--messages", "300", "--retry-delay", "0", "--json")
        assert run(*words) == 1
    assert json.loads(capsys.readouterr().out)["refused"] > 0


def test_emulate_keeps_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as (endpoint, url):
        for _ in range(2):
            words = ("emulate", "--to", url, "--topic", ARN, "--messages", "1", "--data-dir", str(tmp_path))
            assert run(*words) == 0
    names = {json.loads(body)["SigningCertURL"].rpartition("/")[2] for _, _, body in endpoint.requests}
    assert len(names) == 1
    assert (tmp_path / names.pop()).is_file()
    assert capsys.readouterr().out


def test_emulate_refuses_aws() -> None:
    with pytest.raises(Misconfigured, match="never sent to AWS"):
        run("emulate", "--to", "https://sns.eu-north-1.amazonaws.com")


@pytest.mark.parametrize(
    "words",
    [
        ("--messages", "0"),
        ("--domains", "none"),
        ("--rate", "0"),
        ("--rate", "inf"),
        ("--retries", "-1"),
        ("--retry-delay", "-0.5"),
        ("--listen-port", "65536"),
        ("--topic", "arn:aws:sqs:eu-north-1:123456789012:queue"),
    ],
    ids=" ".join,
)
def test_emulate_refuses_numbers_that_make_no_sense(words: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run("emulate", "--to", "http://127.0.0.1:1", *words)
    assert left.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_demo_feed_goes_on_after_the_burst_until_it_is_told_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    """The endpoint itself sends SIGTERM with the first live message."""

    def decide(_: Envelope, __: int) -> tuple[int, str]:
        if endpoint.seen.total() == 4 + 200 + 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return 200, "accepted"

    with serving(decide) as (endpoint, url):
        assert run("demo-feed", "--to", url, "--topic", ARN, "--messages", "200") == 0
    assert "200 messages about 10 made-up domains" in capsys.readouterr().out
    assert endpoint.seen.total() >= 205
