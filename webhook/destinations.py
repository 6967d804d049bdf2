"""The ways to endpoints, put together from the settings. Loaded when the first is needed."""

from collections.abc import Callable

from webhook.adapters.clock import Clock
from webhook.adapters.destinations import AwsAccess, Destinations, SmtpServer
from webhook.adapters.outgoing import Guard, Outgoing, Resolver
from webhook.config import Settings
from webhook.errors import Misconfigured


def destinations(settings: Settings, clock: Clock, unseal: Callable[[str], str]) -> Destinations:
    """The ways to endpoints of every kind."""
    return Destinations.over(
        Outgoing(Guard(Resolver(), settings.alert_allow_networks), clock.monotonic),
        unseal,
        clock.now,
        clock.monotonic,
        source=settings.public_url,
        aws=AwsAccess(
            region=settings.aws_sdk_region,
            access_key_id=settings.aws_sdk_access_key_id,
            secret_access_key=settings.aws_sdk_secret_access_key,
            endpoint_url=settings.aws_endpoint_url,
        ),
        mail_from=settings.alert_email_from,
        smtp=smtp_server(settings.alert_smtp_url) if settings.alert_smtp_url else None,
    )


def smtp_server(url: str) -> SmtpServer:
    """The server of ALERT_SMTP_URL; raises Misconfigured."""
    try:
        return SmtpServer.from_url(url)
    except ValueError as error:
        raise Misconfigured(f"ALERT_SMTP_URL {error}") from error
