"""Queues: their URLs, and for how long their messages stay out of sight."""

import pytest

from webhook import parsing
from webhook.domain.queues import LEASE_MAX, LEASE_MIN, Queue, Traits, put_back_for, rejected_for

AMAZON = "https://sqs.eu-north-1.amazonaws.com/123456789012/ses-events"


@pytest.mark.parametrize(
    ("url", "name", "region"),
    [
        (AMAZON, "ses-events", "eu-north-1"),
        ("https://sqs-fips.us-gov-west-1.amazonaws.com/123456789012/q", "q", "us-gov-west-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q.fifo", "q.fifo", "cn-north-1"),
        ("http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/q", "q", "eu-west-1"),
        ("http://127.0.0.1:5000/123456789012/q", "q", None),
        ("http://localhost:9324/000000000000/q", "q", None),
    ],
)
def test_a_queue_is_known_by_its_url(url: str, name: str, region: str | None) -> None:
    assert parsing.queue_urls(f" {url} ,{url}") == (url,)
    queue = Queue.from_url(url)
    assert (queue.url, queue.name, queue.region) == (url, name, region)


@pytest.mark.parametrize(
    "text",
    [
        "ses-events",
        "arn:aws:sqs:eu-north-1:123456789012:ses-events",
        "http://sqs.eu-north-1.amazonaws.com/123456789012/q",
        "https://sns.eu-north-1.amazonaws.com/123456789012/q",
        "https://sqs.eu-north-1.amazonaws.com.evil.example/123456789012/q",
        "https://sqs.eu-north-1.amazonaws.com/12345/q",
        "https://sqs.eu-north-1.amazonaws.com/123456789012/",
        "https://sqs.eu-north-1.amazonaws.com/123456789012/q?x=1",
        "https://user:secret@queues.example/123456789012/q",
        f"{AMAZON},nonsense",
        f"{AMAZON}\n",
        f"https://sqs.eu-north-1.amazonaws.com/123456789012/{'q' * 81}",
    ],
)
def test_what_is_no_queue_is_refused_with_an_example(text: str) -> None:
    if text.endswith("\n"):
        assert parsing.queue_urls(text) == (AMAZON,)  # as of every setting, blanks around it are nothing
        return
    with pytest.raises(ValueError, match="must list queue URLs like https://sqs"):
        parsing.queue_urls(text)


def test_only_amazons_own_queues_need_no_endpoint() -> None:
    assert parsing.is_amazon_queue(AMAZON)
    assert not parsing.is_amazon_queue("http://127.0.0.1:5000/123456789012/q")


@pytest.mark.parametrize(
    ("visibility", "lease"), [(0, LEASE_MIN), (30, 30), (43_200, LEASE_MAX), (LEASE_MAX, LEASE_MAX)]
)
def test_a_lease_is_as_long_as_the_queue_has_it_within_bounds(visibility: int, lease: int) -> None:
    assert Traits(visibility).lease == lease


def test_what_is_not_taken_stays_away_for_longer_each_time() -> None:
    assert [rejected_for(times) for times in (0, 1, 2, 3, 5, 6, 1000)] == [900, 900, 1800, 3600, 14_400, 21_600, 21_600]
    assert [put_back_for(times) for times in (1, 2, 5, 9)] == [60, 120, 900, 900]


def test_nothing_stays_away_for_longer_than_sqs_allows() -> None:
    assert max(rejected_for(50), put_back_for(50), LEASE_MAX) <= 12 * 3600
