"""Restoring from SES's own suppression list what no message told: one call a second, resumable."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from webhook.domain.effects import Outcome
from webhook.domain.restoring import KINDS, Fate, Listed, effects_of, knows
from webhook.errors import Unavailable
from webhook.gaps.ports import Mails, Marks, SuppressionList
from webhook.groupcommit import commit_isolating
from webhook.ports import Store


class Restored:
    """What a restoring came to: facts by domain and kind, the fates of all entries, and how far it is."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.facts: Counter[tuple[str, str]] = Counter()
        self.fates: Counter[Fate] = Counter()


class Restorer:
    """Reads the list and tells the mails what it says, by the same commit as everything else."""

    def __init__(
        self, listed: SuppressionList, mails: Mails, store: Store, marks: Marks, now: Callable[[], datetime]
    ) -> None:
        self._listed = listed
        self._mails = mails
        self._store = store
        self._marks = marks
        self._now = now

    def restore(self, since: datetime, restored: Restored) -> Iterator[Restored]:
        """Goes through what came on the list since then, an entry for each step.

        An interrupted run is taken up where it stopped: what it was done with costs no call again. Raises AwsError,
        Limited, Unavailable.
        """
        entries = sorted((one for one in self._listed.since(since) if one.reason in KINDS), key=_place)
        mark = self._marks.mark(since, self._now())
        restored.total = len(entries)
        for entry in entries:
            if mark is None or _place(entry) > mark:
                restored.fates[self._restore(entry, restored)] += 1
                self._marks.advance(since, *_place(entry), self._now())
            restored.done += 1
            yield restored
        self._marks.complete()

    def _restore(self, entry: Listed, restored: Restored) -> Fate:
        if self._mails.recalls(entry):
            return Fate.KNOWN
        cause = self._listed.cause(entry.address)
        if cause is None:
            return Fate.BY_HAND
        identity, feedback_id = cause
        mail = self._mails.mail(identity)
        if mail is None:
            return Fate.UNKNOWN
        if knows(mail, entry, feedback_id):
            return Fate.KNOWN
        effects = effects_of(mail, entry, feedback_id)
        [outcome] = commit_isolating(self._store, [effects])
        if isinstance(outcome, Unavailable):
            raise outcome
        if outcome is Outcome.DUPLICATE:
            return Fate.KNOWN
        restored.facts[mail.domain, effects.kind] += 1
        return Fate.RESTORED


def _place(entry: Listed) -> tuple[datetime, str]:
    return entry.at, entry.address
