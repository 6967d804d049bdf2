"""SES's API against a server that behaves like it: what each call does, and what each failure means."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.ses import (
    ACCESS_DENIED,
    BAD_SIGNATURE,
    EXPIRED,
    INTERNAL,
    THROTTLED,
    UNAVAILABLE,
    Failure,
    FakeSes,
)
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.indexes import ensure_indexes
from webhook.adapters.mongo.limiter import Limiter
from webhook.adapters.ses import SesApi
from webhook.domain.ses import API_RATE, Outgoing, State
from webhook.errors import AwsError, Limited

CREDENTIALS = {"region": "eu-north-1", "access_key_id": "AKIAEXAMPLE", "secret_access_key": "secret"}
LETTER = Outgoing(source="Ann <ann@example.com>", to=["bob@example.org"], subject="Größe", text="Hi")


@pytest.fixture
def ses() -> Iterator[FakeSes]:
    with FakeSes(throttle=False) as fake:
        yield fake


def free(_bucket: str, _rate: float, **_: float) -> float:
    """Every slot is free."""
    return 0.0


@pytest.fixture
def api(ses: FakeSes) -> Iterator[SesApi]:
    api = api_of(ses.origin)
    yield api
    api.close()


def api_of(origin: str, **more: Any) -> SesApi:
    return SesApi(**{**CREDENTIALS, "reserve": free, "pause": lambda _: None, **more}, endpoint_url=origin)


def test_a_domain_is_made_found_and_verified(ses: FakeSes, api: SesApi) -> None:
    ses.add_configuration_set("main")
    made = api.create_identity("example.com", configuration_set="main", tags={"ses-sentinel": "managed"})
    assert (made.verification, made.dkim_status, made.verified_for_sending) == (State.PENDING, State.PENDING, False)
    assert len(made.dkim_tokens) == 3
    assert (made.signing_hosted_zone, made.configuration_set) == ("dkim.amazonses.com", "main")
    assert ses.asked("CreateEmailIdentity")[0]["DkimSigningAttributes"] == {"NextSigningKeyLength": "RSA_2048_BIT"}
    ses.dns_appears("example.com")
    found = api.get_identity("example.com")
    assert (found.verification, found.verified_for_sending) == (State.SUCCESS, True)
    assert found.last_success == found.last_checked == ses.clock.now()
    assert found.tags == {"ses-sentinel": "managed"}
    api.delete_identity("example.com")
    assert ses.identities == {}


def test_a_domain_without_records_fails_after_72_hours_and_one_that_loses_them_72_hours_later(
    ses: FakeSes, api: SesApi
) -> None:
    api.create_identity("never.example")
    api.create_identity("lost.example")
    ses.dns_appears("lost.example")
    ses.simulated.advance(hours=1)
    ses.dns_vanishes("lost.example")
    lost = api.get_identity("lost.example")
    assert (lost.verification, lost.verified_for_sending) == (State.TEMPORARY_FAILURE, True)
    assert lost.error_type == "HOST_NOT_FOUND"
    ses.simulated.advance(hours=71)
    assert api.get_identity("never.example").verification == State.FAILED
    assert api.get_identity("lost.example").verification == State.TEMPORARY_FAILURE
    ses.simulated.advance(hours=1)
    lost = api.get_identity("lost.example")
    assert (lost.verification, lost.verified_for_sending) == (State.FAILED, False)
    ses.dns_appears("lost.example")
    assert api.get_identity("lost.example").verification == State.FAILED, "the end, until it is made anew"


def test_mail_from_signing_and_configuration_set_are_put(ses: FakeSes, api: SesApi) -> None:
    ses.add_configuration_set("main")
    api.create_identity("example.com")
    api.put_mail_from("example.com", "m.example.com")
    api.put_dkim_signing("example.com", enabled=False)
    api.put_configuration_set("example.com", "main")
    found = api.get_identity("example.com")
    assert (found.mail_from_domain, found.mail_from_status, found.behavior) == (
        "m.example.com",
        State.PENDING,
        "USE_DEFAULT_VALUE",
    )
    assert (found.signing_enabled, found.configuration_set) == (False, "main")
    ses.mail_from_appears("example.com")
    assert api.get_identity("example.com").mail_from_status == State.SUCCESS
    api.put_mail_from("example.com", None)
    assert api.get_identity("example.com").mail_from_domain is None


def test_identities_are_listed_page_by_page(ses: FakeSes, api: SesApi) -> None:
    for number in range(1005):
        ses.create_outside(f"d{number:04}.example", verified=number % 2 == 0)
    first = api.list_identities()
    assert (len(first.items), first.items[0].sending_enabled, first.items[1].verification) == (1000, True, "pending")
    second = api.list_identities(first.next_token)
    assert (len(second.items), second.next_token) == (5, None)


def test_tenants_hold_identities_and_may_be_stopped(ses: FakeSes, api: SesApi) -> None:
    api.create_identity("example.com")
    tenant = api.create_tenant("shop", {"a": "b"})
    assert tenant == api.get_tenant("shop")
    arn = tenant.arn_of("identity/example.com")
    assert arn == "arn:aws:ses:eu-north-1:123456789012:identity/example.com"
    api.associate_tenant("shop", arn)
    with pytest.raises(AwsError) as twice:
        api.associate_tenant("shop", arn)
    assert twice.value.code == "aws_already_exists"
    api.put_tenant_status(tenant.arn, enabled=False)
    assert ses.tenants["shop"].status == "DISABLED"
    api.dissociate_tenant("shop", arn)
    api.delete_tenant("shop")
    assert ses.tenants == {}


def test_the_account_is_told(ses: FakeSes, api: SesApi) -> None:
    ses.account.max_24_hour_send, ses.account.sent_before, ses.account.production = -1.0, 12.0, False
    account = api.get_account()
    assert (account.max_24_hour_send, account.sent_last_24_hours, account.max_send_rate) == (None, 12.0, 14.0)
    assert (account.production_access, account.enforcement_status, account.region) == (False, "HEALTHY", "eu-north-1")


def test_a_mail_is_sent_whole(ses: FakeSes, api: SesApi) -> None:
    ses.add_configuration_set("main")
    ses.create_outside("example.com", verified=True)
    ses.create_outside("t.example", verified=True)
    api.create_tenant("shop")
    mail = Outgoing(
        source="Ann <ann@example.com>",
        to=["bob@example.org"],
        cc=["c@example.org"],
        bcc=["d@example.org"],
        reply_to=["r@example.com"],
        subject="Größe",
        text="Hi",
        html="<p>Hi",
        tags={"campaign": "x"},
        configuration_set="main",
        tenant="shop",
    )
    message_id = api.send(mail)
    sent = ses.sent[0]
    assert sent.message_id == message_id
    assert sent.recipients == ["bob@example.org", "c@example.org", "d@example.org"]
    assert sent.request["Content"]["Simple"]["Subject"] == {"Data": "Größe", "Charset": "UTF-8"}
    assert sent.request["EmailTags"] == [{"Name": "campaign", "Value": "x"}]
    assert (sent.request["ConfigurationSetName"], sent.request["TenantName"]) == ("main", "shop")
    api.send(Outgoing(source="a@t.example", to=["b@example.org"], raw=b"From: a@t.example\r\n\r\nHi"))
    assert "Raw" in ses.sent[1].request["Content"]


# -- what each failure means


ANSWERS = [
    pytest.param(ACCESS_DENIED, "aws_access_denied", False, "ses:GetEmailIdentity", id="access denied"),
    pytest.param(EXPIRED, "aws_bad_credentials", False, "expired", id="expired"),
    pytest.param(BAD_SIGNATURE, "aws_bad_credentials", False, "signature", id="bad signature"),
    pytest.param(Failure("UnrecognizedClientException", 403, "bad token"), "aws_bad_credentials", False, "", id="key"),
    pytest.param(Failure("SomethingNew", 403, "no"), "aws_access_denied", False, "GetEmailIdentity", id="403"),
    pytest.param(Failure("SomethingNew", 400, "no way"), "aws_bad_request", False, "no way", id="400"),
    pytest.param(THROTTLED, "aws_throttled", True, "", id="throttled"),
    pytest.param(INTERNAL, "aws_internal", True, "", id="internal"),
    pytest.param(UNAVAILABLE, "aws_internal", True, "", id="503"),
    pytest.param(Failure("ConcurrentModificationException", 500, "x"), "aws_internal", True, "", id="concurrent"),
    pytest.param(Failure("NotFoundException", 404, "x"), "aws_not_found", False, "", id="not found"),
    pytest.param(Failure("AlreadyExistsException", 400, "x"), "aws_already_exists", False, "", id="exists"),
    pytest.param(Failure("LimitExceededException", 400, "x"), "aws_limit_exceeded", False, "", id="limit"),
    pytest.param(Failure("BadRequestException", 400, "x"), "aws_bad_request", False, "", id="bad request"),
]


@pytest.mark.parametrize(("failure", "code", "retryable", "told"), ANSWERS)
def test_an_answer_that_is_a_refusal_says_what_it_is_and_what_helps(
    ses: FakeSes, api: SesApi, failure: Failure, code: str, retryable: bool, told: str
) -> None:
    ses.fail_next("GetEmailIdentity", failure)
    with pytest.raises(AwsError) as caught:
        api.get_identity("example.com")
    error = caught.value
    assert (error.code, error.retryable) == (code, retryable)
    assert told in error.detail
    assert error.hint
    assert len(ses.calls) == 1, "boto3 must not repeat calls by itself"


SENDING = [
    pytest.param({"sending_enabled": False}, "aws_sending_paused", id="the account is paused"),
    pytest.param({"production": False}, "aws_sandbox", id="the sandbox"),
    pytest.param({"max_24_hour_send": 0.0}, "aws_limit_exceeded", id="the day's quota"),
    pytest.param({"max_send_rate": 1.0}, "aws_throttled", id="the rate"),
]


@pytest.mark.parametrize(("account", "code"), SENDING)
def test_a_mail_that_is_not_taken_says_why(ses: FakeSes, api: SesApi, account: dict[str, Any], code: str) -> None:
    ses.create_outside("example.com", verified=True)
    if "max_send_rate" in account:
        api.send(LETTER)
    for name, value in account.items():
        setattr(ses.account, name, value)
    with pytest.raises(AwsError) as caught:
        api.send(LETTER)
    assert caught.value.code == code
    ses.fail_next("SendEmail", Failure("MessageRejected", 400, "Bad content"))
    with pytest.raises(AwsError) as caught:
        api.send(LETTER)
    assert caught.value.code == "aws_message_rejected"
    ses.fail_next("SendEmail", Failure("MailFromDomainNotVerifiedException", 400, "x"))
    with pytest.raises(AwsError) as caught:
        api.send(LETTER)
    assert caught.value.code == "aws_mail_from_not_verified"


def test_the_way_to_aws_may_be_broken(ses: FakeSes, api: SesApi) -> None:
    ses.reset_next("GetAccount")
    with pytest.raises(AwsError) as caught:
        api.get_account()
    assert (caught.value.code, caught.value.retryable) == ("aws_unreachable", True)
    nobody = api_of("http://127.0.0.1:1")
    with pytest.raises(AwsError) as caught:
        nobody.get_account()
    assert (caught.value.code, caught.value.retryable) == ("aws_unreachable", True)
    nobody.close()


def test_an_answer_that_does_not_come_in_time_is_a_timeout(ses: FakeSes, api: SesApi) -> None:
    held = ses.hold_next("CreateEmailIdentity")
    with pytest.raises(AwsError) as caught:
        api.create_identity("example.com")
    assert (caught.value.code, caught.value.retryable) == ("aws_timeout", True)
    held.release()
    assert "example.com" in ses.identities, "what was cut off may have been done"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"access_key_id": None, "secret_access_key": None}, "aws_no_credentials", id="no credentials"),
        pytest.param({"region": None}, "aws_no_region", id="no region"),
    ],
)
def test_what_is_not_set_is_named(ses: FakeSes, given: dict[str, Any], code: str) -> None:
    api = api_of(ses.origin, **given)
    with pytest.raises(AwsError) as caught:
        api.get_account()
    assert (caught.value.code, caught.value.retryable) == (code, False)
    assert "AWS_SDK_" in caught.value.hint
    assert ses.calls == []
    api.close()


def test_a_bad_endpoint_is_named() -> None:
    api = api_of("nonsense")
    with pytest.raises(AwsError) as caught:
        api.get_account()
    assert "AWS_ENDPOINT_URL" in caught.value.detail


# -- pace


def test_calls_wait_for_their_slots_and_sends_do_not(ses: FakeSes) -> None:
    taken: list[tuple[str, float]] = []

    def reserve(bucket: str, rate: float, **_: float) -> float:
        taken.append((bucket, rate))
        return 3.0

    api = api_of(ses.origin, reserve=reserve, pause=ses.simulated.sleep)
    ses.create_outside("example.com", verified=True)
    api.get_account()
    assert (taken, ses.simulated.slept) == ([("ses:api:eu-north-1", API_RATE)], [3.0])
    api.send(LETTER)
    assert len(taken) == 1
    api.close()


def test_without_a_slot_nothing_is_asked(ses: FakeSes) -> None:
    def reserve(_bucket: str, _rate: float, *, patience: float, **_: float) -> float:
        raise Limited(f"more than {patience} seconds", retry_after=9)

    api = api_of(ses.origin, reserve=reserve, patience=2.5)
    with pytest.raises(Limited, match=r"2\.5"):
        api.get_account()
    assert ses.calls == []
    api.close()


def test_with_the_shared_limiter_aws_never_has_to_throttle(database: Db) -> None:
    ensure_indexes(database)
    with FakeSes() as ses:
        limiter = Limiter(database, ses.simulated.now)
        api = api_of(ses.origin, reserve=limiter.reserve, pause=ses.simulated.sleep)
        for _ in range(10):
            api.get_account()
        gaps = [later.at - earlier.at for earlier, later in zip(ses.calls, ses.calls[1:], strict=False)]
        assert min(gaps) >= timedelta(seconds=0.995)
        api.close()
        hasty = api_of(ses.origin)
        ses.simulated.advance(1)
        hasty.get_account()
        with pytest.raises(AwsError) as caught:
            hasty.get_account()
        hasty.close()
        assert caught.value.code == "aws_throttled"


def test_threads_share_one_client(ses: FakeSes, api: SesApi) -> None:
    threads = [threading.Thread(target=api.create_identity, args=(f"d{number}.example",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ses.identities) == 8
