"""Sending mail of customers' domains, and counting at once what was sent."""

from webhook.sending.booking import Booking
from webhook.sending.sender import Means, Sender

__all__ = ["Booking", "Means", "Sender"]
