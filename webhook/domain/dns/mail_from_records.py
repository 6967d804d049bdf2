"""What can be wrong with the records of a custom MAIL FROM domain: its one MX record, and its SPF record."""

import re
from functools import partial
from ipaddress import ip_address

from webhook.domain.dns.assessment import Case, Finding, Status, conclude, finding
from webhook.domain.dns.lookups import Answer, Kind
from webhook.domain.dns.misplacement import misplaced, stray_characters
from webhook.domain.dns.mistakes import Hit, Mistake, hit
from webhook.domain.dns.spf import spf_like
from webhook.domain.dns.spf_records import examine_spf

_FEEDBACK = re.compile(r"feedback-smtp\.[a-z0-9-]+\.amazonses\.com")
_INBOUND = re.compile(r"inbound-smtp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


def judge_mx(case: Case) -> Finding:
    """What is found of the MX record."""
    if not case.expected.value:
        return finding(case, Status.UNKNOWN, None, hit(Mistake.REGION_UNKNOWN))
    return conclude(case, case.book.everywhere(case.expected.name, Kind.MX), partial(_examine, case))


def judge_mail_from_spf(case: Case) -> Finding:
    """What is found of the SPF record of the MAIL FROM domain."""
    seen = case.book.everywhere(case.expected.name, Kind.TXT)
    return conclude(case, seen, partial(_examine_spf, case), spf_like)


def _examine_spf(case: Case, answer: Answer) -> Hit | None:
    return _cname(answer) or examine_spf(case, answer)


def _cname(answer: Answer) -> Hit | None:
    return hit(Mistake.MAIL_FROM_CNAME, found=answer.chain[0]) if answer.chain else None


def _examine(case: Case, answer: Answer) -> Hit | None:
    expected = host_of(case.expected.value)
    hosts = [host_of(value) for value in answer.values]
    if answer.chain:
        return _cname(answer)
    if len(hosts) > 1:
        return hit(Mistake.SEVERAL_MX, count=len(hosts))
    # The priority does not matter where there is one record only.
    if hosts:
        return None if hosts[0] == expected else _wrong_host(hosts[0], expected)
    elsewhere = misplaced(case, lambda value: host_of(value).startswith(expected))
    return elsewhere or case.absent()


def _wrong_host(host: str, expected: str) -> Hit:
    if one := stray_characters(host, expected):
        return one
    if host.startswith(f"{expected}."):
        return hit(Mistake.TARGET_DOUBLED, suffix=host.removeprefix(expected))
    for pattern, mistake in ((_FEEDBACK, Mistake.WRONG_REGION), (_INBOUND, Mistake.INBOUND_MX)):
        if pattern.fullmatch(host):
            return hit(mistake, found=host)
    return hit(Mistake.MX_IS_ADDRESS if _is_address(host) else Mistake.WRONG_MX, found=host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def host_of(value: str) -> str:
    """The host of an MX record, in lower case."""
    return value.partition(" ")[2].lower()
