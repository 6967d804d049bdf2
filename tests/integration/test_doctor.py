"""The DNS doctor, through real DNS: each mistake in a zone of its own, on name servers of this machine."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

import dns.flags
import dns.message
import dns.rcode
import pytest

from tests.fakes_dns.server import DnsServer, Respond, Table, name_server, resolver, servers_at_one_port
from tests.fakes_dns.zones import OTHER_TOKEN, TOKENS, apex, changed, document, right
from webhook.adapters.dns.addresses import is_public
from webhook.adapters.dns.addresses import resolver as resolver_of
from webhook.adapters.dns.inquiry import DnsAsker
from webhook.adapters.names import DomainNames
from webhook.cli.diagnose import show
from webhook.doctor import Consultation, DnsDoctor, organisations
from webhook.domain.dns.mistakes import Mistake
from webhook.domain.names import DomainName
from webhook.errors import NotFound

NOW = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
DKIM = "{t}._domainkey.{d}"
BOUNCE = "bounce.{d}"
DMARC = "_dmarc.{d}"


class Wrong(NamedTuple):
    """How a zone differs from the right one, and what is to be found at which record."""

    mistake: Mistake
    record: str
    without: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    advice: str = ""
    status: str = "wrong"
    servers: tuple[str, ...] = ("ns1",)


def dkim(mistake: Mistake, *extra: str, advice: str = "", status: str = "wrong") -> Wrong:
    """A zone in which the first DKIM record is replaced."""
    return Wrong(mistake, f"CNAME {DKIM}", (f"{DKIM} ",), extra, advice, status)


def mx(mistake: Mistake, *extra: str, advice: str = "", status: str = "wrong") -> Wrong:
    return Wrong(mistake, f"MX {BOUNCE}", (f"{BOUNCE} 300 MX",), extra, advice, status)


def spf(mistake: Mistake, *extra: str, advice: str = "", status: str = "wrong") -> Wrong:
    return Wrong(mistake, f"TXT {BOUNCE}", (f"{BOUNCE} 300 TXT",), extra, advice, status)


def spf_text(mistake: Mistake, text: str, advice: str = "") -> Wrong:
    return spf(mistake, f'{BOUNCE} 300 TXT "{text}"', advice=advice)


def dmarc(mistake: Mistake, *extra: str, advice: str = "", status: str = "wrong") -> Wrong:
    return Wrong(mistake, f"TXT {DMARC}", (f"{DMARC} ",), extra, advice, status)


def dmarc_text(mistake: Mistake, text: str, advice: str = "", status: str = "wrong") -> Wrong:
    return dmarc(mistake, f'{DMARC} 300 TXT "{text}"', advice=advice, status=status)


TARGET = "{t}.dkim.amazonses.com"
AT = f"{DKIM} 300"
WRONGS = {
    "nothing": dkim(Mistake.RECORD_MISSING, advice="enter {t}._domainkey as its name", status="missing"),
    "doubled": dkim(
        Mistake.DOUBLED_DOMAIN,
        "{t}._domainkey.{d}.{d} 300 CNAME " + TARGET + ".",
        advice="Change the record's name to {t}._domainkey.",
        status="missing",
    ),
    "label-left-out": dkim(
        Mistake.WRONG_LABEL, "{t}.{d} 300 CNAME " + TARGET + ".", advice="stands at {t}.{d}", status="missing"
    ),
    "label-misspelt": dkim(Mistake.WRONG_LABEL, "{t}.domainkey.{d} 300 CNAME " + TARGET + ".", status="missing"),
    "token-left-out": dkim(Mistake.WRONG_LABEL, "_domainkey.{d} 300 CNAME " + TARGET + ".", status="missing"),
    "cloudflare": dkim(Mistake.PROXIED, f"{AT} A 104.21.3.4", f"{AT} A 172.67.8.9", advice="Cloudflare"),
    "cloudflare-v6": dkim(Mistake.PROXIED, f"{AT} AAAA 2606:4700:3030::6815:304", advice="Cloudflare"),
    "cdn-target": dkim(Mistake.PROXIED, f"{AT} CNAME {DKIM}.cdn.cloudflare.net.", advice="Switch the proxy off"),
    "flattened": dkim(Mistake.FLATTENED, f'{AT} TXT "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"'),
    "address": dkim(Mistake.ADDRESS_INSTEAD, f"{AT} A 198.51.100.7", advice="Delete it and add a CNAME"),
    "text": dkim(Mistake.TEXT_INSTEAD, f'{AT} TXT "{TARGET}"', advice="TXT record instead of a CNAME"),
    "wildcard-address": dkim(Mistake.WILDCARD, "*._domainkey.{d} 300 A 198.51.100.7", advice="wildcard"),
    "wildcard-cname": dkim(Mistake.WILDCARD, "*._domainkey.{d} 300 CNAME parking.example."),
    "target-doubled": dkim(
        Mistake.TARGET_DOUBLED, f"{AT} CNAME {TARGET}.{{d}}.", advice="added .target-doubled.test to the value"
    ),
    "quoted": dkim(Mistake.STRAY_CHARACTERS, f'{AT} CNAME \\"{TARGET}\\".', advice="Change it to {t}.dkim"),
    "blank": dkim(Mistake.STRAY_CHARACTERS, f"{AT} CNAME \\032{TARGET}."),
    "url": dkim(Mistake.STRAY_CHARACTERS, f"{AT} CNAME https://{TARGET}."),
    "region": dkim(Mistake.WRONG_REGION, f"{AT} CNAME {{t}}.dkim.eu-south-1.amazonses.com."),
    "swapped": dkim(Mistake.TOKENS_SWAPPED, f"{AT} CNAME {{u}}.dkim.amazonses.com."),
    "old": dkim(Mistake.OLD_REGISTRATION, f"{AT} CNAME {{other}}.dkim.amazonses.com."),
    "typo": dkim(Mistake.TARGET_TYPO, f"{AT} CNAME {{t}}.dkim.amazonsse.com."),
    "token-typo": dkim(Mistake.TARGET_TYPO, f"{AT} CNAME {TOKENS[0][:-1]}x.dkim.amazonses.com."),
    "elsewhere": dkim(Mistake.WRONG_TARGET, f"{AT} CNAME selector.mailer.example."),
    "several-cnames": dkim(
        Mistake.SEVERAL_CNAMES, f"{AT} CNAME {TARGET}.", f"{AT} CNAME {{other}}.dkim.amazonses.com.", advice="2 CNAME"
    ),
    "delegated": dkim(
        Mistake.DOMAINKEY_DELEGATED,
        "_domainkey.{d} 300 NS ns2.dns.test.",
        advice="Delete the NS records of _domainkey.{d}",
        status="missing",
    ),
    "delegated-to-nobody": Wrong(
        Mistake.DOMAINKEY_DELEGATED, f"CNAME {DKIM}", (DKIM,), ("_domainkey.{d} 300 NS lost.dns.test.",), "", "unknown"
    ),
    "no-mx": mx(Mistake.RECORD_MISSING, advice="10 feedback-smtp.eu-north-1.amazonses.com", status="missing"),
    "mail-from-cname": Wrong(
        Mistake.MAIL_FROM_CNAME, f"MX {BOUNCE}", (BOUNCE,), (f"{BOUNCE} 300 CNAME mail.hoster.example.",), "Delete"
    ),
    "two-mx": mx(
        Mistake.SEVERAL_MX,
        f"{BOUNCE} 300 MX 10 feedback-smtp.eu-north-1.amazonses.com.",
        f"{BOUNCE} 300 MX 20 mx.{{d}}.",
        advice="2 MX records",
    ),
    "mx-elsewhere": mx(Mistake.WRONG_MX, f"{BOUNCE} 300 MX 10 mx.{{d}}."),
    "mx-region": mx(Mistake.WRONG_REGION, f"{BOUNCE} 300 MX 10 feedback-smtp.us-east-1.amazonses.com."),
    "mx-doubled": mx(Mistake.TARGET_DOUBLED, f"{BOUNCE} 300 MX 10 feedback-smtp.eu-north-1.amazonses.com.{{d}}."),
    "mx-inbound": mx(Mistake.INBOUND_MX, f"{BOUNCE} 300 MX 10 inbound-smtp.eu-north-1.amazonaws.com."),
    "mx-address": mx(Mistake.MX_IS_ADDRESS, f"{BOUNCE} 300 MX 10 198.51.100.9."),
    "mx-name-doubled": mx(
        Mistake.DOUBLED_DOMAIN, f"{BOUNCE}.{{d}} 300 MX 10 feedback-smtp.eu-north-1.amazonses.com.", status="missing"
    ),
    "two-spf": spf(
        Mistake.SPF_SEVERAL,
        f'{BOUNCE} 300 TXT "v=spf1 include:amazonses.com ~all"',
        f'{BOUNCE} 300 TXT "v=spf1 ip4:198.51.100.0/24 -all"',
        advice="Join them into one: v=spf1 include:amazonses.com ip4:198.51.100.0/24 ~all",
    ),
    "no-spf": spf(Mistake.RECORD_MISSING, advice="v=spf1 include:amazonses.com ~all", status="missing"),
    "spf-type": spf(Mistake.SPF_RECORD_TYPE, f'{BOUNCE} 300 SPF "v=spf1 include:amazonses.com ~all"'),
    "spf-syntax": spf_text(Mistake.SPF_SYNTAX, "v=spf1 include: amazonses.com ~all", "without a space"),
    "spf-equals": spf_text(Mistake.SPF_SYNTAX, "v=spf1 include=amazonses.com ~all", "Write include:amazonses.com"),
    "spf-quoted": spf_text(Mistake.STRAY_CHARACTERS, '\\"v=spf1 include:amazonses.com ~all\\"'),
    "spf-without": spf_text(Mistake.SPF_WITHOUT_SES, "v=spf1 a mx -all", "v=spf1 include:amazonses.com a mx -all"),
    "spf-after-all": spf_text(Mistake.SPF_AFTER_ALL, "v=spf1 ~all include:amazonses.com", "Move ~all to the end"),
    "spf-open": spf_text(Mistake.SPF_ALLOWS_ALL, "v=spf1 include:amazonses.com +all", "to ~all"),
    "spf-lookups": spf_text(
        Mistake.SPF_TOO_MANY_LOOKUPS, "v=spf1 include:amazonses.com include:many.spf.test ~all", "12 look-ups"
    ),
    "spf-circle": spf_text(Mistake.SPF_TOO_MANY_LOOKUPS, "v=spf1 include:amazonses.com include:circle.spf.test ~all"),
    "spf-void": spf_text(
        Mistake.SPF_VOID_LOOKUPS, "v=spf1 include:amazonses.com a:x1.spf.test a:x2.spf.test mx:x3.spf.test ~all"
    ),
    "spf-include": spf_text(
        Mistake.SPF_INCLUDE_BROKEN, "v=spf1 include:amazonses.com include:gone.spf.test ~all", "include:gone.spf.test"
    ),
    "own-spf": Wrong(
        Mistake.SPF_SEVERAL, "TXT {d}", (), ('{d} 300 TXT "v=spf1 a -all"', '{d} 300 TXT "v=spf1 mx -all"'), "not need"
    ),
    "no-dmarc": dmarc(Mistake.DMARC_MISSING, advice="enter _dmarc", status="missing"),
    "two-dmarc": dmarc(
        Mistake.DMARC_SEVERAL, f'{DMARC} 300 TXT "v=DMARC1; p=none"', f'{DMARC} 300 TXT "v=DMARC1; p=reject"'
    ),
    "dmarc-apex": dmarc(Mistake.DMARC_MISPLACED, '{d} 300 TXT "v=DMARC1; p=none"', status="missing"),
    "dmarc-label": dmarc(Mistake.DMARC_MISPLACED, 'dmarc.{d} 300 TXT "v=DMARC1; p=none"', status="missing"),
    "dmarc-doubled": dmarc(Mistake.DOUBLED_DOMAIN, '_dmarc.{d}.{d} 300 TXT "v=DMARC1; p=none"', status="missing"),
    "dmarc-policy": dmarc_text(Mistake.DMARC_SYNTAX, "v=DMARC1; rua=mailto:a@{d}", "Put p=none"),
    "dmarc-word": dmarc_text(Mistake.DMARC_SYNTAX, "v=DMARC1; p=refuse", "none, quarantine or reject"),
    "dmarc-mailto": dmarc_text(Mistake.DMARC_SYNTAX, "v=DMARC1; p=none; rua=reports@{d}", "mailto:"),
    "dmarc-quoted": dmarc_text(Mistake.DMARC_SYNTAX, '\\"v=DMARC1; p=none\\"', "without quotes"),
    "dmarc-elsewhere": dmarc_text(
        Mistake.DMARC_UNAUTHORISED,
        "v=DMARC1; p=reject; rua=mailto:a@strangers.test",
        "{d}._report._dmarc.strangers.test",
    ),
    "dmarc-no-reports": dmarc_text(Mistake.DMARC_NO_REPORTS, "v=DMARC1; p=reject", status="ok"),
    "dmarc-none": dmarc_text(Mistake.DMARC_NONE, "v=DMARC1; p=none; rua=mailto:a@{d}", status="ok"),
    "stale": Wrong(Mistake.STALE_CACHE, f"CNAME {DKIM}", advice="look again at 14:21 UTC", status="pending"),
    "negative": Wrong(Mistake.NEGATIVE_CACHE, f"CNAME {DKIM}", advice="look again at 14:16 UTC", status="pending"),
    "disagree": Wrong(
        Mistake.SERVERS_DISAGREE, f"CNAME {DKIM}", advice="ns2.dns.test", status="pending", servers=("ns1", "ns2")
    ),
    "lame": Wrong(Mistake.SERVER_LAME, "NS {d}", advice="ns2.dns.test", servers=("ns1", "ns2")),
    "unreachable": Wrong(
        Mistake.SERVERS_UNREACHABLE, f"CNAME {DKIM}", advice="ns3.dns.test", status="unknown", servers=("ns3",)
    ),
    "bogus": Wrong(Mistake.DNSSEC_BOGUS, f"CNAME {DKIM}", advice="DS record"),
}
#: Found otherwise than in a zone of their own: see below.
ELSEWHERE = {
    Mistake.DOMAIN_NOT_FOUND,
    Mistake.NOT_REGISTERED,
    Mistake.REGION_UNKNOWN,
    Mistake.RESOLVERS_UNREACHABLE,
    Mistake.SERVERS_PRIVATE,
    Mistake.SUBDOMAIN_LEFT_OUT,
    Mistake.TOO_SLOW,
}


def domain_of(case: str) -> str:
    return f"{case}.test"


def filled(text: str, domain: str) -> str:
    return text.format(d=domain, t=TOKENS[0], u=TOKENS[1], other=OTHER_TOKEN)


def zone(case: str, wrong: Wrong) -> list[str]:
    domain = domain_of(case)
    return [*apex(domain, *wrong.servers), *changed(right(domain), domain, wrong.without, wrong.extra)]


def world() -> list[str]:
    """All that the first name server has: the cases, and what they refer to."""
    lines = [line for case, wrong in WRONGS.items() for line in zone(case, wrong)]
    for name in ("test", "dns.test", "spf.test", "strangers.test", "amazonses.com", "healthy.test", "parent.test"):
        lines += apex(name)
    lines += [f"ns{number}.dns.test 300 A 127.0.0.{number}" for number in (1, 2, 3)]
    lines += [*right("healthy.test"), "orphan.test 300 NS ns2.dns.test."]
    lines += ['amazonses.com 900 TXT "v=spf1 ip4:199.255.192.0/22 ip4:54.240.0.0/18 -all"']
    lines += [
        'many.spf.test 300 TXT "v=spf1 a:a.spf.test mx:m.spf.test exists:%{i}.spf.test include:more.spf.test -all"'
    ]
    lines += ['more.spf.test 300 TXT "v=spf1 a:a.spf.test a:a.spf.test a:a.spf.test a:a.spf.test a:a.spf.test a -all"']
    lines += ["more.spf.test 300 A 198.51.100.1", "a.spf.test 300 A 198.51.100.1", "m.spf.test 300 MX 10 a.spf.test."]
    lines += ['circle.spf.test 300 TXT "v=spf1 include:circle.spf.test -all"']
    return lines


def stale() -> list[str]:
    """What the resolver still has in its cache."""
    lines = [*apex("stale.test"), *changed(right("stale.test"), "stale.test", (DKIM,))]
    lines += [filled("{t}._domainkey.{d} 1200 CNAME {other}.dkim.amazonses.com.", "stale.test")]
    return [*lines, *apex("negative.test"), *changed(right("negative.test"), "negative.test", (DKIM,))]


def doubting(respond: Respond) -> Respond:
    """A resolver that validates: it fails for bogus.test unless it is told not to check, and always for orphan.test."""

    def validated(query: dns.message.Message) -> dns.message.Message | None:
        name = query.question[0].name.to_text()
        unchecked = query.flags & dns.flags.CD
        if name.endswith("orphan.test.") or (name.endswith("bogus.test.") and not unchecked):
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        return respond(query)

    return validated


class Net(NamedTuple):
    """All servers, and who asks them."""

    port: int
    servers: dict[str, DnsServer]
    resolver: DnsServer

    def asker(self, *, allow_private: bool = True) -> DnsAsker:
        return DnsAsker(
            [f"127.0.0.1:{self.resolver.port}"], monotonic, port=self.port, allow_private=allow_private, seconds=20
        )

    def doctor(self, **settings: Any) -> DnsDoctor:
        return DnsDoctor(self.asker(), lambda: NOW, **settings)

    def records(self, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {f"{one['type']} {one['name']}": one for one in self.doctor().diagnose(asked)["records"]}


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    first = Table(world())
    second = Table([*apex("disagree.test", "ns1", "ns2"), *changed(right("disagree.test"), "disagree.test", (DKIM,))])
    for line in apex("_domainkey.delegated.test", "ns2"):
        second.add(line)
    responds: dict[str, Respond] = {
        "127.0.0.1": name_server(first),
        "127.0.0.2": name_server(second),
        "127.0.0.3": lambda _: None,
    }
    with ExitStack() as stack:
        port, servers = servers_at_one_port(responds, stack)
        cache = stack.enter_context(DnsServer("127.0.0.1", 0, doubting(resolver(Table(stale()), first))))
        yield Net(port, servers, cache)


@pytest.mark.parametrize("case", WRONGS)
def test_each_mistake_is_recognised(net: Net, case: str) -> None:
    wrong, domain = WRONGS[case], domain_of(case)
    found = net.records(document(domain))
    record = found[filled(wrong.record, domain)]
    assert (record["mistake"], record["status"]) == (wrong.mistake.value, wrong.status)
    assert filled(wrong.advice, domain) in record["advice"]
    others = {key: one for key, one in found.items() if one is not record and key.startswith("CNAME")}
    if wrong.mistake not in {Mistake.DOMAINKEY_DELEGATED, Mistake.SERVERS_UNREACHABLE, Mistake.DNSSEC_BOGUS}:
        assert [(key, one["mistake"]) for key, one in others.items() if one["status"] != "ok"] == []


def test_every_mistake_has_a_case() -> None:
    assert {wrong.mistake for wrong in WRONGS.values()} | ELSEWHERE == set(Mistake)


class TestWhatIsRight:
    def test_a_domain_with_all_its_records_is_ok(self, net: Net) -> None:
        told = net.doctor().diagnose(document("healthy.test"))
        assert told["ok"]
        statuses = [record["status"] for record in told["records"]]
        assert statuses == ["ok", "ok", "ok", "ok", "ok", "optional", "ok"]
        assert [record["mistake"] for record in told["records"]] == [None] * 7
        assert set(told["records"][0]) == {"type", "name", "expected", "observed", "status", "mistake", "advice"}

    @pytest.mark.parametrize("case", ["no-dmarc", "own-spf", "dmarc-none", "stale", "negative", "lame"])
    def test_ok_speaks_of_what_ses_needs_at_the_zones_own_servers(self, net: Net, case: str) -> None:
        assert net.doctor().diagnose(document(domain_of(case)))["ok"]

    @pytest.mark.parametrize("case", ["nothing", "no-mx", "spf-without", "disagree", "bogus"])
    def test_one_needed_record_that_is_wrong_is_not_ok(self, net: Net, case: str) -> None:
        assert not net.doctor().diagnose(document(domain_of(case)))["ok"]

    @pytest.mark.parametrize(
        ("case", "ready"), [("no-mx", True), ("stale", True), ("nothing", False), ("disagree", False), ("bogus", False)]
    )
    def test_it_is_ready_once_the_dkim_records_are_right(self, net: Net, case: str, ready: bool) -> None:
        assert net.doctor().ready(document(domain_of(case))) is ready

    def test_a_domain_without_dkim_records_is_not_ready(self, net: Net) -> None:
        assert not net.doctor().ready({"domain": "healthy.test"})


class TestWhatIsNotInAZone:
    def test_a_domain_that_does_not_exist(self, net: Net) -> None:
        told = net.doctor().diagnose(document("expired.test"))
        assert not told["ok"]
        needed = [record for record in told["records"] if record["status"] != "optional"]
        assert {record["mistake"] for record in needed} == {Mistake.DOMAIN_NOT_FOUND.value}
        assert "test does not know the domain" in told["records"][0]["advice"]

    def test_a_domain_whose_name_servers_know_nothing_of_it(self, net: Net) -> None:
        record = net.records(document("orphan.test"))[f"CNAME {TOKENS[0]}._domainkey.orphan.test"]
        assert (record["mistake"], record["status"]) == (Mistake.SERVERS_UNREACHABLE.value, "unknown")
        assert "No name server of orphan.test serves it (ns2.dns.test: refused)" in record["advice"]

    def test_a_domain_that_is_not_registered_with_ses(self, net: Net) -> None:
        told = net.doctor(dmarc_rua="mailto:all@reports.test").diagnose({"domain": "no-dmarc.test"})
        first, *_, dmarc_record = told["records"]
        assert (first["mistake"], first["status"], told["ok"]) == (Mistake.NOT_REGISTERED.value, "unknown", False)
        assert dmarc_record["expected"] == "v=DMARC1; p=none; rua=mailto:all@reports.test"

    def test_a_region_that_nobody_set(self, net: Net) -> None:
        asked = document("healthy.test")
        del asked["awsSes"]["region"]
        assert net.records(asked)["MX bounce.healthy.test"]["mistake"] == Mistake.REGION_UNKNOWN.value
        assert net.doctor(region="eu-north-1").diagnose(asked)["ok"]

    def test_a_subdomain_left_out(self) -> None:
        table = Table(
            [*apex("parent.test"), f"{TOKENS[0]}._domainkey.parent.test 300 CNAME {TOKENS[0]}.dkim.amazonses.com."]
        )
        with ExitStack() as stack:
            port, _ = servers_at_one_port({"127.0.0.1": name_server(table)}, stack)
            both = resolver(table, Table(world()))
            cache = stack.enter_context(DnsServer("127.0.0.1", 0, both))
            doctor = DnsDoctor(
                DnsAsker([f"127.0.0.1:{cache.port}"], monotonic, port=port, allow_private=True), lambda: NOW
            )
            told = doctor.diagnose(document("mail.parent.test"))
        first, second = told["records"][:2]
        assert (first["mistake"], second["mistake"]) == ("subdomain_left_out", "record_missing")
        assert f"enter {TOKENS[0]}._domainkey.mail)" in first["advice"]

    def test_no_resolver_answers(self, net: Net) -> None:
        silent = DnsAsker([f"127.0.0.3:{net.port}"], monotonic, port=net.port, allow_private=True)
        told = DnsDoctor(silent, lambda: NOW).diagnose(document("healthy.test"))
        assert {record["mistake"] for record in told["records"]} == {Mistake.RESOLVERS_UNREACHABLE.value}

    def test_one_resolver_of_two_is_enough(self, net: Net) -> None:
        two = [f"127.0.0.3:{net.port}", f"127.0.0.1:{net.resolver.port}"]
        asker = DnsAsker(two, monotonic, port=net.port, allow_private=True, seconds=20)
        assert DnsDoctor(asker, lambda: NOW).diagnose(document("healthy.test"))["ok"]

    def test_a_subdomain_has_the_dmarc_record_of_its_registered_domain(self, net: Net) -> None:
        found = net.records({"domain": "mail.healthy.test"})
        record = found["TXT _dmarc.mail.healthy.test"]
        assert (record["status"], record["mistake"]) == ("ok", None)
        assert "healthy.test covers this subdomain" in record["advice"]


class TestWhoIsAsked:
    def test_name_servers_at_private_addresses_are_never_asked(self, net: Net) -> None:
        before = list(net.servers["127.0.0.1"].asked)
        doctor = DnsDoctor(net.asker(allow_private=False), lambda: NOW)
        told = doctor.diagnose(document("healthy.test"))
        assert net.servers["127.0.0.1"].asked == before
        assert not told["ok"]
        assert {record["mistake"] for record in told["records"]} == {Mistake.SERVERS_PRIVATE.value}

    def test_what_does_not_fit_into_a_datagram_comes_over_tcp(self) -> None:
        long = " ".join(f"ip4:198.51.100.{number}" for number in range(60))
        parts = " ".join(f'"{part}"' for part in (long[at : at + 250] for at in range(0, len(long), 250)))
        lines = [*apex("long.test"), *right("long.test"), f'long.test 300 TXT "v=spf1 " {parts} " ~all"']
        with ExitStack() as stack:
            port, servers = servers_at_one_port({"127.0.0.1": name_server(Table(lines))}, stack)
            cache = stack.enter_context(DnsServer("127.0.0.1", 0, resolver(Table(lines), Table(world()))))
            asker = DnsAsker([f"127.0.0.1:{cache.port}"], monotonic, port=port, allow_private=True)
            told = DnsDoctor(asker, lambda: NOW).diagnose(document("long.test"))
            assert servers["127.0.0.1"].by_tcp
        assert told["ok"]
        assert long in told["records"][5]["observed"]

    def test_a_healthy_domain_costs_few_questions(self, net: Net) -> None:
        before = len(net.servers["127.0.0.1"].asked)
        net.doctor().diagnose(document("healthy.test"))
        assert len(net.servers["127.0.0.1"].asked) - before <= 10

    def test_what_is_not_asked_in_time_is_not_known(self, net: Net) -> None:
        begun = len(net.resolver.asked)

        def late() -> float:
            """No time is left once the name server's address has been looked up."""
            return 100.0 if "ns1.dns.test A" in net.resolver.asked[begun:] else 0.0

        asker = DnsAsker([f"127.0.0.1:{net.resolver.port}"], late, port=net.port, allow_private=True)
        before = len(net.servers["127.0.0.1"].asked)
        told = DnsDoctor(asker, lambda: NOW).diagnose(document("healthy.test"))
        assert len(net.servers["127.0.0.1"].asked) == before
        assert not told["ok"]
        assert {(record["status"], record["mistake"]) for record in told["records"]} == {("unknown", "too_slow")}

    def test_a_domain_that_makes_resolvers_silent_is_asked_from_above(self) -> None:
        table = Table([*apex("test"), *apex("dns.test"), "silent.test 300 NS ns3.dns.test."])
        for number in (1, 3):
            table.add(f"ns{number}.dns.test 300 A 127.0.0.{number}")
        resolving = resolver(table)

        def waiting(query: dns.message.Message) -> dns.message.Message | None:
            return None if "silent.test" in query.question[0].name.to_text() else resolving(query)

        with ExitStack() as stack:
            port, _ = servers_at_one_port({"127.0.0.1": name_server(table), "127.0.0.3": lambda _: None}, stack)
            caches = [stack.enter_context(DnsServer("127.0.0.1", 0, waiting)) for _ in range(2)]
            addresses = [f"127.0.0.1:{cache.port}" for cache in caches]
            doctor = DnsDoctor(DnsAsker(addresses, monotonic, port=port, allow_private=True, seconds=20), lambda: NOW)
            first = doctor.diagnose(document("silent.test"))["records"][0]
        assert first["mistake"] == "servers_unreachable"
        assert "No name server of silent.test serves it (ns3.dns.test: no answer)" in first["advice"]

    @pytest.mark.parametrize("garbage", [b"", b"\x00", b"nonsense" * 40], ids=["nothing", "a byte", "nonsense"])
    def test_answers_that_are_none_are_silence(self, net: Net, garbage: bytes) -> None:
        with DnsServer("127.0.0.1", 0, lambda query: garbage and query.to_wire()[:2] + garbage) as broken:
            asker = DnsAsker([f"127.0.0.1:{broken.port}"], monotonic, port=net.port, allow_private=True, seconds=0.3)
            told = DnsDoctor(asker, lambda: NOW).diagnose(document("healthy.test"))
        assert {record["mistake"] for record in told["records"]} == {"resolvers_unreachable"}

    def test_delegations_and_aliases_in_a_circle_come_to_an_end(self) -> None:
        lines = [*apex("circle.test"), "bounce.circle.test 300 CNAME loop.circle.test.", *apex("dns.test")]
        lines += ["loop.circle.test 300 CNAME bounce.circle.test.", "_domainkey.circle.test 300 NS ns1.dns.test."]
        table = Table([*lines, "ns1.dns.test 300 A 127.0.0.1"])
        with ExitStack() as stack:
            port, _ = servers_at_one_port({"127.0.0.1": name_server(table)}, stack)
            cache = stack.enter_context(DnsServer("127.0.0.1", 0, resolver(table)))
            asker = DnsAsker([f"127.0.0.1:{cache.port}"], monotonic, port=port, allow_private=True, seconds=20)
            told = DnsDoctor(asker, lambda: NOW).diagnose(document("circle.test"))
        mistakes = [record["mistake"] for record in told["records"]]
        assert mistakes[:5] == ["domainkey_delegated"] * 3 + ["mail_from_cname"] * 2


class TestConsultation:
    def consultation(self, net: Net, *documents: dict[str, Any]) -> Consultation:
        held = {one["domain"]: one for one in documents}

        def get(name: str) -> dict[str, Any]:
            if name not in held:
                raise NotFound(name)
            return held[name]

        return Consultation(net.doctor(), lambda text: DomainName(text.lower(), text.lower(), text), get)

    def test_a_domain_of_ours_is_diagnosed_with_all_its_records(self, net: Net) -> None:
        told = self.consultation(net, document("healthy.test")).consult("Healthy.test")
        assert (told["domain"], told["known"], told["ok"], len(told["records"])) == ("healthy.test", True, True, 7)

    def test_a_strangers_domain_is_looked_at_as_far_as_it_can_be(
        self, net: Net, capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = self.consultation(net).consult("healthy.test")
        assert (told["known"], told["ok"]) == (False, False)
        assert show(told, as_json=False) == 1
        assert "only its SPF and DMARC records are looked at" in capsys.readouterr().out

    def test_the_command_says_each_status_in_words_with_the_advice(
        self, net: Net, capsys: pytest.CaptureFixture[str]
    ) -> None:
        consultation = self.consultation(net, document("nothing.test"), document("healthy.test"))
        assert show(consultation.consult("nothing.test"), as_json=False) == 1
        out = capsys.readouterr().out
        assert "missing" in out.splitlines()[1]
        assert f"missing CNAME {TOKENS[0]}._domainkey.nothing.test (record_missing)" in out
        assert f"enter {TOKENS[0]}._domainkey" in out
        assert show(consultation.consult("healthy.test"), as_json=True) == 0
        assert json.loads(capsys.readouterr().out)["ok"] is True

    def test_registered_domains_come_from_the_list_or_are_guessed(self) -> None:
        organisation = organisations(DomainNames().parse)
        assert organisation("mail.example.co.uk") == "example.co.uk"
        assert organisation("co.uk") == "co.uk"


PUBLIC = ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
PRIVATE = [
    *("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1"),
    *(
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "::",
        "ff02::1",
        "255.255.255.255",
    ),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_never_asked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("[2001:db8::1]", "2001:db8::1", 53),
    ],
)
def test_resolvers_as_they_are_written(text: str, address: str, port: int) -> None:
    assert (resolver_of(text).address, resolver_of(text).port) == (address, port)
