"""How gunicorn runs the web server; PORT, WEB_CONCURRENCY and the rest come from the settings."""

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import suppress
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

# Memory where there is some to be had: a busy disk would stall the heartbeats and get the workers killed.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
_PREFIX = "ses-sentinel-metrics-"


def _locked(folder: Path) -> int | None:
    """A lock on the folder, which ends with the last process that inherits it; None if somebody has it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _make_metrics_folder() -> str:
    """A folder of this server's own; those of servers that were killed are removed."""
    for folder in Path(_MEMORY or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if (lock := _locked(folder)) is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)
    made = tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY)
    _locked(Path(made))
    return made


_METRICS = _make_metrics_folder()
# Where the web processes share their numbers: /metrics of any of them speaks for all. `raw_env` would come too late:
# Prometheus's client decides when it is imported, which is when gunicorn looks up the worker class.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _METRICS


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


def on_exit(_server: Arbiter) -> None:
    """Remove the shared numbers."""
    shutil.rmtree(_METRICS, ignore_errors=True)


bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
worker_class = "webhook.web.door.DoorWorker"
logger_class = Lines
# What gunicorn tells of its ordinary life (one line per process started) is of interest only when looking for a fault.
loglevel = "warning" if _settings.log_level == "info" else _settings.log_level
# The application writes one line for each request, with what matters.
accesslog = None
# Longer than the idle timeout of the usual load balancers (60 s), or they meet connections that have just been closed.
keepalive = 75
# A message under way is answered within 2 s; what lingers is idle keep-alive connections, which gunicorn waits out.
graceful_timeout = 5
timeout = 30
worker_tmp_dir = _MEMORY
control_socket_disable = True
