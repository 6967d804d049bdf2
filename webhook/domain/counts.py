"""Counters are a pure function of a mail: same facts, same numbers, whatever the order they came in.

The rules are Amazon's own as far as it states them (what counts in SES's bounce and complaint rates: the pages
"Monitoring your sender reputation" and "Using the account-level suppression list" of the SES developer guide), and are
told in full in docs/counting.md.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import lru_cache

from webhook.domain.address import domain_of, is_simulated
from webhook.domain.mail import Fact, Kind, Mail
from webhook.domain.providers import provider_of

# Counter names are paths: `sent`, `hard/General`, `at/gmail.com/bounces`, `why/gmail.com/550 5.1.1`.
Counts = dict[str, int]
Place = tuple[str, date]

PERMANENT = "Permanent"
NOT_SPAM = "not-spam"
# Recipients that SES did not try: such a bounce or complaint counts in no rate.
HELD_BACK = frozenset(
    {"OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed", "UnsubscribedRecipient"}
)

_MAIL_COUNTERS = {
    Kind.REJECTED.value: "rejects",
    Kind.UNRENDERED.value: "rendering_failures",
    Kind.OPENED.value: "opens",
    Kind.CLICKED.value: "clicks",
    Kind.PREFERRED.value: "preferences",
}
_PAIR_COUNTERS = {
    Kind.DELIVERED.value: "delivered",
    Kind.DELAYED.value: "delays",
    Kind.HELD.value: "held",
}
_NEVER_SENT = frozenset({Kind.REJECTED.value, Kind.UNRENDERED.value})
_TELLS_OF_HELD = frozenset({"held", "delays"})
_AT_PROVIDER = frozenset({"sent", "delivered", "bounces", "soft", "delays"})
_BY_SUBTYPE = {"bounces": "hard", "soft": "soft", "held": "held"}


def counts(mail: Mail) -> Mapping[str, int]:
    """What this mail contributes to its domain's day."""
    recipients = mail.recipients or _named(mail)
    if len(recipients) != 1:
        return _count(recipients, mail.facts.keys(), mail.wirings)
    # Whatever is told of a mail to one recipient is about that one, a forwarder's address too. So only his provider
    # matters, and nearly all mails are like one that was counted before.
    [only] = recipients
    facts = frozenset(fact if fact.kind == Kind.COMPLAINED else fact._replace(who="") for fact in mail.facts)
    return _count_alike(domain_of(only), facts, mail.wirings)


@lru_cache(maxsize=16384)
def _count_alike(recipient_domain: str, facts: frozenset[Fact], wirings: frozenset[str]) -> Mapping[str, int]:
    return _count(frozenset({f"@{recipient_domain}"}), facts, wirings)


def _count(recipients: frozenset[str], facts: Collection[Fact], wirings: frozenset[str]) -> Counts:
    if recipients and all(map(is_simulated, recipients)):
        return {}
    tally: Counts = {}
    pairs = _pairs(recipients, facts)
    held = pairs.get("held", {})
    for counter, addresses in pairs.items():
        for address, subtypes in addresses.items():
            if not is_simulated(address) and (address not in held or counter in _TELLS_OF_HELD):
                _add(tally, counter, address, subtypes)
    _add_reasons(tally, recipients, facts, held)
    _add_complaints(tally, facts)
    for fact in facts:
        name = _MAIL_COUNTERS.get(fact.kind)
        if name:
            tally[name] = 1
    _mark_blind(tally, facts, wirings)
    return tally


def _pairs(recipients: frozenset[str], facts: Iterable[Fact]) -> dict[str, dict[str, set[str]]]:
    """Counter name to the recipients it counts, each with the subtypes told of it."""
    found: dict[str, dict[str, set[str]]] = {}
    accepted: dict[str, set[str]] = {}
    sent = True
    for fact in facts:
        kind = fact.kind
        if kind == Kind.SENT:
            accepted.update((recipient, set()) for recipient in recipients)
        sent = sent and kind not in _NEVER_SENT
        counter = _PAIR_COUNTERS.get(kind)
        if kind == Kind.BOUNCED:
            counter = "bounces" if fact.type == PERMANENT else "soft"
        if counter is None:
            continue
        address = _recipient(recipients, fact)
        found.setdefault(counter, {}).setdefault(address, set()).add(fact.subtype)
        # A forwarder's address that bounced is somebody SES never sent to.
        if kind != Kind.BOUNCED or address in recipients:
            accepted.setdefault(address, set())
    if accepted and sent:
        found["sent"] = accepted
    return found


def _named(mail: Mail) -> frozenset[str]:
    """Whom the facts name: all that is known of a mail whose destination was not told."""
    return frozenset(fact.who for fact in mail.facts if fact.kind in _PAIR_COUNTERS or fact.kind == Kind.BOUNCED)


def _recipient(recipients: frozenset[str], fact: Fact) -> str:
    """Whom a fact is about: an unknown address (a forwarder's) stands for the only recipient if there is just one."""
    if len(recipients) == 1 and fact.who not in recipients:
        return next(iter(recipients))
    return fact.who


def _add(tally: Counts, counter: str, address: str, subtypes: Iterable[str]) -> None:
    tally[counter] = tally.get(counter, 0) + 1
    if counter in _AT_PROVIDER:
        name = f"at/{provider_of(domain_of(address))}/{counter}"
        tally[name] = tally.get(name, 0) + 1
    group = _BY_SUBTYPE.get(counter)
    if group:
        for subtype in subtypes:
            name = f"{group}/{subtype}"
            tally[name] = tally.get(name, 0) + 1


def _add_reasons(tally: Counts, recipients: frozenset[str], facts: Iterable[Fact], held: Mapping[str, object]) -> None:
    """Why hard bounces bounced, by provider: of several answers about one recipient the smallest is taken."""
    answers: dict[str, str] = {}
    for fact in facts:
        if fact.kind == Kind.BOUNCED and fact.type == PERMANENT and fact.code:
            address = _recipient(recipients, fact)
            answers[address] = min(fact.code, answers.get(address, fact.code))
    for address, code in answers.items():
        if address not in held and not is_simulated(address):
            name = f"why/{provider_of(domain_of(address))}/{code}"
            tally[name] = tally.get(name, 0) + 1


def _add_complaints(tally: Counts, facts: Iterable[Fact]) -> None:
    """One per feedback id: SES may name everyone at a provider who got the mail, but only one of them complained."""
    complaints: dict[str, Fact] = {}
    for fact in facts:
        if fact.kind != Kind.COMPLAINED or is_simulated(fact.code):
            continue
        if fact.type == NOT_SPAM:
            tally["not_spam"] = tally.get("not_spam", 0) + 1
        elif fact.subtype not in HELD_BACK:
            complaints[fact.who] = min(fact, complaints.get(fact.who, fact))
    for fact in complaints.values():
        for name in ("complaints", f"feedback/{fact.type}", f"at/{provider_of(domain_of(fact.code))}/complaints"):
            tally[name] = tally.get(name, 0) + 1


def _mark_blind(tally: Counts, facts: Iterable[Fact], wirings: frozenset[str]) -> None:
    """Books apart what came of a mail without Send or Delivery: its wirings decide whether it may be judged."""
    if not (tally.get("bounces") or tally.get("complaints")):
        return
    if any(fact.kind in (Kind.SENT, Kind.DELIVERED) for fact in facts):
        return
    tellers = "|".join(sorted(wirings))
    for name in ("sent", "bounces", "complaints"):
        if tally.get(name):
            tally[f"blind/{tellers}/{name}"] = tally[name]


def difference(new: Mapping[str, int], old: Mapping[str, int]) -> Counts:
    """What must be added to `old` to have `new`; equal counters are left out."""
    changed = {name: count - old.get(name, 0) for name, count in new.items() if count != old.get(name, 0)}
    changed.update({name: -count for name, count in old.items() if name not in new})
    return changed


def add(total: Counts, more: Mapping[str, int]) -> None:
    """Adds `more` to `total` in place; counters that come to nothing vanish."""
    for name, count in more.items():
        value = total.get(name, 0) + count
        if value:
            total[name] = value
        else:
            total.pop(name, None)
