"""A post and the order of posts: late news late, neighbours shuffled, some told twice; SNS promises no more."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from random import Random

import msgspec

_REDELIVERED_OF_1000 = 20
_PUBLISHED_AGAIN_OF_1000 = 8
_HORIZON = 48
_REMEMBERED = 200


class Post(msgspec.Struct, frozen=True):
    """One message to post: where to, the text SES published, its Subject, and three identities.

    `key` says what is told (the SES mail and what befell it), whichever way and however often; `message_id` is SNS's
    MessageId, which a redelivery repeats and a second publication does not; `domain` is the customer's, or "".
    """

    path: str
    payload: str
    subject: str | None
    key: str
    message_id: str
    domain: str


# The moment from which a scene plays (never before an earlier scene's), and when each of its posts is due.
Scene = tuple[datetime, list[tuple[datetime, Post]]]


def in_order_of_events(scenes: Iterable[Scene]) -> Iterator[Post]:
    """Posts by the moment of what they tell; only news still to come is held."""
    ticket = count()
    waiting: list[tuple[datetime, int, Post]] = []
    for begun, scene in scenes:
        while waiting and waiting[0][0] < begun:
            yield heappop(waiting)[2]
        for at, post in scene:
            heappush(waiting, (at, next(ticket), post))
    while waiting:
        yield heappop(waiting)[2]


def shuffled(posts: Iterable[Post], rng: Random) -> Iterator[Post]:
    """The same posts, few of them far from their place."""
    held: list[Post] = []
    for post in posts:
        held.append(post)
        if len(held) > _HORIZON:
            chosen = rng.randrange(len(held))
            held[chosen], held[-1] = held[-1], held[chosen]
            yield held.pop()
    yield from held


def told_again(posts: Iterable[Post], rng: Random) -> Iterator[Post]:
    """The same posts, some of them twice; after the last one, redeliveries without end."""
    remembered: deque[Post] = deque(maxlen=_REMEMBERED)
    for post in posts:
        yield post
        remembered.append(post)
        roll = rng.randrange(1000)
        if roll < _REDELIVERED_OF_1000:
            yield rng.choice(remembered)
        elif roll < _REDELIVERED_OF_1000 + _PUBLISHED_AGAIN_OF_1000:
            yield msgspec.structs.replace(rng.choice(remembered), message_id=message_id(rng))
    while remembered:
        yield rng.choice(remembered)


def message_id(rng: Random) -> str:
    """A MessageId in SNS's shape, a UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
