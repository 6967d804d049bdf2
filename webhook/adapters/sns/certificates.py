"""The certificates with which SNS signs: loaded once, shared by threads, judged for what they are.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html.
"""

from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Self, TypeVar
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from webhook.adapters.sns.fetcher import MAX_DOCUMENT_BYTES, Answer, Fetch
from webhook.domain.topics import Origins
from webhook.errors import Rejected, Unavailable
from webhook.ports import Clock

MIN_KEY_BITS = 2048

_V = TypeVar("_V")
# All that reading a certificate of any shape can raise.
_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
# Answers by which a server says "not now" instead of "no".
_NOT_NOW = frozenset({408, 425, 429})


class Certificate(msgspec.Struct, frozen=True):
    """A signing certificate: an RSA key of sufficient size, the host names it bears, and when it is valid.

    `vouched_for`: it came from the operator's own folder or from an origin that the operator trusts, so its name need
    not be Amazon's (emulators name theirs as they please). `stale_at` is when to load it anew, in monotonic seconds.
    """

    key: RSAPublicKey
    names: frozenset[str]
    not_before: datetime
    not_after: datetime
    vouched_for: bool
    stale_at: float

    @classmethod
    def from_pem(cls, pem: bytes, *, vouched_for: bool, stale_at: float) -> Self:
        """The first certificate in this PEM; raises `Rejected` if there is none, or its key is none to trust."""
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key, names = certificate.public_key(), _names(certificate)
            valid = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except _UNREADABLE as error:
            raise _bad_certificate("this is not a certificate in PEM form") from error
        if not isinstance(key, RSAPublicKey) or key.key_size < MIN_KEY_BITS:
            raise _bad_certificate(f"the key is not RSA of at least {MIN_KEY_BITS} bits")
        return cls(key, names, *valid, vouched_for, stale_at)


def _names(certificate: x509.Certificate) -> frozenset[str]:
    common = {str(name.value) for name in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)}
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset(common)
    return frozenset(common.union(alternative.get_values_for_type(x509.DNSName)))


def _document(url: str, answer: Answer) -> bytes:
    if answer.status >= 500 or answer.status in _NOT_NOW:
        raise Unavailable(f"{urlsplit(url).netloc} answers {answer.status}")
    # Anything else will not get better by asking again: a redirect, no such file, or not a certificate.
    if answer.status != 200:
        raise _bad_certificate(f"there is no certificate at its address: {answer.status}")
    if len(answer.body) > MAX_DOCUMENT_BYTES:
        raise _bad_certificate(f"what is at the certificate's address is over {MAX_DOCUMENT_BYTES} bytes")
    return answer.body


def _bad_certificate(detail: str) -> Rejected:
    return Rejected(403, "bad_certificate", detail)


# What loading a certificate came to; failures are kept too, for as long as `Certificates.FAILED_FOR`.
Outcome = Certificate | Rejected | Unavailable


class Certificates:
    """The signing certificates by address: from the operator's folder, or else fetched once and kept for a day.

    Threads that want the same certificate at once share one fetch. A failure is remembered for a few seconds only, and
    apart from the good ones, so that made-up addresses cannot drive these out.
    """

    KEPT = 64
    KEPT_FOR = 24 * 3600.0
    FAILED_FOR = 5.0
    LONGEST_WAIT = 15.0
    # Strangers can make up addresses on Amazon's host; this is how many of our threads they can occupy with that.
    LOADING = 4

    def __init__(
        self, *, fetch: Fetch, clock: Clock, cert_dir: Path | None = None, trusted_origins: tuple[str, ...] = ()
    ) -> None:
        """Raises ValueError naming a trusted origin that is not one."""
        self.origins = Origins(trusted_origins)
        self._fetch = fetch
        self._clock = clock
        self._cert_dir = cert_dir
        self._lock = Lock()
        self._good: dict[str, Certificate] = {}
        self._failed: dict[str, tuple[float, Rejected | Unavailable]] = {}
        self._loading: dict[str, Future[Outcome]] = {}

    def get(self, url: str) -> Certificate:
        """The certificate at this address, which must have been pinned before.

        Raises `Rejected` if what is there is no good certificate, and `Unavailable` if it could not be had now.
        """
        outcome = self._outcome(url)
        match outcome:
            case Certificate():
                return outcome
            case Rejected(status=status, code=code, detail=detail):
                raise Rejected(status, code, detail)
            case Unavailable(detail=detail):
                raise Unavailable(detail)

    def knows(self, url: str) -> bool:
        """Whether `get` will surely answer at once, without network or disk, if asked within a second."""
        with self._lock:
            return self._remembered(url, margin=1.0) is not None

    def _outcome(self, url: str) -> Outcome:
        with self._lock:
            remembered = self._remembered(url)
            if remembered is not None:
                return remembered
            loading = self._loading.get(url)
            if loading is None:
                if len(self._loading) >= self.LOADING:
                    return Unavailable("too many certificates are being loaded at once")
                self._loading[url] = Future()
        return self._load_and_share(url) if loading is None else self._await(loading)

    def _remembered(self, url: str, margin: float = 0.0) -> Outcome | None:
        now = self._clock.monotonic() + margin
        certificate = self._good.get(url)
        if certificate is not None and certificate.stale_at > now:
            return certificate
        until, failure = self._failed.get(url, (0.0, None))
        return failure if until > now else None

    def _await(self, loading: Future[Outcome]) -> Outcome:
        try:
            return loading.result(self.LONGEST_WAIT)
        except TimeoutError:
            return Unavailable("the signing certificate takes too long to load")

    def _load_and_share(self, url: str) -> Outcome:
        outcome: Outcome = Unavailable("the signing certificate could not be loaded")
        try:
            outcome = self._load(url)
        except (Rejected, Unavailable) as failure:
            outcome = failure
        finally:  # whatever happens here, those who wait must not wait for ever
            with self._lock:
                self._remember(url, outcome)
                loading = self._loading.pop(url)
            loading.set_result(outcome)
        return outcome

    def _remember(self, url: str, outcome: Outcome) -> None:
        if isinstance(outcome, Certificate):
            _put(self._good, url, outcome, self.KEPT)
        else:
            _put(self._failed, url, (self._clock.monotonic() + self.FAILED_FOR, outcome), self.KEPT)

    def _load(self, url: str) -> Certificate:
        stale_at = self._clock.monotonic() + self.KEPT_FOR
        by_hand = self._from_folder(url)
        if by_hand is None:
            emulated = self.origins.trusted(url) is not None
            return Certificate.from_pem(_document(url, self._fetch(url)), vouched_for=emulated, stale_at=stale_at)
        try:
            return Certificate.from_pem(by_hand, vouched_for=True, stale_at=stale_at)
        except Rejected as error:
            # The operator's mistake, not the sender's: the message must come again once it is mended.
            raise Unavailable(f"a certificate in SNS_CERT_DIR is no good: {error.detail}") from error

    def _from_folder(self, url: str) -> bytes | None:
        if self._cert_dir is None:
            return None
        try:
            return (self._cert_dir / url.rpartition("/")[2]).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable(f"a certificate in SNS_CERT_DIR cannot be read: {error.strerror}") from error


def _put(kept: dict[str, _V], key: str, value: _V, limit: int) -> None:
    """Set, and forget the oldest beyond the limit."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]
