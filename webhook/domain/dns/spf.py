"""SPF records (RFC 7208): reading one, and counting the look-ups that it costs."""

import re
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from msgspec import Struct

from webhook.domain.dns.lookups import Kind, Notebook, Outcome
from webhook.domain.dns.mistakes import Hit, Mistake, hit

MAX_LOOKUPS, MAX_VOIDS = 10, 2
#: Beyond it nothing more is counted: enough to be sure, and an end to includes that go in circles.
_ENOUGH = 30

_LOOKING_UP = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_WITH_DOMAIN = frozenset({"include", "exists"})
_NETWORKS = {"ip4": IPv4Network, "ip6": IPv6Network}
_MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "exists", "ip4", "ip6"})
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(?:([:=])(.*)|(/.*))?", re.IGNORECASE | re.DOTALL)
_MODIFIER = re.compile(r"[a-z][a-z0-9_.-]*", re.IGNORECASE)
_SPF_LIKE = re.compile(r"""[\s"'“”]*(?:v\s*=\s*spf|spf1\b)""", re.IGNORECASE)


class Term(Struct, frozen=True):
    """One term of a record: `-include:x` has qualifier `-`, name `include` and value `x`; `text` is as written."""

    qualifier: str
    name: str
    value: str
    text: str

    @property
    def host(self) -> str:
        """The domain that is looked up, without a prefix length; "" for the record's own."""
        return self.value.partition("/")[0].rstrip(".").lower()


class Cost(Struct, frozen=True):
    """What a record costs a receiver: look-ups, names that are not there, includes without an SPF record.

    `most` names the terms of the record itself that cost the most.
    """

    lookups: int
    voids: tuple[str, ...]
    broken: tuple[str, ...]
    most: tuple[str, ...]


def spf_like(text: str) -> bool:
    """Whether a text is, or was meant as, an SPF record."""
    return bool(_SPF_LIKE.match(text))


def is_spf(text: str) -> bool:
    """Whether receivers take a text for an SPF record (RFC 7208, 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(text: str) -> tuple[Term, ...] | Hit:
    """The terms of a record; a hit that says what cannot be read, and the remedy."""
    if not is_spf(text):
        return _unreadable("it does not begin with “v=spf1 ”", "Let it begin with v=spf1, without quotes")
    terms = []
    for word in text.split(" ")[1:]:
        if not word:
            continue
        read = _term(word)
        if isinstance(read, Hit):
            return read
        terms.append(read)
    return tuple(terms)


def _term(word: str) -> Term | Hit:
    found = _TERM.fullmatch(word)
    if not found:
        return _unreadable(f"“{word}” is no SPF term", f"Remove or correct {word}")
    qualifier, name, sign, value, prefix = found[1], found[2].lower(), found[3], found[4] or "", found[5]
    if name not in _MECHANISMS and sign == "=" and not qualifier:
        return Term("", name, value, word)
    if name not in _MECHANISMS:
        return _unreadable(f"“{word}” is no SPF term", f"Remove or correct {word}")
    if sign == "=":
        return _unreadable(f"“{word}” has = instead of :", f"Write {name}:{value}")
    return _mechanism(Term(qualifier or "+", name, value or prefix or "", word), colon=bool(sign))


def _mechanism(term: Term, *, colon: bool) -> Term | Hit:
    if term.name == "all" and term.value:
        return _unreadable(f"“{term.text}” is no SPF term", "Write all without anything behind it")
    if (colon or term.name in _WITH_DOMAIN or term.name in _NETWORKS) and not term.value:
        return _unreadable(f"nothing stands behind “{term.text}”", f"Write {term.name}: and its value without a space")
    if network := _NETWORKS.get(term.name):
        try:
            network(term.value, strict=False)
        except ValueError:
            return _unreadable(f"“{term.value}” is no address for {term.name}", f"Correct {term.text}")
    return term


def _unreadable(problem: str, remedy: str) -> Hit:
    return hit(Mistake.SPF_SYNTAX, problem=problem, remedy=remedy)


def joined(records: Sequence[str]) -> str:
    """Several records as one: all their terms once, and one `all` at the end, the mildest of theirs."""
    words = [word for record in sorted(records) for word in record.split()[1:]]
    endings = [word for word in words if word.lower().lstrip("+?~-") == "all"]
    ending = next((mild for mild in ("~all", "-all", "?all") if mild in endings), "~all")
    return " ".join(["v=spf1", *dict.fromkeys(word for word in words if word not in endings), ending])


def with_ses(record: str) -> str:
    """A record that lets SES send as well."""
    words = [word for word in record.split()[1:] if "include:amazonses.com" not in word.lower()]
    return " ".join(["v=spf1", "include:amazonses.com", *words])


# -- what it costs


class _Ledger:
    """Counts while includes are followed; names that are not known yet are noted in the notebook."""

    def __init__(self, book: Notebook) -> None:
        self.book = book
        self.lookups = 0
        self.voids: list[str] = []
        self.broken: list[str] = []
        self.by_term: Counter[str] = Counter()

    def visit(self, terms: Sequence[Term], domain: str, top: str, depth: int) -> None:
        """Adds what these terms cost; `top` is the term of the record itself that led here."""
        # A redirect beside an `all` is never followed (RFC 7208, 6.1).
        ends = any(term.name == "all" for term in terms)
        for term in terms:
            if term.name not in _LOOKING_UP or (term.name == "redirect" and ends):
                continue
            if self.lookups >= _ENOUGH or depth > MAX_LOOKUPS + 1:
                return
            self.lookups += 1
            self.by_term[top or term.text] += 1
            self._look(term, domain, top or term.text, depth)

    def _look(self, term: Term, domain: str, top: str, depth: int) -> None:
        # Macros depend on the mail; their names cannot be looked up here.
        name = term.host or domain
        if "%" in name or term.name in {"exists", "ptr"}:
            return
        if term.name in {"include", "redirect"}:
            self._follow(name, top, depth)
        elif self._is_void(term.name, name):
            self.voids.append(name)

    def _follow(self, name: str, top: str, depth: int) -> None:
        answer = self.book.public(name, Kind.TXT)
        if not answer.spoke:
            return
        records = [text for text in answer.values if is_spf(text)]
        terms = parse(records[0]) if len(records) == 1 else None
        if terms is None or isinstance(terms, Hit):
            self.broken.append(name)
        else:
            self.visit(terms, name, top, depth + 1)

    def _is_void(self, mechanism: str, name: str) -> bool:
        kinds = (Kind.MX,) if mechanism == "mx" else (Kind.A, Kind.AAAA)
        answers = [self.book.public(name, kind) for kind in kinds]
        return all(answer.spoke and answer.outcome is not Outcome.FOUND for answer in answers)


def cost(terms: Sequence[Term], domain: str, book: Notebook) -> Cost:
    """What a record of a domain costs, its includes followed (RFC 7208, 4.6.4)."""
    ledger = _Ledger(book)
    ledger.visit(terms, domain, "", 0)
    most = tuple(text for text, _ in ledger.by_term.most_common(2))
    return Cost(ledger.lookups, tuple(dict.fromkeys(ledger.voids)), tuple(dict.fromkeys(ledger.broken)), most)
