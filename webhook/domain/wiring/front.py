"""Findings about PUBLIC_URL, the clocks, and which domains are known on both sides."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.identities import listed

#: How long before its end a certificate is told of.
SOON = timedelta(days=14)
#: Seconds by which clocks may differ: AWS refuses at 300, and headers tell whole seconds.
SKEW = 60.0


class Trouble(StrEnum):
    """Why PUBLIC_URL does not answer."""

    UNREACHABLE = "unreachable"
    EXPIRED = "expired"
    UNTRUSTED = "untrusted"


class Front(Struct, frozen=True, kw_only=True):
    """What PUBLIC_URL answered. `skew`: seconds by which its clock is ahead of ours; `status` is that of /healthz.

    `checks` are the parts that /readyz finds wanting, with what is wrong with them.
    """

    url: str
    trouble: Trouble | None = None
    detail: str = ""
    status: int = 0
    checks: Mapping[str, str] = {}
    expires: datetime | None = None
    skew: float | None = None


def front_judged(front: Front | None, now: datetime, *, by_queue: bool) -> Iterator[Finding]:
    """What PUBLIC_URL leaves to be desired; None: it is not set, which is fine where queues are."""
    if front is None:
        if not by_queue:
            yield Finding(
                Code.NO_PUBLIC_URL,
                "PUBLIC_URL is not set: nobody can say whether SNS posts to the right address.",
                "set PUBLIC_URL in .env to the https address at which the outside reaches this service",
                "the address of this service",
            )
        return
    if not front.url.startswith("https://"):
        yield Finding(
            Code.NOT_HTTPS,
            f"PUBLIC_URL is not https: SNS posts addresses of recipients to {front.url} in the clear.",
            "put a proxy with a certificate before the service, and set PUBLIC_URL to its https address",
            "an https address",
        )
    if front.trouble or front.status != 200:
        yield _not_answering(front)
        return
    if front.expires and front.expires - now < SOON:
        yield Finding(
            Code.CERTIFICATE_EXPIRES,
            f"The certificate of {front.url} expires on {front.expires:%Y-%m-%d}: SNS delivers nothing from then on.",
            "renew the certificate, and see why that did not happen by itself",
            f"valid for more than {SOON.days} days",
        )
    for name, problem in front.checks.items():
        yield Finding(
            Code.NOT_READY,
            f"{front.url}/readyz says of {name}: {problem.rstrip('.')}.",
            "start the database of that server, or correct its MONGODB_URI"
            if name == "mongodb"
            else "see that server's log",
            "ready",
        )


def _not_answering(front: Front) -> Finding:
    if front.trouble is Trouble.EXPIRED:
        sentence = f"The certificate of {front.url} has expired: SNS delivers nothing."
        return Finding(Code.CERTIFICATE_EXPIRED, sentence, "renew the certificate", "a certificate that is valid")
    if front.trouble is Trouble.UNTRUSTED:
        sentence = f"The certificate of {front.url} is not to be trusted, so SNS delivers nothing: {front.detail}."
        fix = "get a certificate for this name from an authority that everybody trusts, and serve its whole chain"
        return Finding(Code.CERTIFICATE_BAD, sentence, fix, "a certificate that SNS trusts")
    why = front.detail or f"/healthz answers {front.status}"
    return Finding(
        Code.NOT_ANSWERING,
        f"{front.url} does not answer as this service does: {why}.",
        "start the server, and see that its proxy and firewall let the outside in; or correct PUBLIC_URL",
        "/healthz answers 200",
    )


def clocks_judged(amazon: float | None, front: float | None) -> Iterator[Finding]:
    """What differs between clocks: seconds by which AWS's and that of PUBLIC_URL are ahead of ours, None: not known."""
    if amazon is not None and abs(amazon) > SKEW:
        yield _skewed("This machine", -amazon)
    ahead = None if front is None else front - (amazon or 0.0)
    if ahead is not None and abs(ahead) > SKEW:
        yield _skewed("The machine behind PUBLIC_URL", ahead)


def _skewed(who: str, ahead: float) -> Finding:
    return Finding(
        Code.CLOCK_SKEW,
        f"{who} has a clock that is {abs(ahead):,.0f} seconds {'ahead' if ahead > 0 else 'behind'}:"
        " AWS refuses calls, and messages look too old or from the future.",
        "start a time service there (chrony, systemd-timesyncd)",
        f"within {SKEW:.0f} seconds",
    )


def domains_judged(
    registered: Mapping[str, bool], where: Mapping[str, Sequence[str]], regions: Sequence[str]
) -> Iterator[Finding]:
    """Which domains only one side knows.

    `registered` says of each domain here whether it should be in SES; `where` of each that SES has in which of the
    `regions` that were looked at.
    """
    gone = sorted(name for name, wanted in registered.items() if wanted and name not in where)
    strange = sorted(where.keys() - registered.keys())
    if gone:
        yield Finding(
            Code.NOT_IN_SES,
            f"SES has no identity in {_told(regions, 'or')} for {len(gone):,} of the domains registered here:"
            f" {listed(gone)}.",
            f"POST /api/email-domains/{gone[0]}/verify registers it again; or remove the domain",
            "an identity for each",
        )
    if strange:
        there = [region for region in regions if any(region in where[name] for name in strange)]
        one = len(strange) == 1
        yield Finding(
            Code.NOT_REGISTERED,
            f"SES has {len(strange):,} domain {'identity' if one else 'identities'} in {_told(there, 'and')}"
            f" that {'is' if one else 'are'} not registered here: {listed(strange)}.",
            f"POST /api/email-domains with {'it' if one else 'each'}, if it is to be followed",
            "registered here",
        )


def _told(regions: Sequence[str], last: str) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *before, final = regions
    return f"{', '.join(before)} {last} {final}" if before else final
