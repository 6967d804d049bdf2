"""A mail is a set of facts: joining what two messages tell of it is commutative, associative and idempotent."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Kind(StrEnum):
    """What can befall a mail."""

    SENT = "sent"  #: SES took it for all its recipients
    DELIVERED = "delivered"  #: the recipient's server took it
    DELAYED = "delayed"  #: not yet delivered, SES keeps trying
    BOUNCED = "bounced"  #: refused, for good (`Permanent`) or not
    HELD = "held"  #: SES itself held it back: a suppression list, validation, an unsubscription
    COMPLAINED = "complained"  #: `who` is the feedback id
    OPENED = "opened"
    CLICKED = "clicked"
    REJECTED = "rejected"  #: SES found a virus and did not send it
    UNRENDERED = "unrendered"  #: its template could not be filled in
    PREFERRED = "preferred"  #: the recipient changed his subscription


class Fact(NamedTuple):
    """One thing that befell a mail; two tellings of it are equal. `who` is an address; of a complaint, its feedback id.

    `code` is the SMTP answer of a bounce (`550 5.7.1`); of a complaint it is the address of who complained.
    """

    kind: str
    who: str = ""
    type: str = ""
    subtype: str = ""
    code: str = ""


class Told(NamedTuple):
    """When a fact happened and what was said about it. Of two tellings the smaller is kept, whichever came first."""

    at: datetime
    detail: str = ""


class Origin(NamedTuple):
    """Where a mail's domain was read: 0 the identity in `mail.sourceArn`, 1 `ses:from-domain`, 2 `mail.source`.

    The smaller origin wins, so that two messages about one mail agree on its domain in any order.
    """

    rank: int
    domain: str


class Mail(Struct, frozen=True):
    """One SES mail and everything known to have befallen it. Facts are only ever added.

    `at` is when it was sent (`mail.timestamp`); `recipients` all of `mail.destination`; `wirings` who told of it.
    """

    id: str
    origin: Origin
    at: datetime
    recipients: frozenset[str]
    facts: Mapping[Fact, Told]
    wirings: frozenset[str]

    @property
    def domain(self) -> str:
        """The customer domain it was sent from."""
        return self.origin.domain

    @property
    def day(self) -> date:
        """The UTC day it was sent: numerator and denominator of a rate meet there."""
        return self.at.date()

    def joined(self, news: "Mail") -> "Mail":
        """Everything that this mail or `news` of it knows."""
        facts = dict(self.facts)
        for fact, told in news.facts.items():
            known = facts.get(fact)
            facts[fact] = told if known is None else min(known, told)
        return Mail(
            id=self.id,
            origin=min(self.origin, news.origin),
            at=min(self.at, news.at),
            recipients=self.recipients | news.recipients,
            facts=facts,
            wirings=self.wirings | news.wirings,
        )
