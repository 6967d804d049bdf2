"""Who gets what, and what failures come to."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from webhook.domain.alert_payloads import AlertType
from webhook.domain.endpoints import (
    BREAKS_AFTER,
    PROBE_EVERY,
    RATE_MAX,
    RATE_MIN,
    Endpoint,
    Health,
    Kind,
    Notice,
    Secret,
    Signing,
    State,
    concerns,
    covers,
    disabled,
    enabled,
    failed,
    held_until,
    is_pattern,
    most_at_once,
    reviewed,
    succeeded,
    wants,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ENDPOINT = Endpoint("ep_1", "https://example.net/hook", Kind.WEBHOOK, ("*",), NOW)
PACE = timedelta(seconds=0.25)

PATTERNS = [
    pytest.param("*", AlertType.FLAGGED, True, id="everything"),
    pytest.param("*", AlertType.BOUNCED, False, id="everything is without what is opt-in"),
    pytest.param("email.*", AlertType.BOUNCED, True, id="its family"),
    pytest.param("email.bounced", AlertType.BOUNCED, True, id="its name"),
    pytest.param("email.bounced", AlertType.COMPLAINED, False, id="the other's name"),
    pytest.param("e*", AlertType.BOUNCED, False, id="a beginning that does not name its family"),
    pytest.param("e*", AlertType.ENDPOINT_DISABLED, True, id="a beginning"),
    pytest.param("domain.reputation.*", AlertType.WARNING, True, id="a narrower family"),
    pytest.param("domain.reputation.*", AlertType.PAUSED, False, id="of another family"),
    pytest.param("domain.reputation", AlertType.WARNING, False, id="a beginning without the star"),
    pytest.param("domain.*.flagged", AlertType.FLAGGED, False, id="a star in the middle means nothing"),
]


@pytest.mark.parametrize(("pattern", "kind", "meant"), PATTERNS)
def test_patterns(pattern: str, kind: AlertType, *, meant: bool) -> None:
    assert covers(pattern, kind) is meant


@pytest.mark.parametrize(
    ("pattern", "known"), [("*", True), ("email.*", True), ("em*", False), ("", False), ("x", False)]
)
def test_a_pattern_names_some_type(pattern: str, *, known: bool) -> None:
    assert is_pattern(pattern) is known


def test_every_type_can_be_asked_for_by_name() -> None:
    assert all(covers(kind.value, kind) for kind in AlertType)


WANTS = [
    pytest.param({}, "a.example", "acme", True, id="wants all"),
    pytest.param({"domains": ("a.example",)}, "a.example", None, True, id="its domain"),
    pytest.param({"domains": ("a.example",)}, "b.example", None, False, id="another's domain"),
    pytest.param({"domains": ("a.example",)}, None, None, False, id="about no domain"),
    pytest.param({"owner": "acme"}, "a.example", "acme", True, id="its owner's"),
    pytest.param({"owner": "acme"}, "a.example", "other", False, id="another owner's"),
    pytest.param({"owner": "acme"}, "a.example", None, False, id="nobody's"),
    pytest.param({"owner": "acme"}, None, None, False, id="the account's, to an owner"),
    pytest.param({"health": Health(State.DISABLED)}, "a.example", None, False, id="disabled"),
    pytest.param({"health": Health(State.FAILING, 9)}, "a.example", None, True, id="failing still gets it"),
    pytest.param({"types": ("email.*",)}, "a.example", None, False, id="of other types"),
]


@pytest.mark.parametrize(("changes", "domain", "owner", "wanted"), WANTS)
def test_who_is_told(changes: dict[str, object], domain: str | None, owner: str | None, *, wanted: bool) -> None:
    assert wants(replace(ENDPOINT, **changes), AlertType.FLAGGED, domain, owner) is wanted


def test_an_endpoint_is_not_told_of_itself() -> None:
    assert concerns(ENDPOINT, {"endpoint": {"id": "ep_1"}})
    assert not concerns(ENDPOINT, {"endpoint": {"id": "ep_2"}})
    assert not concerns(ENDPOINT, {"domain": "a.example"})


RECIPIENTS = [
    pytest.param(Kind.EMAIL, "mailto:Ops@example.com", "ops@Example.com", True, id="the mailbox itself"),
    pytest.param(Kind.EMAIL, "mailto:ops@example.com", "ann@example.com", False, id="another mailbox"),
    pytest.param(Kind.EMAIL, "mailto:ops@example.com", "", False, id="somebody whom SES does not name"),
    pytest.param(Kind.WEBHOOK, "https://example.com/", "ops@example.com", False, id="told otherwise"),
]


@pytest.mark.parametrize(("kind", "url", "recipient", "about"), RECIPIENTS)
def test_a_mailbox_is_not_told_by_mail_that_mail_to_it_bounced(
    kind: Kind, url: str, recipient: str, *, about: bool
) -> None:
    mailbox = replace(ENDPOINT, kind=kind, url=url, types=("email.*",))
    assert concerns(mailbox, {"domain": "example.com", "recipient": recipient}) is about


def test_how_it_is_signed_is_seen_by_its_newest_secret() -> None:
    assert (ENDPOINT.signing, ENDPOINT.public_key) == (None, None)
    secret = Secret("sealed", NOW)
    assert replace(ENDPOINT, secrets=(secret,)).signing is Signing.HMAC
    keys = (replace(secret, public="whpk_old"), Secret("sealed", NOW + timedelta(hours=1), public="whpk_new"))
    both = replace(ENDPOINT, secrets=keys)
    assert (both.signing, both.public_key) == (Signing.ED25519, "whpk_new")


@pytest.mark.parametrize("rate", [1e-300, -5.0, float("nan"), float("inf"), RATE_MIN, RATE_MAX], ids=str)
def test_whatever_rate_is_stored_can_be_kept(rate: float) -> None:
    limited = replace(ENDPOINT, rate=rate)
    held = held_until(limited, 8, NOW)
    assert held is not None
    assert NOW < held <= NOW + timedelta(hours=8)
    most = most_at_once(limited, NOW, PACE)
    assert most is not None
    assert 1 <= most <= 250


def failing(every: timedelta, until: timedelta) -> list[tuple[timedelta, Notice]]:
    """When what is told of an endpoint that takes nothing, tried so often."""
    health, told = Health(), []
    age = timedelta()
    while age <= until:
        health, notice = failed(health, NOW + age, "it answered 500")
        if notice:
            told.append((age, notice))
        age += every
    return told


def test_nothing_but_failures_is_warned_of_after_three_days_and_disabled_after_five() -> None:
    told = failing(timedelta(hours=1), timedelta(days=9))
    assert told == [(timedelta(days=3), Notice.FAILING), (timedelta(days=5), Notice.DISABLED)]


def test_a_single_success_begins_anew() -> None:
    health, _ = failed(Health(), NOW, "x")
    health = succeeded(health)
    assert health == Health()
    health, notice = failed(health, NOW + timedelta(days=6), "x")
    assert (health.state, notice) == (State.FAILING, None)


def test_who_says_that_it_is_gone_is_disabled_at_once() -> None:
    health, notice = failed(Health(), NOW, "it answered 410", gone=True)
    assert (health.state, health.disabled_at, notice) == (State.DISABLED, NOW, Notice.DISABLED)


def test_what_comes_in_late_for_a_disabled_endpoint_changes_nothing() -> None:
    health = disabled(Health(), NOW, "no longer needed")
    assert failed(health, NOW, "x", gone=True) == (health, None)
    assert succeeded(health) == health
    assert reviewed(health, NOW + timedelta(days=9)) == (health, None)
    assert enabled() == Health()


def test_time_alone_warns_once() -> None:
    health, _ = failed(Health(), NOW, "x")
    assert reviewed(health, NOW + timedelta(days=2)) == (health, None)
    warned, notice = reviewed(health, NOW + timedelta(days=3))
    assert notice is Notice.FAILING
    assert reviewed(warned, NOW + timedelta(days=4)) == (warned, None)


def test_after_failures_in_a_row_one_probe_at_a_time_gets_through() -> None:
    health = Health()
    for _ in range(BREAKS_AFTER - 1):
        health, _ = failed(health, NOW, "x")
    assert most_at_once(replace(ENDPOINT, health=health), NOW, PACE) is None
    health, _ = failed(health, NOW, "x")
    broken = replace(ENDPOINT, health=health)
    assert most_at_once(broken, NOW, PACE) == 0
    assert most_at_once(broken, NOW + PROBE_EVERY, PACE) == 1
    assert held_until(broken, 1, NOW) == NOW + PROBE_EVERY


def test_a_rate_is_kept_over_time() -> None:
    fast, slow = replace(ENDPOINT, rate=40.0), replace(ENDPOINT, rate=0.5)
    assert most_at_once(fast, NOW, PACE) == 10
    assert held_until(fast, 10, NOW) == NOW + PACE
    assert most_at_once(slow, NOW, PACE) == 1
    assert held_until(slow, 1, NOW) == NOW + timedelta(seconds=2)
    assert held_until(ENDPOINT, 8, NOW) is None


def test_a_secret_that_is_replaced_signs_until_its_time_is_over() -> None:
    old = Secret("old", NOW - timedelta(days=9), until=NOW + timedelta(hours=1))
    new = Secret("new", NOW)
    endpoint = replace(ENDPOINT, secrets=(old, new))
    assert [secret.sealed for secret in endpoint.secrets_at(NOW)] == ["new", "old"]
    assert [secret.sealed for secret in endpoint.secrets_at(NOW + timedelta(hours=1))] == ["new"]
