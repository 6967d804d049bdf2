"""What SES tells as values, how long to wait, the quota's arithmetic, names of tenants."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.names import DomainName
from webhook.domain.ownership import Admission, may_adopt, refuse_taken
from webhook.domain.quota import Known, Sample, account_of, answered, exhausted_at, explanation, quota_of, reached
from webhook.domain.registration import SLOWLY, admitted, tenant_name, wait_after
from webhook.domain.ses import AccountState, Identity, State, Tenant, backoff
from webhook.errors import AwsError, Limited, Refused

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def state(**more: object) -> AccountState:
    given = {
        "region": "eu-north-1",
        "production_access": True,
        "sending_enabled": True,
        "enforcement_status": "HEALTHY",
        "max_24_hour_send": 1000.0,
        "sent_last_24_hours": 0.0,
        "max_send_rate": 14.0,
    }
    return AccountState(**(given | more))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SUCCESS", State.SUCCESS),
        ("temporary_failure", State.TEMPORARY_FAILURE),
        (None, State.NOT_STARTED),
        ("NEW", State.NOT_STARTED),
    ],
)
def test_states_are_read_in_any_case_and_strange_ones_as_not_started(text: str | None, expected: State) -> None:
    assert State.from_text(text) == expected


def test_a_tenants_account_tells_the_arn_of_what_belongs_to_it() -> None:
    tenant = Tenant("t", "arn:aws-cn:ses:cn-north-1:123456789012:tenant/t/tn-1")
    assert tenant.arn_of("identity/a.cn") == "arn:aws-cn:ses:cn-north-1:123456789012:identity/a.cn"


# -- waiting


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_lies_between_half_and_the_whole_and_never_beyond_the_cap(attempts: int, jitter: float) -> None:
    wait = backoff(attempts, jitter, base=2, cap=900)
    whole = min(2.0 ** min(attempts, 20), 900.0)
    assert whole / 2 <= wait <= whole


def test_what_a_person_must_mend_is_tried_hourly() -> None:
    error = AwsError("aws_access_denied", "no", "ask", retryable=False)
    assert wait_after(error, 1, 0.0) == wait_after(error, 9, 0.9) == SLOWLY
    assert wait_after(Limited("full", retry_after=20), 3, 0.5) == 25


# -- the quota


SAMPLES = [Sample(NOW - timedelta(hours=1), 100.0), Sample(NOW, 200.0)]
FORECASTS = [
    pytest.param(state(), SAMPLES, NOW + timedelta(hours=8), id="at this pace"),
    pytest.param(state(max_24_hour_send=200.0), SAMPLES, NOW, id="used up"),
    pytest.param(state(max_24_hour_send=None), SAMPLES, None, id="unlimited"),
    pytest.param(state(max_24_hour_send=9000.0), SAMPLES, None, id="not within a day"),
    pytest.param(state(), SAMPLES[1:], None, id="one sample"),
    pytest.param(state(), [], None, id="none"),
    pytest.param(state(), [Sample(NOW - timedelta(hours=1), 300.0), SAMPLES[1]], None, id="falling"),
    pytest.param(state(), [Sample(NOW - timedelta(seconds=5), 100.0), SAMPLES[1]], None, id="too short a time"),
]


@pytest.mark.parametrize(("account", "samples", "expected"), FORECASTS)
def test_the_forecast_is_linear_over_the_samples(
    account: AccountState, samples: list[Sample], expected: datetime | None
) -> None:
    assert exhausted_at(account, samples) == expected


@pytest.mark.parametrize(
    ("sent", "most", "expected"),
    [
        (699.0, 1000.0, ()),
        (700.0, 1000.0, (70,)),
        (900.0, 1000.0, (70, 90)),
        (2000.0, 1000.0, (70, 90, 100)),
        (5.0, None, ()),
    ],
)
def test_thresholds_are_reached_at_their_share(sent: float, most: float | None, expected: tuple[int, ...]) -> None:
    assert reached(state(sent_last_24_hours=sent, max_24_hour_send=most)) == expected


def test_a_threshold_is_told_once_until_it_was_left() -> None:
    known, told = Known(), []
    for minute, sent in enumerate((600, 750, 760, 950, 690, 1000)):
        known, notices = answered(known, state(sent_last_24_hours=float(sent)), NOW + timedelta(minutes=minute))
        told += [(sent, notice["threshold"]) for notice in notices]
    assert told == [(750, 70), (950, 90), (1000, 70), (1000, 90), (1000, 100)]
    assert known.reached == (70, 90, 100)


def test_samples_are_kept_for_the_span_of_the_pace() -> None:
    known = Known()
    for minute in range(0, 600, 10):
        known, _ = answered(known, state(), NOW + timedelta(minutes=minute))
    assert len(known.samples) == 19


def test_the_quota_as_the_api_gives_it() -> None:
    told = quota_of(state(sent_last_24_hours=250.0), SAMPLES, NOW)
    assert told == {
        "success": True,
        "region": "eu-north-1",
        "max24HourSend": 1000.0,
        "sentLast24Hours": 250.0,
        "remaining": 750.0,
        "maxSendRate": 14.0,
        "usedShare": 0.25,
        "exhaustedAt": NOW + timedelta(hours=8),
        "checkedAt": NOW,
    }
    unlimited = quota_of(state(max_24_hour_send=None), SAMPLES, NOW)
    assert [unlimited[name] for name in ("max24HourSend", "remaining", "usedShare", "exhaustedAt")] == [None] * 4


EXPLAINED = [
    pytest.param(state(), "may send to everybody in eu-north-1, up to 1,000 mails", id="all is well"),
    pytest.param(state(production_access=False), "sandbox in eu-north-1", id="the sandbox"),
    pytest.param(state(production_access=False), "Ask for production access", id="the way out of it"),
    pytest.param(state(enforcement_status="PROBATION"), "under review", id="under review"),
    pytest.param(state(enforcement_status="SHUTDOWN", sending_enabled=False), "Support Center", id="stopped"),
    pytest.param(state(sending_enabled=False), "switched off", id="switched off"),
]


@pytest.mark.parametrize(("account", "told"), EXPLAINED)
def test_the_account_is_explained_in_words(account: AccountState, told: str) -> None:
    assert told in explanation(account)
    assert account_of(account, NOW)["sandbox"] is not account.production_access


# -- registration


@pytest.mark.parametrize("domain", ["example.com", "a-b.example.com", "x" * 60 + ".example.com", "a." * 100 + "com"])
def test_a_tenants_name_is_one_that_aws_takes(domain: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tenant_name("p" * 20, domain))


def test_tenants_of_different_domains_have_different_names() -> None:
    names = ["a-b.com", "a.b.com", "ab.com", "x" * 60 + ".a.com", "x" * 60 + ".b.com"]
    assert len({tenant_name("p-", name) for name in names}) == len(names)


def admission(owner: str | None, asker: str | None) -> Admission:
    return Admission(DomainName("example.com", "example.com", "example.com"), 5, owner, None, "ops", asker, True)


OWNERSHIP = [
    pytest.param(None, None, None, True, id="nothing is there"),
    pytest.param({"domain": "example.com"}, "a", "a", True, id="only heard of"),
    pytest.param({"awsSes": {"registered": True}}, "a", "a", False, id="an owner wants the platform's"),
    pytest.param({"awsSes": {"registered": True}}, "a", None, True, id="the platform gives its own to an owner"),
    pytest.param({"createdAt": NOW, "owner": "a"}, "a", "a", True, id="his own"),
    pytest.param({"createdAt": NOW, "owner": "a"}, "b", "b", False, id="another's"),
    pytest.param({"createdAt": NOW, "owner": "a"}, "b", None, False, id="given to another without a change"),
    pytest.param({"createdAt": NOW, "owner": "a"}, None, None, True, id="the platform looks"),
    pytest.param({"awsSes": "nonsense"}, "a", "a", False, id="a field of another form is the platform's"),
]


@pytest.mark.parametrize(("found", "owner", "asker", "allowed"), OWNERSHIP)
def test_whose_a_domain_may_be(found: dict | None, owner: str | None, asker: str | None, allowed: bool) -> None:
    if allowed:
        refuse_taken(admission(owner, asker), found)
    else:
        with pytest.raises(Refused):
            refuse_taken(admission(owner, asker), found)


def test_adding_sets_only_what_is_missing() -> None:
    assert admitted(admission("a", None), {"maxAccounts": 9}, NOW) == {
        "owner": "a",
        "createdAt": NOW,
        "ownedSince": NOW,
    }
    assert admitted(admission("a", None), {"maxAccounts": 9, "createdAt": NOW, "owner": "a"}, NOW) == {}


@pytest.mark.parametrize(
    ("tags", "adopt", "expected"),
    [
        pytest.param({"ses-sentinel": "managed", "ses-sentinel-owner": "a"}, False, True, id="made for him"),
        pytest.param({"ses-sentinel": "managed", "ses-sentinel-owner": "b"}, False, False, id="made for another"),
        pytest.param({"ses-sentinel": "managed"}, False, False, id="made for the platform"),
        pytest.param({}, False, False, id="made by somebody"),
        pytest.param({}, True, True, id="made by somebody, given by the platform"),
    ],
)
def test_an_identity_that_was_there_is_adopted_only_where_that_is_right(
    tags: dict[str, str], adopt: bool, expected: bool
) -> None:
    document = {"owner": "a", "awsSes": {"adopt": adopt}}
    assert may_adopt(document, Identity(name="example.com", tags=tags)) is expected
