"""AWS says that something about an identity, a tenant or the topic changed."""

from webhook.domain.effects import Effect, Hint
from webhook.domain.events import Event, IdentityEvent


def hinted(event: IdentityEvent) -> Effect:
    """Kept as a hint: events come late, twice and out of order, so the truth is read from SES."""
    return Effect(hint=Hint(event.id, type(event).__name__, event.domain, event.at, event.detail))


def nothing(_event: Event) -> Effect:
    """A message that needs no more than an answer."""
    return Effect()
