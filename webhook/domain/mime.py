"""Mailboxes and mail headers as they are written, read strictly: what two readers might take differently is refused."""

import re
import unicodedata
from collections.abc import Iterator
from email.header import Header
from email.utils import formataddr

from msgspec import Struct

from webhook.errors import Invalid

#: What SES takes, display name included; and what RFC 5321 (4.5.3.1) gives an address.
MAILBOX_MAX, LOCAL_MAX, DOMAIN_MAX = 320, 64, 253
#: Characters of an encoded word (RFC 2047, 2).
WORD_MAX = 75
#: Characters that a refusal repeats of what was given.
SHOWN = 100

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ANGLED = re.compile(r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^"<>@,;:\\()\[\]]*))[ \t]*<(?P<address>[^<>\s]*)>')
_FIELD = re.compile(r"([!-9;-~]+):(.*)", re.DOTALL)
_BLANK = re.compile(rb"\r?\n\r?\n")
#: Headers that say who sends. SES takes bounces to `Return-Path`, and checks `From`, `Sender` and `Return-Path` only
#: against all identities of the account, whichever customer's they are.
_ORIGINATORS = frozenset({"from", "sender", "return-path", "resent-from", "resent-sender"})
_HINT = 'Write it as ann@example.com or as "Ann" <ann@example.com>.'


class Mailbox(Struct, frozen=True):
    """An address, its domain in ASCII and in lower case, and the name beside it, or ""."""

    address: str
    name: str = ""

    @classmethod
    def from_text(cls, text: str, field: str) -> "Mailbox":
        """The mailbox that is written so, `ann@example.com` or `"Ann" <ann@example.com>`.

        Raises:
            Invalid: it is none, names `field`. SES takes no local part beyond ASCII (no SMTPUTF8).
        """
        text = text.strip(" \t")
        if not printable(text):
            raise Invalid(field, "holds a line break or another control character", _HINT)
        angled = _ANGLED.fullmatch(text)
        name = ""
        if angled:
            name = re.sub(r"\\(.)", r"\1", angled["quoted"]) if angled["quoted"] is not None else angled["name"].strip()
            text = angled["address"]
        found = cls(_address(text, field), name)
        if len(found.written) > MAILBOX_MAX:
            raise Invalid(field, f"is longer than {MAILBOX_MAX} characters with its name", "Shorten the name.")
        return found

    @property
    def domain(self) -> str:
        """What follows the `@`."""
        return self.address.rpartition("@")[2]

    @property
    def written(self) -> str:
        """As it stands in a header: a name beyond ASCII in encoded words (RFC 2047)."""
        if self.name.isascii():
            return formataddr((self.name, self.address))
        return f"{Header(self.name, 'utf-8', maxlinelen=WORD_MAX).encode(linesep='')} <{self.address}>"


def printable(text: str) -> bool:
    """True if it holds neither control characters nor line breaks nor half a character."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)


def _address(text: str, field: str) -> str:
    local, at, domain = text.rpartition("@")
    shown = text[:SHOWN]
    if not at:
        raise Invalid(field, f"`{shown}` is not an address", _HINT)
    if not local.isascii():
        raise Invalid(field, f"`{shown}` has letters beyond ASCII before the @, which SES can't send to", _HINT)
    if len(local) > LOCAL_MAX or not _LOCAL.fullmatch(local):
        raise Invalid(field, f"`{shown}` is not an address: something before the @ is wrong", _HINT)
    named = ascii_domain(domain)
    if not named:
        raise Invalid(field, f"`{shown}` is not an address: `{domain[:SHOWN]}` can't be a mail domain", _HINT)
    return f"{local}@{named}"


def ascii_domain(text: str) -> str:
    """The domain in lower case, with labels beyond ASCII in punycode (RFC 5891), or "" if it can't be a mail domain."""
    labels = unicodedata.normalize("NFKC", text.lower()).removesuffix(".").split(".")
    found = [_ascii_label(label) for label in labels]
    domain = ".".join(found)
    fits = len(found) > 1 and all(found) and len(domain) <= DOMAIN_MAX and not found[-1].isdigit()
    return domain if fits else ""


def _ascii_label(label: str) -> str:
    if not label.isascii():
        # Letters, marks and digits only; what else Unicode has is not allowed in names (RFC 5892).
        if not all(character == "-" or unicodedata.category(character)[0] in "LMN" for character in label):
            return ""
        label = "xn--" + label.encode("punycode").decode("ascii")
    return label if _LABEL.fullmatch(label) else ""


def check_raw(raw: bytes, domain: str) -> frozenset[str]:
    """Refuses a whole message that would be sent in another's name than `domain`'s, or that steers SES itself.

    Raises:
        Invalid: field `raw`.
    """
    headers, speakers = list(_headers(raw)), set()
    for name, value in headers:
        if name.startswith("x-ses-"):
            told = (
                f"has a header `{name[:SHOWN]}`, by which it would choose configuration set, tenant or identity itself"
            )
            raise Invalid("raw", told, "Remove the header; give tags as `tags` beside `raw`.")
        if name in _ORIGINATORS:
            speakers.add(_check_originator(name, value, domain))
    senders = [name for name, _ in headers if name == "from"]
    if len(senders) != 1:
        told = f"has {len(senders)} From headers" if senders else "has no From header"
        raise Invalid("raw", told, f"Give it exactly one, with one address at {domain}.")
    return frozenset(speakers)


def _check_originator(name: str, value: str, domain: str) -> str:
    hint = f"Give it one address at {domain}, or leave the header out." if name != "from" else _HINT
    if not value.isascii():
        raise Invalid("raw", f"its header `{name}` holds bytes beyond ASCII", "Put them in encoded words (RFC 2047).")
    try:
        mailbox = Mailbox.from_text(value, "raw")
    except Invalid as error:
        raise Invalid("raw", f"its header `{name}` can't be read as one mailbox: {error.detail}", hint) from error
    if not within(mailbox.domain, domain):
        raise Invalid("raw", f"its header `{name}` is at {mailbox.domain}, which is not {domain}", hint)
    return mailbox.domain


def within(name: str, domain: str) -> bool:
    """True if it is the domain or a sub-domain of it."""
    return name == domain or name.endswith("." + domain)


def _headers(raw: bytes) -> Iterator[tuple[str, str]]:
    """Name in lower case, and value unfolded, of each header field (RFC 5322, 2.2)."""
    blank = _BLANK.search(raw)
    if blank is None:
        raise Invalid("raw", "has no blank line between header and body", "Give a whole message as RFC 5322 has it.")
    lines = raw[: blank.start()].decode("latin-1").replace("\r\n", "\n").split("\n")
    fields: list[str] = []
    for number, line in enumerate(lines, 1):
        if "\r" in line or "\0" in line:
            raise Invalid("raw", f"line {number} of its header holds a bare CR or NUL", "End lines with CR LF.")
        if line[:1] in {" ", "\t"} and fields:
            fields[-1] += line
        else:
            fields.append(line)
    for number, field in enumerate(fields, 1):
        found = _FIELD.fullmatch(field)
        if found is None:
            raise Invalid("raw", f"field {number} of its header is none", "Each is a name, a colon and a value.")
        yield found[1].lower(), found[2].strip()
