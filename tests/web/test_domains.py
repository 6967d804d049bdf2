"""Domains through the API: added, changed, verified, paused, sent through and removed, against an SES over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes.ses import ACCESS_DENIED, THROTTLED, FakeSes
from tests.telling import NOW, Teller
from tests.web.test_problems import refusal

pytestmark = pytest.mark.mongo
DOMAIN = "example.com"
PATH = f"/api/email-domains/{DOMAIN}"
MAIL = {
    "from": f"Shop <shop@{DOMAIN}>",
    "to": ["ann@example.net"],
    "subject": "Your order",
    "text": "It is on its way.",
}


@pytest.fixture(autouse=True)
def _indexed(teller: Teller) -> None:
    """The database as it is when the service starts."""


def add(client: FlaskClient, **more: Any) -> Any:
    return client.post("/api/email-domains", json={"domain": DOMAIN, **more})


def verified(client: FlaskClient, ses: FakeSes) -> None:
    add(client)
    ses.dns_appears(DOMAIN)
    assert client.post(f"{PATH}/verify").json["awsSes"]["verificationStatus"] == "success"


class TestAdding:
    def test_it_is_registered_and_told_what_to_publish(self, client: FlaskClient, ses: FakeSes) -> None:
        response = add(client, maxAccounts=50)
        told = response.json
        assert response.status_code == 201
        assert (told["success"], told["domain"]) == (True, DOMAIN)
        assert "3 CNAME records" in told["message"]
        assert told["awsSes"]["registered"] is True
        assert len(told["awsSes"]["dkimTokens"]) == 3
        for name, record in zip(told["awsSes"]["dkimTokens"], told["awsSes"]["dkimRecords"], strict=True):
            assert name.endswith(f"._domainkey.{DOMAIN}")
            assert record == {
                "type": "CNAME",
                "name": name,
                "value": f"{name.partition('.')[0]}.dkim.amazonses.com",
            }
        assert list(ses.identities) == [DOMAIN]

    def test_again_it_is_the_same(self, client: FlaskClient, ses: FakeSes) -> None:
        first = add(client, maxAccounts=50).json
        again = add(client, maxAccounts=60)
        assert again.status_code == 200
        assert again.json["awsSes"]["dkimTokens"] == first["awsSes"]["dkimTokens"]
        assert client.get(PATH).json["maxAccounts"] == 50
        assert len(ses.asked("CreateEmailIdentity")) == 1

    def test_a_name_is_put_right(self, client: FlaskClient) -> None:
        assert (
            client.post("/api/email-domains", json={"domain": "Bücher.Example."}).json["domain"]
            == "xn--bcher-kva.example"
        )

    @pytest.mark.parametrize(
        ("body", "parameter"),
        [
            ({}, "domain"),
            ({"domain": ""}, "domain"),
            ({"domain": 7}, "domain"),
            ({"domain": None}, "domain"),
            ({"domain": "co.uk"}, "domain"),
            ({"domain": "shop@example.com"}, "domain"),
            ({"domain": "https://example.com/"}, "domain"),
            ({"domain": DOMAIN, "maxAccounts": 0}, "maxAccounts"),
            ({"domain": DOMAIN, "maxAccounts": "7"}, "maxAccounts"),
            ({"domain": DOMAIN, "maxAccounts": 1.5}, "maxAccounts"),
            ({"domain": DOMAIN, "maxAccounts": True}, "maxAccounts"),
            ({"domain": DOMAIN, "owner": "a b"}, "owner"),
            ({"domain": DOMAIN, "mailFromDomain": "bounce.example.org"}, "mailFromDomain"),
            ({"domain": DOMAIN, "maxaccounts": 7}, "maxaccounts"),
            ({"domain": DOMAIN, "$set": 7}, "$set"),
            ([], "body"),
            ("example.com", "body"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, client: FlaskClient, ses: FakeSes, teller: Teller, body: Any, parameter: str
    ) -> None:
        told = refusal(client.post("/api/email-domains", json=body), 400, "bad_parameter")
        assert told["parameter"] == parameter
        assert teller.db.emaildomains.count_documents({}) == 0
        assert ses.calls == []

    @pytest.mark.parametrize("data", [b"", b"{", b"domain=example.com", b"\xff", b"[" * 100_000, b'{"domain": "\xff"}'])
    def test_a_body_must_be_json(self, client: FlaskClient, data: bytes) -> None:
        response = client.post("/api/email-domains", data=data, content_type="application/json")
        assert refusal(response, 400, "bad_parameter")["parameter"] == "body"

    def test_a_body_must_say_that_it_is_json(self, client: FlaskClient) -> None:
        response = client.post("/api/email-domains", data=b'{"domain": "example.com"}')
        assert "Content-Type" in refusal(response, 415, "unsupported_media_type")["hint"]

    def test_a_body_must_not_be_too_large(self, client: FlaskClient) -> None:
        response = client.post("/api/email-domains", json={"domain": "x" * (1 << 20)})
        refusal(response, 413, "request_entity_too_large")

    @pytest.mark.parametrize(
        ("failure", "code"),
        [(ACCESS_DENIED, "aws_access_denied"), (THROTTLED, "aws_throttled")],
        ids=["denied", "throttled"],
    )
    def test_a_failure_of_aws_keeps_the_domain_and_says_so(
        self, client: FlaskClient, ses: FakeSes, failure: Any, code: str
    ) -> None:
        ses.fail_next("*", failure, 20)
        response = add(client)
        told = response.json
        assert response.status_code == 201
        assert told["success"] is True
        assert (told["awsSes"]["registered"], told["awsSes"]["dkimTokens"]) == (False, [])
        assert told["awsSes"]["error"]["code"] == code
        assert "tried again" in told["message"]
        assert add(client).status_code == 200


class TestChanging:
    def test_what_is_given_is_changed(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client, maxAccounts=50)
        response = client.patch(PATH, json={"maxAccounts": 7, "mailFromDomain": f"bounce.{DOMAIN}"})
        assert response.status_code == 200
        assert (response.json["maxAccounts"], response.json["mailFromDomain"]) == (7, f"bounce.{DOMAIN}")
        assert ses.asked("PutEmailIdentityMailFromAttributes")[0]["MailFromDomain"] == f"bounce.{DOMAIN}"
        assert client.get(PATH).json["maxAccounts"] == 7

    @pytest.mark.parametrize(
        ("body", "parameter"),
        [
            ({"maxAccounts": None}, "maxAccounts"),
            ({"maxAccounts": 0}, "maxAccounts"),
            ({"dkimSigning": "yes"}, "dkimSigning"),
            ({"mailFromDomain": "example.org"}, "mailFromDomain"),
            ({"reputation": None}, "reputation"),
            ({"awsSes": {}}, "awsSes"),
            ({"domain": "example.org"}, "domain"),
        ],
    )
    def test_what_is_wrong_is_named(self, client: FlaskClient, body: Any, parameter: str) -> None:
        add(client)
        assert refusal(client.patch(PATH, json=body), 400, "bad_parameter")["parameter"] == parameter

    def test_an_etag_stands_for_a_state(self, client: FlaskClient) -> None:
        add(client)
        first = client.get(PATH)
        etag = first.headers["ETag"]
        assert client.get(PATH).headers["ETag"] == etag
        assert not etag.startswith("W/")
        changed = client.patch(PATH, json={"maxAccounts": 7}, headers={"If-Match": etag})
        assert changed.status_code == 200
        assert changed.headers["ETag"] == client.get(PATH).headers["ETag"] != etag

    def test_what_one_has_is_not_told_again(self, client: FlaskClient) -> None:
        add(client)
        etag = client.get(PATH).headers["ETag"]
        for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            response = client.get(PATH, headers={"If-None-Match": known})
            assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)
        assert client.get(PATH, headers={"If-None-Match": '"other"'}).status_code == 200

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_what_changed_meanwhile_is_left_alone(self, client: FlaskClient, ses: FakeSes, method: str) -> None:
        add(client, maxAccounts=50)
        etag = client.get(PATH).headers["ETag"]
        client.patch(PATH, json={"maxAccounts": 60})
        body = {"maxAccounts": 70} if method == "PATCH" else None
        for stale in (etag, f"W/{client.get(PATH).headers['ETag']}", '"other"'):
            refusal(
                client.open(PATH, method=method, json=body, headers={"If-Match": stale}), 412, "precondition_failed"
            )
        assert client.get(PATH).json["maxAccounts"] == 60
        assert list(ses.identities) == [DOMAIN]

    def test_a_domain_with_what_is_no_verdict_has_an_etag_that_matches(
        self, client: FlaskClient, teller: Teller
    ) -> None:
        teller.db.emaildomains.insert_one({"domain": DOMAIN, "createdAt": NOW, "reputation": {"status": "healthy"}})
        etag = client.get(PATH).headers["ETag"]
        assert client.patch(PATH, json={"maxAccounts": 7}, headers={"If-Match": etag}).status_code == 200


class TestRemoving:
    def test_it_goes_with_its_identity(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        response = client.delete(f"/api/email-domains/{DOMAIN.upper()}", headers={"If-Match": "*"})
        assert (response.status_code, response.json["domain"]) == (200, DOMAIN)
        assert ses.identities == {}
        refusal(client.get(PATH), 404, "not_found")
        refusal(client.delete(PATH), 404, "not_found")

    def test_its_identity_may_be_kept(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        assert client.delete(f"{PATH}?identity=keep").status_code == 200
        assert list(ses.identities) == [DOMAIN]
        assert refusal(client.delete(f"{PATH}?identity=lose"), 400, "bad_parameter")["parameter"] == "identity"

    def test_what_ses_cannot_be_told_now_is_accepted(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        ses.fail_next("DeleteEmailIdentity", ACCESS_DENIED)
        response = client.delete(PATH)
        assert response.status_code == 202
        assert "as soon as" in response.json["message"]


class TestVerifying:
    def test_ses_and_dns_are_asked(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        told = client.post(f"{PATH}/verify").json
        assert told["awsSes"]["verificationStatus"] == "pending"
        assert told["dns"]["ok"] is False
        assert {record["type"] for record in told["dns"]["records"]} >= {"CNAME"}
        ses.dns_appears(DOMAIN)
        assert client.post(f"{PATH}/verify").json["awsSes"]["verifiedForSending"] is True

    def test_each_change_is_told_with_its_cause(self, client: FlaskClient, ses: FakeSes) -> None:
        verified(client, ses)
        rows = client.get(f"{PATH}/verifications").json["items"]
        assert {(row["aspect"], row["from"], row["to"]) for row in rows} >= {("identity", "pending", "success")}
        first = next(row for row in rows if row["to"] == "success")
        assert (first["cause"]["kind"], first["cause"]["detail"]) == ("asked", "ops")
        seen, cursor = [], ""
        while cursor is not None:
            page = client.get(f"{PATH}/verifications", query_string={"limit": 1, "cursor": cursor}).json
            seen += page["items"]
            cursor = page["nextCursor"]
        assert seen == rows

    def test_a_failure_of_aws_says_what_to_do(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        ses.fail_next("GetEmailIdentity", ACCESS_DENIED)
        assert "ses:GetEmailIdentity" in refusal(client.post(f"{PATH}/verify"), 502, "aws_access_denied")["detail"]
        ses.fail_next("GetEmailIdentity", THROTTLED)
        response = client.post(f"{PATH}/verify")
        refusal(response, 503, "aws_throttled")
        assert int(response.headers["Retry-After"]) >= 1

    def test_the_records_are_a_zone_file(self, client: FlaskClient) -> None:
        add(client)
        response = client.get(f"{PATH}/zone")
        assert response.content_type == "text/plain; charset=utf-8"
        assert response.text.count("IN CNAME") + response.text.count("\tCNAME") == 3


class TestPausing:
    def test_a_person_pauses_and_resumes(self, client: FlaskClient) -> None:
        add(client)
        paused = client.post(f"{PATH}/pause", json={"why": "asked for"}).json["paused"]
        assert (paused["by"], paused["who"], paused["why"]) == ("staff", "ops", "asked for")
        assert client.get(PATH).json["paused"]["why"] == "asked for"
        assert client.post(f"{PATH}/resume", json={"why": "all good"}).json["paused"] is None
        rows = client.get("/api/audit", query_string={"domain": DOMAIN}).json["items"]
        assert [(row["who"], row["why"]) for row in rows[:2]] == [("ops", "all good"), ("ops", "asked for")]

    @pytest.mark.parametrize("body", [{}, {"why": ""}, {"why": "   "}, {"why": 7}, {"why": "x" * 501}, {"why": "a\nb"}])
    def test_why_is_wanted(self, client: FlaskClient, body: Any) -> None:
        add(client)
        assert refusal(client.post(f"{PATH}/pause", json=body), 400, "bad_parameter")["parameter"] == "why"


class TestSending:
    def test_a_mail_is_sent_and_known_at_once(self, client: FlaskClient, ses: FakeSes) -> None:
        verified(client, ses)
        response = client.post(f"{PATH}/send", json=MAIL)
        assert response.status_code == 200
        assert response.json["success"] is True
        assert len(ses.sent) == 1
        assert client.get(f"/api/mails/{response.json['messageId']}").json["recipients"] == ["ann@example.net"]

    def test_nothing_is_sent_that_must_not_be(self, client: FlaskClient, ses: FakeSes) -> None:
        add(client)
        refusal(client.post(f"{PATH}/send", json=MAIL), 409, "domain_not_verified")
        verified(client, ses)
        client.post("/api/suppressions", json={"address": "ANN@example.net", "reason": "manual"})
        assert (
            "ann@example.net" in refusal(client.post(f"{PATH}/send", json=MAIL), 409, "recipient_suppressed")["detail"]
        )
        client.post(f"{PATH}/pause", json={"why": "asked for"})
        refusal(client.post(f"{PATH}/send", json=MAIL), 409, "domain_paused")
        assert ses.sent == []

    @pytest.mark.parametrize(
        ("change", "parameter"),
        [
            ({"from": "shop@example.org"}, "from"),
            ({"to": []}, "to"),
            ({"to": "ann@example.net"}, "to"),
            ({"cc": [7]}, "cc[0]"),
            ({"subject": "a\r\nBcc: b@example.net"}, "subject"),
            ({"colour": "red"}, "colour"),
            ({"tags": {"ses:x": "y"}}, "tags.ses:x"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, client: FlaskClient, ses: FakeSes, change: dict[str, Any], parameter: str
    ) -> None:
        verified(client, ses)
        told = refusal(client.post(f"{PATH}/send", json=MAIL | change), 400, "bad_parameter")
        assert told["parameter"] == parameter
        assert ses.sent == []


class TestAccount:
    def test_the_quota(self, client: FlaskClient) -> None:
        told = client.get("/api/aws-ses/quota").json
        assert set(told) >= {
            "success",
            "region",
            "max24HourSend",
            "sentLast24Hours",
            "remaining",
            "maxSendRate",
            "usedShare",
            "exhaustedAt",
        }

    def test_the_account(self, client: FlaskClient) -> None:
        told = client.get("/api/aws-ses/account").json
        assert set(told) >= {"success", "region", "sandbox", "sendingEnabled", "enforcementStatus", "explanation"}


class TestSuppressions:
    def test_an_entry_is_made_found_and_removed(self, client: FlaskClient) -> None:
        made = client.post("/api/suppressions", json={"address": "Ann@Example.net", "reason": "manual", "note": "n"})
        assert made.status_code == 201
        listed = client.get("/api/suppressions", query_string={"address": "ann@example.NET"}).json["items"]
        assert [one["id"] for one in listed] == [made.json["id"]]
        asked = {"addresses": ["ANN@example.net", "bob@example.net"]}
        assert client.post("/api/suppressions/check", json=asked).json["suppressed"].keys() == {"ANN@example.net"}
        assert client.delete(f"/api/suppressions/{made.json['id']}").json == {"success": True, "id": made.json["id"]}
        refusal(client.delete(f"/api/suppressions/{made.json['id']}"), 404, "not_found")

    @pytest.mark.parametrize(
        ("body", "parameter"),
        [
            ({"address": "ann", "reason": "manual"}, "address"),
            ({"address": "ann@example.net"}, "reason"),
            ({"address": "ann@example.net", "reason": "boredom"}, "reason"),
            ({"address": "ann@example.net", "reason": "manual", "expiresAt": "tomorrow"}, "expiresAt"),
            ({"address": "ann@example.net", "reason": "manual", "until": "2027-01-01"}, "until"),
        ],
    )
    def test_what_is_wrong_is_named(self, client: FlaskClient, body: Any, parameter: str) -> None:
        assert refusal(client.post("/api/suppressions", json=body), 400, "bad_parameter")["parameter"] == parameter
