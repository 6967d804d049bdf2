"""Log lines: one shape for all, nothing private in them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from webhook import logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_of_json_for_each_event(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    structlog.get_logger().info("request", status=200, path="/healthz")
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "request", "level": "info", "status": 200, "path": "/healthz"}


def test_the_standard_library_flows_into_the_same_shape(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    logging.getLogger("gunicorn.error").warning("Worker %d died", 7)
    (line,) = lines(stream)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "Worker 7 died", "level": "warning", "logger": "gunicorn.error"}


def test_lines_below_the_level_are_dropped(stream: io.StringIO) -> None:
    logs.configure("warning", "json", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("x").info("quiet")
    assert lines(stream) == []


@pytest.mark.parametrize("name", ["botocore.endpoint", "pymongo.command", "urllib3.connectionpool"])
def test_talkative_libraries_are_kept_short_even_when_debugging(stream: io.StringIO, name: str) -> None:
    logs.configure("debug", "json", stream)
    logging.getLogger(name).debug("the whole body")
    assert lines(stream) == []


def test_configuring_again_replaces(stream: io.StringIO) -> None:
    logs.configure("info", "json", io.StringIO())
    logs.configure("info", "json", stream)
    logging.getLogger("x").info("once")
    assert len(lines(stream)) == 1


def test_an_exception_stays_on_its_line(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    try:
        int("jane@example.com")
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("x").exception("failed")
    for line in lines(stream):
        assert "ValueError" in line["exception"]
        assert "jane" not in line["exception"]


@pytest.mark.parametrize(
    "private",
    [
        "jane.doe+x@example.com",
        "<jane@example.com>",
        "mongodb://user:jane@host/db",
        "Authorization: Bearer jane.jane",
        "https://sns.eu-north-1.amazonaws.com/?Action=ConfirmSubscription&Token=jane2336412",
        "whsec_jane",
    ],
)
@pytest.mark.parametrize("fmt", ["json", "text"])
def test_addresses_and_credentials_are_blotted_out(stream: io.StringIO, private: str, fmt: str) -> None:
    logs.configure("info", fmt, stream)
    structlog.get_logger().info("seen", what=private, many=[private], deep={"x": private}, error=ValueError(private))
    logging.getLogger("x").info("seen %s", private)
    assert "jane" not in stream.getvalue()
    assert stream.getvalue().count("[address]") + stream.getvalue().count("[secret]") == 5


def test_ids_and_arns_survive(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    arn = "arn:aws:sns:eu-north-1:123456789012:ses-events"
    structlog.get_logger().info("seen", topic=arn, token="none", n=1, ok=True, nothing=None)
    (line,) = lines(stream)
    assert (line["topic"], line["token"], line["n"], line["ok"], line["nothing"]) == (arn, "none", 1, True, None)


def test_text_has_no_colours_off_a_terminal(stream: io.StringIO) -> None:
    logs.configure("info", "text", stream)
    structlog.get_logger().info("request", status=200)
    assert "\x1b" not in stream.getvalue()
    assert "request" in stream.getvalue()
