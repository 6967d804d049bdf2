"""The stories: repeatable, of the size asked for, and each domain of its character."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import pytest

from webhook.emulator.characters import CHARACTERS, cast
from webhook.emulator.posts import Post
from webhook.emulator.traffic import BOUNCES, COMPLAINTS, EVERY_KIND, IDENTITIES, PATHS, live, stories

TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses-events"
UNTIL = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
HELD_BACK = {"OnAccountSuppressionList"}

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z")
_EXPIRATION = re.compile(r'"expirationTime":"[^"]+"')


@cache
def story(seed: int = 1, messages: int = 12_000, domains: int = 10) -> tuple[Post, ...]:
    return tuple(stories(seed, domains, messages, UNTIL, topic_arn=TOPIC))


def bodies(posts: Iterable[Post]) -> list[tuple[Post, dict[str, Any]]]:
    """The posts that tell of a mail, read."""
    read = [(post, json.loads(post.payload)) for post in posts if post.payload.startswith("{")]
    return [(post, body) for post, body in read if "mail" in body]


def moments_of(post: Post) -> list[datetime]:
    """Every moment that the post names, except when a delayed mail will be given up: that lies ahead by its nature."""
    found = _MOMENT.findall(_EXPIRATION.sub("", post.payload))
    return [datetime.fromisoformat(text) for text in found]


def what(body: dict[str, Any]) -> str:
    kind: str = body.get("eventType") or body["notificationType"]
    return kind


class Ledger:
    """Counts as the service should, by other means: sets of (mail, recipient) from the payloads themselves."""

    def __init__(self, posts: Iterable[Post]) -> None:
        self.sent: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.bounced: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self.complaints: dict[str, set[str]] = defaultdict(set)
        off: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for post, body in bodies(posts):
            pairs = {(body["mail"]["messageId"], recipient.lower()) for recipient in body["mail"]["destination"]}
            if any(recipient.endswith("@simulator.amazonses.com") for _, recipient in pairs):
                continue
            kind = what(body)
            if kind == "Send":
                self.sent[post.domain] |= pairs
            elif kind == "Reject":
                off[post.domain] |= pairs
            elif kind == "Bounce" and body["bounce"]["bounceType"] == "Permanent":
                of = off if body["bounce"]["bounceSubType"] in HELD_BACK else self.bounced
                of[post.domain] |= {
                    (body["mail"]["messageId"], one["emailAddress"].lower())
                    for one in body["bounce"]["bouncedRecipients"]
                }
            elif kind == "Complaint" and body["complaint"]["complaintFeedbackType"] != "not-spam":
                self.complaints[post.domain].add(body["complaint"]["feedbackId"])
        for domain, pairs in off.items():
            self.sent[domain] -= pairs

    def rates(self, domain: str) -> tuple[float, float]:
        """Bounces and complaints, in percent of what was sent."""
        sent = len(self.sent[domain])
        return 100 * len(self.bounced[domain]) / sent, 100 * len(self.complaints[domain]) / sent


@cache
def ledger(seed: int = 1) -> Ledger:
    return Ledger(story(seed))


def test_the_same_seed_tells_the_same_story() -> None:
    assert story(3, 500) == tuple(stories(3, 10, 500, UNTIL, topic_arn=TOPIC))


def test_another_seed_tells_another() -> None:
    assert {post.key for post in story(3, 500)}.isdisjoint(
        post.key for post in story(4, 500) if "notice" not in post.key
    )


@pytest.mark.parametrize("messages", [1, 10, 99, 1000, 12_000])
def test_a_story_has_as_many_messages_as_were_asked_for(messages: int) -> None:
    assert len(story(1, messages)) == messages


@pytest.mark.parametrize("seed", range(5))
def test_nothing_unique_is_cut_off_at_the_end(seed: int) -> None:
    """The last posts are redeliveries, so that every life cycle is complete."""
    posts = story(seed, 4000)
    seen = {post.message_id for post in posts[:-20]}
    assert all(post.message_id in seen for post in posts[-20:])


def test_all_domains_appear_early() -> None:
    first = {post.domain for post in story()[:600]}
    assert first >= {character.domain for character in CHARACTERS}


def test_some_messages_are_redelivered_and_some_are_published_again() -> None:
    posts = story()
    assert len({post.message_id for post in posts}) < len(posts)
    by_key = defaultdict(set)
    for post in posts:
        by_key[post.key, post.payload].add(post.message_id)
    assert any(len(ids) > 1 for ids in by_key.values())


def test_a_message_id_always_carries_the_same_text() -> None:
    texts = defaultdict(set)
    for post in story():
        texts[post.message_id].add((post.path, post.subject, post.payload))
    assert {len(variants) for variants in texts.values()} == {1}


def test_neighbours_are_shuffled_but_news_does_not_come_before_its_mail_by_far() -> None:
    moments = [body["mail"]["timestamp"] for _, body in bodies(story()) if what(body) == "Send"]
    assert moments != sorted(moments)
    late = [earlier for earlier, later in zip(moments, moments[1500:], strict=False) if earlier > later]
    assert len(late) < len(moments) / 50


def test_no_mail_is_from_the_future_and_none_older_than_the_days_asked_for() -> None:
    for _, body in bodies(story()):
        sent_at = datetime.fromisoformat(body["mail"]["timestamp"])
        assert UNTIL - timedelta(days=4, seconds=1) <= sent_at < UNTIL


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_told_that_has_not_happened_yet(seed: int) -> None:
    assert max(moment for post in story(seed) for moment in moments_of(post)) <= UNTIL


@pytest.mark.parametrize(
    ("domain", "bounces", "complaints"),
    [
        ("lindholm-bakery.example", (0.4, 1.6), (0, 0)),
        ("northwind-travel.example", (0.8, 1.5), (0, 0)),
        ("oakridge-school.example", (4.05, 4.6), (0, 0)),
        ("flashdeal-coupons.example", (7.5, 8.6), (0, 0)),
        ("coin-insider.example", (1.2, 1.9), (0.2, 0.4)),
        ("harbour-events.example", (1.4, 2.4), (0, 0)),
        ("quickgrow-leads.example", (9, 14), (0.2, 0.8)),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_domain_has_the_rates_of_its_character(
    seed: int, domain: str, bounces: tuple[float, float], complaints: tuple[float, float]
) -> None:
    bounce_rate, complaint_rate = ledger(seed).rates(domain)
    assert bounces[0] <= bounce_rate <= bounces[1]
    assert complaints[0] <= complaint_rate <= complaints[1]


@pytest.mark.parametrize("seed", range(3))
def test_the_borderline_domain_has_exactly_five_percent_of_four_hundred(seed: int) -> None:
    domain = "meridian-clinic.example"
    assert (len(ledger(seed).sent[domain]), len(ledger(seed).bounced[domain])) == (400, 20)


def test_the_tiny_domain_stays_below_a_hundred() -> None:
    assert len(ledger().sent["clay-studio.example"]) < 100


def test_bounces_wired_alone_come_without_a_word_about_what_was_sent() -> None:
    told = [(post, body) for post, body in bodies(story()) if post.domain == "legacy-crm.example"]
    assert {"notificationType" in body for _, body in told} == {True}
    assert {(what(body), post.path) for post, body in told} == {("Bounce", BOUNCES), ("Complaint", COMPLAINTS)}


def test_a_double_wiring_tells_every_bounce_in_both_formats_under_one_key() -> None:
    formats = defaultdict(set)
    ids = defaultdict(set)
    for post, body in bodies(story()):
        if post.domain == "harbour-events.example" and what(body) in {"Bounce", "Delivery"}:
            formats[post.key].add("eventType" in body)
            ids[post.key].add(post.message_id)
    assert {frozenset(both) for both in formats.values()} == {frozenset({True, False})}
    assert all(len(different) > 1 for different in ids.values())


def test_mail_from_a_subdomain_belongs_to_the_verified_identity() -> None:
    mails = [body["mail"] for post, body in bodies(story()) if post.domain == "lindholm-bakery.example"]
    assert {mail["tags"]["ses:from-domain"][0] for mail in mails} == {"mail.lindholm-bakery.example"}
    assert {mail["sourceArn"].rpartition("/")[2] for mail in mails} == {"lindholm-bakery.example"}


def test_a_story_has_every_kind_of_event_and_the_notices_beside_them() -> None:
    assert {what(body) for _, body in bodies(story())} == {
        *("Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint", "Open", "Click", "Reject", "Rendering Failure"),
    }
    texts = [post.payload for post in story()]
    assert "Successfully validated SNS topic for Amazon SES event publishing." in texts
    for part in ("AmazonSnsSubscriptionSucceeded", "Advisor Recommendation Status Open", "AWS Health Event"):
        assert any(part in text for text in texts)
    assert sum("ForwardingReport" in text for text in set(texts)) == 1


def test_only_events_have_the_subject_of_event_publishing() -> None:
    subjects = Counter(
        (post.subject, "eventType" in post.payload[:20]) for post, _ in bodies(story()) if post.payload.startswith("{")
    )
    assert set(subjects) == {("Amazon SES Email Event Notification", True), (None, False)}


def test_posts_go_to_known_paths() -> None:
    assert {post.path for post in story()} == set(PATHS) == {EVERY_KIND, BOUNCES, COMPLAINTS, IDENTITIES}


def test_more_domains_than_characters_are_namesakes() -> None:
    domains = [character.domain for character in cast(23)]
    assert len(set(domains)) == 23
    assert domains[10] == "lindholm-bakery-2.example"
    assert domains[20] == "lindholm-bakery-3.example"


def test_a_platform_without_domains_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        cast(0)


class Ticking:
    """A clock that goes on by half a minute whenever it is read."""

    def __init__(self) -> None:
        self.at = UNTIL

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=30)
        return self.at


def test_live_mail_is_sent_while_one_asks_for_it() -> None:
    posts = list(islice(live(1, 10, Ticking(), topic_arn=TOPIC), 200))
    sent = [datetime.fromisoformat(body["mail"]["timestamp"]) for _, body in bodies(posts)]
    assert min(sent) == UNTIL + timedelta(seconds=30)
    assert {"meridian-clinic.example", "clay-studio.example"}.isdisjoint(post.domain for post in posts)


def test_live_news_is_told_once_it_has_happened() -> None:
    clock, kinds = Ticking(), set()
    # Long enough for a complaint, which comes hours after its mail.
    for post in islice(live(1, 10, clock, topic_arn=TOPIC), 5000):
        assert all(moment <= clock.at for moment in moments_of(post))
        kinds.add(post.key.split("/")[1])
    assert kinds >= {"Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint", "Open", "Click"}


def test_live_mail_needs_someone_who_goes_on_writing() -> None:
    assert list(islice(live(1, 1, Ticking(), topic_arn=TOPIC), 5))
