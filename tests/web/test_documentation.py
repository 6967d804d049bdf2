"""docs/api.md, compared with the code."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from webhook.children import ROOT
from webhook.domain.mail import Kind
from webhook.domain.reputation import Status
from webhook.web.api import OPERATIONS, VERIFICATIONS

pytestmark = pytest.mark.mongo
PAGE = (ROOT / "docs" / "api.md").read_text()


def row(name: str) -> set[str]:
    """The words in code type of a parameter's row."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    return set(re.findall(r"`([^`]+)`", line)) - {name}


def test_every_route_is_listed(stranger: FlaskClient) -> None:
    rules: Any = stranger.application.url_map.iter_rules()
    routes = {
        f"{method} {re.sub(r'<(?:[^:>]+:)?([^>]+)>', '{}', rule.rule)}"
        for rule in rules
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    listed = {
        re.sub(r"\{[^}]+\}", "{}", found) for found in re.findall(r"^\| `([A-Z]+ /api/[^`]+)`", PAGE, re.MULTILINE)
    }
    assert routes == listed


def test_every_route_tells_its_own_statuses_and_codes() -> None:
    for operation in OPERATIONS.values():
        told = re.sub(r"<[^>]+>", "{}", f"{operation.method} /api{operation.rule}")
        (line,) = [line for line in PAGE.splitlines() if re.sub(r"\{[^}]+\}", "{}", line).startswith(f"| `{told}` |")]
        answer = line.split(" | ", 2)[2]
        statuses = {*operation.answers, *operation.refusals, *([502] if operation.asks_aws else [])}
        assert {int(found) for found in re.findall(r"\b[2-5]\d\d\b", answer)} == statuses, told
        for codes in operation.refusals.values():
            assert [code for code in codes.split(", ") if f"`{code}`" not in answer] == [], told
        for parameter in operation.query:
            assert f"`{parameter.name}`" in line, told


def test_every_code_is_listed() -> None:
    source = "".join(path.read_text() for path in (ROOT / "webhook").rglob("*.py"))
    codes = set(re.findall(r'Refused\(\s*"(\w+)"', source))
    assert {"scope_missing", "precondition_failed", "idempotency_key_reused"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


def test_every_word_of_a_parameter_is_listed() -> None:
    assert row("status") == {status.value for status in Status}
    assert row("verification") == set(VERIFICATIONS)
    assert row("kind") == {kind.value for kind in Kind}
