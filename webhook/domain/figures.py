"""What of the facts AWS counts in its own figures, so that the two can be held side by side.

Sources: SES API v2, `BatchGetMetricDataQuery` (what each metric leaves out), and the developer guide's "Monitoring your
Amazon SES sending activity" (what a send, a bounce, a complaint and a reject is). What these leave open is doubtful: a
figure of AWS may hold it or not, and neither is a difference.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from webhook.domain.counts import PERMANENT
from webhook.domain.mail import Kind

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
#: What a complaint is beside one that counts: taken back, or tied to a suppression list.
TAKEN_BACK, VOID = "taken back", "void"
SOFT = "soft"


class Measure(StrEnum):
    """What is compared."""

    SEND = "send"
    DELIVERY = "delivery"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    REJECT = "reject"


class Source(StrEnum):
    """Which figures of AWS: by domain and day, or the whole account's by quarters of an hour."""

    VDM = "vdm"  #: BatchGetMetricData, where Virtual Deliverability Manager is on
    STATISTICS = "statistics"  #: GetSendStatistics, of the last two weeks


#: What each source counts.
MEASURES: Mapping[Source, tuple[Measure, ...]] = {
    Source.VDM: (Measure.SEND, Measure.DELIVERY, Measure.BOUNCE, Measure.SOFT_BOUNCE, Measure.COMPLAINT),
    Source.STATISTICS: (Measure.SEND, Measure.BOUNCE, Measure.COMPLAINT, Measure.REJECT),
}
#: The event that tells of each.
EVENTS: Mapping[Measure, str] = {
    Measure.SEND: "Send",
    Measure.DELIVERY: "Delivery",
    Measure.BOUNCE: "Bounce",
    Measure.SOFT_BOUNCE: "Bounce",
    Measure.COMPLAINT: "Complaint",
    Measure.REJECT: "Reject",
}


class Heard(Struct, frozen=True):
    """How many times something was heard: facts alike of one domain.

    `sent` and `happened` are the beginnings of the day or quarter in which the mails were sent and it befell them;
    `what` is a bounce's type, or `TAKEN_BACK`, `VOID` or "" of a complaint; `single` is of mails to one recipient;
    `count` leaves out the mailbox simulator, `simulated` is that alone.
    """

    domain: str
    sent: datetime
    happened: datetime
    kind: str
    what: str
    single: bool
    count: int
    simulated: int = 0


class Count(Struct, frozen=True):
    """What AWS surely counts, what it may count beside it, and what it leaves out by its own word."""

    sure: int = 0
    doubtful: int = 0
    left_out: int = 0

    def __add__(self, other: "Count") -> "Count":
        """Both together."""
        return Count(self.sure + other.sure, self.doubtful + other.doubtful, self.left_out + other.left_out)

    @property
    def low(self) -> int:
        """The least that AWS should count."""
        return max(0, self.sure)

    @property
    def high(self) -> int:
        """The most."""
        return max(self.low, self.sure + self.doubtful)

    def lacking(self, aws: int) -> int:
        """How many AWS counted beyond the most that was heard (missing here), or below the least (negative)."""
        return max(0, aws - self.high) or min(0, aws - self.low)


NOTHING = Count()
_SURE, _DOUBTFUL, _DOUBTED = (1, 0), (0, 1), (-1, 1)
Rule = tuple[Measure, tuple[int, int]]
Rules = Mapping[tuple[str, str], tuple[Rule, ...]]

_COMMON: Rules = {
    (Kind.SENT, ""): ((Measure.SEND, _SURE),),
    (Kind.REJECTED, ""): ((Measure.SEND, _DOUBTED), (Measure.REJECT, _SURE)),
    (Kind.COMPLAINED, ""): ((Measure.COMPLAINT, _SURE),),
    (Kind.COMPLAINED, TAKEN_BACK): ((Measure.COMPLAINT, _DOUBTFUL),),
}
_RULES: Mapping[Source, Rules] = {
    Source.VDM: {
        **_COMMON,
        (Kind.DELIVERED, ""): ((Measure.DELIVERY, _SURE),),
        (Kind.HELD, ""): ((Measure.SEND, _DOUBTED),),
        (Kind.BOUNCED, PERMANENT): ((Measure.BOUNCE, _SURE),),
        (Kind.BOUNCED, "Transient"): ((Measure.SOFT_BOUNCE, _SURE),),
        (Kind.BOUNCED, ""): ((Measure.SOFT_BOUNCE, _DOUBTFUL),),
    },
    Source.STATISTICS: {
        **_COMMON,
        (Kind.HELD, ""): ((Measure.SEND, _DOUBTED), (Measure.BOUNCE, _DOUBTFUL)),
        (Kind.BOUNCED, ""): ((Measure.BOUNCE, _SURE),),
        (Kind.COMPLAINED, VOID): ((Measure.COMPLAINT, _DOUBTFUL),),
    },
}


def counted(heard: Heard, source: Source) -> Iterable[tuple[Measure, Count]]:
    """In which figures of the source this should be, and how surely."""
    rules = _RULES[source]
    found = rules.get((heard.kind, heard.what))
    if found is None and heard.kind == Kind.BOUNCED:
        found = rules.get((heard.kind, ""))
    for measure, (sure, doubtful) in found or ():
        if source is Source.VDM and not heard.single:
            left = heard.count if sure > 0 else 0
            yield measure, Count(left_out=left)
        else:
            # Only the metrics of VDM say that they leave the simulator out.
            simulated = heard.simulated if source is Source.STATISTICS else 0
            yield measure, Count(sure * heard.count, doubtful * heard.count + simulated)
