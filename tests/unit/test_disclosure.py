"""What is shown of an endpoint, and what never is."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from webhook.domain.disclosure import changes, noted, shown, shown_url
from webhook.domain.endpoints import Endpoint, Health, Kind, Secret, State, disabled, disabled_by

NOW = datetime(2026, 3, 10, 12, 0, 0, 123_456, tzinfo=UTC)
SLACK = "https://hooks.slack.com/services/T0000/B0000/abcdefghijklmnop9xQ"
TEAMS = "https://prod-12.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke?sv=1.0&sig=s3cretS3cret9xQ"
ENDPOINT = Endpoint("ep_1", SLACK, Kind.SLACK, ("*",), NOW, headers={"X-Key": "t0psecret"}, secrets=(Secret("s", NOW),))

ADDRESSES = [
    pytest.param(Kind.SLACK, SLACK, "https://hooks.slack.com/…9xQ", id="slack"),
    pytest.param(Kind.TEAMS, TEAMS, "https://prod-12.westeurope.logic.azure.com:443/…9xQ", id="teams"),
    pytest.param(Kind.SLACK, "https://s/0123456789abcdef9xQ", "https://s/…9xQ", id="a host that is in the scheme"),
    pytest.param(Kind.SLACK, "https://chat.example/0123456789abcdef", "https://chat.example/…", id="too short an end"),
    pytest.param(Kind.SLACK, "https://chat.example", "https://chat.example/…", id="no path"),
    pytest.param(Kind.TEAMS, "https://chat.example?sig=0123456789abcdef9xQ", "https://chat.example/…9xQ", id="a query"),
    pytest.param(Kind.WEBHOOK, "https://example.net/a?b=c", "https://example.net/a?b=c", id="a webhook's is no secret"),
    pytest.param(Kind.EMAIL, "mailto:ops@example.com", "mailto:ops@example.com", id="a mailbox"),
]


@pytest.mark.parametrize(("kind", "url", "seen"), ADDRESSES)
def test_of_a_chats_address_the_host_and_the_end_are_shown(kind: Kind, url: str, seen: str) -> None:
    assert shown_url(replace(ENDPOINT, kind=kind, url=url)) == seen


def test_no_secret_is_shown_and_none_noted() -> None:
    for told in (shown(ENDPOINT), noted(ENDPOINT), changes(ENDPOINT, replace(ENDPOINT, headers={"X-Key": "0ther"}))):
        assert not any(word in repr(told) for word in ("t0psecret", "0ther", "abcdef", "sealed"))
    assert shown(ENDPOINT)["headers"] == {"X-Key": "…"}
    assert shown(ENDPOINT)["createdAt"] == NOW.replace(microsecond=123_000)
    assert noted(ENDPOINT) == {"id": "ep_1", "kind": "slack", "url": "https://hooks.slack.com/…9xQ"}


def test_of_a_key_pair_the_public_half_is_shown() -> None:
    assert (shown(ENDPOINT)["signing"], shown(ENDPOINT)["publicKey"]) == ("hmac", None)
    pair = replace(ENDPOINT, secrets=(Secret("s", NOW, public="whpk_x"),))
    assert (shown(pair)["signing"], shown(pair)["publicKey"]) == ("ed25519", "whpk_x")
    assert shown(replace(ENDPOINT, secrets=()))["signing"] is None


def test_a_disabled_one_says_since_when_and_why() -> None:
    why = disabled_by("ann", "moving house")
    off = replace(ENDPOINT, health=disabled(Health(State.FAILING, 3, NOW), NOW + timedelta(hours=1), why))
    assert shown(off)["disabled"] == {"at": NOW + timedelta(hours=1), "why": "disabled by ann: moving house"}
    assert shown(ENDPOINT)["disabled"] is None
    assert disabled_by("ann") == "disabled by ann"


def test_changes_are_told_from_and_to_even_if_what_differs_is_hidden() -> None:
    assert changes(ENDPOINT, ENDPOINT) == {}
    assert changes(ENDPOINT, replace(ENDPOINT, rate=5.0)) == {"rate": {"from": None, "to": 5.0}}
    elsewhere = replace(ENDPOINT, url=SLACK.replace("abc", "xyz"))
    seen = "https://hooks.slack.com/…9xQ"
    assert changes(ENDPOINT, elsewhere) == {"url": {"from": seen, "to": seen}}
