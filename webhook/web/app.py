"""The Flask application: works on any WSGI server."""

import atexit
from contextlib import ExitStack

from flask import Flask

from webhook import assembly, logs
from webhook.config import Settings
from webhook.web import api, health, sns
from webhook.web.errors import register_errors
from webhook.web.services import keep_services


def create_app(settings: Settings | None = None, stack: ExitStack | None = None) -> Flask:
    """The application with everything it works with; raises Misconfigured.

    What it opens (the connection, the committing thread) is closed with `stack`, or else when the process ends.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    if stack is None:
        stack = ExitStack()
        atexit.register(stack.close)
    app = Flask(__name__)
    keep_services(app, stack.enter_context(assembly.services(settings)))
    for blueprint in (sns.blueprint, health.blueprint, api.blueprint):
        app.register_blueprint(blueprint)
    register_errors(app)
    return app
