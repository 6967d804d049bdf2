"""One question to one server, and its answer: over UDP, and over TCP when it does not fit."""

from collections.abc import Callable, Iterator, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdtypes.mxbase import MXBase
from dns.rdtypes.nsbase import NSBase
from dns.rdtypes.txtbase import TXTBase
from msgspec import Struct

from webhook.adapters.dns.addresses import Server
from webhook.domain.dns.lookups import Answer, Outcome

#: Seconds that one try may take, and how many there are: a datagram may get lost.
PATIENCE, TRIES = 1.0, 2
#: Fits every path, so that answers are not fragmented (DNS flag day 2020).
_PAYLOAD = 1232
_MAX_CHAIN = 8
_MAX_VALUES = 50

_OUTCOMES = {
    dns.rcode.NOERROR: Outcome.EMPTY,
    dns.rcode.NXDOMAIN: Outcome.NO_SUCH_NAME,
    dns.rcode.REFUSED: Outcome.REFUSED,
    dns.rcode.NOTAUTH: Outcome.LAME,
}


class Reply(Struct, frozen=True):
    """An answer, and what else the message told.

    `authority` is the owner of the SOA record in it, "" without one; `cut`, `names` and `glue` are a referral: the zone
    that was delegated, to which name servers, and the addresses told of those whose names lie in that zone.
    """

    answer: Answer
    authority: str = ""
    cut: str = ""
    names: tuple[str, ...] = ()
    glue: tuple[tuple[str, str], ...] = ()


class Exchange:
    """Asks servers.

    `remaining` tells how many seconds are left for all of it; `spend` takes one query, or refuses it.
    """

    def __init__(self, remaining: Callable[[], float], spend: Callable[[], bool]) -> None:
        self._remaining = remaining
        self._spend = spend

    def ask(self, server: Server, name: str, kind: str, *, recursive: bool) -> Reply:
        """What the server says. A validating resolver that fails is asked again without validation, to tell why."""
        if not server.allowed:
            return Reply(Answer(Outcome.FORBIDDEN, server=server.name))
        if not _askable(name):
            return Reply(Answer(Outcome.FAILED, server=server.name))
        response = self._query(server, name, kind, recursive=recursive)
        if response is None:
            outcome = Outcome.SILENT if self._remaining() > 0 else Outcome.UNASKED
            return Reply(Answer(outcome, server=server.name))
        reply = read(response, server.name, kind, recursive=recursive)
        if not recursive or reply.answer.outcome is not Outcome.FAILED:
            return reply
        unchecked = self._query(server, name, kind, recursive=True, unchecked=True)
        if unchecked is None:
            return reply
        return _bogus(read(unchecked, server.name, kind, recursive=True), reply)

    def _query(
        self, server: Server, name: str, kind: str, *, recursive: bool, unchecked: bool = False
    ) -> dns.message.Message | None:
        query = dns.message.make_query(name, kind, use_edns=0, payload=_PAYLOAD)
        if not recursive:
            query.flags &= ~dns.flags.RD
        if unchecked:
            query.flags |= dns.flags.CD
        response = self._tries(query, server)
        if response is not None and response.rcode() in {dns.rcode.FORMERR, dns.rcode.NOTIMP}:
            # Servers from before EDNS do not understand its record.
            query.use_edns(edns=False)
            response = self._tries(query, server)
        return response

    def _tries(self, query: dns.message.Message, server: Server) -> dns.message.Message | None:
        for _ in range(TRIES):
            patience = min(PATIENCE, self._remaining())
            if patience <= 0 or not self._spend():
                return None
            try:
                return _exchange(query, server, patience)
            except (dns.exception.DNSException, OSError, EOFError, ValueError):
                continue
        return None


def _exchange(query: dns.message.Message, server: Server, patience: float) -> dns.message.Message:
    # One record at a time: there may be only one CNAME of a name, so the library would drop the others unseen.
    return dns.query.udp_with_fallback(
        query,
        server.address,
        patience,
        server.port,
        ignore_unexpected=True,
        ignore_errors=True,
        one_rr_per_rrset=True,
    )[0]


def _askable(name: str) -> bool:
    try:
        dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return False
    return True


def _bogus(unchecked: Reply, checked: Reply) -> Reply:
    """What is there though validation failed; the failure itself if it is not DNSSEC's."""
    answer = unchecked.answer
    if not answer.spoke:
        return checked
    told = Answer(Outcome.BOGUS, answer.values, answer.ttl, answer.server, answer.chain)
    return Reply(told, unchecked.authority)


def read(response: dns.message.Message, server: str, kind: str, *, recursive: bool) -> Reply:
    """The answer that a message holds to its own question."""
    rcode = response.rcode()
    outcome = _OUTCOMES.get(rcode, Outcome.FAILED)
    if not response.question or outcome not in {Outcome.EMPTY, Outcome.NO_SUCH_NAME}:
        return Reply(Answer(outcome if response.question else Outcome.FAILED, server=server))
    name = response.question[0].name
    chain, records = _walk(response, name, dns.rdatatype.from_text(kind))
    soa = next((one for one in response.authority if one.rdtype == dns.rdatatype.SOA), None)
    authority = text_of(soa.name) if soa is not None else ""
    targets = tuple(chain)
    if records:
        values = tuple(_value(one[0]) for one in records[:_MAX_VALUES])
        return Reply(Answer(Outcome.FOUND, values, min(one.ttl for one in records), server, targets), authority)
    if not recursive and not response.flags & dns.flags.AA and not targets:
        return _referral(response, name, server)
    ttl = min(soa.ttl, soa[0].minimum) if soa is not None else 0
    # A CNAME at the name exists, even if its target does not.
    return Reply(Answer(Outcome.EMPTY if targets else outcome, (), ttl, server, targets), authority)


def _walk(
    response: dns.message.Message, name: dns.name.Name, wanted: dns.rdatatype.RdataType
) -> tuple[list[str], list[dns.rrset.RRset]]:
    """The targets of CNAMEs on the way, and the records at their end, each on its own."""
    chain: list[str] = []
    while len(chain) < _MAX_CHAIN:
        if records := _records(response, name, wanted):
            return chain, records
        aliases = _records(response, name, dns.rdatatype.CNAME)
        if not aliases:
            break
        name = aliases[0][0].target
        chain.append(text_of(name))
    return chain, []


def _records(
    response: dns.message.Message, name: dns.name.Name, wanted: dns.rdatatype.RdataType
) -> list[dns.rrset.RRset]:
    return [one for one in response.answer if one.name == name and one.rdtype == wanted]


def _referral(response: dns.message.Message, name: dns.name.Name, server: str) -> Reply:
    """The zone that was delegated; only downwards: a lame server refers to the root, or sideways."""
    lame = Answer(Outcome.LAME, server=server)
    records = [one for one in response.authority if one.rdtype == dns.rdatatype.NS]
    cut = records[0].name if records else dns.name.root
    if cut == dns.name.root or not name.is_subdomain(cut):
        return Reply(lame)
    targets = [one[0].target for one in records if one.name == cut]
    names = tuple(sorted({text_of(target).lower() for target in targets}))
    return Reply(lame, cut=text_of(cut).lower(), names=names, glue=tuple(_glue(response, cut, targets)))


def _glue(
    response: dns.message.Message, cut: dns.name.Name, targets: Sequence[dns.name.Name]
) -> Iterator[tuple[str, str]]:
    """Addresses of name servers inside the delegated zone, which could not be found without."""
    inside = {target for target in targets if target.is_subdomain(cut)}
    for one in response.additional:
        if one.name in inside and one.rdtype == dns.rdatatype.A:
            yield text_of(one.name).lower(), one[0].address


def _value(record: dns.rdata.Rdata) -> str:
    match record:
        case TXTBase():
            return b"".join(record.strings).decode("utf-8", "replace")
        case MXBase():
            return f"{record.preference} {text_of(record.exchange)}"
        case NSBase():
            return text_of(record.target)
    return record.to_text()


def text_of(name: dns.name.Name) -> str:
    """A name without its final dot; "" of the root."""
    return name.to_text(omit_final_dot=True).removesuffix(".")
