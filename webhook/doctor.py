"""The DNS doctor: asks name servers and resolvers about a domain's records until the diagnosis is complete."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from webhook.domain.dns.diagnosis import Diagnosis, Organisation, diagnose, two_labels
from webhook.domain.dns.lookups import Question, Seen, Zone
from webhook.domain.dns.records import Expected, Purpose, expected_records, zone_file
from webhook.domain.names import DomainName
from webhook.errors import Invalid, NotFound

Document = dict[str, Any]

#: Rounds of questions; each depends on the answers of the one before (an SPF record's includes go ten deep).
MAX_ROUNDS = 14


class Inquiry(Protocol):
    """The asking about one domain, within its share of time and of questions."""

    @property
    def zone(self) -> Zone:
        """Where the domain's records live."""

    def ask(self, questions: Collection[Question]) -> Mapping[Question, Seen]:
        """The answers to all of them; what cannot be asked any more is answered with silence."""


class Dns(Protocol):
    """Who asks."""

    def inquire(self, domain: str) -> AbstractContextManager[Inquiry]:
        """Finds the domain's zone, and lets it be asked."""


class DnsDoctor:
    """Diagnoses the DNS of domains.

    Args:
        dns: who asks.
        now: the present moment in UTC.
        region: the SES region of domains whose document tells none.
        dmarc_rua: where customers' DMARC reports go.
        organisation: gives the registered domain of a name.
    """

    def __init__(
        self,
        dns: Dns,
        now: Callable[[], datetime],
        *,
        region: str | None = None,
        dmarc_rua: str | None = None,
        organisation: Organisation = two_labels,
    ) -> None:
        self._dns = dns
        self._now = now
        self._region = region
        self._dmarc_rua = dmarc_rua
        self._organisation = organisation

    def diagnose(self, document: Mapping[str, Any], now: datetime | None = None) -> Document:
        """What is right and wrong with the DNS of a domain: `{"records": [...], "ok"}` as the API gives it.

        Takes a document of `emaildomains`; `{"domain": name}` will do, then there are no DKIM records to compare.
        Takes about five seconds at most, and raises nothing because of DNS.
        """
        return self._examine(document, self._expected(document), now or self._now()).told()

    def ready(self, document: Mapping[str, Any]) -> bool:
        """Whether all DKIM records are right at all of the zone's name servers, so that SES can see them."""
        expected = [one for one in self._expected(document) if one.purpose is Purpose.DKIM]
        if not all(one.value for one in expected):
            return False
        return self._examine(document, expected, self._now()).ok

    def zone_file(self, document: Mapping[str, Any]) -> str:
        """The domain's records as a zone file."""
        return zone_file(document, region=self._region, dmarc_rua=self._dmarc_rua)

    def _expected(self, document: Mapping[str, Any]) -> tuple[Expected, ...]:
        return expected_records(document, region=self._region, dmarc_rua=self._dmarc_rua)

    def _examine(self, document: Mapping[str, Any], expected: Sequence[Expected], now: datetime) -> Diagnosis:
        domain = str(document["domain"]).lower()
        known: dict[Question, Seen] = {}
        with self._dns.inquire(domain) as inquiry:
            diagnosis = diagnose(domain, expected, inquiry.zone, known, now, self._organisation)
            for _ in range(MAX_ROUNDS):
                if not diagnosis.wanted:
                    break
                known.update(inquiry.ask(diagnosis.wanted))
                diagnosis = diagnose(domain, expected, inquiry.zone, known, now, self._organisation)
        return diagnosis


class Consultation:
    """Diagnoses by name: a domain of ours with all its records, any other with what can be said without SES.

    Args:
        doctor: who diagnoses.
        parse: reads a domain's name; raises Invalid.
        get: finds its document; raises NotFound.
    """

    def __init__(self, doctor: DnsDoctor, parse: Callable[[str], DomainName], get: Callable[[str], Document]) -> None:
        self._doctor = doctor
        self._parse = parse
        self._get = get

    def consult(self, text: str) -> Document:
        """`{"domain", "known", "records", "ok"}`; `known` is false of a domain that is not ours. Raises Invalid."""
        name = self._parse(text).name
        try:
            document, known = self._get(name), True
        except NotFound:
            document, known = {"domain": name}, False
        return {"domain": name, "known": known, **self._doctor.diagnose(document)}


def organisations(parse: Callable[[str], DomainName]) -> Organisation:
    """Gives registered domains by what reads names; of what that refuses, the last two labels."""

    def organisation(name: str) -> str:
        try:
            return parse(name).registrable
        except Invalid:
            return two_labels(name)

    return organisation
