"""Mail addresses as SES writes them, and the domain a message is about."""

import re
from functools import lru_cache

SIMULATOR = "simulator.amazonses.com"

_ANGLED = re.compile(r"<([^<>]*)>\s*$")
_DOMAIN = re.compile(r"[^\s@/\\\x00-\x20\x7f<>\"',;:]{1,253}")


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """The bare address, in lower case: `"Ann" <Ann@Example.com>` gives `ann@example.com`.

    Addresses compare without display name and without regard to case; what is no address stays as it is, lower-cased.
    """
    if text.endswith(">") or "<" in text:
        angled = _ANGLED.search(text)
        if angled:
            text = angled[1]
    return text.strip().lower()


def domain_of(address: str) -> str:
    """What follows the last `@`, or "" where there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def is_simulated(address: str) -> bool:
    """True for SES's mailbox simulator, whose mail SES itself leaves out of every rate."""
    return address.endswith("@" + SIMULATOR)


@lru_cache(maxsize=65536)
def well_formed(domain: str) -> str:
    """The domain in lower case without a trailing dot, or "" if it can't be one."""
    domain = domain.strip().lower().rstrip(".")
    return domain if _DOMAIN.fullmatch(domain) else ""
