"""A recipient called it spam."""

from webhook.domain.effects import Effect
from webhook.domain.events import Complained
from webhook.domain.mail import Fact, Kind, Told


def complained(event: Complained) -> Effect:
    """Counts once per feedback id, unless it takes an earlier one back or SES never sent the mail."""
    fact = Fact(Kind.COMPLAINED.value, event.feedback_id, event.type, event.subtype, event.recipient)
    return Effect(facts=((fact, Told(event.at)),))
