"""The in-memory twin of the database: the same plans, carried out on dictionaries."""

from collections.abc import Sequence
from datetime import date, datetime

from webhook.domain.counts import Counts, add
from webhook.domain.effects import Effects, Outcome, Quarantined
from webhook.domain.mail import Mail
from webhook.domain.reputation import Policy, Verdict, evaluate
from webhook.pipeline import settle


class MemoryStore:
    """Plays `ports.Store`; what it was told is in its attributes."""

    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}
        self.counters: dict[tuple[str, date], Counts] = {}
        self.kinds: dict[str, frozenset[str]] = {}
        self.quarantine: dict[str, Quarantined] = {}

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        settlement = settle(batch, self.mails)
        for mail in (*settlement.new, *settlement.changed):
            self.mails[mail.id] = mail
        for place, delta in settlement.deltas.items():
            add(self.counters.setdefault(place, {}), delta)
        for wiring, kinds in settlement.kinds.items():
            self.kinds[wiring] = self.kinds.get(wiring, frozenset()) | kinds
        for effects in batch:
            if effects.quarantined:
                self.quarantine[effects.quarantined.id] = effects.quarantined
        return settlement.outcomes

    def verdict(self, domain: str, policy: Policy, now: datetime) -> Verdict:
        days = {day: counts for (name, day), counts in self.counters.items() if name == domain}
        return evaluate(domain, days, self.kinds, policy, now)
