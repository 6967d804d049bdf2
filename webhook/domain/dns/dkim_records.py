"""What can be wrong with one of SES's DKIM records: a CNAME of a token, to a name of SES."""

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from functools import partial

from webhook.domain.dns.assessment import Case, Finding, Status, conclude, finding
from webhook.domain.dns.hosts import proxy
from webhook.domain.dns.lookups import Answer, Kind, Outcome
from webhook.domain.dns.misplacement import misplaced, stray_characters, wildcard_label
from webhook.domain.dns.mistakes import Hit, Mistake, hit

_HOSTED_ZONE = re.compile(r"dkim(?:\.[a-z0-9-]+)?\.amazonses\.com")
_PROXY_TARGETS = {".cdn.cloudflare.net": "Cloudflare", ".edgekey.net": "Akamai", ".edgesuite.net": "Akamai"}
#: How alike a misspelt value is to the right one at least, and tokens that are not the same at most.
_LIKE, _UNLIKE = 0.85, 0.8


def judge_dkim(case: Case, others: frozenset[str]) -> Finding:
    """What is found of a DKIM record. `others` are the values that the domain's other DKIM records should have."""
    if not case.expected.value:
        return finding(case, Status.UNKNOWN, None, hit(Mistake.NOT_REGISTERED))
    seen = case.book.everywhere(case.expected.name, Kind.CNAME)
    return conclude(case, seen, partial(_examine, case, others))


def _examine(case: Case, others: frozenset[str], answer: Answer) -> Hit | None:
    targets = tuple(value.lower() for value in answer.values)
    if targets == (case.expected.value,):
        return None
    if answer.delegated.startswith("_domainkey."):
        return hit(Mistake.DOMAINKEY_DELEGATED, cut=answer.delegated, servers=answer.server)
    if len(targets) > 1:
        return hit(Mistake.SEVERAL_CNAMES, count=len(targets))
    if targets:
        return _wrong_target(case, others, targets[0])
    return _something_else(case, answer) or misplaced(case, _matches(case), _labels(case)) or case.absent()


def _matches(case: Case) -> Callable[[str], bool]:
    return lambda value: value.lower().startswith(case.expected.value)


def _labels(case: Case) -> Iterator[str]:
    """Names under which the record is found when the part `_domainkey` went wrong."""
    token = case.expected.name.partition(".")[0]
    for wrong in (f"{token}.domainkey", f"_domainkey.{token}", f"{token}_domainkey", f"{token}._domainkeys", token):
        yield f"{wrong}.{case.domain}"
    yield f"_domainkey.{case.domain}"


# -- there is a CNAME, to somewhere else


def _wrong_target(case: Case, others: frozenset[str], target: str) -> Hit:
    expected = case.expected.value
    if one := stray_characters(target, expected):
        return one
    if target.startswith(f"{expected}."):
        return hit(Mistake.TARGET_DOUBLED, suffix=target.removeprefix(expected))
    if target in others:
        return hit(Mistake.TOKENS_SWAPPED)
    return _of_ses(expected, target) or _of_others(case, target)


def _of_ses(expected: str, target: str) -> Hit | None:
    token, _, zone = target.partition(".")
    own_token, _, own_zone = expected.partition(".")
    if not _HOSTED_ZONE.fullmatch(zone) and zone != own_zone:
        return None
    if token == own_token:
        return hit(Mistake.WRONG_REGION, found=target)
    if zone != own_zone or _likeness(token, own_token) < _UNLIKE:
        return hit(Mistake.OLD_REGISTRATION)
    return hit(Mistake.TARGET_TYPO, found=target)


def _of_others(case: Case, target: str) -> Hit:
    if owner := next((owner for ending, owner in _PROXY_TARGETS.items() if target.endswith(ending)), ""):
        return hit(Mistake.PROXIED, owner=owner)
    if _likeness(target, case.expected.value) >= _LIKE:
        return hit(Mistake.TARGET_TYPO, found=target)
    if target in _wildcard(case, Kind.CNAME).values:
        return hit(Mistake.WILDCARD)
    return hit(Mistake.WRONG_TARGET, found=target)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _wildcard(case: Case, kind: Kind) -> Answer:
    """What the zone says of a name beside the record's that nobody has made."""
    return case.book.probe(wildcard_label(case.expected.name), kind)


# -- there is no CNAME


def _something_else(case: Case, answer: Answer) -> Hit | None:
    """Another type of record at the name, where a name exists that has no CNAME."""
    if answer.outcome is not Outcome.EMPTY:
        return None
    probes = {kind: case.book.probe(case.expected.name, kind) for kind in (Kind.A, Kind.AAAA, Kind.TXT, Kind.NS)}
    for kind in (Kind.A, Kind.AAAA):
        if probes[kind].values:
            return _addresses(case, kind, probes[kind])
    texts = probes[Kind.TXT].values
    if not texts:
        return None
    observed = f"TXT {texts[0]}"
    if re.search(r"\bp=", texts[0]):
        return hit(Mistake.FLATTENED, observed=observed)
    if set(texts) == set(_wildcard(case, Kind.TXT).values):
        return hit(Mistake.WILDCARD, observed=observed)
    return hit(Mistake.TEXT_INSTEAD, found_type="TXT", observed=observed)


def _addresses(case: Case, kind: Kind, answer: Answer) -> Hit:
    observed = f"{kind} {', '.join(answer.values)}"
    if set(answer.values) == set(_wildcard(case, kind).values):
        return hit(Mistake.WILDCARD, observed=observed)
    if owner := proxy(answer.values):
        return hit(Mistake.PROXIED, owner=owner, observed=observed)
    return hit(Mistake.ADDRESS_INSTEAD, found_type=kind.value, observed=observed)
