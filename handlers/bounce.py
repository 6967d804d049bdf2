"""A recipient's server refused the mail, or SES held it back."""

from webhook.domain.effects import Effect
from webhook.domain.events import Bounced, HeldBack
from webhook.domain.mail import Fact, Kind, Told


def bounced(event: Bounced) -> Effect:
    """Counts as a bounce if it is permanent, else as a soft one."""
    fact = Fact(Kind.BOUNCED.value, event.recipient, event.type, event.subtype, event.code)
    return Effect(facts=((fact, Told(event.at, event.answer)),))


def held_back(event: HeldBack) -> Effect:
    """Takes the recipient out of what was sent: SES counts him in neither number."""
    return Effect(facts=((Fact(Kind.HELD.value, event.recipient, subtype=event.subtype), Told(event.at)),))
