"""Requests made up from the OpenAPI document: none is answered by an error of ours, or by what is not documented."""

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from pymongo import MongoClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.alerting import endpoint
from tests.fakes.ses import FakeSes
from tests.telling import NOW, Teller, payload
from tests.web.conftest import REGION, TOKENS
from webhook.adapters.clock import Clock
from webhook.adapters.mongo.deliveries import delivery_document
from webhook.adapters.mongo.endpoints import endpoint_document
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.outbox import alert_document
from webhook.adapters.sealing import Sealer, new_secret
from webhook.config import Settings
from webhook.domain.alert_payloads import AlertType
from webhook.domain.alerts import Alert
from webhook.domain.endpoints import Secret
from webhook.web.api import OPERATIONS
from webhook.web.app import create_app

pytestmark = pytest.mark.mongo
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 30
#: Of what waits for a DNS that does not answer.
FEW = 3
NAME, DOMAIN = "test_schema", "example.com"
#: Nobody listens there, and that is told at once.
URL = "https://127.0.0.1:9/alerts"
KEY = "k" * 32
#: The id of whatever there is one of.
ID = "65ed8a40c0ffee0000000001"
#: Routes that must succeed, at least once, with what there is.
ALERTS = {name for name in OPERATIONS if "alert" in name or name in {"api.redeliver", "api.rotate_secret"}}


@pytest.fixture(scope="module")
def schema(mongod_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Any]:
    """The document of an application that knows a few things."""
    uri = mongod_uri.replace("/ses_sentinel?", f"/{NAME}?")
    with FakeSes(Clock(), throttle=False, region=REGION) as ses, ExitStack() as stack:
        chosen = Settings(
            mongodb_uri=uri,
            api_tokens=TOKENS,
            log_level="error",
            aws_sdk_region=REGION,
            aws_sdk_access_key_id="AKIAEXAMPLE",
            aws_sdk_secret_access_key="secret",
            aws_endpoint_url=ses.origin,
            aws_ses_enable_sending=True,
            dns_resolvers=("127.0.0.1:9",),
            secret_key=(KEY,),
            alert_allow_networks=(ip_network("127.0.0.0/8"),),
        )
        ensure_indexes(mongo_client[NAME])
        app = create_app(chosen, stack)
        ses.create_outside(DOMAIN, verified=True)
        yield schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    mongo_client.drop_database(NAME)


@pytest.fixture(autouse=True)
def _furnished(schema: Any, mongo_client: MongoClient[dict[str, Any]]) -> None:
    """A domain with mails and a history, an entry on the suppression list, and a message in quarantine.

    An endpoint, an alert, and the delivery of the one to the other, which was given up.
    """
    del schema
    teller = Teller(mongo_client[NAME], Settings())
    aws = {"registered": True, "verificationStatus": "success", "verifiedForSending": True, "dkimRecords": []}
    known = {"domain": DOMAIN, "createdAt": NOW, "maxAccounts": 5, "awsSes": aws}
    teller.db.emaildomains.replace_one({"domain": DOMAIN}, known, upsert=True)
    teller.tell(payload("Send", "mail", domain=DOMAIN), payload("Bounce", "mail", domain=DOMAIN), "not json")
    teller.post()
    row = {"domain": DOMAIN, "at": NOW, "aspect": "identity", "from": "pending", "to": "success"}
    teller.db.verifications.insert_one({**row, "cause": {"kind": "poll", "detail": ""}})
    told = Alert(ID, AlertType.PAUSED, NOW, DOMAIN, None, 1, {"sequence": 1, "domain": DOMAIN})
    receiver = endpoint(ID, URL, secrets=(Secret(Sealer([KEY]).seal(new_secret()), NOW),))
    attempt = {"number": 1, "at": NOW, "ms": 12, "status": 500, "error": "it answered 500", "body": "oh no"}
    ended = {"state": "dead", "attempt": 1, "attempts": [attempt], "holds": None, "due": None}
    for name, row in (
        ("alerts", alert_document(told, NOW) | {"fanned": True}),
        ("endpoints", endpoint_document(receiver)),
        ("deliveries", delivery_document(alert_document(told, NOW), ID, NOW) | ended),
    ):
        teller.db[name].replace_one({"_id": row["_id"]}, row, upsert=True)


#: What there is, or may be; most made-up values lead nowhere.
THERE = {
    "domain": DOMAIN,
    "identity": ID,
    "url": URL,
    "types": ["domain.*"],
    "since": "24h",
    "mail_id": "mail",
    "address": "ann@example.net",
    "mailFromDomain": f"bounce.{DOMAIN}",
    "from": f"shop@{DOMAIN}",
    "to": ["bob@example.net"],
    "expiresAt": None,
    "raw": "RnJvbTogc2hvcEBleGFtcGxlLmNvbQoKaGkK",
}


#: What is asked beside all that is made up.
PLAIN = {"api.add_alert_endpoint": {"url": URL, "types": ["domain.*"]}}


def known_in(given: dict[str, Any]) -> dict[str, Any]:
    """What there is, in place of every second of the made-up values."""
    return {name: THERE[name] for name, value in given.items() if name in THERE and len(str(value)) % 2}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_request_is_answered_by_what_is_not_documented(schema: Any, name: str, mode: GenerationMode) -> None:
    declared = OPERATIONS[name]
    path = f"/api{declared.rule}".replace("<", "{").replace(">", "}")
    operation = schema[path][declared.method]
    headers = {"Authorization": f"Bearer {TOKENS[0][1]}"}

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=FEW if name == "api.verify" else EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def probe(case: schemathesis.Case) -> None:
        case.path_parameters |= known_in(case.path_parameters)
        if isinstance(case.body, dict):
            case.body |= known_in(case.body)
        statuses.add(case.call_and_validate(headers=headers, checks=CHECKS).status_code)

    statuses: set[int] = set()
    if name in PLAIN:  # hardly ever are all of its made-up values good at once
        plain = operation.Case(body=PLAIN[name], media_type="application/json")
        statuses.add(plain.call_and_validate(headers=headers, checks=CHECKS).status_code)
    try:
        probe()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # there is nothing that could be wrong
    if name in ALERTS and mode is GenerationMode.POSITIVE:
        assert statuses & {200, 201}
