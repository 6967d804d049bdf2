"""What the routes work with, kept on the Flask application."""

from dataclasses import dataclass

from flask import Flask, current_app

from webhook.assembly import Services
from webhook.bootstrap import Library
from webhook.config import Settings
from webhook.groupcommit import GroupCommit
from webhook.platform import Platform
from webhook.ports import Clock
from webhook.web.receiver import Receiver
from webhook.web.request_log import RequestLog
from webhook.web.wrongtokens import WrongTokens

_KEY = "sentinel"


@dataclass(frozen=True)
class WebServices:
    """What the routes work with."""

    settings: Settings
    receiver: Receiver
    commit: GroupCommit
    library: Library
    requests: RequestLog
    clock: Clock
    platform: Platform
    wrong_tokens: WrongTokens


def keep_services(app: Flask, services: Services) -> None:
    """Hands the services to the application's routes."""
    settings = services.settings
    app.extensions[_KEY] = WebServices(
        settings=settings,
        receiver=Receiver(services.verifier, services.confirmer, services.clock.now, services.memory),
        commit=services.commit,
        library=services.library,
        requests=RequestLog(services.clock.now, settings.log_level, settings.log_format),
        clock=services.clock,
        platform=services.platform,
        wrong_tokens=WrongTokens(services.clock.monotonic),
    )


def services_of(app: Flask) -> WebServices:
    """The services of an application."""
    services: WebServices = app.extensions[_KEY]
    return services


def services() -> WebServices:
    """The services of the application that serves the current request."""
    return services_of(current_app)
