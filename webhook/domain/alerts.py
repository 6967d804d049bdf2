"""Alerts: what becomes one, as pure functions from what happened. The outbox gives each its id and its number.

An alert is told as `{"type", "timestamp", "data"}`; what is in `data` stands in `alert_payloads`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Struct, UnsetType

from webhook.domain import alert_payloads as payloads
from webhook.domain.address import is_simulated
from webhook.domain.alert_payloads import AlertType, Payload
from webhook.domain.counts import HELD_BACK, NOT_SPAM
from webhook.domain.mail import Fact, Kind, Mail, Told
from webhook.domain.reputation import Status
from webhook.domain.restoring import RESTORED

#: Told only to endpoints that name them, and written only if there is such an endpoint: there may be very many.
OPT_IN = frozenset({AlertType.BOUNCED, AlertType.COMPLAINED})
#: Each stands for itself, so they need not wait for one another.
UNORDERED = OPT_IN

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing that looks like something else
_NOISE_BITS = 80


class Draft(Struct, frozen=True):
    """An alert before it is written. `data` is ready for JSON; `domain` and `owner` say whom it is about."""

    type: AlertType
    at: datetime
    domain: str | None
    owner: str | None
    data: dict[str, Any]


class Alert(Struct, frozen=True):
    """An alert as it is told: the id is the same in every attempt, at every endpoint, and whenever it is told again."""

    id: str
    type: AlertType
    at: datetime
    domain: str | None
    owner: str | None
    sequence: int | None
    data: dict[str, Any]


def body_of(alert: Alert) -> dict[str, Any]:
    """What a receiver is sent: `{"type", "timestamp", "data"}`, ready for JSON."""
    return {"type": alert.type.value, "timestamp": stamp(alert.at), "data": alert.data}


def numbered(draft: Draft, identity: str, sequence: int | None) -> Alert:
    """The alert of a draft, its number in the body."""
    data = draft.data if sequence is None else {"sequence": sequence, **draft.data}
    return Alert(identity, draft.type, draft.at, draft.domain, draft.owner, sequence, data)


def alert_id(at: datetime, noise: int) -> str:
    """`alt_` and 26 digits that sort by the millisecond; `noise` is random and of 80 bits, as in a ULID."""
    number = (int(at.timestamp() * 1000) << _NOISE_BITS) | (noise & ((1 << _NOISE_BITS) - 1))
    return "alt_" + "".join(_DIGITS[(number >> shift) & 31] for shift in range(125, -1, -5))


def stamp(at: datetime) -> str:
    """A moment as all alerts write it: RFC 3339, to the millisecond, which is all that the database keeps."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- what becomes an alert


def _previous(before: Mapping[str, Any]) -> payloads.Previous:
    """What stood there before; whatever else the platform may have put there is no verdict."""
    status, flags = before.get("status"), before.get("flags")
    known = Status(status) if isinstance(status, str) and status in list(Status) else Status.INSUFFICIENT
    return payloads.Previous(known, [str(flag) for flag in flags] if isinstance(flags, list) else [])


def judged(
    kind: AlertType,
    domain: str,
    owner: str | None,
    reputation: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    public_url: str | None = None,
) -> Draft:
    """A change of reputation that is to be told; `damping.damp` says whether, and of which type.

    Args:
        kind: `WARNING`, `FLAGGED` or `RECOVERED`.
        domain: its name.
        owner: whose it is, if anybody's.
        reputation: the verdict as it is stored from now on.
        before: the verdict as it was stored until now; None or empty if there was none.
        public_url: how the outside reaches this service; without it there is no link.
    """
    told = msgspec.convert(reputation, payloads.Reputation)
    link = f"{public_url.rstrip('/')}/api/email-domains/{quote(domain)}/reputation" if public_url else UNSET
    payload = payloads.Judged(
        domain=domain,
        owner=_owner(owner),
        reputation=told,
        previous=_previous(before or {}),
        sentence=told.sentence,
        window=told.window,
        link=link,
    )
    return _draft(kind, told.evaluated_at, payload, domain, owner)


def verification_changed(change: Mapping[str, Any], owner: str | None) -> Draft:
    """A row of the collection `verifications`: `{domain, at, aspect, from, to, cause: {kind, detail}}`."""
    cause = change.get("cause") or {}
    payload = payloads.VerificationChanged(
        domain=change["domain"],
        owner=_owner(owner),
        aspect=change["aspect"],
        before=change["from"],
        after=change["to"],
        cause=payloads.Cause(str(cause.get("kind", "")), cause.get("detail")),
    )
    return _draft(AlertType.VERIFICATION, change["at"], payload, change["domain"], owner)


def paused(domain: str, owner: str | None, pause: Mapping[str, Any]) -> Draft:
    """The field `paused` of a domain: `{by, who, why, at}`."""
    payload = payloads.Paused(
        domain=domain, owner=_owner(owner), by=pause["by"], who=pause.get("who") or "", why=pause.get("why") or ""
    )
    return _draft(AlertType.PAUSED, pause["at"], payload, domain, owner)


def resumed(domain: str, owner: str | None, who: str, why: str, at: datetime) -> Draft:
    """Somebody lifted a domain's pause."""
    payload = payloads.Resumed(domain=domain, owner=_owner(owner), who=who, why=why)
    return _draft(AlertType.RESUMED, at, payload, domain, owner)


def subscription_changed(topic_arn: str, state: str, arn: str, at: datetime) -> Draft:
    """A topic was confirmed, or somebody unsubscribed it."""
    payload = payloads.SubscriptionChanged(topic_arn=topic_arn, state=state, arn=arn or UNSET)
    return _draft(AlertType.SUBSCRIPTION, at, payload)


def quota_reached(threshold: float, used: float, most: float, at: datetime, region: str | None = None) -> Draft:
    """The account's use of its quota of 24 hours went past a share of it."""
    payload = payloads.QuotaReached(threshold=threshold, used=used, max=most, region=region)
    return _draft(AlertType.QUOTA, at, payload)


def diverged(
    domain: str | None,
    owner: str | None,
    days: tuple[str, str],
    ours: dict[str, int],
    theirs: dict[str, int],
    at: datetime,
) -> Draft:
    """Our counts of the days from the first to the last are not AWS's; `domain` None: those of the whole account."""
    apart = ", ".join(f"{name} {ours.get(name, 0):,} against {count:,}" for name, count in sorted(theirs.items()))
    payload = payloads.Diverged(
        domain=domain or UNSET,
        owner=_owner(owner),
        first=days[0],
        last=days[1],
        ours=ours,
        theirs=theirs,
        sentence=f"From {days[0]} to {days[1]} our counts and those of AWS differ: {apart}.",
    )
    return _draft(AlertType.DIVERGED, at, payload, domain, owner)


def endpoint_trouble(
    kind: AlertType, endpoint: payloads.EndpointTold, owner: str | None, why: str, since: datetime | None, at: datetime
) -> Draft:
    """An endpoint is failing, or was disabled."""
    payload = payloads.EndpointTrouble(endpoint=endpoint, why=why, failing_since=since)
    return _draft(kind, at, payload, None, owner)


def endpoint_tested(endpoint: payloads.EndpointTold, owner: str | None, at: datetime) -> Draft:
    """Somebody tries an endpoint out."""
    sentence = "This is a test: nothing has happened."
    payload = payloads.EndpointTested(endpoint=endpoint, sentence=sentence)
    return _draft(AlertType.ENDPOINT_TEST, at, payload, None, owner)


def befallen(old: Mail | None, new: Mail) -> Iterator[Draft]:
    """One alert for each bounce and complaint that `new` knows of and `old` did not; they are for those who opted in.

    What no rate counts is not told either: mail to the simulator, addresses SES held back, retracted complaints. What
    was read from SES's own list before its event came is not told a second time.
    """
    known = old.facts if old else {}
    restored = {(fact.kind, fact.who) for fact in known if fact.subtype == RESTORED}
    for fact, told in sorted(new.facts.items()):
        if fact in known or (fact.kind, fact.who) in restored:
            continue
        if fact.kind == Kind.BOUNCED and not is_simulated(fact.who):
            yield _bounced(new, fact, told)
        elif _is_complaint(fact):
            yield _complained(new, fact, told)


def _is_complaint(fact: Fact) -> bool:
    counts = fact.type != NOT_SPAM and fact.subtype not in HELD_BACK
    return fact.kind == Kind.COMPLAINED and counts and not is_simulated(fact.code)


def _bounced(mail: Mail, fact: Fact, told: Told) -> Draft:
    payload = payloads.Bounced(
        domain=mail.domain,
        message_id=mail.id,
        recipient=fact.who,
        bounce_type=fact.type,
        bounce_subtype=fact.subtype,
        code=fact.code,
        sent_at=mail.at,
    )
    return _draft(AlertType.BOUNCED, told.at, payload, mail.domain)


def _complained(mail: Mail, fact: Fact, told: Told) -> Draft:
    payload = payloads.Complained(
        domain=mail.domain,
        message_id=mail.id,
        recipient=fact.code,
        feedback_id=fact.who,
        feedback_type=fact.type,
        sent_at=mail.at,
    )
    return _draft(AlertType.COMPLAINED, told.at, payload, mail.domain)


def _owner(owner: str | None) -> str | UnsetType:
    return owner or UNSET


def _draft(
    kind: AlertType, at: datetime, payload: Payload, domain: str | None = None, owner: str | None = None
) -> Draft:
    return Draft(kind, at, domain, owner, _plain(msgspec.to_builtins(payload, builtin_types=(datetime,))))


def _plain(value: object) -> Any:  # noqa: ANN401
    match value:
        case datetime():
            return stamp(value)
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
