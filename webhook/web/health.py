"""`/healthz`, `/readyz` and `/metrics`: for those who watch over the service."""

from typing import Any

from flask import Blueprint, Response, jsonify

from webhook import __version__
from webhook.config import shares_metrics
from webhook.errors import Unavailable
from webhook.metrics import exposition
from webhook.web.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/")
def root() -> Response:
    """What this is, for whoever opens its address."""
    routes = ["/healthz", "/readyz", "/metrics", "/api/email-domains", "/api/docs", "/webhooks/sns"]
    return jsonify(name="SES Sentinel", version=__version__, routes=routes)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """What this process depends on, by name; 503 if any of it fails.

    A worker that lags does not make it unready: what it takes in is durable. The lag is told nevertheless.
    """
    told: dict[str, Any] = {"status": "ready", "checks": {"mongodb": "ok"}, "warnings": _warnings()}
    try:
        services().library.vitals.ping()
        told["journal"] = {"lagSeconds": round(services().library.vitals.lag(), 1)}
    except Unavailable as error:
        told |= {"status": "not ready", "checks": {"mongodb": error.detail}}
        return jsonify(told), 503
    return jsonify(told), 200


def _warnings() -> dict[str, str]:
    return {} if services().settings.sns_topic_arns else {"sns_topics": "none allowed"}


@blueprint.get("/metrics")
def metrics() -> Response:
    """The numbers for Prometheus."""
    try:
        gauges = services().library.vitals.gauges()
    except Unavailable:
        gauges = {}
    gauges["sentinel_database_up"] = ("1 if MongoDB answers.", float(bool(gauges)))
    content = exposition(gauges, shared=shares_metrics())
    return Response(content, content_type="text/plain; version=0.0.4; charset=utf-8")
