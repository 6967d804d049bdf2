"""How a mail fares between SES and its readers."""

from webhook.domain import events as ev
from webhook.domain.effects import Effect
from webhook.domain.mail import Fact, Kind, Told


def sent(event: ev.Sent) -> Effect:
    """Every recipient counts as sent to, until SES says it held one back."""
    return Effect(facts=((Fact(Kind.SENT.value), Told(event.at)),))


def delivered(event: ev.Delivered) -> Effect:
    """Shows that SES had accepted this recipient; a bounce may still follow."""
    return Effect(facts=((Fact(Kind.DELIVERED.value, event.recipient), Told(event.at, event.answer)),))


def delayed(event: ev.Delayed) -> Effect:
    """Shows that SES had accepted this recipient, and why it waits."""
    return Effect(facts=((Fact(Kind.DELAYED.value, event.recipient, event.type), Told(event.at, event.answer)),))


def opened(event: ev.Opened) -> Effect:
    """Of all openings of a mail the first is kept: proxies open mails without end."""
    return Effect(facts=((Fact(Kind.OPENED.value), Told(event.at)),))


def clicked(event: ev.Clicked) -> Effect:
    """Of all clicks in a mail the first is kept."""
    return Effect(facts=((Fact(Kind.CLICKED.value), Told(event.at, event.link)),))


def rejected(event: ev.Rejected) -> Effect:
    """The mail was never sent."""
    return Effect(facts=((Fact(Kind.REJECTED.value), Told(event.at, event.reason)),))


def rendering_failed(event: ev.RenderingFailed) -> Effect:
    """The mail was never sent."""
    return Effect(facts=((Fact(Kind.UNRENDERED.value), Told(event.at, event.reason)),))


def preference_changed(event: ev.PreferenceChanged) -> Effect:
    """Kept with the mail whose link was followed."""
    return Effect(facts=((Fact(Kind.PREFERRED.value, event.contact_list), Told(event.at)),))
