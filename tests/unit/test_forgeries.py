"""Every forgery is rejected with its own code, and makes us ask nobody but Amazon."""

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.signer import (
    CERTIFICATE_FILE,
    CERTIFICATE_URL,
    MAX_AGE,
    NOW,
    TOPIC,
    CertificateHost,
    as_timestamp,
    body,
    certificate_pem,
    confirmation,
    notification,
    rsa_key,
    signed,
    verdict,
    verifier,
)
from webhook.domain.envelope import Envelope
from webhook.errors import Unavailable

GOOD = signed(notification(Subject="Bounce"))
OFFER = signed(confirmation())
TOPIC_REFUSED, URL_REFUSED = (403, "topic_not_allowed"), (403, "bad_certificate_url")
CERTIFICATE_REFUSED, SIGNATURE_REFUSED = (403, "bad_certificate"), (403, "bad_signature")


def of_topic(topic_arn, *, host="sns.eu-north-1.amazonaws.com"):
    return signed(notification(TopicArn=topic_arn, SigningCertURL=f"https://{host}/{CERTIFICATE_FILE}"))


FOREIGN_TOPICS = [
    pytest.param(of_topic("arn:aws:sns:eu-north-1:666666666666:ses-events"), id="attacker's account"),
    pytest.param(of_topic(TOPIC + "-dev"), id="another topic of ours"),
    pytest.param(of_topic(TOPIC + "\n"), id="newline after topic"),
    pytest.param(of_topic(TOPIC.upper()), id="topic in capitals"),
    pytest.param(of_topic(TOPIC + "\x00"), id="NUL after topic"),
    pytest.param(of_topic(""), id="no topic"),
    pytest.param(of_topic("*"), id="wildcard as topic"),
    pytest.param(of_topic("arn:aws:sns:us-east-1:123456789012:*"), id="our pattern as topic"),
    pytest.param(
        of_topic("arn:aws:sns:us-east-1:666666666666:x", host="sns.us-east-1.amazonaws.com"), id="near wildcard"
    ),
    pytest.param(of_topic("arn:aws-cn:sns:eu-north-1:123456789012:ses-events"), id="partition changed"),
    pytest.param(of_topic("arn:aws:sns:eu-west-1:123456789012:ses-events"), id="region changed"),
]


@pytest.mark.parametrize("fields", FOREIGN_TOPICS)
def test_a_foreign_topic_is_refused_before_anything_is_fetched(fields):
    host = CertificateHost()
    assert verdict(lambda: verifier(host).verify(Envelope.from_bytes(body(fields)))) == TOPIC_REFUSED
    assert host.asked == []


HOST = "sns.eu-north-1.amazonaws.com"
FALSE_URLS = [
    pytest.param(CERTIFICATE_URL.replace("https", "http"), id="http"),
    pytest.param(CERTIFICATE_URL.replace("https", "HTTPS"), id="scheme in capitals"),
    pytest.param(CERTIFICATE_URL.replace("https:", ""), id="no scheme"),
    pytest.param(CERTIFICATE_URL.replace("https", "file"), id="file"),
    pytest.param(f"https://evil.example/{CERTIFICATE_FILE}", id="any host"),
    pytest.param(f"https://sns.evil.amazonaws.com/{CERTIFICATE_FILE}", id="sns.evil.amazonaws.com"),
    pytest.param(f"https://sns.s3-eu-north-1.amazonaws.com/{CERTIFICATE_FILE}", id="bucket called sns"),
    pytest.param(f"https://sns.s3.eu-north-1.amazonaws.com/{CERTIFICATE_FILE}", id="bucket, new style"),
    pytest.param(f"https://s3.amazonaws.com/{HOST}/{CERTIFICATE_FILE}", id="bucket in the path"),
    pytest.param(f"https://{HOST}.evil.example/{CERTIFICATE_FILE}", id="host with suffix"),
    pytest.param(f"https://evil-{HOST}/{CERTIFICATE_FILE}", id="host with prefix"),
    pytest.param(f"https://a.{HOST}/{CERTIFICATE_FILE}", id="host below"),
    pytest.param(f"https://{HOST}./{CERTIFICATE_FILE}", id="trailing dot"),
    pytest.param(f"https://{HOST.upper()}/{CERTIFICATE_FILE}", id="host in capitals"),
    pytest.param(f"https://{HOST.replace('.', '。')}/{CERTIFICATE_FILE}", id="ideographic full stops"),
    pytest.param(f"https://{HOST.replace('s', 'ſ')}/{CERTIFICATE_FILE}", id="long s"),
    pytest.param(f"https://{HOST}@evil.example/{CERTIFICATE_FILE}", id="our host as user"),
    pytest.param(f"https://evil@{HOST}/{CERTIFICATE_FILE}", id="user"),
    pytest.param(f"https://{HOST}:443/{CERTIFICATE_FILE}", id="port"),
    pytest.param(f"https://{HOST}:80/{CERTIFICATE_FILE}", id="other port"),
    pytest.param(f"https://evil.example\\@{HOST}/{CERTIFICATE_FILE}", id="backslash"),
    pytest.param(f"https:\\\\{HOST}\\{CERTIFICATE_FILE}", id="backslashes for slashes"),
    pytest.param(f"https://{HOST}\t/{CERTIFICATE_FILE}", id="tab"),
    pytest.param(f" {CERTIFICATE_URL}", id="blank before"),
    pytest.param(f"{CERTIFICATE_URL}\n", id="newline after"),
    pytest.param(f"{CERTIFICATE_URL}?x=y", id="query"),
    pytest.param(f"{CERTIFICATE_URL}#x", id="fragment"),
    pytest.param(f"https://evil.example/?{CERTIFICATE_URL}", id="our address as query"),
    pytest.param(f"https://{HOST}/x/../{CERTIFICATE_FILE}", id="path traversal"),
    pytest.param(f"https://{HOST}//{CERTIFICATE_FILE}", id="two slashes"),
    pytest.param(f"https://{HOST}/uploads/{CERTIFICATE_FILE}", id="folder"),
    pytest.param(f"https://{HOST}/evil.pem", id="another pem"),
    pytest.param(CERTIFICATE_URL.replace(".pem", ".PEM"), id="PEM"),
    pytest.param(CERTIFICATE_URL.replace(".pem", ""), id="no pem"),
    pytest.param(CERTIFICATE_URL.replace("9c6465", "9C6465"), id="hex in capitals"),
    pytest.param(CERTIFICATE_URL.replace("9c6465", "9c646"), id="31 digits"),
    pytest.param(CERTIFICATE_URL.replace("eu-north-1", "us-east-1"), id="another region"),
    pytest.param(CERTIFICATE_URL + ".cn", id="cn after the path"),
    pytest.param(f"https://{HOST}.cn/{CERTIFICATE_FILE}", id="another partition"),
    pytest.param("https://", id="nothing but a scheme"),
    pytest.param("http://127.0.0.1:4566/cert.pem", id="origin nobody trusts"),
]


@pytest.mark.parametrize("url", FALSE_URLS)
def test_a_certificate_from_elsewhere_is_refused_before_anything_is_fetched(url):
    host = CertificateHost()
    envelope = Envelope.from_bytes(body(signed(notification(SigningCertURL=url))))
    assert verdict(lambda: verifier(host).verify(envelope)) == URL_REFUSED
    assert host.asked == []


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        pytest.param(NOW - MAX_AGE - timedelta(milliseconds=1), "too_old", id="too old"),
        pytest.param(NOW.replace(year=1), "too_old", id="year 1"),
        pytest.param(NOW + timedelta(minutes=15, milliseconds=1), "from_the_future", id="from the future"),
        pytest.param(NOW.replace(year=9999), "from_the_future", id="year 9999"),
    ],
)
def test_a_message_of_another_time_is_refused_before_anything_is_fetched(moment, code):
    host = CertificateHost()
    timestamp = as_timestamp(moment).rjust(24, "0")
    envelope = Envelope.from_bytes(body(signed(notification(Timestamp=timestamp))))
    assert verdict(lambda: verifier(host).verify(envelope)) == (403, code)
    assert host.asked == []


def altered(text, at=0):
    raw = bytearray(b64decode(text))
    raw[at] ^= 1
    return b64encode(raw).decode()


BAD_SIGNATURES = [
    pytest.param(GOOD | {"Message": "{}"}, id="message altered"),
    pytest.param(GOOD | {"Message": GOOD["Message"].rstrip()}, id="trailing newline stripped"),
    pytest.param(GOOD | {"Message": GOOD["Message"] + " "}, id="blank added to message"),
    pytest.param(GOOD | {"MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1c"}, id="message id altered"),
    pytest.param(GOOD | {"Subject": "Complaint"}, id="subject altered"),
    pytest.param(GOOD | {"Subject": None}, id="subject nulled"),
    pytest.param(GOOD | {"Subject": ""}, id="subject emptied"),
    pytest.param(signed(notification()) | {"Subject": ""}, id="empty subject added"),
    pytest.param(signed(notification()) | {"Subject": "x"}, id="subject added"),
    pytest.param(GOOD | {"Timestamp": as_timestamp(NOW + timedelta(minutes=1))}, id="timestamp renewed"),
    pytest.param(GOOD | {"Timestamp": "2026-03-14T12:00:00Z"}, id="same time, other text"),
    pytest.param(of_topic("arn:aws:sns:eu-north-1:666666666666:x") | {"TopicArn": TOPIC}, id="topic altered"),
    pytest.param(OFFER | {"Type": "UnsubscribeConfirmation"}, id="type altered"),
    pytest.param(OFFER | {"Type": "Notification"}, id="confirmation as notification"),
    pytest.param(OFFER | {"Token": OFFER["Token"][::-1]}, id="token altered"),
    pytest.param(OFFER | {"SubscribeURL": "https://evil.example/"}, id="subscribe address altered"),
    pytest.param(signed(notification(), rsa_key("attacker")), id="another key"),
    pytest.param(signed(notification(SignatureVersion="2"), version="1"), id="version 1 claimed as 2"),
    pytest.param(signed(notification(SignatureVersion="1"), version="2"), id="version 2 claimed as 1"),
    pytest.param(GOOD | {"Signature": altered(GOOD["Signature"])}, id="first bit of signature"),
    pytest.param(GOOD | {"Signature": altered(GOOD["Signature"], -1)}, id="last bit of signature"),
    pytest.param(GOOD | {"Signature": b64encode(b64decode(GOOD["Signature"])[:-1]).decode()}, id="signature cut off"),
    pytest.param(GOOD | {"Signature": b64encode(b64decode(GOOD["Signature"]) * 2).decode()}, id="signature twice"),
    pytest.param(GOOD | {"Signature": b64encode(bytes(256)).decode()}, id="zeros"),
    pytest.param(GOOD | {"Signature": "AA=="}, id="one byte"),
]


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("fields", BAD_SIGNATURES)
def test_whatever_was_altered_the_signature_tells(fields, warm):
    host = CertificateHost()
    judge = verifier(host)
    if warm:
        judge.verify(Envelope.from_bytes(body(GOOD)))
    assert verdict(lambda: judge.verify(Envelope.from_bytes(body(fields)))) == SIGNATURE_REFUSED
    assert host.asked == [CERTIFICATE_URL]


BAD_CERTIFICATES = [
    pytest.param(certificate_pem(rsa_key(), "sns.evil.example"), id="another name"),
    pytest.param(certificate_pem(rsa_key(), "sns-signing.me-central-1.amazonaws.com"), id="another region's name"),
    pytest.param(certificate_pem(rsa_key(), "*.amazonaws.com"), id="wildcard name"),
    pytest.param(certificate_pem(rsa_key(), "SNS.amazonaws.com"), id="name in capitals"),
    pytest.param(certificate_pem(rsa_key(), not_after=NOW - timedelta(seconds=1)), id="expired before"),
    pytest.param(certificate_pem(rsa_key(), not_before=NOW + timedelta(seconds=1)), id="not yet valid"),
    pytest.param(certificate_pem(rsa_key("short", 1024)), id="key of 1024 bits"),
    pytest.param(certificate_pem(ec.generate_private_key(ec.SECP256R1())), id="elliptic key"),
    pytest.param(b"", id="empty"),
    pytest.param(b"<html>not found</html>", id="html"),
    pytest.param(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", id="garbage in PEM"),
    pytest.param(certificate_pem(rsa_key())[:-200], id="cut off"),
    pytest.param(certificate_pem(rsa_key()) + b"x" * 70_000, id="oversize"),
]


@pytest.mark.parametrize("pem", BAD_CERTIFICATES)
def test_a_certificate_that_is_none_to_trust_is_refused(pem):
    host = CertificateHost(pem)
    assert verdict(lambda: verifier(host).verify(Envelope.from_bytes(body(GOOD)))) == CERTIFICATE_REFUSED
    assert host.asked == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, CERTIFICATE_REFUSED),
        (302, CERTIFICATE_REFUSED),
        (204, CERTIFICATE_REFUSED),
        (403, CERTIFICATE_REFUSED),
        (404, CERTIFICATE_REFUSED),
        (408, (503, "unavailable")),
        (429, (503, "unavailable")),
        (500, (503, "unavailable")),
        (503, (503, "unavailable")),
    ],
)
def test_the_host_says_no_or_not_now(status, expected):
    host = CertificateHost(status=status)
    assert verdict(lambda: verifier(host).verify(Envelope.from_bytes(body(GOOD)))) == expected


def test_a_host_that_is_not_reachable_is_not_the_senders_fault():
    host = CertificateHost(error=Unavailable("no route"))
    assert verdict(lambda: verifier(host).verify(Envelope.from_bytes(body(GOOD)))) == (503, "unavailable")
