"""The account's quota and standing: asked once a minute by all, thresholds told once."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fakes.ses import ACCESS_DENIED, INTERNAL, FakeSes
from webhook.account import Account
from webhook.adapters.mongo.accounts import Accounts
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.ses import SesApi
from webhook.errors import AwsError


@pytest.fixture
def ses() -> Iterator[FakeSes]:
    with FakeSes(throttle=False) as fake:
        yield fake


def free(_bucket: str, _rate: float, **_: float) -> float:
    """Every slot is free."""
    return 0.0


@pytest.fixture
def api(ses: FakeSes) -> Iterator[SesApi]:
    api = SesApi(
        region="eu-north-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key="secret",
        endpoint_url=ses.origin,
        reserve=free,
        pause=ses.simulated.sleep,
    )
    yield api
    api.close()


@pytest.fixture
def account(database: Db, api: SesApi, ses: FakeSes) -> Account:
    ensure_indexes(database)
    return account_of(database, api, ses)


def account_of(database: Db, api: SesApi, ses: FakeSes) -> Account:
    return Account(api, Accounts(database), ses.simulated.now)


def test_all_processes_together_ask_once_a_minute(database: Db, account: Account, api: SesApi, ses: FakeSes) -> None:
    ses.account.sent_before = 10_000.0
    other = account_of(database, api, ses)
    assert account.quota() == other.quota()
    assert account.account()["sandbox"] is False
    assert not other.work()
    assert len(ses.calls) == 1
    ses.simulated.advance(61)
    assert other.work()
    assert account.quota()["checkedAt"] == ses.clock.now()
    assert len(ses.calls) == 2


def test_the_quota_tells_when_it_will_be_used_up(account: Account, ses: FakeSes) -> None:
    ses.account.max_24_hour_send, ses.account.sent_before = 1000.0, 100.0
    assert account.quota()["exhaustedAt"] is None
    ses.simulated.advance(hours=1)
    ses.account.sent_before = 200.0
    quota = account.quota()
    assert (quota["usedShare"], quota["remaining"]) == (0.2, 800.0)
    assert quota["exhaustedAt"] == ses.clock.now() + timedelta(hours=8)


def test_the_sandbox_is_explained(account: Account, ses: FakeSes) -> None:
    ses.account.production, ses.account.max_24_hour_send, ses.account.max_send_rate = False, 200.0, 1.0
    told = account.account()
    assert (told["sandbox"], told["sendingEnabled"], told["enforcementStatus"]) == (True, True, "HEALTHY")
    assert "sandbox" in told["explanation"]
    assert "200" in told["explanation"]


def test_thresholds_become_notices_once_and_again_after_they_were_left(
    database: Db, account: Account, ses: FakeSes
) -> None:
    ses.account.max_24_hour_send = 100.0
    for sent in (50, 72, 75, 95, 60, 71):
        ses.account.sent_before = float(sent)
        account.work()
        ses.simulated.advance(61)
    rows = [(row["used"], row["threshold"]) for row in database.notices.find().sort("at", 1)]
    assert rows == [(72.0, 70), (95.0, 90), (71.0, 70)]
    row = database.notices.find_one()
    assert row is not None
    assert (row["type"], row["max"], row["region"]) == ("quota.threshold_reached", 100.0, "eu-north-1")


def test_if_ses_does_not_answer_the_last_answer_is_told_for_ten_minutes(account: Account, ses: FakeSes) -> None:
    first = account.quota()
    ses.fail_next("GetAccount", INTERNAL, times=100)
    ses.simulated.advance(120)
    assert account.quota() == first
    assert not account.work()
    ses.simulated.advance(600)
    with pytest.raises(AwsError) as caught:
        account.quota()
    assert caught.value.code == "aws_internal"
    ses.recover()
    ses.simulated.advance(11)
    assert account.quota()["checkedAt"] == ses.clock.now()


def test_an_error_is_told_to_all_without_asking_again_at_once(
    database: Db, account: Account, api: SesApi, ses: FakeSes
) -> None:
    ses.fail_next("GetAccount", ACCESS_DENIED)
    for one in (account, account_of(database, api, ses), account):
        with pytest.raises(AwsError) as caught:
            one.quota()
        assert caught.value.code == "aws_access_denied"
    assert len(ses.calls) == 1


def test_the_worker_leaves_alone_what_a_person_must_mend_and_says_so_once(
    account: Account, ses: FakeSes, capsys: pytest.CaptureFixture[str]
) -> None:
    ses.fail_next("GetAccount", ACCESS_DENIED, times=100)
    for _ in range(20):
        assert not account.work()
        ses.simulated.advance(60)
    assert len(ses.calls) == 4
    assert capsys.readouterr().out.count("account_unknown") == 1


def test_who_dies_while_asking_holds_up_the_others_for_some_seconds_only(
    database: Db, account: Account, ses: FakeSes
) -> None:
    assert Accounts(database).claim(ses.clock.now(), ses.clock.now() + timedelta(seconds=15))
    assert not account.work()
    ses.simulated.advance(16)
    assert account.work()


def test_many_who_ask_at_once_tell_each_threshold_once(database: Db, api: SesApi, ses: FakeSes) -> None:
    ensure_indexes(database)
    ses.account.max_24_hour_send, ses.account.sent_before = 100.0, 99.0
    threads = [threading.Thread(target=account_of(database, api, ses).quota) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(row["threshold"] for row in database.notices.find()) == [70, 90]
