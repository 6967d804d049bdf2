"""Polling: SNS messages are taken from SQS queues, beside those that come over HTTPS, and count with them once."""

from webhook.polling.desk import Desk
from webhook.polling.poller import Poller

__all__ = ["Desk", "Poller"]
