"""A store that is asked again: a command that runs for an hour must not end because the database was busy once."""

from collections.abc import Callable, Sequence

from webhook.domain.effects import Effects, Outcome
from webhook.errors import Unavailable
from webhook.ports import Store

#: Seconds between two tries; after the last one it is given up.
PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)


class PatientStore:
    """Plays `ports.Store`; telling the same again does no harm."""

    def __init__(self, store: Store, pause: Callable[[float], None]) -> None:
        self._store = store
        self._pause = pause

    def commit(self, batch: Sequence[Effects]) -> Sequence[Outcome]:
        """See `ports.Store`; raises Unavailable only after several tries."""
        for seconds in PAUSES:
            try:
                return self._store.commit(batch)
            except Unavailable:
                self._pause(seconds)
        return self._store.commit(batch)
