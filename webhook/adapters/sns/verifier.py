"""Whether a message is authentic, ours and recent.

The order is the security of it: the topic must be ours, and the certificate's address the one that Amazon uses for that
topic, before anything is fetched. A valid signature alone proves only that *some* SNS topic posted the message.
"""

from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from webhook.adapters.sns.certificates import Certificate, Certificates
from webhook.domain.envelope import Envelope, string_to_sign
from webhook.domain.topics import TopicAllowList, TopicArn, signing_names
from webhook.errors import Rejected
from webhook.ports import Clock

MAX_FUTURE_SKEW = timedelta(minutes=15)

_PADDING = PKCS1v15()
_HASHES = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - what SNS signs with unless the topic says otherwise


class Verifier:
    """Passes a message or raises; safe to share between threads.

    `max_age` is how old a message may be (generous: SNS's dead letters are redriven with their old signature),
    `future_skew` how far ahead of our clock its Timestamp may lie.
    """

    KEPT = 256

    def __init__(
        self,
        *,
        certificates: Certificates,
        topics: TopicAllowList,
        clock: Clock,
        max_age: timedelta,
        future_skew: timedelta = MAX_FUTURE_SKEW,
    ) -> None:
        self._certificates = certificates
        self._topics = topics
        self._clock = clock
        self._max_age = max_age
        self._future_skew = future_skew
        # What is here has once passed every check that does not depend on the message's content.
        self._passed: dict[tuple[str, str], Certificate] = {}

    def verify(self, envelope: Envelope) -> None:
        """Return if the message is authentic, from a topic of ours, and recent.

        Raises `Rejected` (403: `topic_not_allowed`, `bad_certificate_url`, `too_old`, `from_the_future`,
        `bad_certificate`, `bad_signature`; checked in this order), or `Unavailable` where there is no certificate now.
        """
        known = self._known(envelope)
        if known is not None:
            self._check_age(envelope)
            _check_signature(envelope, known)
            return
        topic = self._allowed_topic(envelope)
        self._check_age(envelope)
        certificate = self._certificates.get(envelope.signing_cert_url)
        _check_name(certificate, topic)
        _check_signature(envelope, certificate)
        self._remember(envelope, certificate)

    def is_warm(self, envelope: Envelope) -> bool:
        """Whether `verify`, called within a second, will surely touch neither network nor disk."""
        if self._known(envelope, margin=1.0) is not None:
            return True
        try:
            self._allowed_topic(envelope)
            self._check_age(envelope)
        except Rejected:
            return True
        return self._certificates.knows(envelope.signing_cert_url)

    def check_subscribe_url(self, envelope: Envelope) -> None:
        """Return if the SubscribeURL of this verified message only confirms that subscription, on Amazon's own host.

        Raises `Rejected` (403, `bad_subscribe_url`) otherwise.
        """
        topic = TopicArn.from_text(envelope.topic_arn)
        url, token = envelope.subscribe_url or "", envelope.token or ""
        if not self._certificates.origins.allow_confirmation(url, topic, envelope.topic_arn, token):
            raise Rejected(403, "bad_subscribe_url", "SubscribeURL: not SNS's own confirmation of this topic and token")

    def is_emulated(self, envelope: Envelope) -> bool:
        """Whether the SubscribeURL leads to an origin trusted by the operator, which stands in for Amazon."""
        return self._certificates.origins.trusted(envelope.subscribe_url or "") is not None

    def _known(self, envelope: Envelope, margin: float = 0.0) -> Certificate | None:
        certificate = self._passed.get((envelope.topic_arn, envelope.signing_cert_url))
        if certificate is None or certificate.stale_at <= self._clock.monotonic() + margin:
            return None
        return certificate

    def _remember(self, envelope: Envelope, certificate: Certificate) -> None:
        # Only what carried a good signature comes here, so strangers cannot fill it.
        if len(self._passed) >= self.KEPT:
            self._passed.clear()
        self._passed[envelope.topic_arn, envelope.signing_cert_url] = certificate

    def _allowed_topic(self, envelope: Envelope) -> TopicArn:
        if not self._topics.allows(envelope.topic_arn):
            raise Rejected(403, "topic_not_allowed", "TopicArn: not one that may post here")
        topic = TopicArn.from_text(envelope.topic_arn)
        if not self._certificates.origins.allow_certificate(envelope.signing_cert_url, topic):
            raise Rejected(403, "bad_certificate_url", "SigningCertURL: not where SNS keeps this topic's certificates")
        return topic

    def _check_age(self, envelope: Envelope) -> None:
        age = self._clock.now() - envelope.signed_at
        if age > self._max_age:
            raise Rejected(403, "too_old", f"Timestamp: {envelope.timestamp} is more than {self._max_age} ago")
        if -age > self._future_skew:
            raise Rejected(403, "from_the_future", f"Timestamp: {envelope.timestamp} is yet to come")


def _check_name(certificate: Certificate, topic: TopicArn) -> None:
    expected = signing_names(topic.partition, topic.region)
    if not certificate.vouched_for and expected.isdisjoint(certificate.names):
        raise Rejected(403, "bad_certificate", f"the certificate is not one of {', '.join(sorted(expected))}")


def _check_signature(envelope: Envelope, certificate: Certificate) -> None:
    # At the message's own time, not at ours: a dead letter redriven after a yearly rotation is still authentic.
    if not _valid_at(certificate, envelope.signed_at):
        raise Rejected(403, "bad_certificate", f"the certificate was not valid at {envelope.timestamp}")
    digest = _HASHES[envelope.signature_version]
    try:
        certificate.key.verify(envelope.signature, string_to_sign(envelope), _PADDING, digest)
    except InvalidSignature as error:
        raise Rejected(403, "bad_signature", "Signature: not SNS's signature of this message") from error


def _valid_at(certificate: Certificate, moment: datetime) -> bool:
    return certificate.not_before <= moment <= certificate.not_after
