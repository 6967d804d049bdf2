"""A real DNS server over UDP and TCP, which answers from a table, and misbehaves on demand."""

import struct
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from socketserver import BaseRequestHandler, ThreadingTCPServer, ThreadingUDPServer
from threading import Thread
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Respond = Callable[[dns.message.Message], dns.message.Message | bytes | None]


class DnsServer:
    """Answers each query by what `respond` makes of it; `asked` holds `name TYPE` of all of them.

    None is silence, bytes are sent as they are. One port serves UDP and TCP. What does not fit into a datagram is cut
    off, so that the asker comes back over TCP.
    """

    def __init__(self, address: str, port: int, respond: Respond) -> None:
        self.asked: list[str] = []
        self.by_tcp = 0
        server = self

        class Udp(BaseRequestHandler):
            def handle(self) -> None:
                raw, socket = self.request
                if answer := server.answer(raw, respond, limit=512):
                    socket.sendto(answer, self.client_address)

        class Tcp(BaseRequestHandler):
            def handle(self) -> None:
                (length,) = struct.unpack("!H", self.request.recv(2))
                server.by_tcp += 1
                if answer := server.answer(self.request.recv(length), respond, limit=65_535):
                    self.request.sendall(struct.pack("!H", len(answer)) + answer)

        ThreadingTCPServer.allow_reuse_address = True
        self.tcp = ThreadingTCPServer((address, port), Tcp)
        self.port = self.tcp.server_address[1]
        self.udp = ThreadingUDPServer((address, self.port), Udp)
        self.threads = [Thread(target=one.serve_forever, args=(0.01,)) for one in (self.udp, self.tcp)]

    def answer(self, raw: bytes, respond: Respond, limit: int) -> bytes | None:
        """The bytes of the answer."""
        query = dns.message.from_wire(raw)
        question = query.question[0]
        self.asked.append(f"{question.name.to_text(omit_final_dot=True)} {dns.rdatatype.to_text(question.rdtype)}")
        response = respond(query)
        if response is None or isinstance(response, bytes):
            return response
        wire = response.to_wire(max_size=65_535)
        if len(wire) > limit:
            response = dns.message.make_response(query)
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return wire

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.udp, self.tcp):
            one.shutdown()
            one.server_close()
        for thread in self.threads:
            thread.join()


class Table:
    """Records, written as `name ttl type data` with full names without final dots, and how DNS answers from them.

    An SOA record begins a zone, NS records below one delegate. Broken zones are welcome: several CNAMEs of one name,
    CNAMEs beside other data.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.rrsets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self.names: set[dns.name.Name] = set()
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        name, ttl, kind, data = line.split(None, 3)
        owner = dns.name.from_text(name)
        rdtype = dns.rdatatype.from_text(kind)
        read = dns.rrset.from_text(owner, int(ttl), "IN", rdtype, data)
        # `RRset.add` keeps one CNAME only; some DNS hosts do not.
        rrset = self.rrsets.setdefault((owner, rdtype), dns.rrset.RRset(owner, dns.rdataclass.IN, rdtype))
        rrset.ttl = int(ttl)
        rrset.items.update(dict.fromkeys(read))
        while owner != dns.name.root:
            self.names.add(owner)
            owner = owner.parent()

    def zone_of(self, name: dns.name.Name) -> dns.name.Name | None:
        return self._nearest(name, dns.rdatatype.SOA)

    def cut_of(self, name: dns.name.Name) -> dns.name.Name | None:
        """The delegation below the zone that a name lies under."""
        cut = self._nearest(name, dns.rdatatype.NS)
        zone = self.zone_of(name)
        return cut if cut and zone and cut != zone and cut.is_subdomain(zone) else None

    def _nearest(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.name.Name | None:
        while True:
            if (name, rdtype) in self.rrsets:
                return name
            if name == dns.name.root:
                return None
            name = name.parent()

    def exists(self, name: dns.name.Name) -> bool:
        """Whether a name has records, or one below it has."""
        return name in self.names or name == dns.name.root

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        if self.exists(name):
            return self.rrsets.get((name, rdtype))
        closest = name
        while not self.exists(closest):
            closest = closest.parent()
        wild = self.rrsets.get((dns.name.from_text("*", closest), rdtype))
        return self._renamed(wild, name) if wild else None

    def covered(self, name: dns.name.Name) -> bool:
        """Whether a wildcard stands for a name that does not exist itself."""
        return any(self.find(name, rdtype) for rdtype in {rdtype for _, rdtype in self.rrsets})

    @staticmethod
    def _renamed(rrset: dns.rrset.RRset, name: dns.name.Name) -> dns.rrset.RRset:
        copy = dns.rrset.RRset(name, rrset.rdclass, rrset.rdtype)
        copy.ttl = rrset.ttl
        copy.items.update(rrset.items)
        return copy

    def fill(self, response: dns.message.Message, *, delegating: bool) -> None:
        """Puts into a response what is known; `delegating` as a name server does, not as a resolver."""
        name, rdtype = response.question[0].name, response.question[0].rdtype
        response.flags |= dns.flags.AA if delegating else dns.flags.RA
        for _ in range(8):
            if not self._step(response, name, rdtype, delegating=delegating):
                return
            name = response.answer[-1][0].target
            if delegating and self.zone_of(name) is None:
                return

    def _step(self, response: Any, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, delegating: bool) -> bool:
        """One name; true if it led to another one."""
        cut = self.cut_of(name) if delegating else None
        if cut:
            response.flags &= ~dns.flags.AA
            response.authority.append(self.rrsets[cut, dns.rdatatype.NS])
            return False
        found = self.find(name, rdtype)
        if found:
            response.answer.append(found)
            return False
        alias = self.find(name, dns.rdatatype.CNAME)
        if alias:
            response.answer.append(alias)
            return True
        if not self.exists(name) and not self.covered(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        zone = self.zone_of(name)
        if zone:
            response.authority.append(self.rrsets[zone, dns.rdatatype.SOA])
        return False


def name_server(table: Table) -> Respond:
    """Serves its zones, and refuses others."""

    def respond(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        if table.zone_of(query.question[0].name) is None:
            response.set_rcode(dns.rcode.REFUSED)
        else:
            table.fill(response, delegating=True)
        return response

    return respond


def resolver(*tables: Table) -> Respond:
    """Answers from the first table that has the name's nearest zone: what a resolver has in its cache goes first."""

    def respond(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        name = query.question[0].name
        known = [(len(zone.labels), -at, table) for at, table in enumerate(tables) if (zone := table.zone_of(name))]
        if known:
            max(known, key=lambda one: one[:2])[2].fill(response, delegating=False)
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    return respond


def servers_at_one_port(responds: dict[str, Respond], stack: ExitStack) -> tuple[int, dict[str, DnsServer]]:
    """Several servers at addresses of this machine (127.0.0.2 …), all on the same port, as name servers are."""
    for _ in range(20):
        started: dict[str, DnsServer] = {}
        port = 0
        try:
            for address, respond in responds.items():
                started[address] = DnsServer(address, port, respond)
                port = started[address].port
        except OSError:
            for server in started.values():
                server.udp.server_close()
                server.tcp.server_close()
            continue
        for server in started.values():
            stack.enter_context(server)
        return port, started
    raise OSError("no port is free at all of these addresses")
