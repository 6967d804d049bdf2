"""The DNS records that a domain needs to send through SES, and the same as a zone file.

Sources: "Easy DKIM", "Using a custom MAIL FROM domain" and "Complying with DMARC" of the SES developer guide.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from webhook.domain.dns.lookups import Kind

TTL = 3600
#: Where DKIM tokens lead if SES names no other hosted zone.
HOSTED_ZONE = "dkim.amazonses.com"
SES_SPF = "v=spf1 include:amazonses.com ~all"
_TXT_STRING = 255
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._*-]")


class Purpose(StrEnum):
    """What a record is for."""

    DKIM = "dkim"
    MAIL_FROM_MX = "mail_from_mx"
    MAIL_FROM_SPF = "mail_from_spf"
    SPF = "spf"
    DMARC = "dmarc"


class Expected(Struct, frozen=True):
    """A record as it should be. `value` is "" where it is not known (yet); `needed` says whether SES insists on it."""

    purpose: Purpose
    kind: Kind
    name: str
    value: str
    needed: bool


def expected_records(
    document: Mapping[str, Any], *, region: str | None = None, dmarc_rua: str | None = None
) -> tuple[Expected, ...]:
    """The records of a document of `emaildomains`, those that SES needs first.

    Args:
        document: of it count `domain`, `mailFromDomain` and, of `awsSes`, `dkimRecords` (or else `dkimTokens`),
            `mailFrom` and `region`.
        region: the SES region if the document tells none.
        dmarc_rua: where DMARC reports go, an address with or without `mailto:`.

    Without `dkimRecords` and `dkimTokens` there is one DKIM record whose value is not known.
    """
    domain = str(document["domain"]).lower()
    ses = _part(document, "awsSes")
    records = [*_dkim(domain, ses)]
    if mail_from := mail_from_domain(document):
        records += _mail_from(mail_from, ses.get("region") or region)
    records.append(Expected(Purpose.SPF, Kind.TXT, domain, "", needed=False))
    records.append(Expected(Purpose.DMARC, Kind.TXT, f"_dmarc.{domain}", dmarc(dmarc_rua), needed=False))
    return tuple(records)


def mail_from_domain(document: Mapping[str, Any]) -> str:
    """The custom MAIL FROM domain, as SES has it or as it is wanted; "" if there is none."""
    known = _part(_part(document, "awsSes"), "mailFrom").get("domain") or document.get("mailFromDomain") or ""
    return str(known).lower()


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a document that others write to as well."""
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def dmarc(rua: str | None) -> str:
    """The DMARC record to begin with: it changes nothing for receivers, and asks for reports if `rua` is given."""
    reports = f"; rua=mailto:{rua.removeprefix('mailto:')}" if rua else ""
    return f"v=DMARC1; p=none{reports}"


def mail_from_host(region: str) -> str:
    """Where bounces to a MAIL FROM domain go: SES's feedback host of the region."""
    return f"feedback-smtp.{region}.amazonses.com"


def _dkim(domain: str, ses: Mapping[str, Any]) -> Iterator[Expected]:
    pairs = list(_dkim_pairs(domain, ses))
    for name, value in pairs:
        yield Expected(Purpose.DKIM, Kind.CNAME, name.rstrip(".").lower(), value.rstrip(".").lower(), needed=True)
    if not pairs:
        yield Expected(Purpose.DKIM, Kind.CNAME, f"_domainkey.{domain}", "", needed=True)


def _dkim_pairs(domain: str, ses: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values; of the tokens alone where somebody else registered the domain and kept no more."""
    records, tokens = ses.get("dkimRecords"), ses.get("dkimTokens")
    found = [record for record in records if isinstance(record, Mapping)] if isinstance(records, list) else []
    if found:
        yield from ((str(record.get("name", "")), str(record.get("value", ""))) for record in found)
        return
    for name in tokens if isinstance(tokens, list) else ():
        token = str(name).partition(".")[0]
        yield f"{token}._domainkey.{domain}", f"{token}.{ses.get('signingHostedZone') or HOSTED_ZONE}"


def _mail_from(domain: str, region: str | None) -> Iterator[Expected]:
    value = f"10 {mail_from_host(region)}" if region else ""
    yield Expected(Purpose.MAIL_FROM_MX, Kind.MX, domain, value, needed=True)
    yield Expected(Purpose.MAIL_FROM_SPF, Kind.TXT, domain, SES_SPF, needed=True)


# -- the zone file

_HEADINGS = {
    Purpose.DKIM: "DKIM: proves to SES that the domain is yours, and signs its mail. All of them are needed.",
    Purpose.MAIL_FROM_MX: "MAIL FROM: where bounces go. It must be the only MX record of this name.",
    Purpose.MAIL_FROM_SPF: "MAIL FROM: says that SES may send for this name.",
    Purpose.DMARC: "DMARC: leave it out if the domain has such a record already; there may be only one.",
}


def zone_file(document: Mapping[str, Any], *, region: str | None = None, dmarc_rua: str | None = None) -> str:
    """The records to add, as a zone file (RFC 1035, 5) that BIND and the importers of DNS hosts read.

    It has neither SOA nor NS: it adds to a zone, it is none. Arguments as of `expected_records`.
    """
    domain = _name(str(document["domain"]).lower())
    lines = [f"; Records of {domain} for Amazon SES.", f"$ORIGIN {domain}.", f"$TTL {TTL}"]
    told: set[Purpose] = set()
    for record in expected_records(document, region=region, dmarc_rua=dmarc_rua):
        if record.purpose in _HEADINGS and record.purpose not in told:
            told.add(record.purpose)
            lines += ["", f"; {_HEADINGS[record.purpose]}"]
        lines += _lines(record)
    return "\n".join(lines) + "\n"


def _lines(record: Expected) -> list[str]:
    if record.value:
        return [f"{_name(record.name)}. {TTL} IN {record.kind} {_data(record)}"]
    unknown = {
        Purpose.DKIM: "; Not known yet: the domain is not registered with SES.",
        Purpose.MAIL_FROM_MX: "; Not known: no AWS region is set.",
    }
    return [unknown[record.purpose]] if record.purpose in unknown else []


def _data(record: Expected) -> str:
    match record.kind:
        case Kind.TXT:
            return txt_data(record.value)
        case Kind.MX:
            priority, _, host = record.value.partition(" ")
            return f"{priority} {_name(host)}."
    return f"{_name(record.value)}."


def txt_data(text: str) -> str:
    """A text as quoted strings of at most 255 bytes each (RFC 1035, 3.3.14); readers join them again."""
    raw = text.encode()
    parts = [raw[at : at + _TXT_STRING] for at in range(0, len(raw), _TXT_STRING)] or [b""]
    return " ".join(f'"{"".join(map(_escaped, part))}"' for part in parts)


def _escaped(byte: int) -> str:
    letter = chr(byte)
    if letter in '"\\':
        return f"\\{letter}"
    return letter if 32 <= byte < 127 else f"\\{byte:03d}"


def _name(text: str) -> str:
    """A name without anything that would mean something else in a zone file."""
    return _NOT_IN_NAMES.sub("", text).strip(".")
