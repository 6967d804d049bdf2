"""An alert told to a person: a headline, a sentence with its numbers, and the facts one by one."""

from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct

from webhook.domain import alert_payloads as payloads
from webhook.domain.alert_payloads import PAYLOADS, AlertType, Reputation
from webhook.domain.alerts import Alert
from webhook.domain.explanation import percent


class Mood(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NEUTRAL = "neutral"
    ATTENTION = "attention"
    BAD = "bad"


class Told(Struct, frozen=True):
    """`headline` is a few words, `sentence` the whole of it; `facts` are names with values; `link` may be ""."""

    headline: str
    sentence: str
    mood: Mood
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""


def tell(alert: Alert) -> Told:
    """Tell it. What an older version wrote in another form is told by its type alone."""
    try:
        payload = msgspec.convert(alert.data, PAYLOADS[alert.type])
    except msgspec.ValidationError:
        return Told(alert.type.value, f"{alert.type.value}: {alert.domain or 'the account'}", Mood.NEUTRAL)
    return _TELLERS[type(payload)](alert.type, payload)


# -- reputation


def _judged(kind: AlertType, payload: payloads.Judged) -> Told:
    standing, mood = _STANDINGS[kind]
    headline = f"{payload.domain} {standing}"
    rates = {flag: _rate(payload.reputation, flag) for flag in _VERBS}
    window = f"{payload.window.first} – {payload.window.last}"
    if any(rate is None for rate in rates.values()):
        sentence = f"{headline}: {payload.sentence}"
    else:
        shown = " and ".join(f"{rates[flag]}" for flag in _telling(kind, payload.reputation))
        sentence = f"{headline}: {shown} within {window}"
    facts = [(name, rates[flag] or "not known") for flag, name in (("bounce", "Bounces"), ("complaint", "Complaints"))]
    facts += [("Window", window), ("Before", payload.previous.status.value.replace("_", " "))]
    return Told(headline, sentence, mood, tuple(facts), payload.link or "")


_STANDINGS = {
    AlertType.FLAGGED: ("is flagged", Mood.BAD),
    AlertType.WARNING: ("is close to a limit", Mood.ATTENTION),
    AlertType.RECOVERED: ("has recovered", Mood.GOOD),
}
_VERBS = {"bounce": "bounced", "complaint": "were complained of"}


def _telling(kind: AlertType, reputation: Reputation) -> list[str]:
    """The rates that the alert is about: those exceeded, the one nearest to its limit, or both."""
    if kind is AlertType.FLAGGED and reputation.flags:
        return [flag for flag in _VERBS if flag in reputation.flags]
    if kind is AlertType.WARNING:
        nearness = {
            "bounce": (reputation.bounce_rate or 0) / (reputation.limits.bounce or 1),
            "complaint": (reputation.complaint_rate or 0) / (reputation.limits.complaint or 1),
        }
        return [max(nearness, key=lambda flag: nearness[flag])]
    return list(_VERBS)


def _rate(reputation: Reputation, flag: str) -> str | None:
    """ "61 of 1,020 mails bounced (5.98 %, limit 5 %)", or None where nothing says how much was sent."""
    sent = reputation.sent - reputation.left_out.sent
    known = reputation.bounce_rate if flag == "bounce" else reputation.complaint_rate
    if known is None or sent <= 0:
        return None
    if flag == "bounce":
        count, limit = reputation.bounces - reputation.left_out.bounces, reputation.limits.bounce
    else:
        count, limit = reputation.complaints - reputation.left_out.complaints, reputation.limits.complaint
    share, allowed = Fraction(count, sent), Fraction(str(limit))
    numbers = f"{count:,} of {sent:,} mail{'' if sent == 1 else 's'} {_VERBS[flag]}"
    return f"{numbers} ({percent(share, allowed)} %, limit {percent(allowed)} %)"


# -- everything else


def _verification(_: AlertType, payload: payloads.VerificationChanged) -> Told:
    before, after = _word(payload.before), _word(payload.after)
    aspect = _ASPECTS.get(payload.aspect, payload.aspect)
    headline = f"{payload.domain}: {aspect} is now {after}"
    sentence = f"{headline} (it was {before})" + (f": {payload.cause.detail}" if payload.cause.detail else "")
    facts = (("What", aspect), ("Before", before), ("Now", after))
    return Told(headline, sentence, _MOODS_OF_VERIFICATION.get(payload.after or "", Mood.NEUTRAL), facts)


_ASPECTS = {
    "identity": "verification",
    "dkim": "DKIM",
    "mail_from": "the MAIL FROM domain",
    "sending": "permission to send",
}
_MOODS_OF_VERIFICATION = {
    "success": Mood.GOOD,
    "failed": Mood.BAD,
    "temporary_failure": Mood.ATTENTION,
    "enabled": Mood.GOOD,
    "disabled": Mood.BAD,
}


def _word(state: str | None) -> str:
    return state.replace("_", " ") if state else "none"


def _paused(_: AlertType, payload: payloads.Paused) -> Told:
    headline = f"{payload.domain} is paused"
    who = f"by {payload.by}" + (f" ({payload.who})" if payload.who else "")
    return Told(
        headline,
        f"{headline} {who}: {payload.why or 'no reason given'}",
        Mood.ATTENTION,
        (("By", who[3:]), ("Why", payload.why)),
    )


def _resumed(_: AlertType, payload: payloads.Resumed) -> Told:
    headline = f"{payload.domain} may send again"
    facts = (("By", payload.who), ("Why", payload.why))
    return Told(headline, f"{headline}: {payload.why or 'no reason given'}", Mood.GOOD, facts)


def _bounced(_: AlertType, payload: payloads.Bounced) -> Told:
    headline = f"{payload.domain}: a mail bounced"
    kind = f"{payload.bounce_type}/{payload.bounce_subtype}"
    answer = f": {payload.code}" if payload.code else ""
    facts = (("Recipient", payload.recipient), ("Kind", kind), ("Answer", payload.code), ("Mail", payload.message_id))
    sentence = f"{payload.domain}: the mail to {payload.recipient} bounced ({kind}{answer})"
    return Told(headline, sentence, Mood.NEUTRAL, facts)


def _complained(_: AlertType, payload: payloads.Complained) -> Told:
    headline = f"{payload.domain}: a recipient complained"
    facts = (("Recipient", payload.recipient), ("Kind", payload.feedback_type), ("Mail", payload.message_id))
    who = payload.recipient or "A recipient whom SES does not name"
    kind = f" ({payload.feedback_type})" if payload.feedback_type else ""
    return Told(headline, f"{payload.domain}: {who} complained of a mail{kind}", Mood.NEUTRAL, facts)


def _subscription(_: AlertType, payload: payloads.SubscriptionChanged) -> Told:
    topic = payload.topic_arn.rpartition(":")[2]
    headline = f"The subscription to {topic} is {_word(payload.state)}"
    lost = payload.state not in {"confirmed", "subscribed"}
    advice = ": nothing more will be heard from this topic until it is subscribed again" if lost else ""
    return Told(headline, headline + advice, Mood.BAD if lost else Mood.GOOD, (("Topic", payload.topic_arn),))


def _quota(_: AlertType, payload: payloads.QuotaReached) -> Told:
    share = percent(Fraction(str(payload.threshold)))
    headline = f"{share} % of the sending quota is used"
    numbers = f"{payload.used:,.0f} of {payload.max:,.0f} mails within 24 hours"
    place = f" in {payload.region}" if payload.region else ""
    mood = Mood.BAD if payload.threshold >= 1 else Mood.ATTENTION
    return Told(headline, f"{headline}{place}: {numbers}", mood, (("Used", numbers),))


def _diverged(_: AlertType, payload: payloads.Diverged) -> Told:
    whose = payload.domain or "The whole account"
    headline = f"{whose}: our counts and those of AWS differ"
    facts = tuple(
        (name, f"{payload.ours.get(name, 0):,} against {count:,}") for name, count in sorted(payload.theirs.items())
    )
    return Told(headline, f"{whose}: {payload.sentence}", Mood.ATTENTION, facts)


def _endpoint(kind: AlertType, payload: payloads.EndpointTrouble) -> Told:
    disabled = kind is AlertType.ENDPOINT_DISABLED
    name = payload.endpoint.description or payload.endpoint.id
    headline = f"Endpoint {name} {'is disabled' if disabled else 'is failing'}"
    advice = "; enable it again once it is repaired" if disabled else ""
    facts = (("Endpoint", payload.endpoint.id), ("Kind", payload.endpoint.kind), ("Why", payload.why))
    return Told(headline, f"{headline}: {payload.why}{advice}", Mood.BAD if disabled else Mood.ATTENTION, facts)


def _tested(_: AlertType, payload: payloads.EndpointTested) -> Told:
    name = payload.endpoint.description or payload.endpoint.id
    return Told("A test", f"Endpoint {name}: {payload.sentence}", Mood.NEUTRAL, (("Endpoint", payload.endpoint.id),))


_TELLERS: dict[type[payloads.Payload], Callable[[AlertType, Any], Told]] = {
    payloads.Judged: _judged,
    payloads.VerificationChanged: _verification,
    payloads.Paused: _paused,
    payloads.Resumed: _resumed,
    payloads.Bounced: _bounced,
    payloads.Complained: _complained,
    payloads.SubscriptionChanged: _subscription,
    payloads.QuotaReached: _quota,
    payloads.Diverged: _diverged,
    payloads.EndpointTrouble: _endpoint,
    payloads.EndpointTested: _tested,
}
