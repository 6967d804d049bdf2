"""DMARC records (RFC 7489, 6.3): reading one."""

import re
from collections.abc import Callable, Mapping

from webhook.domain.dns.mistakes import Hit, Mistake, hit

_DMARC_LIKE = re.compile(r"""[\s"'“”]*v\s*=\s*dmarc""", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:[^\s@,;]+@([A-Za-z0-9.-]+)(?:!\d+[kmgt]?)?", re.IGNORECASE)
_POLICIES = frozenset({"none", "quarantine", "reject"})


def dmarc_like(text: str) -> bool:
    """Whether a text is, or was meant as, a DMARC record."""
    return bool(_DMARC_LIKE.match(text))


def parse(text: str) -> dict[str, str] | Hit:
    """The tags of a record, names in lower case; a hit that says what cannot be read, and the remedy."""
    if not re.match(r"v\s*=\s*DMARC1\s*(;|$)", text):
        return _unreadable(
            "it does not begin with “v=DMARC1;”", "Let it begin with v=DMARC1; in capitals, without quotes"
        )
    tags: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, sign, value = part.partition("=")
        if not sign:
            return _unreadable(f"“{part}” is no tag", f"Write {name}= and its value, and ; between tags")
        tags.setdefault(name.strip().lower(), value.strip())
    return _checked(tags)


def _checked(tags: dict[str, str]) -> dict[str, str] | Hit:
    if "p" not in tags:
        return _unreadable("the policy is missing", "Put p=none behind v=DMARC1;")
    for name, fits, allowed in _RULES:
        if name in tags and not fits(tags[name].lower()):
            return _unreadable(f"“{name}={tags[name]}” is not allowed", f"Set {name} to {allowed}")
    return tags


def _unreadable(problem: str, remedy: str) -> Hit:
    return hit(Mistake.DMARC_SYNTAX, problem=problem, remedy=remedy)


def _is_policy(value: str) -> bool:
    return value in _POLICIES


def _is_alignment(value: str) -> bool:
    return value in {"r", "s"}


def _is_share(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 3 and int(value) <= 100


def _is_list(value: str) -> bool:
    return all(_MAILTO.fullmatch(uri.strip()) for uri in value.split(","))


_RULES: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("p", _is_policy, "none, quarantine or reject"),
    ("sp", _is_policy, "none, quarantine or reject"),
    ("adkim", _is_alignment, "r or s"),
    ("aspf", _is_alignment, "r or s"),
    ("pct", _is_share, "a whole number from 0 to 100"),
    ("rua", _is_list, "addresses like mailto:reports@example.com, with commas between them"),
    ("ruf", _is_list, "addresses like mailto:reports@example.com, with commas between them"),
)


def report_domains(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The domains that aggregate reports go to."""
    found = (_MAILTO.fullmatch(uri.strip()) for uri in tags.get("rua", "").split(","))
    return tuple(dict.fromkeys(match[1].rstrip(".").lower() for match in found if match))
