"""Findings about identities: is their mail told of, once, and to us?"""

import shlex
from collections.abc import Iterator, Sequence

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import for_each, for_identities, setup
from webhook.domain.wiring.publishers import FEEDBACK, kinds_told, told_by_set
from webhook.domain.wiring.seen import Identity, Seen

NAMED = 5


def judged(seen: Seen) -> Iterator[Finding]:
    """All about the identities that were looked at; those of one kind are told together."""
    for name in seen.unknown_identities:
        yield Finding(
            Code.NO_SUCH_IDENTITY,
            f"SES has no identity {name} in {seen.place.region}.",
            f"register the domain, or correct --domain or --region; aws sesv2 list-email-identities --region"
            f" {seen.place.region} lists them",
            "an identity of SES",
        )
    if not seen.topics:
        return
    known = [one for one in seen.identities if one.notifications is not None]
    yield from _untold(seen, [one for one in known if one.default_set is None])
    yield from _twice(seen, [one for one in known if kinds_told(seen, one) and told_by_set(seen, one)])
    yield from _forwarding(seen, [one for one in known if one.forwarding])


def _untold(seen: Seen, without_set: Sequence[Identity]) -> Iterator[Finding]:
    silent = [one.name for one in without_set if not kinds_told(seen, one)]
    common = seen.scope.configuration_set
    if silent and common:
        yield Finding(
            Code.NO_DEFAULT_SET,
            f"{listed(silent)} {'has' if len(silent) == 1 else 'have'} no default configuration set:"
            f" only mail that names {common} itself is told of.",
            _choose(seen, silent, common),
            f"the default configuration set {common}",
        )
    elif silent:
        yield Finding(
            Code.UNTOLD,
            f"Nothing tells of mail from {listed(silent)}: no default configuration set, and no notifications to us.",
            _choose(seen, silent, "NAME"),
            "a default configuration set that publishes to us",
        )
    for one in without_set:
        kinds = kinds_told(seen, one)
        missing = [kind for kind in FEEDBACK if kind not in kinds]
        if kinds and missing:
            yield _partly(seen, one, missing)


def _choose(seen: Seen, names: Sequence[str], chosen: str) -> str:
    command = (
        f"aws sesv2 put-email-identity-configuration-set-attributes --region {seen.place.region}"
        f" --email-identity $name --configuration-set-name {chosen}"
    )
    return f"{setup(seen)}, or: {for_identities(names, command)}"


def _partly(seen: Seen, one: Identity, missing: Sequence[str]) -> Finding:
    topic = next(iter(seen.topics or {}), "ARN")
    why = ": nothing says how much was sent, so it can't be judged" if missing == ["Delivery"] else ""
    return Finding(
        Code.PARTLY_TOLD,
        f"Notifications of the identity {one.name} don't tell of {' or '.join(missing)}{why}.",
        f"{setup(seen)}, or: {for_each('kind', missing, _notifying(seen, shlex.quote(one.name), topic))}",
        "Bounce, Complaint and Delivery",
    )


def _notifying(seen: Seen, name: str, topic: str | None) -> str:
    """What has feedback of `$kind` told to this topic, or (None) to none."""
    return (
        f"aws ses set-identity-notification-topic --region {seen.place.region} --identity {name}"
        " --notification-type $kind" + (f" --sns-topic {topic}" if topic else "")
    )


def _twice(seen: Seen, twice: Sequence[Identity]) -> Iterator[Finding]:
    if not twice:
        return
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in twice:
        # Kinds that go to somebody else's topic stay as they are.
        alike.setdefault(tuple(kinds_told(seen, one)), []).append(one.name)
    command = _notifying(seen, "$name", None)
    yield Finding(
        Code.TOLD_TWICE,
        f"Feedback of {listed([one.name for one in twice])} comes twice, by notifications of the identity and by its"
        " configuration set: it counts once, and costs twice.",
        "; ".join(for_identities(names, for_each("kind", kinds, command)) for kinds, names in alike.items()),
        "one of the two",
    )


def _forwarding(seen: Seen, forwarded: Sequence[Identity]) -> Iterator[Finding]:
    told = [one.name for one in forwarded if told_by_set(seen, one) or kinds_told(seen, one)]
    if told:
        yield Finding(
            Code.FORWARDING,
            f"SES also mails each bounce and complaint of {listed(told)} to the sender (e-mail feedback forwarding).",
            for_identities(
                told,
                f"aws sesv2 put-email-identity-feedback-attributes --region {seen.place.region}"
                " --email-identity $name --no-email-forwarding-enabled",
            ),
            "forwarding off, since events tell of it",
        )


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many there are besides."""
    rest = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
