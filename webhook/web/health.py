"""`/healthz`, `/readyz` and `/metrics`: for those who watch over the service."""

import os

from flask import Blueprint, Response, jsonify

from webhook.errors import Unavailable
from webhook.metrics import exposition
from webhook.web.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """What this process depends on, by name; 503 if any of it fails."""
    checks = {"mongodb": _mongodb()}
    ready = all(state == "ok" for state in checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503


def _mongodb() -> str:
    try:
        services().library.ping()
    except Unavailable as error:
        return error.detail
    return "ok"


@blueprint.get("/metrics")
def metrics() -> Response:
    """The numbers for Prometheus."""
    try:
        gauges = services().library.gauges()
    except Unavailable:
        gauges = {}
    gauges["sentinel_database_up"] = ("1 if MongoDB answers.", float(bool(gauges)))
    shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
    return Response(exposition(gauges, shared=shared), content_type="text/plain; version=0.0.4; charset=utf-8")
