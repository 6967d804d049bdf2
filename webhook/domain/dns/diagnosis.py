"""The diagnosis of a domain's DNS: what is expected and what was answered give findings, and what to ask next. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from webhook.domain.dns.assessment import Case, Finding, Status, advise
from webhook.domain.dns.dkim_records import judge_dkim
from webhook.domain.dns.dmarc_records import judge_dmarc
from webhook.domain.dns.lookups import Answer, Kind, Notebook, Outcome, Question, Scope, Seen, Zone
from webhook.domain.dns.mail_from_records import judge_mail_from_spf, judge_mx
from webhook.domain.dns.mistakes import Mistake, hit
from webhook.domain.dns.records import Expected, Purpose
from webhook.domain.dns.spf_records import judge_spf

Organisation = Callable[[str], str]


class Diagnosis(Struct, frozen=True):
    """Findings, and the questions whose answers would tell more; it is complete once there are none.

    `ok`: all records that SES needs are right at all of the zone's name servers.
    """

    findings: tuple[Finding, ...]
    ok: bool
    wanted: frozenset[Question]

    def told(self) -> dict[str, Any]:
        """The diagnosis as the API gives it."""
        return {"records": [_told(one) for one in self.findings], "ok": self.ok}


def two_labels(name: str) -> str:
    """The last two labels of a name: its registered domain, where nothing better is known."""
    return ".".join(name.split(".")[-2:])


def diagnose(
    domain: str,
    expected: Sequence[Expected],
    zone: Zone,
    known: Mapping[Question, Seen],
    now: datetime,
    organisation: Organisation = two_labels,
) -> Diagnosis:
    """What can be said by what is known so far. Never raises, whatever the servers answered.

    Args:
        domain: whose records they are.
        expected: the records.
        zone: where they live.
        known: the answers so far; begin with none, and ask for what the diagnosis wants.
        now: the moment, in UTC.
        organisation: gives the registered domain of a name (`example.co.uk` of `mail.example.co.uk`).
    """
    book = Notebook(known)
    cases = [Case(record, domain, zone, book, now, organisation) for record in expected]
    findings = [_judge(case, expected) for case in cases]
    ok = all(found.right for case, found in zip(cases, findings, strict=True) if case.expected.needed)
    return Diagnosis((*findings, *_lame(cases[0], known)), ok, frozenset(book.wanted))


def _judge(case: Case, expected: Sequence[Expected]) -> Finding:
    match case.expected.purpose:
        case Purpose.DKIM:
            others = {one.value for one in expected if one.purpose is Purpose.DKIM} - {case.expected.value}
            return judge_dkim(case, frozenset(others))
        case Purpose.MAIL_FROM_MX:
            return judge_mx(case)
        case Purpose.MAIL_FROM_SPF:
            return judge_mail_from_spf(case)
        case Purpose.SPF:
            return judge_spf(case)
        case Purpose.DMARC:
            return judge_dmarc(case)


def _lame(case: Case, known: Mapping[Question, Seen]) -> list[Finding]:
    """Name servers that never spoke, where others did."""
    heard: dict[str, list[Answer]] = {}
    for question, seen in known.items():
        if question.scope is Scope.EVERYWHERE:
            for answer in seen.authoritative:
                if not answer.delegated and answer.outcome is not Outcome.UNASKED:
                    heard.setdefault(answer.server, []).append(answer)
    mute = {server: answers for server, answers in heard.items() if not any(answer.spoke for answer in answers)}
    if len(mute) == len(heard):
        return []
    return [_lame_server(case, server, answers[0].outcome) for server, answers in sorted(mute.items())]


def _lame_server(case: Case, server: str, outcome: Outcome) -> Finding:
    advice = advise(case, hit(Mistake.SERVER_LAME, found=server, how=outcome.value))
    name = case.zone.name
    return Finding(Kind.NS.value, name, "", server, Status.WRONG, Mistake.SERVER_LAME, advice, right=False)


def _told(found: Finding) -> dict[str, Any]:
    return {
        "type": found.type,
        "name": found.name,
        "expected": found.expected,
        "observed": found.observed,
        "status": found.status.value,
        "mistake": found.mistake.value if found.mistake else None,
        "advice": found.advice,
    }
