"""What was read of the chain, narrowed down to the way that one sender's mail takes. Pure."""

from collections.abc import Iterator

from msgspec.structs import replace

from webhook.domain.live.trial import Sender
from webhook.domain.wiring import Seen


def narrowed(seen: Seen, sender: Sender) -> Seen:
    """The same without sets, topics and identities that this mail does not go by; so nothing else is to blame.

    Where the mail leads to no topic of ours, ours stay: none of them being led to is what is wrong.
    """
    chosen = sender.configuration_set
    sets = {name: held for name, held in seen.sets.items() if name == chosen}
    identities = tuple(one for one in seen.identities if one.name == sender.identity)
    seen = replace(seen, sets=sets, identities=identities, rules=())
    led_to = frozenset(_destined(seen, chosen)) & (seen.topics or {}).keys()
    if not led_to or seen.topics is None:
        return seen
    topics = {arn: topic for arn, topic in seen.topics.items() if arn in led_to}
    subscriptions = {arn: held for arn, held in seen.subscriptions.items() if arn in led_to}
    return replace(seen, topics=topics, subscriptions=subscriptions)


def _destined(seen: Seen, chosen: str | None) -> Iterator[str]:
    for held in seen.sets.values():
        yield from (one.topic for one in (held.destinations if held else None) or () if one.topic)
    if chosen is None:
        for one in seen.identities:
            yield from (one.notifications or {}).values()
