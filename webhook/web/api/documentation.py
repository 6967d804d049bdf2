"""The API's own documentation: an OpenAPI document made from the code, and a page that shows it without any network."""

import base64
import hashlib
from functools import cache
from importlib import import_module, resources

import msgspec
from flask import Response

from webhook.web.api.answers import answer
from webhook.web.api.operation import HTML, OPERATIONS, route

_TAG = "Documentation"
#: Swagger UI would show the document to its maker's validator.
_START = "window.ui = SwaggerUIBundle({url: 'openapi.json', dom_id: '#ui', deepLinking: true, validatorUrl: null})"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>SES Sentinel: the API</title>
<style>{style}</style>
</head>
<body>
<div id="ui"></div>
<script>{bundle}</script>
<script>{start}</script>
</body>
</html>
"""


@route("GET", "/openapi.json", tag=_TAG, scope=None, answers={200: dict})
def openapi() -> Response:
    """This document."""
    return answer(document())


@route("GET", "/docs", tag=_TAG, scope=None, answers={200: HTML})
def docs() -> Response:
    """A page to read and try the API with. It asks nothing of any other host."""
    content, policy = page()
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, content_type="text/html; charset=utf-8")


@cache
def document() -> msgspec.Raw:
    """The OpenAPI document, in JSON. Made when it is first asked for: what it takes to make it is slow to load."""
    made = import_module("webhook.web.api.openapi").made_of(OPERATIONS.values())
    return msgspec.Raw(msgspec.json.encode(made))


@cache
def page() -> tuple[str, str]:
    """The page, and the policy that lets the browser run these scripts and ask this host, and nothing else."""
    style, bundle = (_asset(name) for name in ("swagger_style.css", "swagger_bundle.js"))
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in (bundle, _START))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _PAGE.format(style=style, bundle=bundle, start=_START), policy


def _asset(name: str) -> str:
    return (resources.files("offapi") / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
