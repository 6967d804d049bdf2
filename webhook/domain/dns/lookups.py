"""What is asked of DNS and what was answered: values that neither know nor need a network."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """The types of record that are looked at."""

    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    MX = "MX"
    NS = "NS"
    SPF = "SPF"
    TXT = "TXT"


class Scope(StrEnum):
    """Who is asked: each name server of the zone and each public resolver, one name server, or one resolver."""

    EVERYWHERE = "everywhere"
    AUTHORITY = "authority"
    PUBLIC = "public"


class Outcome(StrEnum):
    """How a question ended."""

    FOUND = "found"
    EMPTY = "empty"
    """The name exists, without a record of this type (NODATA)."""
    NO_SUCH_NAME = "no such name"
    BOGUS = "bogus"
    """A validating resolver refused it (SERVFAIL) though it has the data: DNSSEC does not fit."""
    REFUSED = "refused"
    FAILED = "failed"
    LAME = "not authoritative"
    SILENT = "no answer"
    FORBIDDEN = "forbidden address"
    """The name server has a private address, which is never asked."""
    UNASKED = "not asked"


_SPOKEN = frozenset({Outcome.FOUND, Outcome.EMPTY, Outcome.NO_SUCH_NAME})


class Question(Struct, frozen=True):
    """A name (lower case, no final dot), a type, and who is to be asked."""

    name: str
    kind: Kind
    scope: Scope


class Answer(Struct, frozen=True):
    """What one server said to one question.

    `values` are the records as text (no final dots; of MX `10 host`; of TXT its strings joined); `ttl` is for how many
    seconds this answer, or the lack of one (the negative TTL of RFC 2308), may still be kept; `chain` the targets of
    CNAMEs on the way; `delegated` the zone cut that was crossed below the zone where the asking began.
    """

    outcome: Outcome
    values: tuple[str, ...] = ()
    ttl: int = 0
    server: str = ""
    chain: tuple[str, ...] = ()
    delegated: str = ""

    @property
    def spoke(self) -> bool:
        """Whether the server said what there is, or that there is nothing."""
        return self.outcome in _SPOKEN


class Seen(Struct, frozen=True):
    """The answers to one question: of the zone's own name servers, and of public resolvers."""

    authoritative: tuple[Answer, ...] = ()
    public: tuple[Answer, ...] = ()


class Zone(Struct, frozen=True):
    """Where a domain's records live: the nearest zone that public resolvers know of, and its name servers.

    `name` is "" if no resolver could tell. `exists` is false if the domain's own name does not exist.
    """

    name: str = ""
    exists: bool = True
    servers: tuple[str, ...] = ()


UNASKED = Answer(Outcome.UNASKED)


class Notebook:
    """What is known so far; what was looked up in vain is noted in `wanted`, to be asked before the next reading."""

    def __init__(self, known: Mapping[Question, Seen]) -> None:
        self._known = known
        self.wanted: set[Question] = set()

    def everywhere(self, name: str, kind: Kind) -> Seen:
        """What all name servers and resolvers say."""
        return self._seen(Question(name.lower(), kind, Scope.EVERYWHERE))

    def probe(self, name: str, kind: Kind) -> Answer:
        """What a name server of the zone says."""
        return next(iter(self._seen(Question(name.lower(), kind, Scope.AUTHORITY)).authoritative), UNASKED)

    def public(self, name: str, kind: Kind) -> Answer:
        """What a public resolver says: for names of other people's zones."""
        return next(iter(self._seen(Question(name.lower(), kind, Scope.PUBLIC)).public), UNASKED)

    def _seen(self, question: Question) -> Seen:
        if question not in self._known:
            if not possible(question.name):
                return Seen()
            self.wanted.add(question)
            return Seen()
        return self._known[question]


def possible(name: str) -> bool:
    """Whether a name is one that DNS can hold: at most 253 characters in labels of 1 to 63 (RFC 1035, 2.3.4)."""
    return 0 < len(name) <= 253 and name.isascii() and all(0 < len(label) <= 63 for label in name.split("."))


def under(name: str, zone: str) -> bool:
    """Whether a name is that of the zone or lies in it."""
    return name == zone or name.endswith(f".{zone}")
