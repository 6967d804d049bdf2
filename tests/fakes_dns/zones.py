"""Zones as customers make them: one that is right, and how each case differs from it."""

from collections.abc import Iterable, Iterator
from typing import Any

REGION = "eu-north-1"
TOKENS = ("k3vq7hz2mxw5tnbyc4rl6gpjd8fsa9eu", "w8dfy2pl5sgn3vkt7zqc4hxm6bjra9eo", "m6rtc9xz4jyb2wqh8npv5dgk3lfsu7ia")
OTHER_TOKEN = "z9xy8wv7ut6sr5qp4on3ml2kj1ih0gfe"
FEEDBACK = f"feedback-smtp.{REGION}.amazonses.com"
SPF = '"v=spf1 include:amazonses.com ~all"'


def document(domain: str) -> dict[str, Any]:
    """The document of a domain that is registered and has a MAIL FROM domain."""
    records = [
        {"type": "CNAME", "name": f"{token}._domainkey.{domain}", "value": f"{token}.dkim.amazonses.com"}
        for token in TOKENS
    ]
    mail_from = {"domain": f"bounce.{domain}", "status": "pending", "behavior": "use_default_value"}
    return {"domain": domain, "awsSes": {"region": REGION, "dkimRecords": records, "mailFrom": mail_from}}


def apex(zone: str, *servers: str) -> Iterator[str]:
    """The SOA and NS records of a zone."""
    yield f"{zone} 3600 SOA ns1.dns.test. hostmaster.dns.test. 1 7200 900 1209600 900"
    for server in servers or ("ns1",):
        yield f"{zone} 3600 NS {server}.dns.test."


def right(domain: str) -> Iterator[str]:
    """All records as they should be."""
    for token in TOKENS:
        yield f"{token}._domainkey.{domain} 300 CNAME {token}.dkim.amazonses.com."
    yield f"bounce.{domain} 300 MX 10 {FEEDBACK}."
    yield f"bounce.{domain} 300 TXT {SPF}"
    yield f'_dmarc.{domain} 300 TXT "v=DMARC1; p=reject; rua=mailto:reports@{domain}"'


def changed(lines: Iterable[str], domain: str, without: Iterable[str] = (), extra: Iterable[str] = ()) -> list[str]:
    """Lines without those that begin so, and with others; `{d}`, `{t}`, `{u}` are the domain and two tokens."""

    def told(text: str) -> str:
        return text.format(d=domain, t=TOKENS[0], u=TOKENS[1], other=OTHER_TOKEN)

    beginnings = tuple(map(told, without))
    return [line for line in lines if not (beginnings and line.startswith(beginnings))] + list(map(told, extra))
