"""The emulator's own signing key: an RSA key, a certificate that names it, and signatures as SNS makes them.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import os
from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from webhook.errors import Misconfigured

COMMON_NAME = "sns.amazonaws.com"
SIGNATURE_VERSIONS: dict[str, type[hashes.HashAlgorithm]] = {"1": hashes.SHA1, "2": hashes.SHA256}

_KEY_FILE = "key.pem"
_KEY_BITS = 2048
_BACKDATED = timedelta(days=30)
_VALID = timedelta(days=730)


class Notary:
    """Signs for one key; `file_name` is what SNS calls such a certificate in a SigningCertURL."""

    def __init__(self, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
        self.file_name = _file_name(certificate)

    @classmethod
    def fresh(cls, now: datetime) -> Self:
        """A new key, with a certificate that is valid at `now`, thirty days before it and two years after."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        return cls(key, _certificate(key, now))

    @classmethod
    def kept_in(cls, folder: Path, now: datetime) -> Self:
        """The key kept in `folder`, made there if there is none; its certificate lies beside it, ready for a verifier.

        Raises `Misconfigured` if the folder can't be used or holds something else under these names.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            key = _load_or_make_key(folder / _KEY_FILE)
            certificate = _kept_certificate(folder, key, now)
        except OSError as error:
            raise Misconfigured(f"{folder} can't hold the emulator's key: {error.strerror}") from error
        return cls(key, certificate)

    def sign(self, signed: bytes, version: str) -> bytes:
        """The signature over `signed`, the string to sign, by SignatureVersion `1` or `2`."""
        return self._key.sign(signed, padding.PKCS1v15(), SIGNATURE_VERSIONS[version]())


def base64(signature: bytes) -> str:
    """As the envelope's Signature writes it."""
    return b64encode(signature).decode()


def _certificate(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(COMMON_NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _file_name(certificate: x509.Certificate) -> str:
    return f"SimpleNotificationService-{certificate.fingerprint(hashes.SHA256()).hex()[:32]}.pem"


def _load_or_make_key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        _write_secret(path, _key_pem(key))
        return key
    try:
        kept = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"{path} is not an unencrypted private key") from error
    if not isinstance(kept, rsa.RSAPrivateKey):
        raise Misconfigured(f"{path} is not an RSA key")
    return kept


def _kept_certificate(folder: Path, key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    """The folder's certificate of this key that is valid now; else a new one, written there."""
    for path in sorted(folder.glob("SimpleNotificationService-*.pem")):
        certificate = _read_certificate(path)
        mine = certificate.public_key() == key.public_key() and _file_name(certificate) == path.name
        if mine and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
            return certificate
    certificate = _certificate(key, now)
    (folder / _file_name(certificate)).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise Misconfigured(f"{path} is not a certificate") from error


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
