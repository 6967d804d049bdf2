"""Findings about configuration sets: do they tell us of what we count by?"""

from collections.abc import Iterator, Sequence

from webhook.domain.blueprint.resources import EVENTS
from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import setup
from webhook.domain.wiring.publishers import FEEDBACK, destinations_here, kinds_told
from webhook.domain.wiring.seen import ConfigurationSet, Destination, Seen

_FEEDBACK = ("BOUNCE", "COMPLAINT")
#: Either of these says how much was sent.
_VOLUME = ("SEND", "DELIVERY")


def judged(seen: Seen) -> Iterator[Finding]:
    """All about the sets that the settings and the identities that were looked at name."""
    for name, held in seen.sets.items():
        if held is None:
            yield Finding(
                Code.SET_MISSING,
                f"The configuration set {name} does not exist in {seen.place.region}: mail that names it is refused.",
                f"{setup(seen)}, or correct SES_CONFIGURATION_SET",
                "a set that is there",
            )
        else:
            yield from _options(seen, held)
            if held.destinations is not None and seen.topics and _matters(seen, name):
                yield from _destinations(seen, held)


def _matters(seen: Seen, name: str) -> bool:
    """Whether anybody hangs on what a set tells: its identities may have notifications of their own."""
    users = [one for one in seen.identities if one.default_set == name]
    by_themselves = [one for one in users if len(kinds_told(seen, one)) == len(FEEDBACK)]
    return name == seen.scope.configuration_set or len(by_themselves) < len(users)


def _options(seen: Seen, held: ConfigurationSet) -> Iterator[Finding]:
    region = seen.place.region
    if not held.sending and held.name not in seen.paused:
        yield Finding(
            Code.SET_PAUSED,
            f"Sending is off for the configuration set {held.name}: SES refuses mail that names it.",
            f"aws sesv2 put-configuration-set-sending-options --region {region} --sending-enabled"
            f" --configuration-set-name {held.name}, unless it was switched off on purpose",
            "sending on",
        )
    if not held.metrics:
        yield Finding(
            Code.METRICS_OFF,
            f"SES does not publish reputation metrics of the configuration set {held.name}.",
            f"aws sesv2 put-configuration-set-reputation-options --region {region} --reputation-metrics-enabled"
            f" --configuration-set-name {held.name}",
            "reputation metrics on",
        )


def _destinations(seen: Seen, held: ConfigurationSet) -> Iterator[Finding]:
    here = destinations_here(seen, held)
    working = [one for one in here if one.enabled]
    if not here:
        others = sorted({one.topic for one in held.destinations or () if one.topic})
        elsewhere = f"; it publishes to {', '.join(others[:3])}, which SNS_TOPIC_ARNS does not name" if others else ""
        yield Finding(
            Code.NO_DESTINATION,
            f"The configuration set {held.name} has no event destination that leads to a topic of ours{elsewhere}.",
            f"{setup(seen)}, or add an event destination (Amazon SNS) to it in the SES console under"
            " Configuration sets",
            "an event destination to a topic in SNS_TOPIC_ARNS",
        )
    elif not working:
        yield Finding(
            Code.DESTINATION_OFF,
            f"The event destination {here[0].name} of the configuration set {held.name} is off.",
            f"{setup(seen)} if that made it; else enable it in the SES console under Configuration sets, {held.name}",
            "an event destination that is on",
        )
    else:
        yield from _types(seen, held, working)


def _types(seen: Seen, held: ConfigurationSet, working: Sequence[Destination]) -> Iterator[Finding]:
    told = frozenset().union(*(one.types for one in working))
    missing = [kind for kind in EVENTS if kind not in told]
    unheard = [kind for kind in _FEEDBACK if kind in missing]
    blind = all(kind in missing for kind in _VOLUME)
    rest = [kind for kind in missing if kind not in unheard and not (blind and kind in _VOLUME)]
    which = f"The event destination {working[0].name} of the configuration set {held.name}"
    if unheard:
        sentence = f"{which} does not tell of {' or '.join(unheard)}: they are never counted."
        yield Finding(Code.NO_FEEDBACK, sentence, _add(seen, held, unheard), "BOUNCE and COMPLAINT")
    if blind:
        sentence = (
            f"{which} tells of neither SEND nor DELIVERY: nothing says how much was sent, so nothing can be judged."
        )
        yield Finding(Code.NO_VOLUME, sentence, _add(seen, held, _VOLUME), "SEND and DELIVERY")
    if rest:
        sentence = f"{which} does not tell of {', '.join(rest)}."
        yield Finding(Code.FEW_TYPES, sentence, _add(seen, held, rest), "all types but OPEN and CLICK")


def _add(seen: Seen, held: ConfigurationSet, kinds: Sequence[str]) -> str:
    return (
        f"{setup(seen)} if that made it; else add {' and '.join(kinds)} to its event types in the SES console under"
        f" Configuration sets, {held.name}"
    )
