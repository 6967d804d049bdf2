"""The end of the set-up: the confirmation arrives here, or it is said why it may not have."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.fakes.aws import FakeAws
from tests.loopback import Server, answering
from tests.setting_up import REGION, TOPIC, Clock, account, confirm, setting_up, wiped
from webhook.adapters.doorbell import knock
from webhook.setup import Confirmation


@pytest.fixture(scope="module")
def lasting() -> Iterator[FakeAws]:
    with account() as fake:
        yield fake


@pytest.fixture
def aws(lasting: FakeAws) -> FakeAws:
    return wiped(lasting)


def noted(aws: FakeAws, state: str = "confirmed", arn: str | None = None) -> dict[str, dict[str, Any]]:
    """What our service would have written down of the subscription."""
    listed = aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    found = [one["SubscriptionArn"] for one in listed if one["SubscriptionArn"].startswith("arn:")]
    return {TOPIC: {"state": state, "arn": arn or found[0]}} if found else {}


def waited(aws: FakeAws, seconds: float, **given: Any) -> Confirmation:
    setup = setting_up(aws.origin, **given)
    plans = setup.plan(None)
    setup.apply(plans)
    [state] = setup.wait(plans, seconds)
    return state


def test_it_ends_as_soon_as_the_confirmation_is_here(aws: FakeAws) -> None:
    clock = Clock()
    clock.then = lambda: confirm(aws) if clock.at >= 6 else None
    state = waited(aws, 120, clock=clock, noted=lambda: noted(aws))
    assert state == Confirmation(REGION, TOPIC, confirmed=True, noted=True)
    assert clock.slept == [2, 2, 2]


def test_it_tells_how_long_it_still_waits(aws: FakeAws) -> None:
    lines: list[str] = []
    state = waited(aws, 25, tell=lines.append)
    assert not state.arrived
    assert [line for line in lines if "waiting" in line][-1].endswith("(eu-north-1), 5 s left")


def test_nothing_is_waited_for_where_nothing_was_asked(aws: FakeAws) -> None:
    waited(aws, 0)
    confirm(aws)
    setup = setting_up(aws.origin)
    plans = setup.plan(None)
    setup.apply(plans)
    assert setup.wait(plans, 120) == []


def test_a_confirmation_that_another_installation_gave_is_told(aws: FakeAws) -> None:
    clock = Clock()
    clock.then = lambda: confirm(aws)
    state = waited(aws, 10, clock=clock)
    assert (state.confirmed, state.noted, state.arrived) == (True, False, False)
    assert "PUBLIC_URL leads to another one" in " ".join(state.reasons)


@pytest.mark.parametrize("note", [{"state": "unsubscribed"}, {"arn": f"{TOPIC}:of-an-earlier-one"}])
def test_an_older_note_is_not_taken_for_this_confirmation(aws: FakeAws, note: dict[str, str]) -> None:
    clock = Clock()
    clock.then = lambda: confirm(aws)
    assert not waited(aws, 10, clock=clock, noted=lambda: noted(aws, **note)).arrived


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"topic_arns": ()}, f"SNS_TOPIC_ARNS does not have {TOPIC}"),
        ({}, "start it again"),
        ({"public_url": "http://localhost:8000"}, "PUBLIC_URL is http://localhost:8000, which SNS can't reach"),
        ({"public_url": "https://10.0.0.1"}, "PUBLIC_URL is https://10.0.0.1, which SNS can't reach"),
        (
            {"knock": lambda url: f"{url} is asleep"},
            "PUBLIC_URL does not answer from here: https://sentinel.example.com",
        ),
        ({}, "A firewall"),
    ],
)
def test_why_it_may_not_have_arrived_is_said_plainly(aws: FakeAws, given: dict[str, Any], reason: str) -> None:
    state = waited(aws, 0, **given)
    assert not state.arrived
    assert any(reason in one for one in state.reasons)


def test_our_service_answers_at_its_door() -> None:
    with Server(answering(200)) as server:
        assert knock(f"{server.origin}/behind/a/proxy/") is None
        assert [asked.path for asked in server.asked] == ["/behind/a/proxy/healthz"]


def test_whoever_else_answers_there_is_told() -> None:
    with Server(answering(404)) as server:
        assert knock(server.origin) == "/healthz there answers 404, which is not this service"
        closed = server.origin
        told = knock(server.origin.replace("http:", "https:"))
        assert told
    assert told.startswith("no TLS: ")
    assert knock(closed) == "nobody listens there"


def hanging_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def not_http(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"220 mail.example.com ESMTP\r\n")
    request.close_connection = True


@pytest.mark.parametrize(
    ("answer", "told"), [(hanging_up, "it hung up"), (not_http, "it does not speak HTTP")], ids=["hung up", "SMTP"]
)
def test_what_is_no_answer_is_told_in_plain_words(answer: Callable[[BaseHTTPRequestHandler], None], told: str) -> None:
    with Server(answer) as server:
        assert knock(server.origin) == told
