"""What was looked at, in words, so that finding nothing means something."""

from collections.abc import Iterable, Mapping, Sized

from webhook.domain.wiring import Front, Seen

_UNREAD = "not readable"
_ACCOUNT = "whether it is in the sandbox, may send, is under review"


def looked_at(seen: Seen) -> tuple[str, ...]:
    """What was read in one region, a line for each hop."""
    return (
        f"AWS account {seen.place.account}: " + (_ACCOUNT if seen.account else _UNREAD),
        f"topics: {_topics(seen)}",
        f"subscriptions: {_subscriptions(seen)}",
        f"configuration sets: {_counted(seen.sets, _sets(seen))}",
        f"identities: {_identities(seen)}",
        f"EventBridge rules for SES: {_number(seen.rules)}",
        f"queues of SQS_QUEUE_URLS: {_counted(seen.queues, seen.scope.queues)}",
    )


def looked_here(front: Front | None, registered: Mapping[str, bool]) -> tuple[str, ...]:
    """What was read outside AWS."""
    asked = f"PUBLIC_URL: {front.url}, its certificate, /healthz and /readyz" if front else "PUBLIC_URL: not set"
    return (asked, f"domains registered here: {len(registered):,}")


def _number(found: Sized | None) -> str:
    return _UNREAD if found is None else f"{len(found):,}"


def _counted(read: Mapping[str, object | None], wanted: Iterable[str]) -> str:
    """How many are there, and how many of the `wanted` ones could not be read."""
    there = f"{len([one for one in read.values() if one is not None]):,}"
    unread = len(set(wanted) - read.keys())
    return f"{there}; {_UNREAD}: {unread:,}" if unread else there


def _topics(seen: Seen) -> str:
    if seen.topics is None:
        return _UNREAD
    # One whose attributes could not be read has no policy.
    read = {arn: topic for arn, topic in seen.topics.items() if topic is None or topic.policy is not None}
    return _counted(read, seen.topics)


def _subscriptions(seen: Seen) -> str:
    if seen.topics is None or (seen.present and not seen.subscriptions):
        return _UNREAD
    held = [one for of_topic in seen.subscriptions.values() for one in of_topic]
    looked = [one for one in held if one.traits or one.arn is None]
    wanted = [one.traits.dead_letters for one in looked if one.traits and one.traits.dead_letters]
    return f"{len(looked):,} of ours, of {len(held):,}; dead-letter queues: {_counted(seen.dead_letters, wanted)}"


def _sets(seen: Seen) -> list[str]:
    chosen = (one.default_set for one in seen.identities)
    return [name for name in (seen.scope.configuration_set, *chosen) if name]


def _identities(seen: Seen) -> str:
    if seen.listed is None:
        return f"{len(seen.identities):,}" if seen.identities else _UNREAD
    if len(seen.identities) < len(seen.listed):
        first = "the first " if not seen.unknown_identities and len(seen.identities) > 1 else ""
        return f"{first}{len(seen.identities):,} of {len(seen.listed):,}; --domain for others"
    return f"all {len(seen.listed):,}"
