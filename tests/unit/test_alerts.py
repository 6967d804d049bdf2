"""What becomes an alert, and that each fits the schema that is published for it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from tests.builders import bounce, by_notification, complaint, effects_of, mail
from tests.unit.test_reputation import verdict
from webhook.adapters.mongo.verdicts import verdict_document
from webhook.children import ROOT
from webhook.domain import alerts
from webhook.domain.alert_payloads import PAYLOADS, UNNUMBERED, AlertType, EndpointTold, Reputation, schemas
from webhook.domain.alerts import Draft, alert_id, befallen, body_of, numbered

NOW = datetime(2026, 3, 10, 12, 0, 0, 123456, tzinfo=UTC)
TOLD = EndpointTold("ep_1", "webhook", "ours")


def reputation(**counts: int) -> dict[str, Any]:
    return verdict_document(verdict({0: counts})) | {"since": NOW}


def befell(*payloads: dict[str, Any]) -> list[Draft]:
    """What is told when these come one after the other."""
    known, told = None, []
    for payload in payloads:
        news = effects_of(payload).mail
        assert news is not None
        united = known.joined(news) if known else news
        told += befallen(known, united)
        known = united
    return told


FLAGGED = reputation(sent=1000, bounces=51)
CHANGE = {
    "domain": "example.com",
    "at": NOW,
    "aspect": "dkim",
    "from": "pending",
    "to": "success",
    "cause": {"kind": "poll", "detail": "checked"},
}
PAUSE = {"by": "staff", "who": "ann", "why": "phishing", "at": NOW}
DRAFTS = [
    alerts.judged(AlertType.FLAGGED, "example.com", "acme", FLAGGED, None, "https://ses.example.net/"),
    alerts.judged(AlertType.WARNING, "example.com", None, reputation(sent=1000, bounces=41), FLAGGED),
    alerts.judged(AlertType.RECOVERED, "example.com", None, reputation(sent=1000, bounces=1), FLAGGED),
    alerts.verification_changed(CHANGE, "acme"),
    alerts.verification_changed(CHANGE | {"from": None, "cause": {"kind": "gone"}}, None),
    alerts.paused("example.com", "acme", PAUSE),
    alerts.resumed("example.com", None, "ann", "it was a mistake", NOW),
    alerts.subscription_changed("arn:aws:sns:eu-north-1:123456789012:ses", "confirmed", "arn:…", NOW),
    alerts.subscription_changed("arn:aws:sns:eu-north-1:123456789012:ses", "unsubscribed", "", NOW),
    alerts.quota_reached(0.9, 45_000, 50_000, NOW, "eu-north-1"),
    alerts.diverged("example.com", None, ("2026-03-01", "2026-03-09"), {"sent": 1000}, {"sent": 1040}, NOW),
    alerts.endpoint_trouble(AlertType.ENDPOINT_FAILING, TOLD, "acme", "it answered 500", NOW, NOW),
    alerts.endpoint_trouble(AlertType.ENDPOINT_DISABLED, TOLD, None, "it answered 410", None, NOW),
    alerts.endpoint_tested(TOLD, None, NOW),
    *befell(bounce()),
    *befell(complaint()),
]


def body(draft: Draft) -> Mapping[str, Any]:
    number = None if draft.type in UNNUMBERED else 7
    return msgspec.json.decode(msgspec.json.encode(body_of(numbered(draft, alert_id(NOW, 1), number))))


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.type.value)
def test_what_is_told_fits_its_published_schema_and_no_other(draft: Draft) -> None:
    told = body(draft)
    published = schemas()
    jsonschema_rs.Draft202012Validator(published[draft.type], validate_formats=True).validate(told)
    assert msgspec.convert(told["data"], PAYLOADS[draft.type]) is not None
    others = [kind for kind, schema in published.items() if jsonschema_rs.is_valid(schema, told)]
    assert others == [draft.type.value]


def test_every_type_has_a_schema_and_is_built_by_some_test() -> None:
    assert set(schemas()) == {kind.value for kind in AlertType} == {draft.type.value for draft in DRAFTS}
    for schema in schemas().values():
        jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize("kind", sorted(set(AlertType) - UNNUMBERED))
def test_a_body_without_its_number_fits_no_schema(kind: AlertType) -> None:
    draft = next(draft for draft in DRAFTS if draft.type is kind)
    told = dict(body(draft))
    told["data"] = {name: value for name, value in told["data"].items() if name != "sequence"}
    assert not jsonschema_rs.is_valid(schemas()[kind], told)


def test_reputation_is_told_as_it_is_stored() -> None:
    told = body(DRAFTS[0])
    names = {field.encode_name for field in msgspec.structs.fields(Reputation)}
    assert names == FLAGGED.keys()
    data = told["data"]
    assert data["reputation"]["bounceRate"] == FLAGGED["bounceRate"]
    assert data["reputation"]["evaluatedAt"] == "2026-03-10T12:00:00.000Z"
    assert data["reputation"]["since"] == "2026-03-10T12:00:00.123Z"
    assert data["window"] == FLAGGED["window"]
    assert data["sentence"] == FLAGGED["sentence"]
    assert data["previous"] == {"status": "insufficient_data", "flags": []}
    assert data["link"] == "https://ses.example.net/api/email-domains/example.com/reputation"
    assert data["sequence"] == 7
    assert "link" not in body(DRAFTS[1])["data"]
    assert body(DRAFTS[1])["data"]["previous"] == {"status": "flagged", "flags": ["bounce"]}


EXAMPLES = [
    msgspec.json.decode(block)
    for block in re.findall(r"^```json\n(.*?)^```", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("told", EXAMPLES, ids=lambda told: told["type"])
def test_the_documented_examples_fit(told: dict[str, Any]) -> None:
    jsonschema_rs.Draft202012Validator(schemas()[told["type"]], validate_formats=True).validate(told)
    fields = msgspec.structs.fields(PAYLOADS[AlertType(told["type"])])
    assert told["data"].keys() <= {field.encode_name for field in fields}


def test_every_type_has_an_example() -> None:
    assert sorted(told["type"] for told in EXAMPLES) == sorted(kind.value for kind in AlertType)


def test_ids_sort_by_time_and_are_of_one_length() -> None:
    ids = [alert_id(NOW + timedelta(milliseconds=step), 2**80 - 1 - step) for step in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    assert {len(one) for one in ids} == {30}
    assert alert_id(NOW, 5) < alert_id(NOW, 6)


def test_a_bounce_is_told_once_however_often_and_by_whom_it_comes() -> None:
    told = befell(bounce(), by_notification(bounce()), bounce())
    assert [(draft.type, draft.domain, draft.data["recipient"]) for draft in told] == [
        (AlertType.BOUNCED, "example.com", "ann@gmail.com")
    ]
    assert told[0].data["bounceType"] == "Permanent"
    assert told[0].data["code"] == "550 5.1.1"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(bounce(mail("m", "bounce@simulator.amazonses.com")), id="mail to the simulator"),
        pytest.param(bounce(subtype="OnAccountSuppressionList"), id="held back"),
        pytest.param(complaint(complaintFeedbackType="not-spam"), id="a complaint taken back"),
        pytest.param(complaint(complaintSubType="OnAccountSuppressionList"), id="a complaint of one held back"),
    ],
)
def test_what_no_rate_counts_is_not_told(payload: dict[str, Any]) -> None:
    assert befell(payload) == []
