"""From the answers of all servers to one finding about one record: right, wrong, or right but not everywhere yet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from webhook.domain.dns.hosts import dns_host
from webhook.domain.dns.lookups import Answer, Notebook, Outcome, Seen, Zone, under
from webhook.domain.dns.mistakes import ADVICE, NOTES, Hit, Mistake, hit
from webhook.domain.dns.records import Expected

_MINUTE = timedelta(minutes=1)
#: How long secondary name servers may take to follow before one should wonder, where nothing says it.
_FOLLOWING = 3600


class Status(StrEnum):
    """What is thought of a record."""

    OK = "ok"
    MISSING = "missing"
    WRONG = "wrong"
    PENDING = "pending"
    """Not right everywhere yet, and time alone may mend it."""
    UNKNOWN = "unknown"
    OPTIONAL = "optional"
    """Not there, and not needed."""


class Finding(Struct, frozen=True):
    """What was found of one record. `right` says whether all name servers of the zone have it right."""

    type: str
    name: str
    expected: str
    observed: str | None
    status: Status
    mistake: Mistake | None
    advice: str
    right: bool


@dataclass(frozen=True, slots=True)
class Case:
    """One record to be judged, and what is known around it. `organisation` gives the registered domain of a name."""

    expected: Expected
    domain: str
    zone: Zone
    book: Notebook
    now: datetime
    organisation: Callable[[str], str]

    @property
    def label(self) -> str:
        """The record's name as it is typed at a DNS host that adds the zone by itself."""
        zone = self.zone.name if under(self.expected.name, self.zone.name) else self.domain
        return self.expected.name.removesuffix(zone).rstrip(".") or "@"

    @property
    def gone(self) -> bool:
        """Whether the domain is not registered: only a registry's zone was found, which does not know it."""
        return not self.zone.exists and not under(self.zone.name, self.organisation(self.domain))

    def absent(self, otherwise: Mistake = Mistake.RECORD_MISSING) -> Hit:
        """There is nothing: the domain itself is missing, or else this record."""
        return hit(Mistake.DOMAIN_NOT_FOUND if self.gone else otherwise)


Examine = Callable[[Answer], Hit | None]
Relevant = Callable[[str], bool]


def conclude(case: Case, seen: Seen, examine: Examine, relevant: Relevant = bool) -> Finding:
    """What is found of a record.

    Args:
        case: the record.
        seen: what all servers say of it.
        examine: the mistake in one server's answer, if any.
        relevant: which values of the answer matter: a name may hold other TXT records.
    """
    spoken = [_followed(answer, seen) for answer in seen.authoritative if answer.spoke]
    if not spoken:
        return unheard(case, seen)
    hits = [examine(answer) for answer in spoken]
    broken = [(answer, one) for answer, one in zip(spoken, hits, strict=True) if one and one.mistake not in NOTES]
    if not broken:
        return _right(case, seen, spoken[0], hits[0], relevant)
    if len(broken) < len(spoken):
        return _disagreed(case, [answer for answer, _ in broken], relevant)
    return found(case, broken[0][1], _observed(broken[0][0], relevant))


def found(case: Case, one: Hit, observed: str | None) -> Finding:
    """The finding of a mistake."""
    told = observed if one.observed is None else one.observed
    if one.mistake in NOTES:
        return finding(case, Status.OK, told, one, right=True)
    return finding(case, Status.MISSING if told is None else Status.WRONG, told, one)


def finding(case: Case, status: Status, observed: str | None, one: Hit | None, *, right: bool = False) -> Finding:
    """A finding with the words of its mistake."""
    expected = case.expected
    advice = advise(case, one) if one else ""
    mistake = one.mistake if one else None
    return Finding(expected.kind.value, expected.name, expected.value, observed, status, mistake, advice, right)


def advise(case: Case, one: Hit) -> str:
    """The words of a mistake, with what is to be changed."""
    host = dns_host(case.zone.servers)
    fields = {
        "name": case.expected.name,
        "type": case.expected.kind.value,
        "expected": case.expected.value,
        "label": case.label,
        "host": f" at {host}" if host else "",
        "zone": case.zone.name or case.domain,
    }
    return ADVICE[one.mistake].format_map(fields | one.fields)


def unheard(case: Case, seen: Seen) -> Finding:
    """No name server of the zone said anything."""
    observed = next((_observed(answer, bool) for answer in seen.public if answer.outcome is Outcome.FOUND), None)
    return finding(case, Status.UNKNOWN, observed, _silence(case, seen))


def _silence(case: Case, seen: Seen) -> Hit:
    if not case.zone.name:
        return hit(Mistake.RESOLVERS_UNREACHABLE)
    asked = seen.authoritative
    if any(answer.outcome is Outcome.UNASKED for answer in asked):
        return hit(Mistake.TOO_SLOW)
    if cut := next((answer.delegated for answer in asked if answer.delegated.startswith("_domainkey.")), ""):
        return hit(Mistake.DOMAINKEY_DELEGATED, cut=cut, servers=_servers(asked))
    if asked and all(answer.outcome is Outcome.FORBIDDEN for answer in asked):
        return hit(Mistake.SERVERS_PRIVATE)
    zone = next((answer.delegated for answer in asked if answer.delegated), case.zone.name)
    told = ", ".join(dict.fromkeys(f"{answer.server}: {answer.outcome}" for answer in asked)) or "none is known"
    return hit(Mistake.SERVERS_UNREACHABLE, zone=zone, servers=told)


def _servers(answers: tuple[Answer, ...]) -> str:
    return ", ".join(dict.fromkeys(answer.server for answer in answers if answer.server))


def _followed(answer: Answer, seen: Seen) -> Answer:
    """An answer with the values that its CNAME leads to in somebody else's zone, as resolvers see them."""
    if not answer.chain or answer.values:
        return answer
    beyond = next((one for one in seen.public if one.outcome is Outcome.FOUND), None)
    return replace(answer, values=beyond.values, outcome=Outcome.FOUND) if beyond else answer


def _right(case: Case, seen: Seen, answer: Answer, note: Hit | None, relevant: Relevant) -> Finding:
    observed = _observed(answer, relevant)
    if any(one.outcome is Outcome.BOGUS for one in seen.public):
        return finding(case, Status.WRONG, observed, hit(Mistake.DNSSEC_BOGUS))
    known = _values(answer, relevant)
    behind = [one for one in seen.public if one.spoke and _values(one, relevant) != known]
    if not behind:
        return finding(case, Status.OK, observed, note, right=True)
    last = max(behind, key=lambda one: one.ttl)
    again = moment(case.now, last.ttl)
    if old := _observed(last, relevant):
        return finding(case, Status.PENDING, observed, hit(Mistake.STALE_CACHE, found=old, again=again), right=True)
    return finding(case, Status.PENDING, observed, hit(Mistake.NEGATIVE_CACHE, again=again), right=True)


def _disagreed(case: Case, old: list[Answer], relevant: Relevant) -> Finding:
    observed = _observed(old[0], relevant)
    again = moment(case.now, max([_FOLLOWING, *(answer.ttl for answer in old if not answer.values)]))
    fields = {"old": _servers(tuple(old)), "found": observed or "nothing", "again": again}
    return finding(case, Status.PENDING, observed, hit(Mistake.SERVERS_DISAGREE, **fields))


def _values(answer: Answer, relevant: Relevant) -> frozenset[str]:
    return frozenset(value.lower() for value in answer.values if relevant(value))


def _observed(answer: Answer, relevant: Relevant) -> str | None:
    values = [value for value in answer.values if relevant(value)]
    if not values and answer.chain:
        return f"CNAME {answer.chain[0]}"
    return "; ".join(values) or None


def moment(now: datetime, seconds: int) -> str:
    """When that many seconds are over, as people read it, a minute begun counted as whole."""
    at = now + timedelta(seconds=min(max(seconds, 0), 7 * 86_400)) + _MINUTE
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%H:%M} UTC on {at:%Y-%m-%d}"
