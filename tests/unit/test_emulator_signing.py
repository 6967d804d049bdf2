"""The emulator's key, what it signs, and the command `sign`, all checked with cryptography alone."""

import argparse
import io
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from webhook.cli import sign
from webhook.domain.envelope import MessageType
from webhook.emulator.notary import Notary
from webhook.emulator.topic import Signed, Topic
from webhook.errors import Misconfigured

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ARN = "arn:aws:sns:eu-north-1:123456789012:ses-events"
ORIGIN = "http://127.0.0.1:4566"
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
SIGNED_KEYS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        *("Message", "MessageId", "SubscribeURL", "Timestamp"),
        *("Token", "TopicArn", "Type"),
    ),
}
SIGNED_KEYS["UnsubscribeConfirmation"] = SIGNED_KEYS["SubscriptionConfirmation"]


@pytest.fixture(scope="module")
def notary() -> Notary:
    return Notary.fresh(NOW)


def check(body: dict[str, Any], certificate_pem: bytes) -> None:
    """Raise InvalidSignature unless the envelope is signed as AWS's page says."""
    key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    text = "".join(f"{name}\n{body[name]}\n" for name in SIGNED_KEYS[body["Type"]] if body.get(name) is not None)
    version = HASHES[body["SignatureVersion"]]()
    key.verify(b64decode(body["Signature"], validate=True), text.encode(), padding.PKCS1v15(), version)


def read(signed: Signed) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(signed.body)
    return body


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "", "Amazon SES Email Event Notification", "Grüße"])
def test_a_notification_is_signed_as_sns_signs(notary: Notary, version: str, subject: str | None) -> None:
    topic = Topic(ARN, notary, ORIGIN, version)
    body = read(topic.notification('{"a": "ä"}\n', message_id="m-1", subject=subject, at=NOW))
    check(body, notary.certificate_pem)
    assert body["Message"] == '{"a": "ä"}\n'
    assert ("Subject" in body) == (subject is not None)
    assert body["Timestamp"] == "2026-03-01T12:00:00.000Z"
    assert body["SigningCertURL"] == f"{ORIGIN}/{notary.file_name}"
    assert "UnsubscribeURL" in body


@pytest.mark.parametrize("kind", [MessageType.SUBSCRIPTION, MessageType.UNSUBSCRIBE])
def test_a_confirmation_is_signed_with_its_token_and_url(notary: Notary, kind: MessageType) -> None:
    topic = Topic(ARN, notary, ORIGIN)
    body = read(topic.confirmation(kind, token="t0k3n", message_id="m-2", at=NOW))
    check(body, notary.certificate_pem)
    assert body["Token"] == "t0k3n"
    assert body["SubscribeURL"].startswith(f"{ORIGIN}/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns")
    assert {"Subject", "UnsubscribeURL"}.isdisjoint(body)
    with pytest.raises(InvalidSignature):
        check(body | {"Token": "other"}, notary.certificate_pem)


def test_headers_are_those_of_sns(notary: Notary) -> None:
    topic = Topic(ARN, notary, ORIGIN)
    headers = topic.notification("x", message_id="m-3", subject=None, at=NOW).headers
    assert headers == {
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": "m-3",
        "x-amz-sns-topic-arn": ARN,
        "x-amz-sns-subscription-arn": topic.subscription_arn,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    assert topic.subscription_arn.startswith(f"{ARN}:")


def test_a_subscription_confirmation_names_no_subscription_yet(notary: Notary) -> None:
    signed = Topic(ARN, notary, ORIGIN).confirmation(MessageType.SUBSCRIPTION, token="t", message_id="m", at=NOW)
    assert "x-amz-sns-subscription-arn" not in signed.headers


def test_the_certificate_is_rsa_2048_named_as_sns_names_it_and_covers_old_messages(notary: Notary) -> None:
    certificate = x509.load_pem_x509_certificate(notary.certificate_pem)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert certificate.subject.rfc4514_string() == "CN=sns.amazonaws.com"
    assert certificate.not_valid_before_utc <= NOW - timedelta(days=14)
    prefix, _, rest = notary.file_name.partition("-")
    assert prefix == "SimpleNotificationService"
    assert len(rest) == len("0" * 32 + ".pem")


def test_a_kept_key_is_the_same_next_time_and_secret(tmp_path: Path) -> None:
    first, second = Notary.kept_in(tmp_path / "keys", NOW), Notary.kept_in(tmp_path / "keys", NOW)
    assert first.file_name == second.file_name
    assert (tmp_path / "keys" / first.file_name).read_bytes() == first.certificate_pem
    assert (tmp_path / "keys" / "key.pem").stat().st_mode & 0o077 == 0


def test_an_expired_certificate_is_followed_by_one_of_the_same_key(tmp_path: Path) -> None:
    first = Notary.kept_in(tmp_path, NOW)
    second = Notary.kept_in(tmp_path, NOW + timedelta(days=1000))
    assert first.file_name != second.file_name
    check(
        read(Topic(ARN, first, ORIGIN).notification("x", message_id="m", subject=None, at=NOW)), second.certificate_pem
    )


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"key\.pem is not an unencrypted private key"):
        Notary.kept_in(tmp_path, NOW)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(Misconfigured, match="taken can't hold the emulator's key"):
        Notary.kept_in(tmp_path / "taken", NOW)


def run_sign(*words: str) -> int:
    parser = argparse.ArgumentParser()
    sign.register(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["sign", *words])
    code: int = arguments.run(arguments)
    return code


def test_sign_prints_an_envelope_whose_certificate_lies_in_the_key_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bounce.json").write_bytes(b'{"eventType": "Bounce"}\n')
    words = [str(tmp_path / "bounce.json"), "--topic", ARN, "--key-dir", str(tmp_path / "keys"), "--subject", "Hello"]
    assert run_sign(*words) == 0
    body = json.loads(capsys.readouterr().out)
    host, _, file_name = body["SigningCertURL"].rpartition("/")
    assert host == "https://sns.eu-north-1.amazonaws.com"
    assert body["Message"] == '{"eventType": "Bounce"}\n'
    assert body["Subject"] == "Hello"
    check(body, (tmp_path / "keys" / file_name).read_bytes())


def test_sign_reads_standard_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"{}")))
    assert run_sign("-", "--key-dir", str(tmp_path), "--timestamp", "2026-01-31T12:00:00Z", "--message-id", "m-9") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["Message"], body["MessageId"], body["Timestamp"]) == ("{}", "m-9", "2026-01-31T12:00:00.000Z")


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_sign_makes_confirmations_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, version: str
) -> None:
    words = ["--type", kind, "--signature-version", version, "--key-dir", str(tmp_path), "--cert-origin", ORIGIN + "/"]
    assert run_sign(*words) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["Type"] == kind
    assert body["SigningCertURL"].startswith(f"{ORIGIN}/Simple")
    check(body, (tmp_path / body["SigningCertURL"].rpartition("/")[2]).read_bytes())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.json"], "nowhere.json can't be read: No such file"),
        (["-", "--topic", "arn:aws:sqs:eu-north-1:123456789012:q"], "--topic: not the ARN of an SNS topic"),
    ],
    ids=["no such file", "no topic"],
)
def test_sign_says_what_is_wrong(tmp_path: Path, words: list[str], sentence: str) -> None:
    with pytest.raises(Misconfigured, match=sentence):
        run_sign(*words, "--key-dir", str(tmp_path))


def test_sign_refuses_a_payload_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\xff\xfe")
    with pytest.raises(Misconfigured, match="is not UTF-8 text"):
        run_sign(str(tmp_path / "picture"), "--key-dir", str(tmp_path))
