"""Ten thousand domains and one call a second: a day and more, by a simulated clock."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.fakes.ses.clock import SimulatedClock
from tests.followed import DirectSes, MemorySweeps, MemoryVerifications
from webhook.domain.verification import Aspect, Reading, State, Verification, apply
from webhook.following import Follower

DOMAINS = 10_000
HOUR = timedelta(hours=1)


class Platform:
    """A platform with many domains, and a registrar for what following wants set up afresh."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.start = self.clock.now()
        self.ses = DirectSes(self.clock)
        self.verifications = MemoryVerifications()
        self.sweeps = MemorySweeps(self.verifications, self.start)
        self.ready: set[str] = set()
        self.follower = Follower(
            self.ses,
            self.verifications,
            self.sweeps,
            self.clock.now,
            lambda document: document["domain"] in self.ready,
        )

    def old(self, domain: str, age: timedelta, *, present: bool, after: timedelta) -> None:
        """A domain that was registered so long ago, followed since, and is to be read `after` the start."""
        created = self.start - age
        self.ses.add(domain, created, present=present)
        state = State.SUCCESS if present else State.PENDING
        reading = Reading(
            at=self.start - HOUR, identity=state, dkim=state, sending=present, last_success=created if present else None
        )
        verification, _ = apply(Verification(changed_at=created), reading)
        self.verifications.register(domain, verification, created, self.start + after)

    def new(self, domain: str, *, present: bool) -> None:
        """A domain that is registered now."""
        self.ses.create(domain, present=present)
        now = self.clock.now()
        before = Verification(identity=State.PENDING, dkim=State.PENDING, changed_at=now)
        self.verifications.register(domain, before, now, now)

    def pass_time(self, **more: float) -> None:
        """Works as the worker does, a second's rest when idle; at most one call a step."""
        end = self.clock.now() + timedelta(**more)
        while self.clock.now() < end:
            before = self.made
            if not self.follower.work():
                self.clock.advance(1)
            assert self.made - before <= 1
            if self.verifications.wanted:
                self.set_up_afresh()

    def set_up_afresh(self) -> None:
        for domain in self.verifications.wanted[:]:
            self.ses.delete(domain)
            self.ses.create(domain, present=domain in self.ready)
            self.verifications.restarted(domain, self.clock.now())

    @property
    def made(self) -> int:
        return sum(map(len, self.ses.calls.values()))

    def noticed(self, domain: str, target: str) -> datetime:
        """When the identity was found to be that."""
        return next(
            row.at
            for row in self.verifications.history
            if row.domain == domain and row.aspect == "identity" and row.target == target
        )

    def story(self, domain: str) -> list[tuple[str, str]]:
        return [
            (row.target, row.cause)
            for row in self.verifications.history
            if row.domain == domain and row.aspect == "identity"
        ]


@pytest.fixture
def platform() -> Platform:
    return Platform()


def test_ten_thousand_domains_are_followed_at_a_call_a_second(platform: Platform) -> None:
    day = timedelta(days=1)
    for number in range(DOMAINS - 400):
        platform.old(f"{number}.example.com", 30 * day, present=True, after=day * number / DOMAINS)
    for number in range(400):
        platform.old(f"pending-{number}.example.com", number * 71 / 400 * HOUR, present=False, after=HOUR)
    ses, clock = platform.ses, platform.clock
    platform.old("doomed.example.com", 71 * HOUR, present=False, after=HOUR)
    platform.old("mended.example.com", 71 * HOUR, present=False, after=HOUR)
    platform.pass_time(minutes=30)

    # Fresh ones, at a busy moment, verified at once.
    moments = {}
    for number in range(20):
        platform.new(f"fresh-{number}.example.com", present=False)
        platform.pass_time(seconds=40)
        ses.identities[f"fresh-{number}.example.com"].present = True
        moments[f"fresh-{number}.example.com"] = clock.now()
        platform.pass_time(seconds=20)
    platform.pass_time(minutes=3)
    late = {domain: platform.noticed(domain, "success") - at for domain, at in moments.items()}
    assert max(late.values()) <= timedelta(minutes=2)

    # One vanishes, one loses its records, one pending for two days gets them.
    del ses.identities["17.example.com"]
    vanished = clock.now()
    ses.identities["23.example.com"].present = False
    ses.identities["pending-250.example.com"].present = True
    platform.ready.add("mended.example.com")
    platform.pass_time(hours=12)
    assert platform.noticed("17.example.com", "gone") - vanished <= HOUR
    assert platform.noticed("pending-250.example.com", "success") - vanished <= HOUR
    lost = platform.noticed("23.example.com", "temporary_failure") - vanished
    assert timedelta(hours=5, minutes=50) <= lost <= timedelta(hours=7)
    assert platform.story("doomed.example.com")[-1][0] == "failed"
    assert platform.story("mended.example.com") == [("failed", "sweep"), ("success", "poll")]

    platform.pass_time(hours=14)
    assert platform.made <= 27 / 24 * 86_400 / 2
    every = sorted(at for calls in ses.calls.values() for at in calls)
    assert min(later - earlier for earlier, later in pairwise(every)) >= timedelta(seconds=1)
    read = [known.verification.reading for known in platform.verifications.domains.values()]
    assert all(reading and clock.now() - reading.at < 1.2 * day for reading in read)
    last = {(row.domain, row.aspect): row.target for row in platform.verifications.history}
    known = platform.verifications.domains
    assert last == {(domain, aspect): known[domain].verification.state(Aspect(aspect)) for domain, aspect in last}


def test_a_crowd_that_is_all_pending_leaves_calls_for_others(platform: Platform) -> None:
    for number in range(DOMAINS):
        platform.old(f"{number}.example.com", 24 * HOUR, present=False, after=timedelta(seconds=number % 3600))
    platform.pass_time(hours=12)
    first_half = platform.made
    platform.pass_time(hours=12)
    assert platform.made - first_half < 43_200 / 2
