"""The OpenAPI document and the page: complete, right, and of this host only."""

import base64
import hashlib
import re
import subprocess
import sys
from typing import Any

import pytest
from flask.testing import FlaskClient

from webhook import __version__
from webhook.children import ROOT
from webhook.web.api import OPERATIONS

pytestmark = pytest.mark.mongo


@pytest.fixture
def document(stranger: FlaskClient) -> dict[str, Any]:
    response = stranger.get("/api/openapi.json")
    assert (response.status_code, response.content_type) == (200, "application/json")
    found: dict[str, Any] = response.json
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    }


def test_every_route_is_in_it_and_no_other(stranger: FlaskClient, document: dict[str, Any]) -> None:
    rules: Any = stranger.application.url_map.iter_rules()
    routes = {
        f"{method} {rule.rule}".replace("<", "{").replace(">", "}")
        for rule in rules
        if rule.rule.startswith("/api")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert set(operations(document)) == routes
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__


def test_every_route_is_told_of(document: dict[str, Any]) -> None:
    for name, told in operations(document).items():
        assert re.fullmatch(r"[A-Z].*\.", told["summary"]), name
        assert told["tags"], name
        named = set(re.findall(r"\{(\w+)\}", name))
        assert {one["name"] for one in told["parameters"] if one["in"] == "path"} == named
        assert all(one["description"] for one in told["parameters"]), name
    ids = [told["operationId"] for told in operations(document).values()]
    assert len(set(ids)) == len(ids)


def test_every_problem_is_a_problem(document: dict[str, Any]) -> None:
    for name, told in operations(document).items():
        assert {"400", "500", "503"} <= set(told["responses"]), name
        for status, response in told["responses"].items():
            content = list(response.get("content", {}))
            if int(status) >= 400:
                assert content == ["application/problem+json"], (name, status)
            assert ("Retry-After" in response["headers"]) is (status in {"429", "503"})


def test_what_a_route_wants_decides_what_it_may_answer(document: dict[str, Any]) -> None:
    for operation in OPERATIONS.values():
        path = "/api" + operation.rule.replace("<", "{").replace(">", "}")
        told = document["paths"][path][operation.method.lower()]
        statuses = set(told["responses"])
        assert ({"401", "403", "429"} <= statuses) is (operation.scope is not None), path
        assert ("415" in statuses) is ("requestBody" in told), path
        assert ({"409", "413", "422"} <= statuses) is operation.writes, path
        assert told["security"] == ([{"bearer": []}] if operation.scope else []), path
        keyed = any(one["name"] == "Idempotency-Key" for one in told["parameters"])
        assert keyed is operation.writes, path


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set[str]().union(*map(references, value)) if isinstance(value, list) else set()

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    assert all(re.fullmatch(r"\w+", name) for name in document["components"]["schemas"])


def test_bodies_are_strict_and_have_examples(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, told in operations(document).items():
        if "requestBody" not in told:
            continue
        schema = schemas[told["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        assert schema["additionalProperties"] is False, name
    assert schemas["NewDomain"]["properties"]["domain"]["examples"] == ["example.com"]


def test_the_page_runs_what_it_brings_and_asks_this_host_only(stranger: FlaskClient) -> None:
    response = stranger.get("/api/docs")
    assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
    page = response.text
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    markup = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search(r"https?://|src=|@import", markup)
    assert re.findall(r'href="([^"]*)"', markup) == ["data:,"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert not re.search(r"@import|url\((?!['\"]?data:)", style)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts}
    assert set(policy["script-src"].split()) == hashes
    assert (policy["default-src"], policy["connect-src"], policy["img-src"]) == ("'none'", "'self'", "data:")
    assert "validatorUrl: null" in scripts[1]
    assert "url: 'openapi.json'" in scripts[1]


def test_whoever_never_asks_for_it_does_not_wait_for_it() -> None:
    script = "import sys, webhook.web.app; print('spectree' in sys.modules, 'offapi' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
