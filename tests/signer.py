"""A stand-in for Amazon SNS: owns a real key and certificate, and signs envelopes as SNS does.

The string to sign is written anew here, from the page of AWS, so that it checks the product's own.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from webhook.adapters.sns import Answer, Certificates, Verifier
from webhook.domain.topics import TopicAllowList
from webhook.errors import Rejected, Unavailable

NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-north-1:123456789012:ses-events"
TOPICS = [
    TOPIC,
    "arn:aws:sns:us-east-1:123456789012:*",
    "arn:aws:sns:me-central-1:123456789012:ses-events",
    "arn:aws-cn:sns:cn-north-1:123456789012:ses-events",
    "arn:aws-us-gov:sns:us-gov-west-1:123456789012:ses-events",
]
MAX_AGE = timedelta(days=14)
TOKEN = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92768dd60a747ba6f3beb71854e285d6ad"
CERTIFICATE_FILE = "SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
CERTIFICATE_URL = f"https://sns.eu-north-1.amazonaws.com/{CERTIFICATE_FILE}"
NOTIFICATION_KEYS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION_KEYS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")

Fields = dict[str, Any]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str = "sns", bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key for each name; making them is what takes time."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate_pem(
    key: PrivateKey,
    common_name: str = "sns.amazonaws.com",
    not_before: datetime = NOW - timedelta(days=100),
    not_after: datetime = NOW + timedelta(days=265),
    alternative_names: tuple[str, ...] = (),
) -> bytes:
    """A self-signed certificate for this key, in PEM form."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 4711, not_before, not_after)
    if alternative_names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in alternative_names]), critical=False
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def as_timestamp(moment: datetime) -> str:
    """As SNS writes it: 2026-03-14T12:00:00.000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def notification(message: str = '{"eventType":"Bounce"}\n', **fields: Any) -> Fields:
    """The unsigned fields of a Notification; fields given as keywords are added or replaced."""
    return {
        "Type": "Notification",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": as_timestamp(NOW),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": "https://sns.eu-north-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=x",
        **fields,
    }


def subscribe_url(topic_arn: str = TOPIC, origin: str = "https://sns.eu-north-1.amazonaws.com") -> str:
    """Where a browser would confirm a subscription to this topic."""
    return f"{origin}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={TOKEN}"


def confirmation(kind: str = "SubscriptionConfirmation", **fields: Any) -> Fields:
    """The unsigned fields of a SubscriptionConfirmation (or UnsubscribeConfirmation)."""
    topic_arn = fields.get("TopicArn", TOPIC)
    text = (
        f"You have chosen to subscribe to the topic {topic_arn}.\nTo confirm the subscription, visit the SubscribeURL."
    )
    url = subscribe_url(topic_arn)
    bare = notification(text, Type=kind, Token=TOKEN, SubscribeURL=url)
    del bare["UnsubscribeURL"]
    return {**bare, **fields}


def signed(fields: Fields, key: rsa.RSAPrivateKey | None = None, version: str | None = None) -> Fields:
    """The fields with the signature that SNS would add; `version` signs otherwise than SignatureVersion says."""
    keys = NOTIFICATION_KEYS if fields["Type"] == "Notification" else CONFIRMATION_KEYS
    text = "".join(f"{name}\n{fields[name]}\n" for name in keys if fields.get(name) is not None)
    digest = hashes.SHA1() if (version or fields["SignatureVersion"]) == "1" else hashes.SHA256()  # noqa: S303
    signature = (key or rsa_key()).sign(text.encode(), padding.PKCS1v15(), digest)
    return {**fields, "Signature": b64encode(signature).decode()}


def body(fields: Fields) -> bytes:
    """The body that SNS posts."""
    return json.dumps(fields).encode()


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.moment = now
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds


class CertificateHost:
    """The network, as far as certificates go: gives the same answer everywhere, and writes down every address asked."""

    def __init__(self, pem: bytes | None = None, *, status: int = 200, error: Unavailable | None = None) -> None:
        self.answer = Answer(status, certificate_pem(rsa_key()) if pem is None else pem)
        self.error = error
        self.asked: list[str] = []
        self.before_answering: Callable[[], object] = lambda: None

    def __call__(self, url: str) -> Answer:
        self.asked.append(url)
        self.before_answering()
        if self.error is not None:
            raise self.error
        return self.answer


def verifier(host: CertificateHost, clock: Clock | None = None, **certificates: Any) -> Verifier:
    """A verifier of TOPICS which fetches from this host."""
    clock = clock or Clock()
    return Verifier(
        certificates=Certificates(fetch=host, clock=clock, **certificates),
        topics=TopicAllowList.from_patterns(TOPICS),
        clock=clock,
        max_age=MAX_AGE,
    )


def verdict(act: Callable[[], object]) -> tuple[int, str]:
    """The status and code with which this is answered."""
    try:
        act()
    except Rejected as rejected:
        return rejected.status, rejected.code
    except Unavailable:
        return 503, "unavailable"
    return 200, "verified"
