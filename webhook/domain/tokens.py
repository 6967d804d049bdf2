"""Tokens of the API: what one may do, whose domains it sees, and how it is kept."""

import base64
import hashlib
import re
from datetime import datetime
from enum import StrEnum
from typing import Self

from msgspec import Struct

from webhook.errors import Invalid

#: Begins every token that is made here, so that secret scanners know one when they see it.
PREFIX = "sst_"
#: Random bytes in a token.
ENTROPY = 32

_NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)


class Scope(StrEnum):
    """What a token may do. None implies another."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


class Bearer(Struct, frozen=True):
    """Who asks: the token's name and digest, what it may do, and whose domains it sees (None: everybody's)."""

    name: str
    digest: str
    scopes: frozenset[Scope] = ALL_SCOPES
    owner: str | None = None


class TokenRecord(Struct, frozen=True):
    """A token as it is kept: never the token itself, only its digest."""

    name: str
    digest: str
    owner: str | None
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def from_words(cls, name: str, owner: str | None, scopes: str, token: str, now: datetime) -> Self:
        """The record of a new token from what a person gave; raises Invalid."""
        for field, value in (("name", name), ("owner", owner)):
            if value is not None and not _NAME.fullmatch(value):
                raise Invalid(field, "must be 1 to 64 letters, digits, _ . @ or -")
        return cls(name, digest_of(token), owner, scopes_of(scopes, owner), now)

    @property
    def bearer(self) -> Bearer:
        """Who comes with this token."""
        return Bearer(self.name, self.digest, self.scopes, self.owner)


def scopes_of(words: str, owner: str | None = None) -> frozenset[Scope]:
    """The scopes in a comma list; raises Invalid. One that is bound to an owner can't have admin, which is of all."""
    try:
        scopes = frozenset(Scope(word.strip().lower()) for word in words.split(","))
    except ValueError as error:
        raise Invalid("scopes", f"must list some of {', '.join(Scope)}, with commas between") from error
    if owner is not None and Scope.ADMIN in scopes:
        raise Invalid("scopes", "admin is for tokens without an owner: quarantine and audit are of all owners")
    return scopes


def minted(entropy: bytes) -> str:
    """A token made of these random bytes: the prefix and 43 letters, digits, - or _ for 32 bytes."""
    return PREFIX + base64.urlsafe_b64encode(entropy).decode().rstrip("=")


def digest_of(token: str) -> str:
    """What is kept of a token: its SHA-256, in hexadecimal.

    A slow hash protects what people choose, since that can be guessed. Of 256 random bits nobody can try a notable
    share however fast the hash is, and a slow one would let strangers keep the processor busy with wrong tokens.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
