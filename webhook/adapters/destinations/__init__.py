"""Delivering an alert to what stands behind an endpoint: one module for each kind."""

from webhook.adapters.destinations.aws import AwsAccess
from webhook.adapters.destinations.ports import Destination, Reply, Web
from webhook.adapters.destinations.smtp import SmtpServer
from webhook.adapters.destinations.switchboard import Destinations

__all__ = ["AwsAccess", "Destination", "Destinations", "Reply", "SmtpServer", "Web"]
