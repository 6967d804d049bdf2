"""Signed messages, ready to post: made once on all cores, kept on disk, read through a memory map.

A pool has a key of its own that is thrown away after signing; what stays is its certificate.
"""

import base64
import hashlib
import mmap
import os
import shutil
import time
from array import array
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench import messages
from bench.messages import Mix, Recipe

CACHE = Path(__file__).parent / ".peers" / "pools"
FRESH_SECONDS = 20 * 3600  # a message must not be too old to be believed
CHUNK = 500


class Pool:
    """The requests of one recipe: `request(i)` is the whole HTTP request of message i."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe = msgspec.json.decode((folder / "recipe.json").read_bytes(), type=Recipe)
        self.certificates = folder / "certificates"
        self.certificate = next(self.certificates.glob("*.pem"))
        self._ends = array("Q", (folder / "ends.bin").read_bytes())
        with (folder / "requests.bin").open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @classmethod
    def of(cls, count: int, domains: int, mix: Mix) -> Self:
        """The cached pool of this kind if it is fresh, else a new one: about a second per three thousand and core."""
        name = hashlib.sha256(f"{messages.__file__}{count}/{domains}/{mix}/1".encode()).hexdigest()[:16]
        folder = CACHE / name
        for old in CACHE.glob("*"):
            if time.time() - old.stat().st_mtime > FRESH_SECONDS:
                shutil.rmtree(old)
        if folder.exists():
            return cls(folder)
        _make(folder, Recipe(messages=count, domains=domains, mix=mix, born=int(time.time())))
        return cls(folder)

    def __len__(self) -> int:
        return len(self._ends)

    def request(self, index: int) -> bytes:
        """The request of message `index`, counted from 0."""
        start = self._ends[index - 1] if index else 0
        return self._bytes[start : self._ends[index]]

    def body(self, index: int) -> bytes:
        """The body of that request."""
        return self.request(index).partition(b"\r\n\r\n")[2]

    def forged(self) -> bytes:
        """A request whose message was changed after it was signed; it must be refused."""
        return self.request(0).replace(b"customer-", b"costumer-")

    @property
    def mean_size(self) -> int:
        """Bytes of an average body."""
        step = max(1, len(self) // 100)
        sizes = [len(self.body(index)) for index in range(0, len(self), step)]
        return sum(sizes) // len(sizes)


def _make(folder: Path, recipe: Recipe) -> None:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    certificates = part / "certificates"
    certificates.mkdir(parents=True)
    name = f"SimpleNotificationService-{hashlib.md5(part.name.encode(), usedforsecurity=False).hexdigest()}.pem"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (certificates / name).write_bytes(_certificate(key, recipe).public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ends, end = array("Q"), 0
    starts = range(0, recipe.messages, CHUNK)
    with ProcessPoolExecutor(os.cpu_count()) as cores, (part / "requests.bin").open("wb") as file:
        jobs = ((recipe, secret, name, start) for start in starts)
        for requests in cores.map(_signed, jobs):
            for each in requests:
                end += file.write(each)
                ends.append(end)
    (part / "ends.bin").write_bytes(ends.tobytes())
    (part / "recipe.json").write_bytes(msgspec.json.encode(recipe))
    part.rename(folder)


def _signed(job: tuple[Recipe, bytes, str, int]) -> list[bytes]:
    recipe, secret, name, start = job
    key = serialization.load_pem_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    requests = []
    for index in range(start, min(start + CHUNK, recipe.messages)):
        message = messages.envelope(recipe, index, name)
        # Version 1, SHA-1: what a topic uses unless told otherwise, and all that some receivers understand.
        signature = key.sign(messages.string_to_sign(message), padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
        requests.append(messages.request(message | {"Signature": base64.b64encode(signature).decode()}))
    return requests


def _certificate(key: rsa.RSAPrivateKey, recipe: Recipe) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    born = datetime.fromtimestamp(recipe.born, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(born - timedelta(days=1))
        .not_valid_after(born + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
