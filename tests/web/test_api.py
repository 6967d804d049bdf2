"""The API's routes, with data that came in as messages do."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.telling import NOW, Teller, ago, payload, stamp

pytestmark = pytest.mark.mongo
TODAY = NOW.date().isoformat()


def get(client: FlaskClient, path: str, **query: Any) -> Any:
    response = client.get(path, query_string=query)
    assert response.status_code == 200, response.json
    assert response.content_type == "application/json"
    return response.json


def keys_deep(value: Any) -> set[str]:
    """Every field name there is."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_deep, value.values()))
    return set[str]().union(*map(keys_deep, value)) if isinstance(value, list) else set()


class TestDomains:
    @pytest.fixture(autouse=True)
    def _judged(self, teller: Teller) -> None:
        teller.traffic("healthy.example", sent=100)
        teller.traffic("flagged.example", sent=100, bounces=6)
        teller.traffic("few.example", sent=3)
        teller.db.emaildomains.insert_one(
            {"domain": "silent.example", "maxAccounts": 50, "awsSes": {"verificationStatus": "pending"}}
        )

    def test_a_list_is_ordered_by_name_and_paged(self, client: FlaskClient) -> None:
        first = get(client, "/api/email-domains", limit=3)
        assert [item["domain"] for item in first["items"]] == ["few.example", "flagged.example", "healthy.example"]
        second = get(client, "/api/email-domains", limit=3, cursor=first["nextCursor"])
        assert [item["domain"] for item in second["items"]] == ["silent.example"]
        assert second["nextCursor"] is None

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"status": "flagged"}, ["flagged.example"]),
            ({"status": "insufficient_data"}, ["few.example", "silent.example"]),
            ({"status": "warning"}, []),
            ({"verification": "pending"}, ["silent.example"]),
            ({"q": "L"}, ["few.example", "flagged.example", "healthy.example", "silent.example"]),
            ({"q": "FLAG"}, ["flagged.example"]),
            ({"q": "f.*"}, []),
            ({"q": "l", "status": "healthy"}, ["healthy.example"]),
            ({"q": "", "status": ""}, ["few.example", "flagged.example", "healthy.example", "silent.example"]),
        ],
    )
    def test_a_list_is_narrowed_down(self, client: FlaskClient, query: dict[str, str], expected: list[str]) -> None:
        assert [item["domain"] for item in get(client, "/api/email-domains", **query)["items"]] == expected

    def test_a_domain_keeps_what_the_platform_put_there(self, client: FlaskClient) -> None:
        assert get(client, "/api/email-domains/Silent.Example") == {
            "domain": "silent.example",
            "maxAccounts": 50,
            "awsSes": {"verificationStatus": "pending"},
            "reputation": None,
            "paused": None,
        }

    def test_a_reputation_explains_itself(self, client: FlaskClient) -> None:
        found = get(client, "/api/email-domains/flagged.example/reputation")
        reputation = found["reputation"]
        assert set(found) == {"domain", "reputation", "daily", "providers", "history"}
        assert {key: reputation[key] for key in ("status", "flags", "reason", "sent", "bounces", "complaints")} == {
            "status": "flagged",
            "flags": ["bounce"],
            "reason": None,
            "sent": 100,
            "bounces": 6,
            "complaints": 0,
        }
        assert reputation["bounceRate"] == 0.06
        assert reputation["window"]["to"] == TODAY
        low, high = reputation["bounds"]["bounce"]
        assert low < 0.06 < high
        assert reputation["bounds"]["complaint"][0] == 0
        assert "6 of 100 recipients bounced" in reputation["sentence"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", reputation["since"])
        assert [(day["day"], day["sent"], day["bounces"], day["soft"]) for day in found["daily"]] == [
            (TODAY, 100, 6, 0)
        ]
        assert found["providers"] == [
            {
                "provider": "gmail.com",
                "sent": 100,
                "delivered": 0,
                "bounces": 6,
                "soft": 0,
                "delays": 0,
                "complaints": 0,
                "reasons": {"550 5.1.1": 6},
            }
        ]
        change = found["history"][0]
        assert (change["from"], change["to"], change["flags"]) == ("insufficient_data", "flagged", ["bounce"])
        assert change["why"] == reputation["sentence"]

    def test_a_domain_that_was_not_judged_yet_has_a_reputation_of_zeros(self, client: FlaskClient) -> None:
        found = get(client, "/api/email-domains/silent.example/reputation")
        reputation = found["reputation"]
        assert (reputation["status"], reputation["reason"], reputation["sent"]) == ("insufficient_data", "too_few", 0)
        assert (reputation["since"], reputation["bounceRate"], reputation["bounds"]["bounce"]) == (None, None, None)
        assert (found["daily"], found["providers"], found["history"]) == ([], [], [])
        assert client.get("/api/email-domains/silent.example").json["reputation"] is None

    def test_what_is_no_verdict_of_ours_is_not_shown_as_one(self, client: FlaskClient, teller: Teller) -> None:
        teller.db.emaildomains.insert_one({"domain": "preset.example", "reputation": {"status": "healthy"}})
        assert get(client, "/api/email-domains/preset.example")["reputation"] is None
        reputation = get(client, "/api/email-domains/preset.example/reputation")["reputation"]
        assert reputation["status"] == "insufficient_data"

    def test_field_names_are_in_camel_case(self, client: FlaskClient) -> None:
        found = get(client, "/api/email-domains/flagged.example/reputation")
        for group in (found["reputation"], found["history"], [{**day, "x": None} for day in found["daily"]]):
            assert not {name for name in keys_deep(group) if "_" in name}


class TestEvents:
    def test_pages_follow_one_another(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(*(payload("Send", f"m{number:02d}", at=ago(minutes=number)) for number in range(10)))
        first = get(client, "/api/email-domains/example.com/events", limit=6)
        second = get(client, "/api/email-domains/example.com/events", limit=6, cursor=first["nextCursor"])
        assert [row["messageId"] for row in first["items"] + second["items"]] == [f"m{n:02d}" for n in range(10)]
        assert second["nextCursor"] is None

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"kind": "bounced"}, ["m2"]),
            ({"recipient": "Bob <BOB@gmx.net>"}, ["m1"]),
            ({"since": "45m"}, ["m3"]),
            ({"since": stamp(ago(minutes=45))}, ["m3"]),
            ({"since": ago(minutes=45).isoformat()}, ["m3"]),
            ({"since": "2020-01-01"}, ["m3", "m2", "m2", "m1"]),
            ({"since": "2020-01-01", "kind": "sent", "recipient": "ann@gmail.com"}, ["m3", "m2"]),
        ],
    )
    def test_filters(self, client: FlaskClient, teller: Teller, query: dict[str, str], expected: list[str]) -> None:
        teller.tell(
            payload("Send", "m1", "bob@gmx.net", at=ago(hours=3)),
            payload("Send", "m2", at=ago(hours=2)),
            payload("Bounce", "m2", at=ago(hours=2)),
            payload("Send", "m3", at=ago(minutes=5)),
        )
        rows = get(client, "/api/email-domains/example.com/events", **query)["items"]
        assert [row["messageId"] for row in rows] == expected

    def test_a_plus_that_was_not_escaped_is_understood(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(payload("Send", "m1"))
        since = ago(hours=1).astimezone(UTC).isoformat()
        assert since.endswith("+00:00")
        assert len(client.get(f"/api/email-domains/example.com/events?since={since}").json["items"]) == 1

    def test_a_mail_tells_its_whole_story(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(payload("Send", "m1", at=ago(hours=3)), payload("Bounce", "m1", at=ago(hours=3)))
        story = get(client, "/api/mails/m1")
        assert story["sentAt"] == ago(hours=3).strftime("%Y-%m-%dT%H:%M:%SZ")
        sent, bounced = story["events"]
        assert (sent["kind"], bounced["kind"]) == ("sent", "bounced")
        assert bounced["code"] == "550 5.1.1"
        assert datetime.fromisoformat(bounced["at"]) == ago(hours=3)


class TestQuarantine:
    STRANGE = '{"eventType": "Bounce", "mail": 7}'

    def kept(self, client: FlaskClient) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = get(client, "/api/quarantine")["items"]
        return items

    def test_it_lists_without_and_shows_with_the_message(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(self.STRANGE, self.STRANGE, '{"eventType": "Sneezed"}', "not json")
        assert {item["reason"]: item["copies"] for item in self.kept(client)} == {
            "malformed": 2,
            "unknown_type": 1,
            "not_json": 1,
        }
        assert not any("message" in item for item in self.kept(client))
        (item,) = get(client, "/api/quarantine", reason="malformed")["items"]
        assert get(client, f"/api/quarantine/{item['id']}") | {"lastAt": None} == item | {
            "message": self.STRANGE,
            "lastAt": None,
        }

    def test_pages_follow_one_another(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(*(f"not json {number}" for number in range(9)))
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = get(client, "/api/quarantine", limit=2, cursor=cursor)
            seen += [item["id"] for item in page["items"]]
            cursor = page["nextCursor"]
        assert len(seen) == len(set(seen)) == 9

    def test_dropping_is_final(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell("not json")
        (item,) = self.kept(client)
        assert client.delete(f"/api/quarantine/{item['id']}").json == {"success": True, "id": item["id"]}
        assert self.kept(client) == []
        assert client.delete(f"/api/quarantine/{item['id']}").status_code == 404

    def test_what_is_still_not_understood_stays(self, client: FlaskClient, teller: Teller) -> None:
        teller.tell(self.STRANGE)
        (item,) = self.kept(client)
        response = client.post(f"/api/quarantine/{item['id']}/replay")
        assert response.status_code == 409
        assert response.json["code"] == "still_not_understood"
        assert response.json["reason"] == "malformed"
        assert "$.mail" in response.json["detail"]
        assert self.kept(client) == [item]

    def test_what_is_understood_by_now_counts_once_and_is_struck_off(self, client: FlaskClient, teller: Teller) -> None:
        bounce = payload("Bounce", "m1")
        teller.tell(bounce, endpoint="complaints")
        (item,) = self.kept(client)
        assert item["reason"] == "misrouted"
        replayed = client.post(f"/api/quarantine/{item['id']}/replay")
        assert (replayed.status_code, replayed.json) == (
            200,
            {"success": True, "id": item["id"], "status": "accepted"},
        )
        assert self.kept(client) == []
        assert client.post(f"/api/quarantine/{item['id']}/replay").status_code == 404
        teller.tell(bounce)
        teller.post()
        assert get(client, "/api/email-domains/example.com/reputation")["reputation"]["bounces"] == 1

    def test_a_replay_of_what_was_told_meanwhile_is_a_duplicate(self, client: FlaskClient, teller: Teller) -> None:
        bounce = payload("Bounce", "m1")
        teller.tell(bounce, endpoint="complaints")
        teller.tell(bounce)
        (item,) = self.kept(client)
        assert client.post(f"/api/quarantine/{item['id']}/replay").json["status"] == "duplicate"
        assert self.kept(client) == []
