"""A live trial of the chain from SES to here: what is sent, what must come back, and what it means if it does not."""

from webhook.domain.live.hops import Hop, State, hops
from webhook.domain.live.links import WORDS, Link
from webhook.domain.live.narrowing import narrowed
from webhook.domain.live.trial import Heard, Mailbox, Passage, Sender, expected, missing
from webhook.domain.live.verdict import Counted, Evidence, Refusal, Verdict, judged, note_of

__all__ = [
    "WORDS",
    "Counted",
    "Evidence",
    "Heard",
    "Hop",
    "Link",
    "Mailbox",
    "Passage",
    "Refusal",
    "Sender",
    "State",
    "Verdict",
    "expected",
    "hops",
    "judged",
    "missing",
    "narrowed",
    "note_of",
]
