"""What is authentic passes, emulators and the operator's own certificates included; when verifying costs no I/O."""

from datetime import timedelta

import pytest

from tests.signer import (
    CERTIFICATE_FILE,
    MAX_AGE,
    NOW,
    CertificateHost,
    Clock,
    as_timestamp,
    body,
    certificate_pem,
    confirmation,
    notification,
    rsa_key,
    signed,
    subscribe_url,
    verdict,
    verifier,
)
from webhook.adapters.sns import Certificates
from webhook.domain.envelope import Envelope

GOOD = signed(notification(Subject="Bounce"))
FOREIGN = signed(notification(TopicArn="arn:aws:sns:eu-north-1:666666666666:ses-events"))

PLACES = [
    pytest.param("aws", "eu-north-1", "sns.eu-north-1.amazonaws.com", "sns.amazonaws.com", id="eu-north-1"),
    pytest.param("aws", "us-east-1", "sns.us-east-1.amazonaws.com", "sns.amazonaws.com", id="us-east-1"),
    pytest.param(
        "aws", "me-central-1", "sns.me-central-1.amazonaws.com", "sns-signing.me-central-1.amazonaws.com", id="opt-in"
    ),
    pytest.param(
        "aws-cn", "cn-north-1", "sns.cn-north-1.amazonaws.com.cn", "sns-cn-north-1.amazonaws.com.cn", id="china"
    ),
    pytest.param(
        "aws-us-gov",
        "us-gov-west-1",
        "sns.us-gov-west-1.amazonaws.com",
        "sns-us-gov-west-1.amazonaws.com",
        id="govcloud",
    ),
]
SUBJECTS = [
    pytest.param({}, id="no subject"),
    pytest.param({"Subject": None}, id="null subject"),
    pytest.param({"Subject": "Amazon SES Email Event Notification"}, id="subject"),
    pytest.param({"Subject": "Zürich 東京 \U0001f4ec"}, id="unicode subject"),
]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("spelling", ["SigningCertURL", "SigningCertUrl"])
@pytest.mark.parametrize(("partition", "region", "host_name", "common_name"), PLACES)
def test_a_genuine_notification_passes(version, subject, spelling, partition, region, host_name, common_name):
    topic = f"arn:{partition}:sns:{region}:123456789012:ses-events"
    fields = notification("ünï\n", TopicArn=topic, SignatureVersion=version, **subject)
    del fields["SigningCertURL"]
    fields[spelling] = f"https://{host_name}/{CERTIFICATE_FILE}"
    host = CertificateHost(certificate_pem(rsa_key(), common_name))
    verifier(host).verify(Envelope.from_bytes(body(signed(fields)), header_type="Notification"))
    assert host.asked == [fields[spelling]]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_genuine_confirmation_passes(version, kind):
    envelope = Envelope.from_bytes(body(signed(confirmation(kind, SignatureVersion=version))), header_type=kind)
    verifier(CertificateHost()).verify(envelope)


@pytest.mark.parametrize(
    "timestamp",
    [NOW, NOW - MAX_AGE, NOW + timedelta(minutes=15)],
    ids=["now", "as old as may be", "as far ahead as may be"],
)
def test_a_message_within_the_time_allowed_passes(timestamp):
    fields = signed(notification(Timestamp=as_timestamp(timestamp)))
    verifier(CertificateHost()).verify(Envelope.from_bytes(body(fields)))


@pytest.mark.parametrize("expired", [timedelta(0), timedelta(days=1)], ids=["that very moment", "a day after"])
def test_a_certificate_that_expired_since_the_message_was_signed_still_counts(expired):
    pem = certificate_pem(rsa_key(), not_after=NOW + expired)
    clock = Clock(NOW + timedelta(days=10))
    verifier(CertificateHost(pem), clock).verify(Envelope.from_bytes(body(signed(notification()))))


def test_the_name_may_stand_among_the_alternative_names():
    pem = certificate_pem(rsa_key(), "Amazon", alternative_names=("sns.amazonaws.com",))
    verifier(CertificateHost(pem)).verify(Envelope.from_bytes(body(signed(notification()))))


def test_an_emulator_names_its_certificate_as_it_pleases():
    url = "http://127.0.0.1:4566/_aws/cert.pem"
    host = CertificateHost(certificate_pem(rsa_key(), "localhost"))
    judge = verifier(host, trusted_origins=("http://127.0.0.1:4566",))
    judge.verify(Envelope.from_bytes(body(signed(notification(SigningCertURL=url)))))
    assert host.asked == [url]


def test_trusting_an_emulator_lowers_no_bar_for_amazon():
    judge = verifier(
        CertificateHost(certificate_pem(rsa_key(), "localhost")), trusted_origins=("http://127.0.0.1:4566",)
    )
    assert verdict(lambda: judge.verify(Envelope.from_bytes(body(GOOD)))) == (403, "bad_certificate")


def test_the_operators_folder_is_used_without_fetching(tmp_path):
    (tmp_path / CERTIFICATE_FILE).write_bytes(certificate_pem(rsa_key(), "anything"))
    host = CertificateHost()
    verifier(host, cert_dir=tmp_path).verify(Envelope.from_bytes(body(GOOD)))
    assert host.asked == []


def test_the_operators_folder_does_not_open_other_addresses(tmp_path):
    (tmp_path / CERTIFICATE_FILE).write_bytes(certificate_pem(rsa_key()))
    judge = verifier(CertificateHost(), cert_dir=tmp_path)
    envelope = Envelope.from_bytes(body(GOOD | {"SigningCertURL": f"https://evil.example/{CERTIFICATE_FILE}"}))
    assert verdict(lambda: judge.verify(envelope)) == (403, "bad_certificate_url")


def test_verifying_is_warm_once_the_certificate_is_there_and_until_it_is_stale():
    clock = Clock()
    judge = verifier(CertificateHost(), clock)
    envelope = Envelope.from_bytes(body(GOOD))
    assert not judge.is_warm(envelope)
    judge.verify(envelope)
    assert judge.is_warm(envelope)
    clock.advance(Certificates.KEPT_FOR - 0.5)
    assert not judge.is_warm(envelope)


@pytest.mark.parametrize("fields", [FOREIGN, GOOD | {"SigningCertURL": "https://evil.example/"}], ids=["topic", "url"])
def test_what_is_refused_beforehand_is_warm(fields):
    assert verifier(CertificateHost()).is_warm(Envelope.from_bytes(body(fields)))


def test_what_another_topic_of_the_region_has_fetched_is_warm():
    judge = verifier(CertificateHost())
    there = "https://sns.us-east-1.amazonaws.com/" + CERTIFICATE_FILE
    first, second = (
        Envelope.from_bytes(body(signed(notification(TopicArn=arn, SigningCertURL=there))))
        for arn in ("arn:aws:sns:us-east-1:123456789012:a", "arn:aws:sns:us-east-1:123456789012:b")
    )
    judge.verify(first)
    assert judge.is_warm(second)


def test_age_is_judged_on_the_warm_path_too():
    clock = Clock()
    judge = verifier(CertificateHost(), clock)
    judge.verify(Envelope.from_bytes(body(GOOD)))
    stale = Envelope.from_bytes(body(signed(notification(Timestamp=as_timestamp(NOW - timedelta(days=15))))))
    assert verdict(lambda: judge.verify(stale)) == (403, "too_old")


def test_more_topics_than_are_remembered_still_verify():
    host = CertificateHost()
    judge = verifier(host)
    judge.KEPT = 2
    there = "https://sns.us-east-1.amazonaws.com/" + CERTIFICATE_FILE
    for name in ["a", "b", "c", "a"]:
        arn = f"arn:aws:sns:us-east-1:123456789012:{name}"
        judge.verify(Envelope.from_bytes(body(signed(notification(TopicArn=arn, SigningCertURL=there)))))
    assert host.asked == [there]


def test_the_confirmation_address_must_be_amazons():
    judge = verifier(CertificateHost(), trusted_origins=("http://127.0.0.1:4566",))
    good, false, emulated = (
        Envelope.from_bytes(body(signed(confirmation(SubscribeURL=url))))
        for url in (subscribe_url(), "https://evil.example/", subscribe_url(origin="http://127.0.0.1:4566"))
    )
    assert verdict(lambda: judge.check_subscribe_url(good)) == (200, "verified")
    assert verdict(lambda: judge.check_subscribe_url(emulated)) == (200, "verified")
    assert verdict(lambda: judge.check_subscribe_url(false)) == (403, "bad_subscribe_url")
    assert [judge.is_emulated(each) for each in (good, false, emulated)] == [False, False, True]
