"""What AWS counts beside what was heard here: gaps, the account's readings, and each domain's share in its rates."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Unpack

from flask import Response
from msgspec import Meta, field

from webhook.domain.gaps import State
from webhook.domain.tokens import Scope
from webhook.paging import LIMIT
from webhook.web.api.answers import answer
from webhook.web.api.operation import route
from webhook.web.api.replies import AwsProblem, Reply
from webhook.web.auth import bearer
from webhook.web.parameters import OF_DOMAIN, PAGING, SINCE, Paging
from webhook.web.services import services

#: Days that shares are taken over, unless asked otherwise.
SHARED = timedelta(days=30)
Kind = Literal["send", "delivery", "bounce", "soft_bounce", "complaint", "reject"]


class Span(Reply, frozen=True, kw_only=True):
    first: datetime = field(name="from")
    to: datetime
    missing: int


class Gap(Reply, frozen=True, kw_only=True):
    """A day on which AWS counts otherwise than was heard; `domain` of null is the whole account."""

    day: Annotated[str, Meta(examples=["2026-01-31"])]
    domain: str | None
    kind: Kind
    state: Annotated[str, Meta(extra_json_schema={"enum": [State.MISSING.value, State.NOTE.value]})]
    ours: Annotated[int, Meta(description="Heard, and surely among AWS's figures.")]
    doubtful: Annotated[int, Meta(description="Heard; AWS does not say whether it counts them.")]
    left_out: Annotated[int, Meta(description="Heard; AWS leaves them out by its own word.")]
    aws: int
    missing: Annotated[int, Meta(description="What AWS counts beyond all that was heard.")]
    spans: list[Span]
    reason: Literal["lost", "unheard", "unwired", "quarantined", "beginning", "more"]
    sentence: str
    advice: str
    first_seen_at: datetime
    checked_at: datetime
    told_at: Annotated[datetime | None, Meta(description="When `counts.diverged` told of it.")]


class Total(Reply, frozen=True, kw_only=True):
    kind: Kind
    ours: int
    aws: int
    missing: int
    left_out: int


class GapPage(Reply, frozen=True, kw_only=True):
    """What the last comparison found; sums are for tokens that may see all domains."""

    items: list[Gap]
    next_cursor: str | None
    checked_at: datetime | None
    source: Literal["vdm", "statistics"] | None
    first: str | None = field(name="from")
    to: str | None
    limits: str | None
    problem: AwsProblem | None
    domains: int | None = None
    equal: int | None = None
    missing: int | None = None
    unknown: list[str] | None = None
    totals: list[Total] | None = None


class Reading(Reply, frozen=True, kw_only=True):
    """The account at one moment; rates are AWS's own, as shares: 0.05 is 5 %."""

    at: datetime
    bounce_rate: float | None
    complaint_rate: float | None
    problem: AwsProblem | None
    region: str | None = None
    max_24_hour_send: float | None = field(name="max24HourSend", default=None)
    sent_last_24_hours: float | None = field(name="sentLast24Hours", default=None)
    max_send_rate: float | None = None
    used_share: float | None = None
    sandbox: bool | None = None
    sending_enabled: bool | None = None
    enforcement_status: str | None = None


class ReadingPage(Reply, frozen=True, kw_only=True):
    items: list[Reading]
    next_cursor: str | None


class Share(Reply, frozen=True, kw_only=True):
    """A domain's part in what the account sent, and in what came of it; its own rates beside it."""

    domain: str
    status: str | None
    sent: int
    bounces: int
    complaints: int
    sent_share: float | None
    bounce_share: float | None
    complaint_share: float | None
    bounce_rate: float | None
    complaint_rate: float | None


class Sum(Reply, frozen=True, kw_only=True):
    """All domains together, as counted here; and the rates that AWS last judged the account by."""

    sent: int
    bounces: int
    complaints: int
    bounce_rate: float | None
    complaint_rate: float | None
    aws_bounce_rate: float | None
    aws_complaint_rate: float | None


class SharePage(Reply, frozen=True, kw_only=True):
    items: list[Share]
    next_cursor: None
    account: Sum
    first: str = field(name="from")


@route("GET", "/gaps", tag="Gaps", scope=Scope.READ, query=(OF_DOMAIN, SINCE, *PAGING), answers={200: GapPage})
def gaps(domain: str = "", since: datetime | None = None, **paging: Unpack[Paging]) -> Response:
    """Where AWS counts otherwise than was heard here, newest day first.

    The worker compares once a day, and `python -m webhook gaps` does so at once. A token that is bound to an owner gets
    the rows of its domains.
    """
    find = services().platform.oversight.gaps.find
    day = since.date() if since else None
    return answer(find(domain=domain.lower().rstrip("."), since=day, owner=bearer().owner, **paging))


@route("GET", "/aws-ses/readings", tag="Account", scope=Scope.READ, query=(SINCE, *PAGING), answers={200: ReadingPage})
def readings(since: datetime | None = None, **paging: Unpack[Paging]) -> Response:
    """The account every quarter of an hour, newest first: quota, standing, and the rates that AWS judges it by."""
    return answer(services().platform.oversight.readings.find(since=since, **paging))


@route("GET", "/aws-ses/shares", tag="Account", scope=Scope.READ, query=(SINCE, PAGING[1]), answers={200: SharePage})
def shares(since: datetime | None = None, limit: int = LIMIT) -> Response:
    """Whom the account owes its rates to: each domain's share in its bounces and complaints, the largest first.

    By the days mails were sent, 30 days without `since`. A token that is bound to an owner gets its domains only.
    """
    seen = services().platform.oversight
    first = (since or services().clock.now() - SHARED).date()
    found = seen.shares.find(first, owner=bearer().owner, limit=limit)
    newest = seen.readings.newest() or {}
    for name, told in (("awsBounceRate", "bounceRate"), ("awsComplaintRate", "complaintRate")):
        found["account"][name] = newest.get(told)
    return answer(found)
