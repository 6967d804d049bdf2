"""The made-up customers: each domain has one character, so that a reader knows what the service should say of it.

Shares are in recipients per 10,000. They are met evenly, not by chance: any stretch of a domain's mail shows its rates.
"""

from enum import Enum, StrEnum

import msgspec

from webhook.emulator.payloads import NOTIFIED, Kind, Producer


class Fate(StrEnum):
    """What becomes of a mail for one recipient."""

    DELIVERED = "delivered"
    HARD_BOUNCED = "hard_bounced"
    BOUNCED_LATE = "bounced_late"
    SOFT_BOUNCED = "soft_bounced"
    DELAYED = "delayed"
    HELD_BACK = "held_back"
    COMPLAINED = "complained"
    RETRACTED = "retracted"
    REJECTED = "rejected"
    NOT_RENDERED = "not_rendered"
    SIMULATED = "simulated"


class Wiring(Enum):
    """How a customer's mail is wired to the topic: which producer tells which kinds."""

    EVENTS = "configuration set"
    FEEDBACK_ALONE = "identity notifications for bounces and complaints alone"
    BOTH = "configuration set and identity notifications at once"

    def producers(self, kind: Kind) -> tuple[Producer, ...]:
        """Who publishes something of that kind; nobody, one, or both."""
        events = (Producer.EVENTS,) if self is not Wiring.FEEDBACK_ALONE else ()
        told = NOTIFIED if self is Wiring.BOTH else NOTIFIED - {Kind.DELIVERY}
        identity = (Producer.IDENTITY,) if self is not Wiring.EVENTS and kind in told else ()
        return events + identity


Shares = dict[Fate, int]


class Spell(msgspec.Struct, frozen=True):
    """A stretch that differs: recipients `first`..`last` of a story, mailed between `begins` and `ends` (0 to 1)."""

    first: float
    last: float
    begins: float
    ends: float
    shares: Shares


class Character(msgspec.Struct, frozen=True):
    """One customer; `weight` is its part of the volume, or `recipients` its fixed number of recipients."""

    domain: str
    says: str
    shares: Shares
    weight: int = 0
    recipients: int = 0
    wiring: Wiring = Wiring.EVENTS
    subdomain: str = ""
    display_name: str = ""
    spell: Spell | None = None
    exact: bool = False

    def at(self, progress: float) -> tuple[Shares, float]:
        """The shares at that point of the story (0 to 1 of its recipients), and the part of its time gone by then."""
        if self.spell is None:
            return self.shares, progress
        spell = self.spell
        if progress < spell.first:
            return self.shares, progress / spell.first * spell.begins
        if progress < spell.last:
            pace = (spell.ends - spell.begins) / (spell.last - spell.first)
            return spell.shares, spell.begins + (progress - spell.first) * pace
        return self.shares, spell.ends + (progress - spell.last) / (1 - spell.last) * (1 - spell.ends)


CHARACTERS = (
    Character(
        domain="lindholm-bakery.example",
        says="healthy; its mail comes from a subdomain of the verified identity",
        shares={Fate.HARD_BOUNCED: 60, Fate.BOUNCED_LATE: 20, Fate.SOFT_BOUNCED: 60, Fate.SIMULATED: 40},
        weight=10,
        subdomain="mail",
        display_name="Lindholm Bakery",
    ),
    Character(
        domain="northwind-travel.example",
        says="healthy and big; a retracted complaint does not count",
        shares={
            Fate.HARD_BOUNCED: 110,
            Fate.SOFT_BOUNCED: 110,
            Fate.DELAYED: 150,
            Fate.HELD_BACK: 90,
            Fate.RETRACTED: 15,
            Fate.REJECTED: 12,
            Fate.NOT_RENDERED: 20,
        },
        weight=24,
    ),
    Character(
        domain="oakridge-school.example",
        says="warning: 4.2 % bounces",
        shares={Fate.HARD_BOUNCED: 360, Fate.BOUNCED_LATE: 60, Fate.SOFT_BOUNCED: 80, Fate.DELAYED: 100},
        weight=14,
    ),
    Character(
        domain="flashdeal-coupons.example",
        says="flagged: 8 % bounces",
        shares={Fate.HARD_BOUNCED: 700, Fate.BOUNCED_LATE: 100, Fate.SOFT_BOUNCED: 150, Fate.HELD_BACK: 120},
        weight=12,
    ),
    Character(
        domain="coin-insider.example",
        says="flagged: 0.3 % complaints",
        shares={Fate.HARD_BOUNCED: 150, Fate.SOFT_BOUNCED: 60, Fate.COMPLAINED: 30},
        weight=20,
        display_name="Coin Insider, daily",
    ),
    Character(
        domain="meridian-clinic.example",
        says="exactly 5 % of 400: a warning, not flagged",
        shares={Fate.HARD_BOUNCED: 500},
        recipients=400,
        exact=True,
    ),
    Character(
        domain="clay-studio.example",
        says="insufficient data: fewer than 100 mails, whatever the rate",
        shares={Fate.HARD_BOUNCED: 1000},
        recipients=30,
    ),
    Character(
        domain="legacy-crm.example",
        says="insufficient data: bounces and complaints are wired alone, nothing says how much was sent",
        shares={Fate.HARD_BOUNCED: 400, Fate.SOFT_BOUNCED: 100, Fate.COMPLAINED: 40},
        recipients=500,
        wiring=Wiring.FEEDBACK_ALONE,
    ),
    Character(
        domain="harbour-events.example",
        says="healthy: wired twice, every bounce arrives twice, and a burst of soft bounces",
        shares={Fate.HARD_BOUNCED: 180, Fate.DELAYED: 80},
        weight=10,
        wiring=Wiring.BOTH,
        spell=Spell(0.70, 0.78, 0.700, 0.706, {Fate.SOFT_BOUNCED: 7500, Fate.DELAYED: 1200, Fate.HARD_BOUNCED: 180}),
    ),
    Character(
        domain="quickgrow-leads.example",
        says="flagged: a purchased list in the last day",
        shares={Fate.HARD_BOUNCED: 100, Fate.SOFT_BOUNCED: 50},
        weight=10,
        spell=Spell(0.40, 1.0, 0.80, 1.0, {Fate.HARD_BOUNCED: 1900, Fate.COMPLAINED: 60, Fate.SOFT_BOUNCED: 300}),
    ),
)


def cast(domains: int) -> tuple[Character, ...]:
    """That many customers: the ten, and from the eleventh on their namesakes (`oakridge-school-2.example`)."""
    if domains < 1:
        raise ValueError("at least one domain")
    return tuple(_namesake(index) for index in range(domains))


def _namesake(index: int) -> Character:
    generation, which = divmod(index, len(CHARACTERS))
    character = CHARACTERS[which]
    if not generation:
        return character
    name, _, top = character.domain.rpartition(".")
    return msgspec.structs.replace(character, domain=f"{name}-{generation + 1}.{top}")
