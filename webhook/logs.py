"""Logging: one line per happening on standard output, as JSON or as text, without addresses, bodies or secrets."""

import logging
import re
import sys
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Their lower levels print requests and replies in full, credentials and addresses included.
_TALKATIVE = ("asyncio", "boto3", "botocore", "pymongo", "requests", "s3transfer", "urllib3", "werkzeug")
_ADDRESS = re.compile(r"[^\s@<>\"'(){}\[\],;=]+@[^\s@<>\"'(){}\[\],;]+")
_CREDENTIAL = re.compile(r"\b(Bearer|Basic|Token=)\s*[\w.~+/:-]{4,}=*|\bwhsec_[\w+/=-]+", re.IGNORECASE)

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)


def configure(level: str = "info", fmt: str = "json", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (standard output) in one shape; repeatable."""
    stream = stream or sys.stdout
    threshold = logging.getLevelNamesMapping()[level.upper()]
    last: list[Processor] = [structlog.processors.format_exc_info, mask, _renderer(fmt, stream)]
    _configure_ours(threshold, last, stream)
    handler = logging.StreamHandler(stream)
    own = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    foreign: list[Processor] = [*_SHARED, structlog.stdlib.add_logger_name]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=foreign, processors=[own, *last]))
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def configure_for_command() -> None:
    """What a command prints is its answer: only warnings and errors are logged, on standard error, as text."""
    _configure_ours(logging.WARNING, [mask, _renderer("text", sys.stderr)], sys.stderr)


def _configure_ours(threshold: int, last: list[Processor], stream: TextIO) -> None:
    structlog.configure(
        processors=[*_SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def _renderer(fmt: str, stream: TextIO) -> Processor:
    if fmt == "text":
        return structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")
    return _to_json


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out whatever looks like an e-mail address, a credential or a URI with a password, anywhere in the line."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object) -> object:
    match value:
        case str():
            return mask_text(value)
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item) for item in value]
        case BaseException():
            return mask_text(str(value))
        case _:
            return value


def mask_text(text: str) -> str:
    if "@" in text:
        text = _ADDRESS.sub("[address]", text)
    return _CREDENTIAL.sub("[secret]", text)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of a module, by its `__name__`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger
