"""The in-memory twins of what following stands on: domains, hints, the sweep, and SES at one call a second."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs

from tests.fakes.ses.clock import SimulatedClock
from tests.fakes.ses.identities import FakeIdentity
from webhook.domain.cadence import settled
from webhook.domain.following import Followed, Hinted, Recorded, Sweep, told_cause
from webhook.domain.ses import Identity, Listed, ListedPage, State
from webhook.domain.verification import Cause, CauseKind, Reading, Verification, apply, note_listed
from webhook.errors import AwsError, NotFound

PAGE = 1000
LEASE = timedelta(minutes=2)


class DirectSes:
    """SES without HTTP: a call waits for its second, by the simulated clock; when each was made is kept."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._free = clock.now()
        self.identities: dict[str, FakeIdentity] = {}
        self.calls: dict[str, list[datetime]] = defaultdict(list)
        self._order: list[str] = []

    def add(self, domain: str, created: datetime, *, present: bool) -> FakeIdentity:
        identity = self.identities[domain] = FakeIdentity(domain, created, present=present)
        identity.settle(created)
        return identity

    def create(self, domain: str, *, present: bool = False) -> None:
        self._slot("create")
        self.add(domain, self._clock.now(), present=present)

    def delete(self, domain: str) -> None:
        self._slot("delete")
        self.identities.pop(domain, None)

    def get_identity(self, domain: str) -> Identity:
        self._slot("get")
        identity = self.identities.get(domain)
        if identity is None:
            raise AwsError("aws_not_found", f"SES has no identity {domain}", "", retryable=False)
        identity.settle(self._clock.now())
        status = State.from_text(identity.dkim.status)
        return Identity(
            name=domain,
            verified_for_sending=identity.verified,
            verification=status,
            dkim_status=status,
            last_success=identity.last_success,
        )

    def list_identities(self, token: str | None = None) -> ListedPage:
        self._slot("list")
        start = int(token or 0)
        if start == 0:
            self._order = list(self.identities)
        names = [name for name in self._order[start : start + PAGE] if name in self.identities]
        end = start + PAGE
        return ListedPage(tuple(map(self._listed, names)), str(end) if end < len(self._order) else None)

    def _listed(self, name: str) -> Listed:
        identity = self.identities[name]
        identity.settle(self._clock.now())
        return Listed(name, identity.verified, _STATES[identity.dkim.status])

    def _slot(self, operation: str) -> None:
        if (wait := (self._free - self._clock.now()).total_seconds()) > 0:
            self._clock.sleep(wait)
        self._free = self._clock.now() + timedelta(seconds=1)
        self.calls[operation].append(self._clock.now())


_STATES = {state.value.upper(): state for state in State}


class Known(Struct):
    """A domain's document."""

    verification: Verification
    registered: datetime
    next_check: datetime
    intent: str | None = None
    restarted: datetime | None = None


class Row(Struct, frozen=True):
    """A row of history."""

    domain: str
    at: datetime
    aspect: str
    source: str
    target: str
    cause: str


class MemoryVerifications:
    """Plays `Verifications`; what was written is in its attributes."""

    def __init__(self) -> None:
        self.domains: dict[str, Known] = {}
        self.history: list[Row] = []
        self.hints: dict[str, str] = {}
        #: To be set up afresh.
        self.wanted: list[str] = []
        self._waiting: list[tuple[datetime, str]] = []
        self._ready: list[tuple[float, str]] = []

    def register(self, domain: str, verification: Verification, registered: datetime, next_check: datetime) -> None:
        self.domains[domain] = Known(verification, registered, next_check)
        heapq.heappush(self._waiting, (next_check, domain))

    def restarted(self, domain: str, at: datetime) -> None:
        """As the registrar leaves a domain that it set up afresh."""
        known = self.domains[domain]
        known.intent, known.registered = None, at
        self.wanted.remove(domain)
        self._schedule(domain, at)

    def find(self, domain: str) -> Followed | None:
        known = self.domains.get(domain)
        return Followed(domain, known.verification, (known.registered, None)) if known and not known.intent else None

    def document(self, domain: str) -> dict[str, Any]:
        if domain not in self.domains:
            raise NotFound(f"no domain {domain!r}")
        known = self.domains[domain]
        return {"domain": domain, "awsSes": {"intent": known.intent, "restartedAt": known.restarted}}

    def record(
        self, followed: Followed, reading: Reading, cause: Cause, when: Callable[[Verification], datetime], listed: str
    ) -> Recorded | None:
        current, known = self.find(followed.domain), self.domains[followed.domain]
        if current is None or current.epoch != followed.epoch:
            return None
        after, changes = apply(known.verification, reading)
        if after is known.verification:
            return None
        after = note_listed(after, listed)
        told = told_cause(known.verification, after, cause)
        self.history += [
            Row(followed.domain, reading.at, change.aspect, change.source, change.target, told.kind)
            for change in changes
        ]
        known.verification = after
        self._schedule(followed.domain, when(after))
        return Recorded(after, changes, told, self.document(followed.domain))

    def put_off(self, domain: str, _error: AwsError, _at: datetime, until: datetime) -> None:
        self._schedule(domain, until)

    def restart(self, domain: str, at: datetime, unless_since: datetime) -> bool:
        known = self.domains[domain]
        if known.intent or (known.restarted and known.restarted > unless_since):
            return False
        known.intent, known.restarted = "restart", at
        self.wanted.append(domain)
        return True

    def next_due(self, at: datetime) -> Followed | None:
        while self._waiting and self._waiting[0][0] <= at:
            when, domain = heapq.heappop(self._waiting)
            if self.domains[domain].next_check == when:
                changed = self.domains[domain].verification.changed_at or self.domains[domain].registered
                heapq.heappush(self._ready, (-changed.timestamp(), domain))
        while self._ready:
            domain = heapq.heappop(self._ready)[1]
            if self.domains[domain].next_check <= at and (followed := self.find(domain)):
                self._schedule(domain, at + LEASE)
                return followed
        return None

    def unsettled(self) -> int:
        return sum(not settled(known.verification) for known in self.domains.values())

    def next_hint(self, _at: datetime) -> Hinted | None:
        if not self.hints:
            return None
        domain, listed = next(iter(self.hints.items()))
        return Hinted(domain, domain, Cause(CauseKind.SWEEP, listed), listed)

    def seen(self, hinted: Hinted, _at: datetime) -> None:
        del self.hints[hinted.domain]

    def _schedule(self, domain: str, when: datetime) -> None:
        self.domains[domain].next_check = when
        heapq.heappush(self._waiting, (when, domain))


class MemorySweeps:
    """Plays `Sweeps`."""

    def __init__(self, verifications: MemoryVerifications, at: datetime) -> None:
        self._verifications = verifications
        self._due = at
        self._current: Sweep | None = None
        self._names: set[str] = set()
        self._doubtful = False
        self.errors: list[tuple[str, str | None]] = []

    def claim(self, at: datetime) -> Sweep | None:
        if self._current is None and at >= self._due:
            self._current, self._names = Sweep(at), set()
        return self._current

    def needed(self) -> bool:
        return bool(self._verifications.domains)

    def known(self, names: Sequence[str]) -> Mapping[str, Verification]:
        domains = self._verifications.domains
        return {name: known.verification for name in names if (known := domains.get(name)) and not known.intent}

    def go_on(self, sweep: Sweep, names: Iterable[str], news: Mapping[str, str], token: str, _at: datetime) -> None:
        self._names.update(names)
        self._verifications.hints.update(news)
        self._current = structs.replace(sweep, token=token, pages=sweep.pages + 1)

    def unlisted(self, sweep: Sweep, names: Iterable[str]) -> tuple[list[str], int]:
        listed = self._names.union(names)
        should = [
            domain
            for domain, known in self._verifications.domains.items()
            if not known.intent and known.verification.identity != "gone" and known.registered < sweep.started
        ]
        return [domain for domain in should if domain not in listed], len(should)

    def finish(self, _sweep: Sweep, news: Mapping[str, str], until: datetime, _at: datetime, *, doubtful: bool) -> None:
        self._verifications.hints.update(news)
        self._current, self._due, self._doubtful = None, until, doubtful

    def begin_again(self, sweep: Sweep) -> None:
        self._current, self._names = Sweep(sweep.started), set()

    def doubtful(self) -> bool:
        return self._doubtful

    def note(self, operation: str, error: AwsError | None, _at: datetime) -> None:
        self.errors.append((operation, error.code if error else None))
