"""What can be wrong with an SPF record: that of a MAIL FROM domain, which SES needs, and the domain's own."""

from functools import partial

from msgspec.structs import replace

from webhook.domain.dns.assessment import Case, Finding, Status, conclude
from webhook.domain.dns.lookups import Answer, Kind
from webhook.domain.dns.misplacement import misplaced
from webhook.domain.dns.mistakes import Hit, Mistake, hit
from webhook.domain.dns.records import Purpose
from webhook.domain.dns.spf import MAX_LOOKUPS, MAX_VOIDS, Term, cost, joined, parse, spf_like, with_ses

_STRAY = " \t\"'“”"
_OPTIONAL = (
    "Not needed: mail through SES is judged by the SPF record of its MAIL FROM domain. Other servers that send in this "
    "name may need one."
)


def judge_spf(case: Case) -> Finding:
    """What is found of the domain's own SPF record: none is fine, a broken one is not."""
    seen = case.book.everywhere(case.expected.name, Kind.TXT)
    judged = conclude(case, seen, partial(_examine_own, case), spf_like)
    if judged.status is Status.OK and judged.observed is None:
        return replace(judged, status=Status.OPTIONAL, advice=_OPTIONAL)
    if judged.status is Status.WRONG:
        return replace(judged, advice=f"{judged.advice} SES does not need this record, other mail does.")
    return judged


def _examine_own(case: Case, answer: Answer) -> Hit | None:
    if any(map(spf_like, answer.values)):
        return examine_spf(case, answer)
    return _of_old_type(case)


def examine_spf(case: Case, answer: Answer) -> Hit | None:
    """The mistake in what a name's TXT records say of SPF."""
    records = [text for text in answer.values if spf_like(text)]
    if not records:
        return _missing(case)
    if len(records) > 1:
        return hit(Mistake.SPF_SEVERAL, count=len(records), joined=joined(records))
    record = records[0]
    # Blanks at the end do no harm (RFC 7208, 4.5).
    if record.strip(_STRAY) != record.rstrip():
        return hit(Mistake.STRAY_CHARACTERS, found=record, expected=record.strip(_STRAY))
    terms = parse(record)
    return terms if isinstance(terms, Hit) else _read(case, record, terms)


def _missing(case: Case) -> Hit:
    if one := _of_old_type(case):
        return one
    elsewhere = misplaced(case, lambda value: spf_like(value) and "amazonses.com" in value.lower())
    return elsewhere or case.absent()


def _of_old_type(case: Case) -> Hit | None:
    old = case.book.probe(case.expected.name, Kind.SPF).values
    return hit(Mistake.SPF_RECORD_TYPE, found=old[0], observed=f"SPF {old[0]}") if old else None


def _read(case: Case, record: str, terms: tuple[Term, ...]) -> Hit | None:
    ending = next((at for at, term in enumerate(terms) if term.name == "all"), len(terms))
    behind = [term for term in terms[ending + 1 :] if term.name not in {"redirect", "exp"}]
    if behind:
        return hit(Mistake.SPF_AFTER_ALL, term=behind[0].text, all=terms[ending].text)
    if case.expected.purpose is Purpose.MAIL_FROM_SPF and not _lets_ses_send(case, terms):
        return hit(Mistake.SPF_WITHOUT_SES, suggested=with_ses(record))
    if ending < len(terms) and terms[ending].qualifier == "+":
        return hit(Mistake.SPF_ALLOWS_ALL, all=terms[ending].text)
    return _costs(case, terms)


def _lets_ses_send(case: Case, terms: tuple[Term, ...]) -> bool:
    """Whether SES is included, by the record itself or by one that it includes."""
    passing = [term for term in terms if term.qualifier == "+" or term.name == "redirect"]
    names = {term.host for term in passing if term.name in {"include", "redirect"}}
    if "amazonses.com" in names:
        return True
    answers = [case.book.public(name, Kind.TXT) for name in names if "%" not in name]
    # What could not be asked is not held against anybody.
    return any(not answer.spoke or "include:amazonses.com" in " ".join(answer.values).lower() for answer in answers)


def _costs(case: Case, terms: tuple[Term, ...]) -> Hit | None:
    needed = cost(terms, case.expected.name, case.book)
    if needed.broken:
        return hit(Mistake.SPF_INCLUDE_BROKEN, found=needed.broken[0])
    if needed.lookups > MAX_LOOKUPS:
        return hit(Mistake.SPF_TOO_MANY_LOOKUPS, count=needed.lookups, most=" and ".join(needed.most))
    if len(needed.voids) > MAX_VOIDS:
        return hit(Mistake.SPF_VOID_LOOKUPS, count=len(needed.voids), names=", ".join(needed.voids))
    return None
