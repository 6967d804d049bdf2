"""Counters are a pure function of a mail: same facts, same numbers, whatever the order they came in.

The rules are Amazon's own as far as it states them (what counts in SES's bounce and complaint rates: the pages
"Monitoring your sender reputation" and "Using the account-level suppression list" of the SES developer guide), and are
told in full in docs/counting.md.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import structs

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
_AT_PROVIDER = frozenset({"sent", "delivered", "bounces", "soft", "delays"})
_BY_SUBTYPE = {"bounces": "hard", "soft": "soft", "held": "held"}


def counts(mail: Mail) -> Counts:
    """What this mail contributes to its domain's day."""
    if not mail.recipients:
        mail = structs.replace(mail, recipients=_named(mail))
    if mail.recipients and all(map(is_simulated, mail.recipients)):
        return {}
    tally: Counts = {}
    pairs = _pairs(mail)
    held = pairs.get("held", {})
    for counter, addresses in pairs.items():
        for address, subtypes in addresses.items():
            if is_simulated(address) or (address in held and counter not in ("held", "delays")):
                continue
            _add(tally, counter, address, subtypes)
    _add_reasons(tally, mail, held)
    _add_complaints(tally, mail)
    for fact in mail.facts:
        name = _MAIL_COUNTERS.get(fact.kind)
        if name:
            tally[name] = 1
    _mark_blind(tally, mail)
    return tally


def _pairs(mail: Mail) -> dict[str, dict[str, set[str]]]:
    """Counter name to the recipients it counts, each with the subtypes told of it."""
    found: dict[str, dict[str, set[str]]] = {}
    accepted: dict[str, set[str]] = {}
    for fact in mail.facts:
        kind = fact.kind
        if kind == Kind.SENT:
            accepted.update((recipient, set()) for recipient in mail.recipients)
            continue
        counter = _PAIR_COUNTERS.get(kind)
        if kind == Kind.BOUNCED:
            counter = "bounces" if fact.type == PERMANENT else "soft"
        if counter is None:
            continue
        address = _recipient(mail, fact)
        found.setdefault(counter, {}).setdefault(address, set()).add(fact.subtype)
        # A forwarder's address that bounced is somebody SES never sent to.
        if kind != Kind.BOUNCED or address in mail.recipients:
            accepted.setdefault(address, set())
    unsent = {Kind.REJECTED, Kind.UNRENDERED}
    if accepted and not any(fact.kind in unsent for fact in mail.facts):
        found["sent"] = accepted
    return found


def _named(mail: Mail) -> frozenset[str]:
    """Whom the facts name: all that is known of a mail whose destination was not told."""
    return frozenset(fact.who for fact in mail.facts if fact.kind in _PAIR_COUNTERS or fact.kind == Kind.BOUNCED)


def _recipient(mail: Mail, fact: Fact) -> str:
    """Whom a fact is about: an unknown address (a forwarder's) stands for the only recipient if there is just one."""
    if fact.who not in mail.recipients and len(mail.recipients) == 1:
        return next(iter(mail.recipients))
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


def _add_reasons(tally: Counts, mail: Mail, held: Mapping[str, object]) -> None:
    """Why hard bounces bounced, by provider: of several answers about one recipient the smallest is taken."""
    answers: dict[str, str] = {}
    for fact in mail.facts:
        if fact.kind == Kind.BOUNCED and fact.type == PERMANENT and fact.code:
            address = _recipient(mail, fact)
            answers[address] = min(fact.code, answers.get(address, fact.code))
    for address, code in answers.items():
        if address not in held and not is_simulated(address):
            name = f"why/{provider_of(domain_of(address))}/{code}"
            tally[name] = tally.get(name, 0) + 1


def _add_complaints(tally: Counts, mail: Mail) -> None:
    """One per feedback id: SES may name everyone at a provider who got the mail, but only one of them complained."""
    complaints: dict[str, Fact] = {}
    for fact in mail.facts:
        if fact.kind != Kind.COMPLAINED or is_simulated(fact.code):
            continue
        if fact.type == NOT_SPAM:
            tally["not_spam"] = tally.get("not_spam", 0) + 1
        elif fact.subtype not in HELD_BACK:
            complaints[fact.who] = min(fact, complaints.get(fact.who, fact))
    for fact in complaints.values():
        for name in ("complaints", f"feedback/{fact.type}", f"at/{provider_of(domain_of(fact.code))}/complaints"):
            tally[name] = tally.get(name, 0) + 1


def _mark_blind(tally: Counts, mail: Mail) -> None:
    """Books apart what came of a mail without Send or Delivery: its wirings decide whether it may be judged."""
    if not (tally.get("bounces") or tally.get("complaints")):
        return
    if any(fact.kind in (Kind.SENT, Kind.DELIVERED) for fact in mail.facts):
        return
    wirings = "|".join(sorted(mail.wirings))
    for name in ("sent", "bounces", "complaints"):
        if tally.get(name):
            tally[f"blind/{wirings}/{name}"] = tally[name]


def difference(new: Counts, old: Counts) -> Counts:
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
