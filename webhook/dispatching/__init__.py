"""Dispatching: alerts out of the outbox and into their endpoints, each at least once, none held up by another's."""

from webhook.dispatching.dispatcher import Dispatcher
from webhook.dispatching.enrolment import Enrolment

__all__ = ["Dispatcher", "Enrolment"]
