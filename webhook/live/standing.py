"""How a trial stands, and what came of it."""

from collections.abc import Callable

from msgspec import Struct

from webhook.domain.live import Hop, Passage, Sender, Verdict


class Standing(Struct, frozen=True):
    """How things stand, `elapsed` seconds after the beginning; `doing` says what is done or waited for."""

    doing: str
    elapsed: float
    passages: tuple[Passage, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """What came of a trial; `sender` is None if there was nobody to send."""

    run: str
    passages: tuple[Passage, ...]
    verdict: Verdict
    hops: tuple[Hop, ...]
    elapsed: float
    sender: Sender | None = None
    notes: tuple[str, ...] = ()


#: Is shown how things stand, again and again.
Show = Callable[[Standing], None]
