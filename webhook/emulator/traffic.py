"""Believable SES traffic from a seed: what a platform's topic would carry about a few days of its customers' mail.

Pure: the same arguments give the same posts, byte for byte. Memory does not grow with the number of messages, so the
same generator feeds a demonstration, a chaos test and a benchmark.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from operator import itemgetter
from random import Random

from webhook.domain.topics import TopicArn
from webhook.emulator import notices
from webhook.emulator.characters import Character, Wiring, cast
from webhook.emulator.payloads import EVENT_SUBJECT, Account, Happening, Kind, Producer, payload
from webhook.emulator.posts import Post, Scene, in_order_of_events, message_id, shuffled, told_again
from webhook.emulator.senders import Sender, seeded

EVERY_KIND = "/webhooks/sns"
BOUNCES = "/webhooks/sns/bounces"
COMPLAINTS = "/webhooks/sns/complaints"
IDENTITIES = "/webhooks/sns/identity"
PATHS = (EVERY_KIND, BOUNCES, COMPLAINTS, IDENTITIES)

# The rest is kept for redeliveries, which also bring the number of messages to the very one asked for.
_UNIQUE_PART = 0.96
_QUIET = timedelta(minutes=2)
# Posts per recipient, by wiring, as the life cycles give them; it sizes a story, nothing depends on it.
_CHATTER = {Wiring.EVENTS: 2.30, Wiring.BOTH: 3.25, Wiring.FEEDBACK_ALONE: 0.06}
_PATH_OF_KIND = {Kind.BOUNCE: BOUNCES, Kind.COMPLAINT: COMPLAINTS}


def account_of(topic_arn: str) -> Account:
    """The account and region in which the topic lives, and so the made-up mail; raises ValueError if it is no topic."""
    topic = TopicArn.from_text(topic_arn)
    return Account(topic.region, topic.account)


def stories(
    seed: int, domains: int, messages: int, until: datetime, *, topic_arn: str, days: int = 4
) -> Iterator[Post]:
    """Exactly `messages` posts about the mail that `domains` customers sent in the `days` before `until` (aware).

    Roughly in the order of events: late news comes late, neighbours are shuffled, a few are told twice. All customers
    appear early. What would happen after `until` is not told.
    """
    rng = seeded(seed, "traffic")
    beginning = until - timedelta(days=days)
    account = account_of(topic_arn)
    characters = cast(domains)
    sizes = _sizes(characters, messages)
    streams = [
        _correspondence(Sender(one, seed, account), sizes[one.domain], beginning, until, seeded(seed, one.domain, "at"))
        for one in characters
    ]
    streams.append(_announcements(characters, topic_arn, beginning, until, seeded(seed, "announcements")))
    told = in_order_of_events(merge(*streams, key=itemgetter(0)))
    return islice(told_again(shuffled(told, rng), rng), messages)


def live(seed: int, domains: int, now: Callable[[], datetime], *, topic_arn: str) -> Iterator[Post]:
    """Posts about mails that are sent while one asks for them, each told once it has happened; without end.

    `now` must go on. Customers whose story hangs on an exact number (a tiny one, a borderline one) stay silent.
    """
    return in_order_of_events(_as_it_happens(seed, domains, now, account_of(topic_arn)))


def _as_it_happens(seed: int, domains: int, now: Callable[[], datetime], account: Account) -> Iterator[Scene]:
    rng = seeded(seed, "live")
    senders = [Sender(one, seed, account) for one in cast(domains) if one.weight]
    weights = [sender.character.weight for sender in senders]
    while senders:
        sender, sent_at = rng.choices(senders, weights)[0], now()
        _, happenings = sender.write(sent_at, sender.character.shares, at_most=1)
        yield sent_at, [(one.at, post) for one in happenings for post in _posts(sender.character, one, rng)]


def _sizes(characters: tuple[Character, ...], messages: int) -> dict[str, int]:
    """How many recipients each customer writes to, so that all of it makes about `messages` posts."""
    sizes = {one.domain: _fixed_size(one, messages) for one in characters if not one.weight}
    fixed = sum(_CHATTER[one.wiring] * sizes[one.domain] for one in characters if not one.weight)
    weighed = sum(_CHATTER[one.wiring] * one.weight for one in characters) or 1
    unit = max(0.0, messages * _UNIQUE_PART - fixed) / weighed
    return sizes | {one.domain: max(1, int(one.weight * unit)) for one in characters if one.weight}


def _fixed_size(character: Character, messages: int) -> int:
    """A story of few messages shrinks these too; an exact one stays a multiple of twenty, so that 5 % is whole."""
    size = min(character.recipients, messages // 12)
    return max(20, size - size % 20) if character.exact else max(1, size)


def _correspondence(
    sender: Sender, recipients: int, beginning: datetime, until: datetime, rng: Random
) -> Iterator[Scene]:
    """One customer's mails in the order of sending, each with what is posted about it."""
    character = sender.character
    span = until - _QUIET - beginning
    written = 0
    while written < recipients:
        shares, moment = character.at((written + rng.random()) / recipients)
        sent_at = beginning + span * moment
        many, happenings = sender.write(sent_at, shares, recipients - written)
        written += many
        happened = [one for one in happenings if one.at <= until]
        yield sent_at, [(one.at, post) for one in happened for post in _posts(character, one, rng)]


def _posts(character: Character, happening: Happening, rng: Random) -> Iterator[Post]:
    for producer in character.wiring.producers(happening.kind):
        yield Post(
            path=_PATH_OF_KIND[happening.kind] if character.wiring is Wiring.FEEDBACK_ALONE else EVERY_KIND,
            payload=payload(happening, producer),
            subject=EVENT_SUBJECT if producer is Producer.EVENTS else None,
            key=happening.key,
            message_id=message_id(rng),
            domain=character.domain,
        )


def _announcements(
    characters: tuple[Character, ...], topic_arn: str, beginning: datetime, until: datetime, rng: Random
) -> Iterator[Scene]:
    """What is not about a mail: control messages first, identity events and one unknown shape in between."""
    place = account_of(topic_arn)

    def scene(at: datetime, path: str, text: str, domain: str = "", subject: str | None = None) -> Scene:
        own_id = message_id(rng)
        return at, [(at, Post(path, text, subject, f"notice/{own_id}", own_id, domain))]

    yield scene(beginning, EVERY_KIND, notices.TOPIC_VALIDATED, subject=EVENT_SUBJECT)
    for one in characters:
        for kind, path in _PATH_OF_KIND.items() if one.wiring is not Wiring.EVENTS else ():
            text = notices.subscription_succeeded(topic_arn, kind, one.domain)
            yield scene(beginning, path if one.wiring is Wiring.FEEDBACK_ALONE else EVERY_KIND, text, one.domain)
    first, last = characters[0].domain, characters[-1].domain
    third, half, later = (beginning + (until - beginning) * share for share in (1 / 3, 1 / 2, 2 / 3))
    yield scene(third, IDENTITIES, notices.advice(third, place, last), last)
    yield scene(half, EVERY_KIND, notices.unknown(half, place), subject=EVENT_SUBJECT)
    yield scene(later, IDENTITIES, notices.advice(later, place, last, resolved=True), last)
    yield scene(later, IDENTITIES, notices.dkim_verified(later, place, first), first)
