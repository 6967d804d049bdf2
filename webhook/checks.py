"""What `check` looks for: from plain values to findings, each with a code, a sentence and what to do about it. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from webhook.domain.findings import Code, Finding, Severity
from webhook.domain.reputation import DENOMINATORS

__all__ = [
    "LAG_ALLOWED",
    "Code",
    "Configured",
    "Finding",
    "Severity",
    "State",
    "Wiring",
    "configuration",
    "state",
    "unreachable",
    "wrong_settings",
]

#: Seconds of lag beyond which the worker can't be at work.
LAG_ALLOWED = 10
NAMED = 5
_FEEDBACK = ("Bounce", "Complaint")


class Configured(Struct, frozen=True):
    """What the settings say, as far as it is looked at."""

    topics: bool
    trusted_origins: Sequence[str]


class Wiring(Struct, frozen=True):
    """One way that events come: `set:NAME` or `identity:DOMAIN`, with the kinds of event it has ever shown.

    `domains` are the first of the `number` of domains that can't be judged for want of what it tells.
    """

    id: str
    kinds: frozenset[str]
    domains: Sequence[str] = ()
    number: int = 0


class State(Struct, frozen=True):
    """What the database says."""

    wirings: Sequence[Wiring] = ()
    quarantine: Mapping[str, int] = {}
    unsubscribed: Sequence[str] = ()
    lag: float = 0.0
    tokens: bool = True


def wrong_settings(problem: str) -> Finding:
    """The settings can't be read."""
    return Finding(Code.SETTINGS, problem, "correct the environment or .env; docs/configuration.md lists every setting")


def unreachable(problem: str) -> Finding:
    """The database is of no use."""
    return Finding(Code.DATABASE, f"The database can't be used: {problem}.", "start MongoDB, or correct MONGODB_URI")


def configuration(configured: Configured) -> Iterator[Finding]:
    """What the settings leave to be desired."""
    if not configured.topics:
        sentence = "SNS_TOPIC_ARNS is not set for this command: a server with these settings refuses every SNS message."
        yield Finding(Code.NO_TOPICS, sentence, "set SNS_TOPIC_ARNS in .env to the topics that SES publishes to")
    if configured.trusted_origins:
        sentence = (
            f"SNS_TRUSTED_ORIGINS is set: whoever controls {', '.join(configured.trusted_origins)} can forge mail."
        )
        yield Finding(Code.TRUSTED_ORIGINS, sentence, "unset SNS_TRUSTED_ORIGINS, unless this is a trial")


def state(found: State) -> Iterator[Finding]:
    """What the stored state leaves to be desired."""
    if not found.tokens:
        sentence = "There is no token, neither in API_TOKENS nor made by a command: the API answers 401 to everybody."
        yield Finding(Code.NO_TOKENS, sentence, "python -m webhook tokens create NAME")
    for wiring in found.wirings:
        yield from _wiring(wiring)
    if found.quarantine:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in found.quarantine.items())
        sentence = f"The quarantine is not empty: {reasons}."
        yield Finding(Code.QUARANTINE, sentence, "python -m webhook quarantine list, then replay or drop them")
    for topic in found.unsubscribed:
        sentence = f"The subscription to {topic} was cancelled: nothing comes from there any more."
        yield Finding(Code.UNSUBSCRIBED, sentence, "subscribe this service to the topic again, or delete the topic")
    if found.lag > LAG_ALLOWED:
        sentence = f"The oldest news has waited {found.lag:,.0f} seconds to be judged; {LAG_ALLOWED} are plenty."
        yield Finding(
            Code.LAG, sentence, "start a worker (python -m webhook worker), or see in its log what holds it up"
        )


def _wiring(wiring: Wiring) -> Iterator[Finding]:
    source, _, name = wiring.id.partition(":")
    blind = not wiring.kinds & DENOMINATORS
    if blind and wiring.kinds & set(_FEEDBACK):
        sentence = f"{_described(source, name)} tells of neither Send nor Delivery, so nothing says how much was sent"
        yield Finding(Code.NO_DENOMINATOR, f"{sentence}{_blinded(wiring)}.", _switch_on(source, name))
    missing = [kind for kind in _FEEDBACK if kind not in wiring.kinds]
    if source == "set" and missing and not blind:
        sentence = f"{_described(source, name)} has never told of a {' or a '.join(missing)}."
        types = " and ".join(kind.upper() for kind in missing)
        fix = f"see that its matching event types include {types}; if they do, there was none yet"
        yield Finding(Code.NEVER_TOLD, sentence, fix)


def _described(source: str, name: str) -> str:
    if source == "identity":
        return f"Identity {name}"
    return f"Configuration set {name}" if name else "Event publishing without a named configuration set"


def _switch_on(source: str, name: str) -> str:
    if source == "identity":
        return f"switch on Delivery notifications of identity {name}"
    return (
        f"add DELIVERY (or SEND) to the matching event types of {f'configuration set {name}' if name else 'that set'}"
    )


def _blinded(wiring: Wiring) -> str:
    if not wiring.domains:
        return ""
    named = wiring.domains[:NAMED]
    rest = max(wiring.number, len(wiring.domains)) - len(named)
    return f"; not judged for it: {', '.join(named)}{f' and {rest:,} more' if rest else ''}"
