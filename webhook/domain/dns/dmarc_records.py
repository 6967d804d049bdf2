"""What can be wrong with a domain's DMARC record."""

from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from webhook.domain.dns.assessment import Case, Finding, Status, conclude
from webhook.domain.dns.dmarc import dmarc_like, parse, report_domains
from webhook.domain.dns.lookups import Answer, Kind
from webhook.domain.dns.misplacement import misplaced
from webhook.domain.dns.mistakes import Hit, Mistake, hit


def judge_dmarc(case: Case) -> Finding:
    """What is found of the DMARC record; a subdomain without one has that of its registered domain."""
    seen = case.book.everywhere(case.expected.name, Kind.TXT)
    judged = conclude(case, seen, partial(_examine, case), dmarc_like)
    if judged.mistake is Mistake.DMARC_MISSING and (above := _inherited(case)):
        advice = f"Not needed: the DMARC record of {case.organisation(case.domain)} covers this subdomain."
        return replace(judged, status=Status.OK, mistake=None, observed=above, advice=advice, right=True)
    return judged


def _inherited(case: Case) -> str:
    above = case.organisation(case.domain)
    if above == case.domain:
        return ""
    texts = case.book.public(f"_dmarc.{above}", Kind.TXT).values
    records = [text for text in texts if dmarc_like(text)]
    return records[0] if len(records) == 1 and isinstance(parse(records[0]), dict) else ""


def _examine(case: Case, answer: Answer) -> Hit | None:
    records = [text for text in answer.values if dmarc_like(text)]
    if len(records) > 1:
        return hit(Mistake.DMARC_SEVERAL, count=len(records))
    if not records:
        return _missing(case)
    tags = parse(records[0])
    return tags if isinstance(tags, Hit) else _read(case, tags)


def _missing(case: Case) -> Hit:
    wrong = [case.domain, f"dmarc.{case.domain}", f"_domainkey.{case.domain}", f"_dmarc._domainkey.{case.domain}"]
    elsewhere = misplaced(case, dmarc_like, wrong)
    if elsewhere and elsewhere.mistake is Mistake.WRONG_LABEL:
        return hit(Mistake.DMARC_MISPLACED, **elsewhere.fields)
    # That of the zone above is not misplaced: it covers the subdomain.
    if elsewhere and elsewhere.mistake is Mistake.DOUBLED_DOMAIN:
        return elsewhere
    return case.absent(Mistake.DMARC_MISSING)


def _read(case: Case, tags: Mapping[str, str]) -> Hit | None:
    for domain in report_domains(tags):
        if case.organisation(domain) == case.organisation(case.domain):
            continue
        record = f"{case.domain}._report._dmarc.{domain}"
        answer = case.book.public(record, Kind.TXT)
        if answer.spoke and not any(map(dmarc_like, answer.values)):
            return hit(Mistake.DMARC_UNAUTHORISED, found=domain, owner=domain, record=record)
    if "rua" not in tags:
        return hit(Mistake.DMARC_NO_REPORTS)
    return hit(Mistake.DMARC_NONE) if tags["p"].lower() == "none" else None
