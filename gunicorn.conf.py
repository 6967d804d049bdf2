"""How gunicorn runs the web server; PORT, WEB_CONCURRENCY and the rest come from the settings."""

import sys
from pathlib import Path

import structlog
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger

from webhook import logs
from webhook.config import Settings
from webhook.errors import Misconfigured

try:
    _settings = Settings.from_environment()
except Misconfigured as exc:
    sys.exit(f"error: {exc}")
logs.configure(_settings.log_level, _settings.log_format)


class Lines(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Gunicorn's own messages, in the shape of all other log lines."""

    def setup(self, cfg: Config) -> None:
        """Leave the writing to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def on_starting(_server: Arbiter) -> None:
    """Say once, however many workers there are, what about the settings is worth a warning."""
    for warning in _settings.warnings():
        structlog.get_logger().warning("settings", warning=warning)


bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
worker_class = "webhook.web.door.DoorWorker"
logger_class = Lines
loglevel = _settings.log_level
# The application writes one line for each request, with what matters.
accesslog = None
# Longer than the idle timeout of the usual load balancers (60 s), or they meet connections that have just been closed.
keepalive = 75
# SNS waits 15 s for an answer: whoever has not got it by then comes again.
graceful_timeout = 25
timeout = 30
# The heartbeat of a worker is a file; on a busy disk it would stall and the worker be killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
control_socket_disable = True
