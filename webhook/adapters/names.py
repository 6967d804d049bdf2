"""Domain names as people write them: IDNA (UTS 46) and the Public Suffix List."""

import re
import threading
from ipaddress import ip_address

import idna
from publicsuffixlist import PublicSuffixList

from webhook.domain.names import DomainName
from webhook.errors import Invalid

FIELD = "domain"
_EXAMPLE = "give a domain like example.com"
_LENGTH_MAX = 253
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# UTS 46 takes these for the full stop.
_DOTS = str.maketrans("。．｡", "...")


class DomainNames:
    """Takes domain names of text; the list of public suffixes is that of the package, read at the first use."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._suffixes: PublicSuffixList | None = None

    def parse(self, text: str, field: str = FIELD) -> DomainName:
        """The domain that this text names; raises Invalid, which names `field`, says what is wrong and what to give.

        Lower-cased, IDNA-encoded, without a trailing dot. Refused are addresses, URLs, IP addresses, single labels,
        labels that no host may have (RFC 1123), names of over 253 characters, and public suffixes: those of registries
        (co.uk) and those that companies give out to strangers (github.io), since nobody may speak for all below.
        """
        given = text.strip() if isinstance(text, str) else ""
        _refuse_other_things(given, field)
        name = _encoded(given.translate(_DOTS).removesuffix("."), field)
        _refuse_malformed(name, field)
        registrable = self._list().privatesuffix(name)
        if registrable is None:
            raise Invalid(
                field,
                f"{name} is a public suffix: everybody may register names below it, so it is nobody's own",
                f"give the domain that you registered, like example.{name}",
            )
        return DomainName(name, registrable, _decoded(name))

    def _list(self) -> PublicSuffixList:
        with self._reading:
            if self._suffixes is None:
                self._suffixes = PublicSuffixList()
            return self._suffixes


def _refuse_other_things(given: str, field: str) -> None:
    """What is plainly something else than a domain gets told so, before it is called malformed."""
    if len(given) > 4 * _LENGTH_MAX:
        raise Invalid(field, f"has {len(given)} characters, {_LENGTH_MAX} are the most", _EXAMPLE)
    if not given:
        raise Invalid(field, "is empty", _EXAMPLE)
    if "@" in given:
        raise Invalid(field, "is a mail address", "give example.com, not an address")
    if "/" in given or "\\" in given:
        raise Invalid(field, "is a web address", "give example.com, not a URL")
    if re.search(r"\s", given):
        raise Invalid(field, "has white space in it", _EXAMPLE)
    if _is_ip(given):
        raise Invalid(field, "is an IP address", _EXAMPLE)
    if ":" in given:
        raise Invalid(field, "has a port or a scheme", "give example.com alone")
    if "*" in given:
        raise Invalid(field, "is a pattern", "give one domain like example.com; its sub-domains may send with it")


def _is_ip(given: str) -> bool:
    try:
        return bool(ip_address(given.strip("[]").removesuffix(".")))
    except ValueError:
        # What inet_aton would take, 127.1 for one, ends in a number: no top-level domain does.
        return bool(re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)", given.rstrip(".").rpartition(".")[2].lower()))


def _encoded(name: str, field: str) -> str:
    if "_" in name:
        raise Invalid(field, "has an underscore in it", f"{_EXAMPLE}: host names have letters, digits and hyphens")
    try:
        if name.isascii() and "xn--" not in name.lower():
            return name.lower()  # the library refuses hyphens in the third and fourth place, which do exist
        return idna.encode(name, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise Invalid(field, f"is not a domain name: {error}", _EXAMPLE) from error


def _refuse_malformed(name: str, field: str) -> None:
    if len(name) > _LENGTH_MAX:
        raise Invalid(field, f"has {len(name)} characters, {_LENGTH_MAX} are the most", _EXAMPLE)
    labels = name.split(".")
    for label in labels:
        if not label:
            raise Invalid(field, "has two dots in a row, or begins with one", _EXAMPLE)
        if len(label) > 63:
            raise Invalid(field, f"has a part of {len(label)} characters, 63 are the most", _EXAMPLE)
        if not _LABEL.fullmatch(label):
            raise Invalid(
                field,
                f"has a part that no domain may have: {label!r}",
                f"{_EXAMPLE}: its parts have letters, digits, and hyphens between them",
            )
    if len(labels) == 1:
        raise Invalid(field, "is a single word", _EXAMPLE)


def _decoded(name: str) -> str:
    try:
        return str(idna.decode(name))
    except (idna.IDNAError, UnicodeError):
        return name
