"""What happens when X: plain functions from an event to its effect. This table is the whole dispatch."""

from collections.abc import Callable, Mapping
from typing import Any

from handlers import bounce, complaint, delivery, identity
from webhook.domain import events as ev
from webhook.domain.effects import Effect

Handler = Callable[[Any], Effect]

HANDLERS: Mapping[type, Handler] = {
    ev.Sent: delivery.sent,
    ev.Delivered: delivery.delivered,
    ev.Delayed: delivery.delayed,
    ev.Opened: delivery.opened,
    ev.Clicked: delivery.clicked,
    ev.Rejected: delivery.rejected,
    ev.RenderingFailed: delivery.rendering_failed,
    ev.PreferenceChanged: delivery.preference_changed,
    ev.Bounced: bounce.bounced,
    ev.HeldBack: bounce.held_back,
    ev.Complained: complaint.complained,
    ev.AdviceChanged: identity.hinted,
    ev.SendingStatusChanged: identity.hinted,
    ev.HealthReported: identity.hinted,
    ev.ApiCalled: identity.hinted,
    ev.TopicConfirmed: identity.nothing,
    ev.MailReceived: identity.nothing,
}
