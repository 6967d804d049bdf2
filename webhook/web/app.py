"""The Flask application: works on any WSGI server."""

import atexit
from contextlib import ExitStack

from flask import Flask

from webhook import bootstrap, logs
from webhook.config import Settings
from webhook.web import health, sns
from webhook.web.services import keep_services


def create_app(settings: Settings | None = None) -> Flask:
    """The application with everything it works with; raises Misconfigured.

    What it opens (the connection, the committing thread) is closed when the process ends.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    stack = ExitStack()
    atexit.register(stack.close)
    app = Flask(__name__)
    keep_services(app, stack.enter_context(bootstrap.services(settings)))
    for blueprint in (sns.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    return app
