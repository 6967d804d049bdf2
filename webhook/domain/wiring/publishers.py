"""Who publishes to a topic: configuration sets, identities and rules, as ARNs."""

from webhook.domain.wiring.seen import ConfigurationSet, Destination, Identity, Seen

FEEDBACK = ("Bounce", "Complaint", "Delivery")


def publishers_of(seen: Seen, topic: str) -> list[str]:
    """The ARNs for which SES publishes to this topic; the settings' configuration set, if none does yet.

    An identity whose feedback comes by its configuration set as well does not count: nothing hangs on it.
    """
    place = seen.place
    sets = [
        held.name for held in seen.sets.values() if held and any(one.topic == topic for one in held.destinations or ())
    ]
    identities = [
        one.name
        for one in seen.identities
        if topic in (one.notifications or {}).values() and not told_by_set(seen, one)
    ]
    if not sets and not identities and seen.scope.configuration_set:
        sets = [seen.scope.configuration_set]
    base = f"arn:{place.partition}:ses:{place.region}:{place.account}"
    return [*map(place.configuration_set, sets), *(f"{base}:identity/{name}" for name in identities)]


def events_of(seen: Seen, topic: str) -> list[str]:
    """The ARNs of the rules for which EventBridge publishes to this topic."""
    return [rule.arn for rule in seen.rules or () if topic in (rule.targets or ())]


def destinations_here(seen: Seen, held: ConfigurationSet) -> list[Destination]:
    """The event destinations of a set that lead to one of our topics, be it there or not."""
    return [one for one in held.destinations or () if one.topic in (seen.topics or {})]


def told_by_set(seen: Seen, identity: Identity) -> bool:
    """Whether an identity's default set publishes to us."""
    held = seen.sets.get(identity.default_set) if identity.default_set else None
    return bool(held and destinations_here(seen, held))


def kinds_told(seen: Seen, identity: Identity) -> list[str]:
    """The kinds of feedback that an identity's own notifications tell us of."""
    return [kind for kind, topic in (identity.notifications or {}).items() if topic in (seen.topics or {})]
