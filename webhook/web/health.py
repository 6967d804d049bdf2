"""`/healthz`, `/readyz` and `/metrics`: for those who watch over the service.

They are answered alike by Flask, on any WSGI server, and by the front door, which keeps them out of the few threads
that requests may fill with waiting.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify
from msgspec import Struct

from webhook import __version__
from webhook.config import shares_metrics
from webhook.errors import Unavailable
from webhook.metrics import exposition
from webhook.web.services import WebServices, services

JSON = "application/json"

blueprint = Blueprint("health", __name__)


class Told(Struct, frozen=True):
    """What is answered."""

    body: bytes
    status: int = 200
    content_type: str = JSON


def alive(_: WebServices) -> Told:
    """This process answers; nothing is asked for that."""
    return Told(msgspec.json.encode({"status": "ok"}))


def ready(asked: WebServices) -> Told:
    """What this process depends on, by name; 503 if any of it fails. May wait for the database.

    A worker that lags does not make it unready: what it takes in is durable. The lag is told nevertheless.
    """
    warnings = {} if asked.settings.sns_topic_arns else {"sns_topics": "none allowed"}
    told: dict[str, Any] = {"status": "ready", "checks": {"mongodb": "ok"}, "warnings": warnings}
    try:
        asked.library.vitals.ping()
        told["journal"] = {"lagSeconds": round(asked.library.vitals.lag(), 1)}
    except Unavailable as error:
        told |= {"status": "not ready", "checks": {"mongodb": error.detail}}
        return Told(msgspec.json.encode(told), 503)
    return Told(msgspec.json.encode(told))


def numbers(asked: WebServices) -> Told:
    """The numbers for Prometheus. May wait for the database."""
    vitals = asked.library.vitals
    try:
        gauges, tallies = vitals.gauges(), vitals.tallies()
    except Unavailable:
        gauges, tallies = {}, []
    gauges["sentinel_database_up"] = ("1 if MongoDB answers.", float(bool(gauges)))
    content = exposition(gauges, tallies, shared=shares_metrics())
    return Told(content, content_type="text/plain; version=0.0.4; charset=utf-8")


#: What is asked by those who watch, by its path.
WATCHED: Mapping[str, Callable[[WebServices], Told]] = {"/healthz": alive, "/readyz": ready, "/metrics": numbers}


@blueprint.get("/")
def root() -> Response:
    """What this is, for whoever opens its address."""
    routes = [*WATCHED, "/api/email-domains", "/api/docs", "/webhooks/sns"]
    return jsonify(name="SES Sentinel", version=__version__, routes=routes)


@blueprint.get("/healthz")
def healthz() -> Response:
    """See `alive`."""
    return _response(alive(services()))


@blueprint.get("/readyz")
def readyz() -> Response:
    """See `ready`."""
    return _response(ready(services()))


@blueprint.get("/metrics")
def metrics() -> Response:
    """See `numbers`."""
    return _response(numbers(services()))


def _response(told: Told) -> Response:
    return Response(told.body, told.status, content_type=told.content_type)
