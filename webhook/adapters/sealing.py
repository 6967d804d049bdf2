"""Endpoints' secrets, encrypted where they are stored, with keys made of SECRET_KEY."""

import base64
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from webhook.domain.endpoints import Signing
from webhook.domain.key_pairs import private_of
from webhook.domain.signing import secret_of
from webhook.errors import Misconfigured

KEY_FILE = "secret.key"
SHORTEST = 32
_PURPOSE = b"ses-sentinel: secrets of alert endpoints"
_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def new_secret(signing: Signing = Signing.HMAC) -> str:
    """What a new endpoint signs with: `whsec_` and the base64 of 32 random bytes, or a private key (`whsk_…`)."""
    if signing is Signing.HMAC:
        return secret_of(os.urandom(32))
    key = Ed25519PrivateKey.generate()
    return private_of(key.private_bytes_raw(), key.public_key().public_bytes_raw())


class Sealer:
    """Seals with the first of its keys, and opens with any.

    To replace SECRET_KEY, put the new one before the old with a comma between; once all that was sealed is `renewed`,
    the old one may go.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises Misconfigured if there is no key, or one is too short to be random."""
        if not keys:
            raise Misconfigured(f"SECRET_KEY is not set: {_MAKE_ONE}")
        if any(len(key) < SHORTEST for key in keys):
            raise Misconfigured(f"SECRET_KEY must have at least {SHORTEST} characters: {_MAKE_ONE}")
        fernets = [Fernet(_derived(key)) for key in keys]
        self._newest = fernets[0]
        self._all = MultiFernet(fernets)

    @classmethod
    def from_setting(cls, text: str) -> Self:
        """The sealer for SECRET_KEY as it is set: one key, or two with a comma between, the newer first."""
        return cls([key for part in text.split(",") if (key := part.strip())])

    def seal(self, text: str) -> str:
        """Encrypt it; the same text gives another result each time."""
        return self._newest.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt what `seal` made; raises Misconfigured if no key fits, or somebody changed it."""
        try:
            return self._all.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Misconfigured(
                "SECRET_KEY is not the one that a stored secret was encrypted with: put the old key behind the new "
                "one, with a comma between"
            ) from error

    def renewed(self, sealed: str) -> str | None:
        """The same, sealed with the newest key; None if it is already. Raises Misconfigured as `open` does."""
        return self.seal(self.open(sealed)) if self.needs_rotation(sealed) else None

    def needs_rotation(self, sealed: str) -> bool:
        """Whether it was sealed with another key than the newest."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return True
        return False


def _derived(key: str) -> bytes:
    # The setting is random and long, so it needs no slow function as passwords do.
    return base64.urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(key.encode()))


def kept_secret_key(data_dir: Path) -> str:
    """The SECRET_KEY kept in DATA_DIR, for the embedded MongoDB; made by whichever process comes first.

    Raises Misconfigured if the file can't be read or written.
    """
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            # Whoever waits here finds the key that the first one wrote; the lock goes with the process.
            fcntl.flock(file, fcntl.LOCK_EX)
            content = file.read()
            if not content.endswith(b"\n"):  # new, or its maker died while writing, before anybody used it
                content = base64.urlsafe_b64encode(os.urandom(32)) + b"\n"
                file.seek(0)
                file.truncate()
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                _keep_name(data_dir)
            return content.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise Misconfigured(f"the key in {path} can't be read or made ({why}): set SECRET_KEY instead") from error


def _keep_name(folder: Path) -> None:
    """Let the new file's name survive a power cut, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
