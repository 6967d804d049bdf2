"""The asking about one domain: finds its zone, follows delegations, asks in parallel, within a share of time."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from msgspec.structs import replace

from webhook.adapters.dns.addresses import PORT, Server, is_public, resolver
from webhook.adapters.dns.exchange import Exchange, Reply
from webhook.domain.dns.lookups import Answer, Kind, Outcome, Question, Scope, Seen, Zone, possible, under

#: Seconds and queries that one domain may cost.
SECONDS, QUERIES = 5.0, 400
MAX_SERVERS = 4
_THREADS = 12
_MAX_CUTS = 3
_MAX_LABELS = 8


class DnsAsker:
    """Asks DNS about domains.

    Args:
        resolvers: public resolvers, `host` or `host:port` each.
        monotonic: a clock that never goes backwards, in seconds.
        seconds: how long one domain may take.
        port: where name servers listen.
        allow_private: also ask name servers at addresses that are not on the public internet: for tests.
    """

    def __init__(
        self,
        resolvers: Sequence[str],
        monotonic: Callable[[], float],
        *,
        seconds: float = SECONDS,
        port: int = PORT,
        allow_private: bool = False,
    ) -> None:
        self._resolvers = tuple(map(resolver, resolvers))
        self._monotonic = monotonic
        self._seconds = seconds
        self._port = port
        self._allow_private = allow_private

    @contextmanager
    def inquire(self, domain: str) -> Iterator["DnsInquiry"]:
        """Finds the zone of a domain, and lets it be asked."""
        budget = Budget(self._monotonic, self._seconds)
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="dns") as pool:
            yield DnsInquiry(domain, self._resolvers, budget, pool, self._server)

    def _server(self, name: str, address: str) -> Server:
        return Server(name, address, self._port, self._allow_private or is_public(address))


class Budget:
    """What is left of the time and the queries of one domain."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._end = monotonic() + seconds
        self._queries = QUERIES
        self._lock = Lock()

    def remaining(self) -> float:
        """Seconds; not above zero once they are used up."""
        return self._end - self._monotonic()

    def spend(self) -> bool:
        """Takes one query, if one is left."""
        with self._lock:
            self._queries -= 1
            return self._queries >= 0


class DnsInquiry:
    """Answers questions about one domain."""

    def __init__(
        self,
        domain: str,
        resolvers: Sequence[Server],
        budget: Budget,
        pool: ThreadPoolExecutor,
        server: Callable[[str, str], Server],
    ) -> None:
        self._resolvers = resolvers
        self._exchange = Exchange(budget.remaining, budget.spend)
        self._pool = pool
        self._server = server
        self._mute: set[Server] = set()
        self._cuts: dict[str, tuple[Server, ...]] = {}
        self._dead = ""
        self.zone = self._find(domain)

    def ask(self, questions: Collection[Question]) -> Mapping[Question, Seen]:
        """The answers to all of them; of a server that does not answer any more, its silence."""
        asked = [question for question in questions if self.zone.name and possible(question.name)]
        everywhere = [(server, one) for one in asked if one.scope is Scope.EVERYWHERE for server in self._resolvers]
        single = [one for one in asked if one.scope is Scope.PUBLIC]
        # Both begin before the name servers are asked; all waiting happens at once.
        public = self._ask_all(everywhere, recursive=True)
        resolved = self._pool.map(lambda one: self._resolve(one.name, one.kind), single)
        authoritative = self._ask_authorities([one for one in asked if one.scope is not Scope.PUBLIC])
        answers: dict[Question, list[Answer]] = {
            one: [reply.answer] for one, reply in zip(single, resolved, strict=True)
        }
        for (_, question), reply in zip(everywhere, public, strict=True):
            answers.setdefault(question, []).append(reply.answer)
        return {one: Seen(tuple(authoritative.get(one, ())), tuple(answers.get(one, ()))) for one in questions}

    def _resolve(self, name: str, kind: str) -> Reply:
        """What the first resolver says that says anything."""
        reply = Reply(Answer(Outcome.SILENT))
        silent: list[Server] = []
        for server in self._resolvers:
            reply = self._one(server, name, kind, recursive=True)
            if _told(reply):
                # Silent where another one speaks: it is not reached. Else all may be waiting for the same dead server.
                self._mute.update(silent)
                break
            if reply.answer.outcome is Outcome.SILENT:
                silent.append(server)
        return reply

    # -- the zone and its name servers

    def _find(self, domain: str) -> Zone:
        """The nearest zone that resolvers know of, from the domain upwards, and its name servers."""
        labels = domain.split(".")
        names = [".".join(labels[at:]) for at in range(len(labels))][:_MAX_LABELS]
        replies = self._origins(names)
        for name, reply in zip(names, replies, strict=True):
            if reply.answer.chain:
                continue  # an alias: the SOA record is that of somebody else's zone
            zone = name if reply.answer.values else reply.authority.lower()
            if zone and under(domain, zone):
                exists = replies[0].answer.outcome is not Outcome.NO_SUCH_NAME
                self._cuts[zone] = self._located(self._resolve(zone, Kind.NS).answer.values)
                return Zone(zone, exists, tuple(server.name for server in self._cuts[zone]))
        return Zone()

    def _origins(self, names: Sequence[str]) -> list[Reply]:
        """What resolvers say of the SOA records of a name and those above it.

        All are asked at once, since of a domain whose name servers are dead, resolvers say nothing for long.
        """
        pairs = [(server, name) for name in names for server in self._resolvers]
        told = list(self._pool.map(lambda pair: self._one(pair[0], pair[1], "SOA", recursive=True), pairs))
        heard = {server for (server, _), reply in zip(pairs, told, strict=True) if _replied(reply)}
        if heard:
            self._mute.update(set(self._resolvers) - heard)
        best = []
        for name in names:
            replies = [reply for (_, asked), reply in zip(pairs, told, strict=True) if asked == name]
            best.append(next(filter(_told, replies), replies[0]))
            if heard and not any(map(_replied, replies)):
                self._dead = name
        return best

    def _located(self, names: Collection[str]) -> tuple[Server, ...]:
        """The name servers' addresses, one each; those with IPv4 only, if there are any, since IPv6 may not be ours."""
        hosts = sorted({name.lower() for name in names})[:MAX_SERVERS]
        for kind in (Kind.A, Kind.AAAA):
            replies = list(self._pool.map(self._resolve, hosts, [kind] * len(hosts)))
            found = [(host, reply.answer.values) for host, reply in zip(hosts, replies, strict=True)]
            if servers := tuple(self._server(host, values[0]) for host, values in found if values):
                return servers
        return ()

    def _ask_authorities(self, questions: Sequence[Question]) -> dict[Question, list[Answer]]:
        """Asks the name servers, and those that they refer to."""
        answers: dict[Question, list[Answer]] = {}
        # A referral that one question learns must not hide from another that it was asked above it.
        cuts = {one: self._cut_of(one.name) for one in questions}
        for _ in range(_MAX_CUTS):
            pairs = [(server, one) for one, cut in cuts.items() for server in self._servers(one, cut)]
            told: dict[Question, list[Reply]] = {one: [] for one in cuts}
            for (_, question), reply in zip(pairs, self._ask_all(pairs, recursive=False), strict=True):
                told[question].append(reply)
            for question, replies in told.items():
                below = "" if cuts[question] == self.zone.name else cuts[question]
                answers[question] = [replace(reply.answer, delegated=below) for reply in replies]
            referred = [one for one, replies in told.items() if self._learned(replies, cuts[one])]
            cuts = {one: self._cut_of(one.name) for one in referred}
        return answers

    def _learned(self, replies: Sequence[Reply], cut: str) -> bool:
        """Whether a referral led further down; its name servers are known then."""
        for reply in replies:
            if reply.cut and reply.cut != cut and under(reply.cut, cut):
                if reply.cut not in self._cuts:
                    self._cuts[reply.cut] = self._referred(reply)
                return True
        return False

    def _referred(self, reply: Reply) -> tuple[Server, ...]:
        """The name servers of a referral; those whose addresses nobody knows will be silent."""
        glued = dict(reply.glue)
        servers = tuple(self._server(name, address) for name, address in glued.items())[:MAX_SERVERS]
        return servers or self._located(reply.names) or tuple(Server(name, "") for name in reply.names)

    def _cut_of(self, name: str) -> str:
        """The deepest zone that is known above a name."""
        return max((cut for cut in self._cuts if under(name, cut)), key=len, default=self.zone.name)

    def _servers(self, question: Question, cut: str) -> Sequence[Server]:
        servers = self._cuts.get(cut, ())
        if question.scope is Scope.EVERYWHERE:
            return servers
        return sorted(servers, key=lambda server: server in self._mute)[:1]

    # -- asking

    def _ask_all(self, pairs: Sequence[tuple[Server, Question]], *, recursive: bool) -> Iterator[Reply]:
        """The replies, in order; all of it has begun when this returns."""
        return self._pool.map(lambda pair: self._one(pair[0], pair[1].name, pair[1].kind, recursive=recursive), pairs)

    def _one(self, server: Server, name: str, kind: str, *, recursive: bool) -> Reply:
        # Neither a server that was silent nor a domain that made resolvers silent costs any more time.
        hopeless = recursive and self._dead and under(name, self._dead)
        if not server.address or server in self._mute or hopeless:
            return Reply(Answer(Outcome.SILENT, server=server.name))
        reply = self._exchange.ask(server, name, kind, recursive=recursive)
        if reply.answer.outcome is Outcome.SILENT and not recursive:
            self._mute.add(server)
        return reply


def _told(reply: Reply) -> bool:
    """Whether there is something to learn from it."""
    return reply.answer.spoke or reply.answer.outcome is Outcome.BOGUS


def _replied(reply: Reply) -> bool:
    """Whether there was an answer at all, be it a refusal."""
    return reply.answer.outcome not in {Outcome.SILENT, Outcome.UNASKED}
