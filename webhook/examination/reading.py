"""Reads the whole chain of one region into plain values, hop by hop."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.blueprint import Place
from webhook.domain.wiring import ConfigurationSet, Identity, Queue, Rule, Scope, Seen, Subscription, Topic
from webhook.domain.wiring.rules import HEALTH, SES, catches
from webhook.domain.wiring.subscriptions import is_here, is_like_ours
from webhook.examination.attempts import Attempts
from webhook.examination.roles import Channel, Mailing, Ruling, Tell

#: Identities that are looked at where none is named: each costs SES's one call a second.
SAMPLE = 50
_ASKED = 100
_TOLD_EVERY = 10


class Region(Struct, frozen=True):
    """Who reads one region."""

    name: str
    mailing: Mailing
    channel: Channel
    ruling: Ruling


class Reader:
    """Reads one region. `domains` are the identities to look at, none: the first SAMPLE."""

    def __init__(self, region: Region, scope: Scope, domains: Sequence[str], attempts: Attempts, tell: Tell) -> None:
        self._region = region
        self._scope = scope
        self._domains = tuple(domains)
        self._attempts = attempts
        self._tell = tell

    def read(self, place: Place, paused: frozenset[str]) -> Seen:
        """All that can be read."""
        seen = Seen(place=place, scope=self._scope)
        with self._at("the SES account"):
            seen = replace(seen, account=self._region.mailing.account())
        seen = self._identities(seen)
        seen = replace(seen, sets=self._sets(seen), paused=_paused_sets(seen, paused))
        seen = replace(seen, rules=self._rules(), queues=self._queues())
        seen = self._topics(seen)
        seen = replace(seen, dead_letters=self._dead_letters(seen))
        return replace(seen, keys=self._keys(seen))

    def _at(self, what: str) -> AbstractContextManager[None]:
        return self._attempts.at(f"{what} in {self._region.name}")

    def _note(self, what: str) -> None:
        self._tell(f"{self._region.name}: {what}")

    # -- SES

    def _identities(self, seen: Seen) -> Seen:
        self._note("reading identities")
        with self._at("the list of identities"):
            seen = replace(seen, listed=self._region.mailing.identities())
        names = self._domains or tuple(seen.listed or ())[:SAMPLE]
        found: list[Identity] = []
        unknown: list[str] = []
        with self._at("identities"):
            for number, name in enumerate(names, 1):
                identity = self._region.mailing.identity(name)
                unknown += [] if identity else [name]
                found += [identity] if identity else []
                if number % _TOLD_EVERY == 0:
                    self._note(f"{number} of {len(names)} identities read")
        # One that was deleted since it was listed is none to speak of.
        strange = tuple(unknown) if self._domains else ()
        return replace(seen, identities=tuple(self._notified(found)), unknown_identities=strange)

    def _notified(self, found: Sequence[Identity]) -> Iterator[Identity]:
        for start in range(0, len(found), _ASKED):
            some = found[start : start + _ASKED]
            told: Mapping[str, Mapping[str, str]] = {}
            with self._at("the identities' notifications"):
                told = self._region.mailing.notifications([one.name for one in some])
            yield from (replace(one, notifications=told.get(one.name)) for one in some)

    def _sets(self, seen: Seen) -> dict[str, ConfigurationSet | None]:
        chosen = (one.default_set for one in seen.identities)
        names = dict.fromkeys(name for name in (self._scope.configuration_set, *chosen) if name)
        sets: dict[str, ConfigurationSet | None] = {}
        for name in names:
            with self._at(f"the configuration set {name}"):
                sets[name] = self._region.mailing.configuration_set(name)
            held = sets.get(name)
            if held is not None:
                with self._at(f"the event destinations of the configuration set {name}"):
                    sets[name] = replace(held, destinations=self._region.mailing.destinations(name))
        return sets

    # -- EventBridge

    def _rules(self) -> tuple[Rule, ...] | None:
        self._note("reading rules")
        rules: list[Rule] | None = None
        with self._at("EventBridge's rules"):
            rules = self._region.ruling.rules()
        return None if rules is None else tuple(self._aimed(rules))

    def _aimed(self, rules: Sequence[Rule]) -> Iterator[Rule]:
        for rule in (one for one in rules if any(catches(one.pattern, source) for source in (SES, HEALTH))):
            aimed = rule
            with self._at(f"the targets of the rule {rule.name}"):
                aimed = replace(rule, targets=self._region.ruling.targets(rule.name))
            yield aimed

    # -- SNS, SQS and KMS

    def _queues(self) -> dict[str, Queue | None]:
        queues: dict[str, Queue | None] = {}
        for url in self._scope.queues:
            with self._at(f"the queue {url}"):
                queues[url] = self._region.channel.queue(url)
        return queues

    def _topics(self, seen: Seen) -> Seen:
        self._note("reading topics and subscriptions")
        arns = self._ours(seen)
        if arns is None:
            return seen
        topics = self._described(arns)
        held: dict[str, tuple[Subscription, ...]] = {}
        for arn in (arn for arn, topic in topics.items() if topic is not None):
            listed: list[Subscription] | None = None
            with self._at(f"the subscriptions of {arn}"):
                listed = self._region.channel.subscriptions(arn)
            if listed is not None:
                held[arn] = self._with_traits(seen, listed)
        return replace(seen, topics=topics, subscriptions=held)

    def _ours(self, seen: Seen) -> list[str] | None:
        """The topics of ours here: those that are named, and of those that a pattern covers the ones that are used."""
        named = [one for one in self._scope.topics if not one.endswith("*")]
        patterns = [one for one in self._scope.topics if one.endswith("*")]
        if not patterns:
            return named
        covered: set[str] | None = None
        subscribed: list[Subscription] | None = None
        with self._at("the list of topics"):
            covered = {arn for one in patterns for arn in self._region.channel.topics_like(one)}
        with self._at("the list of subscriptions"):
            subscribed = self._region.channel.all_subscriptions()
        used = [arn for arn in _destined(seen) if arn.startswith(tuple(one[:-1] for one in patterns))]
        posted = [one.topic for one in subscribed or () if one.topic in (covered or ()) and self._concerns(seen, one)]
        ours = list(dict.fromkeys([*named, *used, *posted]))
        return ours if ours or None not in (covered, subscribed) else None

    def _described(self, arns: Sequence[str]) -> dict[str, Topic | None]:
        topics: dict[str, Topic | None] = {}
        for arn in arns:
            topics[arn] = Topic(arn=arn)
            with self._at(f"the topic {arn}"):
                topics[arn] = self._region.channel.topic(arn)
        return topics

    def _concerns(self, seen: Seen, one: Subscription) -> bool:
        queues = {queue.arn for queue in seen.queues.values() if queue}
        return is_here(seen, one) or is_like_ours(one) or one.endpoint in queues

    def _with_traits(self, seen: Seen, held: Sequence[Subscription]) -> tuple[Subscription, ...]:
        return tuple(self._read_traits(one) if self._concerns(seen, one) else one for one in held)

    def _read_traits(self, one: Subscription) -> Subscription:
        if one.arn is not None:
            with self._at(f"the subscription {one.arn}"):
                return replace(one, traits=self._region.channel.traits(one.arn))
        return one

    def _dead_letters(self, seen: Seen) -> dict[str, Queue | None]:
        traits = [one.traits for held in seen.subscriptions.values() for one in held if one.traits]
        queues: dict[str, Queue | None] = {}
        for arn in sorted({one.dead_letters for one in traits if one.dead_letters}):
            with self._at(f"the dead-letter queue {arn}"):
                queues[arn] = self._region.channel.queue_named(arn)
        return queues

    def _keys(self, seen: Seen) -> dict[str, Mapping[str, Any] | None]:
        # Somebody else's key can't be read, nor one of ours without the permission: that is told of with the topic.
        quiet, policies = Attempts(), dict[str, Mapping[str, Any] | None]()
        for key in {topic.key for topic in seen.present if topic.key}:
            with quiet.at(key):
                policies[key] = self._region.channel.key_policy(key)
        return policies


def _destined(seen: Seen) -> list[str]:
    """The topics that SES and EventBridge lead to."""
    by_sets = [one.topic for held in seen.sets.values() if held for one in held.destinations or ()]
    by_identities = [topic for one in seen.identities for topic in (one.notifications or {}).values()]
    by_rules = [target for rule in seen.rules or () for target in rule.targets or () if ":sns:" in target]
    return sorted({topic for topic in (*by_sets, *by_identities, *by_rules) if topic})


def _paused_sets(seen: Seen, paused: frozenset[str]) -> frozenset[str]:
    """The sets that only paused domains have: those are switched off on purpose."""
    common = seen.scope.configuration_set
    of_paused = {one.default_set for one in seen.identities if one.name in paused}
    of_others = {one.default_set for one in seen.identities if one.name not in paused}
    return frozenset(name for name in of_paused - of_others if name and name != common)
