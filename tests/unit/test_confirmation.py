"""Confirming a subscription: through the API with credentials, by its address without, and only where that is safe."""

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.loopback import Server, answering
from tests.signer import (
    TOKEN,
    TOPIC,
    CertificateHost,
    Clock,
    body,
    confirmation,
    signed,
    subscribe_url,
    verdict,
    verifier,
)
from webhook.adapters.confirmation import Confirmer
from webhook.adapters.sns import Answer, Fetcher
from webhook.domain.envelope import Envelope
from webhook.errors import Unavailable

ARN = TOPIC + ":2bcfbf39-05c3-41de-beaa-fcfcc21c8f55"
CONFIRMED = (
    '<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ConfirmSubscriptionResult>'
    f"<SubscriptionArn>{ARN}</SubscriptionArn></ConfirmSubscriptionResult><ResponseMetadata>"
    "<RequestId>x</RequestId></ResponseMetadata></ConfirmSubscriptionResponse>"
).encode()
EXPIRED = (
    b'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
    b"<Code>InvalidParameter</Code><Message>Invalid token</Message></Error></ErrorResponse>"
)
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
OFFER = Envelope.from_bytes(body(signed(confirmation())))


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's own credentials are not to be found."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))


def host_answering(status: int, content: bytes = CONFIRMED) -> CertificateHost:
    host = CertificateHost()
    host.answer = Answer(status, content)
    return host


def test_without_credentials_the_address_is_asked():
    host = host_answering(200)
    assert Confirmer(verifier(host), host).confirm(OFFER) == ARN
    assert host.asked == [subscribe_url()]


def test_an_answer_without_an_arn_is_still_a_confirmation():
    host = host_answering(200, b"<ok/>")
    assert Confirmer(verifier(host), host).confirm(OFFER) == ""


@pytest.mark.parametrize("status", [302, 400, 403, 404, 500])
def test_any_other_answer_is_unavailable(status):
    host = host_answering(status, EXPIRED)
    assert verdict(lambda: Confirmer(verifier(host), host).confirm(OFFER)) == (503, "unavailable")


def test_a_host_that_is_not_reachable_is_unavailable():
    host = CertificateHost(error=Unavailable("no route"))
    assert verdict(lambda: Confirmer(verifier(host), host).confirm(OFFER)) == (503, "unavailable")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        subscribe_url(origin="https://sns.eu-north-1.amazonaws.com.evil.example"),
        subscribe_url(origin="http://169.254.169.254"),
        subscribe_url(TOPIC + "2"),
        subscribe_url().replace("ConfirmSubscription", "Publish"),
    ],
)
def test_an_address_that_is_not_amazons_is_never_asked(url):
    host = host_answering(200)
    envelope = Envelope.from_bytes(body(signed(confirmation(SubscribeURL=url))))
    assert verdict(lambda: Confirmer(verifier(host), host).confirm(envelope)) == (403, "bad_subscribe_url")
    assert host.asked == []


@pytest.mark.enable_socket
def test_with_credentials_the_api_is_asked_so_that_only_the_owner_may_unsubscribe():
    host = host_answering(200)
    with Server(answering(200, CONFIRMED)) as aws:
        confirmer = Confirmer(verifier(host), host, aws_region="us-east-1", endpoint_url=aws.origin, **KEYS)
        assert confirmer.confirm(OFFER) == ARN
    (asked,) = aws.asked
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    form.pop("Version")
    assert form == {
        "Action": "ConfirmSubscription",
        "TopicArn": TOPIC,
        "Token": TOKEN,
        "AuthenticateOnUnsubscribe": "true",
    }
    assert "/eu-north-1/sns/aws4_request" in asked.headers["Authorization"]
    assert host.asked == []


@pytest.mark.enable_socket
def test_credentials_of_boto3s_own_chain_will_do(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    host = host_answering(200)
    with Server(answering(200, CONFIRMED)) as aws:
        assert Confirmer(verifier(host), host, endpoint_url=aws.origin).confirm(OFFER) == ARN
    assert (len(aws.asked), host.asked) == (1, [])


@pytest.mark.enable_socket
@pytest.mark.parametrize(("status", "content"), [(400, EXPIRED), (403, b""), (400, b"garbage")])
def test_what_the_api_refuses_is_unavailable(status, content):
    host = host_answering(200)
    with Server(answering(status, content)) as aws:
        confirmer = Confirmer(verifier(host), host, endpoint_url=aws.origin, **KEYS)
        with pytest.raises(Unavailable, match="did not confirm"):
            confirmer.confirm(OFFER)


@pytest.mark.parametrize(
    "wrong",
    [{"endpoint_url": "nonsense", **KEYS}, {"aws_access_key_id": "AKIDEXAMPLE"}],
    ids=["endpoint", "half the credentials"],
)
def test_wrong_settings_are_not_the_senders_fault(wrong):
    host = host_answering(200)
    assert verdict(lambda: Confirmer(verifier(host), host, **wrong).confirm(OFFER)) == (503, "unavailable")


@pytest.mark.enable_socket
def test_an_emulators_offer_is_confirmed_by_its_address_whatever_credentials_there_are():
    with Server(answering(200, CONFIRMED)) as emulator:
        url = subscribe_url(origin=emulator.origin)
        envelope = Envelope.from_bytes(body(signed(confirmation(SubscribeURL=url))))
        judge = verifier(CertificateHost(), trusted_origins=(emulator.origin,))
        assert Confirmer(judge, Fetcher(Clock()), **KEYS).confirm(envelope) == ARN
        assert [asked.method + " " + emulator.origin + asked.path for asked in emulator.asked] == ["GET " + url]
