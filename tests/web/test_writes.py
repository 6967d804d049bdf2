"""Writes under an Idempotency-Key are done once; tokens that are wrong are slowed down."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes.ses import FakeSes
from tests.telling import NOW, Teller
from tests.web.conftest import TOKENS
from tests.web.test_domains import DOMAIN, MAIL, PATH, verified
from tests.web.test_problems import refusal
from webhook.web.wrongtokens import TRIES

pytestmark = pytest.mark.mongo
KEY = {"Idempotency-Key": "7b1e3a4e-6f7c-4a8e-9f43-0d6f6a2d5c11"}


@pytest.fixture(autouse=True)
def _indexed(teller: Teller) -> None:
    """The database as it is when the service starts."""


def add(client: FlaskClient, domain: str = DOMAIN, headers: dict[str, str] = KEY) -> Any:
    return client.post("/api/email-domains", json={"domain": domain}, headers=headers)


class TestOnce:
    def test_the_same_again_is_answered_from_memory(self, client: FlaskClient) -> None:
        first, again = add(client), add(client)
        assert first.status_code == again.status_code == 201
        assert again.data == first.data
        assert again.content_type == "application/json"
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert add(client, headers={}).status_code == 200

    def test_another_request_needs_another_key(self, client: FlaskClient) -> None:
        add(client)
        refusal(add(client, "example.org"), 422, "idempotency_key_reused")
        refusal(client.post(f"{PATH}/pause", json={"why": "w"}, headers=KEY), 422, "idempotency_key_reused")
        refusal(client.delete(PATH, headers=KEY), 422, "idempotency_key_reused")
        refusal(client.delete(f"{PATH}?identity=keep", headers=KEY), 422, "idempotency_key_reused")

    def test_everybody_has_keys_of_his_own(self, client: FlaskClient) -> None:
        add(client)
        other = {"Authorization": f"Bearer {TOKENS[1][1]}", **KEY}
        assert add(client, headers=other).status_code == 200
        assert add(client, "example.org", headers={**other, "Idempotency-Key": "k2"}).status_code == 201

    def test_a_refusal_is_not_kept(self, client: FlaskClient) -> None:
        refusal(client.post(f"{PATH}/pause", json={"why": "w"}, headers=KEY), 404, "not_found")
        add(client, headers={})
        assert client.post(f"{PATH}/pause", json={"why": "w"}, headers=KEY).status_code == 200

    def test_what_is_wrong_uses_no_key_up(self, client: FlaskClient) -> None:
        refusal(add(client, "co.uk"), 400, "bad_parameter")
        refusal(client.post("/api/email-domains", json={}, headers=KEY), 400, "bad_parameter")
        assert add(client).status_code == 201

    def test_what_is_still_under_way_is_not_begun_again(self, client: FlaskClient, teller: Teller) -> None:
        add(client)
        teller.db.idempotency.update_one({}, {"$set": {"state": "running"}})
        refusal(add(client), 409, "idempotency_in_progress")

    @pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\tb"])
    def test_a_key_is_printable_and_short(self, client: FlaskClient, key: str) -> None:
        told = refusal(add(client, headers={"Idempotency-Key": key}), 400, "bad_parameter")
        assert told["parameter"] == "Idempotency-Key"

    def test_a_body_that_nobody_reads_has_its_limit_too(self, client: FlaskClient) -> None:
        response = client.post(f"{PATH}/verify", data=b"x" * (1 << 21), headers=KEY)
        refusal(response, 413, "request_entity_too_large")

    def test_reading_takes_no_key(self, client: FlaskClient, teller: Teller) -> None:
        assert client.get("/api/email-domains", headers=KEY).status_code == 200
        assert teller.db.idempotency.count_documents({}) == 0

    def test_a_mail_is_sent_once(self, client: FlaskClient, ses: FakeSes) -> None:
        verified(client, ses)
        first = client.post(f"{PATH}/send", json=MAIL, headers=KEY)
        again = client.post(f"{PATH}/send", json=MAIL, headers=KEY)
        assert (first.status_code, again.data) == (200, first.data)
        assert len(ses.sent) == 1

    def test_a_mail_whose_answer_was_lost_is_not_sent_again(
        self, client: FlaskClient, ses: FakeSes, teller: Teller
    ) -> None:
        verified(client, ses)
        first = client.post(f"{PATH}/send", json=MAIL, headers=KEY)
        teller.db.idempotency.delete_many({})
        assert client.post(f"{PATH}/send", json=MAIL, headers=KEY).json == first.json
        assert len(ses.sent) == 1

    def test_a_mail_of_which_nobody_knows_is_not_sent_again(self, client: FlaskClient, ses: FakeSes) -> None:
        verified(client, ses)
        ses.lose_next_answer("SendEmail")
        for _ in range(2):
            refusal(client.post(f"{PATH}/send", json=MAIL, headers=KEY), 409, "send_outcome_unknown")
        assert len(ses.sent) == 1

    def test_of_many_at_once_one_does_it(self, client: FlaskClient, ses: FakeSes) -> None:
        app = client.application
        bearer = {"Authorization": f"Bearer {TOKENS[0][1]}", **KEY}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: add(app.test_client(), headers=bearer), range(16)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        done = [answer for answer in answers if answer.status_code == 201]
        assert sum("Idempotency-Replayed" not in answer.headers for answer in done) == 1
        assert len({answer.data for answer in done}) == 1
        assert len(ses.asked("CreateEmailIdentity")) == 1


class TestTokens:
    def wrong(self, client: FlaskClient, address: str = "192.0.2.7") -> Any:
        return client.get(
            "/api/email-domains",
            headers={"Authorization": "Bearer wrong"},
            environ_overrides={"REMOTE_ADDR": address},
        )

    def test_too_many_wrong_ones_have_to_wait(self, stranger: FlaskClient) -> None:
        for _ in range(TRIES):
            refusal(self.wrong(stranger), 401, "token_unknown")
        response = self.wrong(stranger)
        refusal(response, 429, "too_many_requests")
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        refusal(self.wrong(stranger, "192.0.2.8"), 401, "token_unknown")

    def test_a_right_one_never_has_to(self, stranger: FlaskClient, bearing: Callable[..., dict[str, str]]) -> None:
        for _ in range(TRIES + 1):
            self.wrong(stranger, "127.0.0.1")
        for headers in ({"Authorization": f"Bearer {TOKENS[0][1]}"}, bearing("shop")):
            assert stranger.get("/api/email-domains", headers=headers).status_code == 200
        refusal(stranger.get("/api/email-domains"), 401, "token_missing")

    def test_a_revoked_one_is_unknown(
        self, stranger: FlaskClient, bearing: Callable[..., dict[str, str]], teller: Teller
    ) -> None:
        headers = bearing("shop")
        teller.db.tokens.update_one({"_id": "shop"}, {"$set": {"revokedAt": NOW}})
        refusal(stranger.get("/api/email-domains", headers=headers), 401, "token_unknown")

    def test_a_made_one_suffices(self, open_client: Any, settings: Any, bearing: Callable[..., dict[str, str]]) -> None:
        client = open_client(replace(settings, api_tokens=()))
        refusal(client.get("/api/email-domains"), 401, "no_tokens")
        headers = bearing("shop")
        refusal(client.get("/api/email-domains"), 401, "token_missing")
        assert client.get("/api/email-domains", headers=headers).status_code == 200

    def test_without_the_database_a_made_one_is_not_called_wrong(
        self, open_client: Any, settings: Any, bearing: Callable[..., dict[str, str]]
    ) -> None:
        headers = bearing("shop")
        client = open_client(replace(settings, mongodb_uri="mongodb://127.0.0.1:9/nowhere?replicaSet=rs0"))
        refusal(client.get("/api/email-domains", headers=headers), 503, "unavailable")
