"""Replay: a message in quarantine is read again, by the code of today."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from webhook.domain.effects import Outcome, Source
from webhook.errors import Conflict, Unavailable
from webhook.groupcommit import commit_isolating
from webhook.pipeline import accept
from webhook.ports import Store


class Shelf(Protocol):
    """Where quarantined messages lie."""

    def source(self, identity: str) -> Source:
        """The message as it came in; raises NotFound."""


class StillNotUnderstood(Conflict):
    """The message stays where it is; `reason` and `detail` are those of today."""

    def __init__(self, identity: str, reason: str, detail: str) -> None:
        super().__init__(f"{identity} is still not understood ({reason}): {detail}")
        self.reason = reason
        self.detail = detail


class Replayer:
    """Takes messages out of quarantine if they can be understood by now."""

    def __init__(
        self, shelf: Shelf, store: Store, now: Callable[[], datetime], retention: Callable[[], timedelta]
    ) -> None:
        self._shelf = shelf
        self._store = store
        self._now = now
        self._retention = retention

    def replay(self, identity: str) -> Outcome:
        """Commits the effects of a message together with striking it off.

        A misrouted message is read as if it had come to the common endpoint: whoever replays it wants it to count.

        Raises:
            NotFound: it is not there.
            StillNotUnderstood: it stays.
            Unavailable: the database does not answer; nothing changed.
        """
        source = self._shelf.source(identity)
        effects = accept(msgspec.structs.replace(source, endpoint=""), self._now(), self._retention())
        if effects.quarantined:
            raise StillNotUnderstood(identity, effects.quarantined.reason, effects.quarantined.detail)
        effects = msgspec.structs.replace(effects, source=source, replayed=identity)
        outcome = commit_isolating(self._store, [effects])[0]
        if isinstance(outcome, Unavailable):
            raise outcome
        if outcome is Outcome.QUARANTINED:
            raise StillNotUnderstood(identity, "cannot_be_stored", "the database refuses it; see the log")
        return outcome
