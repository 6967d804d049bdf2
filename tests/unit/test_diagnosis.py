"""Reading SPF and DMARC, counting look-ups, whose addresses these are, and diagnoses of any answers at all."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes_dns.zones import TOKENS, document
from webhook.children import ROOT
from webhook.doctor import MAX_ROUNDS
from webhook.domain.dns import dmarc, spf
from webhook.domain.dns.assessment import moment
from webhook.domain.dns.diagnosis import Diagnosis, diagnose, two_labels
from webhook.domain.dns.hosts import dns_host, proxy
from webhook.domain.dns.lookups import Answer, Kind, Notebook, Outcome, Question, Scope, Seen, Zone, possible
from webhook.domain.dns.misplacement import plain
from webhook.domain.dns.mistakes import ADVICE, Hit, Mistake
from webhook.domain.dns.records import expected_records

NOW = datetime(2026, 3, 10, 14, 0, 30, tzinfo=UTC)
DOMAIN = "example.com"
SPF = "v=spf1 include:amazonses.com ~all"


def seen(*values: str, outcome: Outcome = Outcome.FOUND) -> Seen:
    answer = Answer(outcome, values, 300, "ns1.example.net")
    return Seen((answer,), (answer,))


def published(texts: dict[str, str]) -> Notebook:
    """A notebook in which these names have these TXT records, and all others nothing."""
    kinds = (Kind.TXT, Kind.A, Kind.AAAA, Kind.MX)
    names = [*texts, "there.example", "void1.example", "void2.example", "void3.example", DOMAIN]
    known = {Question(name, kind, Scope.PUBLIC): seen(outcome=Outcome.NO_SUCH_NAME) for name in names for kind in kinds}
    known |= {Question(name, Kind.TXT, Scope.PUBLIC): seen(text) for name, text in texts.items()}
    known |= {Question("there.example", kind, Scope.PUBLIC): seen("198.51.100.1") for kind in kinds}
    return Notebook(known)


# -- SPF


READABLE = [
    "v=spf1",
    "v=spf1 -all",
    "V=SPF1 Include:amazonses.com ~ALL",
    "v=spf1  a   mx  ~all ",
    "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 a/24 mx//64 a:b.example/24 ?all",
    "v=spf1 exists:%{i}._spf.%{d} redirect=_spf.example.com",
    "v=spf1 ptr ptr:example.com exp=explain.example.com unknown=whatever -all",
]
UNREADABLE = {
    "v=spf1;include:amazonses.com": "does not begin",
    '"v=spf1 ~all"': "does not begin",
    "v=spf2 ~all": "does not begin",
    "v=spf1 include:": "nothing stands behind",
    "v=spf1 include: amazonses.com": "nothing stands behind",
    "v=spf1 include": "nothing stands behind",
    "v=spf1 amazonses.com": "no SPF term",
    "v=spf1 include=amazonses.com": "= instead of :",
    "v=spf1 ip4:300.1.2.3": "no address for ip4",
    "v=spf1 ip4:2001:db8::1": "no address for ip4",
    "v=spf1 ip6:198.51.100.1": "no address for ip6",
    "v=spf1 ipv4:198.51.100.1": "no SPF term",
    "v=spf1 a,mx": "no SPF term",
    "v=spf1 all:yes": "no SPF term",
    "v=spf1 ~al": "no SPF term",
}


@pytest.mark.parametrize("record", READABLE)
def test_an_spf_record_that_can_be_read(record: str) -> None:
    assert isinstance(spf.parse(record), tuple)


@pytest.mark.parametrize("record", UNREADABLE)
def test_an_spf_record_that_cannot_be_read(record: str) -> None:
    read = spf.parse(record)
    assert isinstance(read, Hit)
    assert UNREADABLE[record] in read.fields["problem"]


def cost(record: str, **texts: str) -> spf.Cost:
    terms = spf.parse(record)
    assert isinstance(terms, tuple)
    return spf.cost(terms, DOMAIN, published({f"{name}.example": text for name, text in texts.items()}))


COSTS = [
    pytest.param("v=spf1 ip4:198.51.100.1 ip6:2001:db8::1 -all", {}, 0, id="addresses are free"),
    pytest.param("v=spf1 a:there.example mx:there.example exists:%{i}.x ptr -all", {}, 4, id="these four cost"),
    pytest.param("v=spf1 include:x.example -all", {"x": "v=spf1 a:there.example -all"}, 2, id="an include and its own"),
    pytest.param(
        "v=spf1 include:x.example include:x.example", {"x": "v=spf1 -all"}, 2, id="twice the same costs twice"
    ),
    pytest.param("v=spf1 redirect=x.example", {"x": "v=spf1 a:there.example"}, 2, id="a redirect is followed"),
    pytest.param("v=spf1 -all redirect=x.example", {"x": "v=spf1 a:there.example"}, 0, id="but not beside all"),
    pytest.param("v=spf1 include:%{d}.x -all", {}, 1, id="macros are not followed"),
]


@pytest.mark.parametrize(("record", "texts", "lookups"), COSTS)
def test_what_a_record_costs(record: str, texts: dict[str, str], lookups: int) -> None:
    assert cost(record, **texts).lookups == lookups


def test_includes_in_a_circle_come_to_an_end() -> None:
    both = {"x": "v=spf1 include:y.example include:y.example", "y": "v=spf1 include:x.example include:x.example"}
    assert spf.MAX_LOOKUPS < cost("v=spf1 include:x.example", **both).lookups < 50


def test_names_that_are_not_there_are_counted_once_each() -> None:
    needed = cost("v=spf1 a:void1.example a:void1.example mx:void2.example a:there.example -all")
    assert needed.voids == ("void1.example", "void2.example")


def test_an_include_without_a_record_is_broken() -> None:
    assert cost("v=spf1 include:void1.example -all").broken == ("void1.example",)
    assert cost("v=spf1 include:x.example -all", x="v=spf1 nonsense").broken == ("x.example",)


def test_what_costs_most_is_named() -> None:
    needed = cost("v=spf1 a:there.example include:x.example -all", x="v=spf1 a:there.example mx:there.example -all")
    assert needed.most[0] == "include:x.example"


def test_records_are_joined_into_one() -> None:
    assert spf.joined(["v=spf1 a mx -all", "v=spf1 include:x.example a ~all"]) == "v=spf1 a mx include:x.example ~all"
    assert spf.joined(["v=spf1 a", "v=spf1 mx"]) == "v=spf1 a mx ~all"
    assert spf.with_ses("v=spf1 -include:amazonses.com mx -all") == "v=spf1 include:amazonses.com mx -all"


@given(st.text(max_size=80).map(lambda text: f"v=spf1 {text}"))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(spf.parse(text), tuple | Hit)


# -- DMARC


@pytest.mark.parametrize(
    "record",
    [
        "v=DMARC1; p=none",
        "v=DMARC1;p=reject;rua=mailto:a@b.example,mailto:c@d.example!10m",
        "v = DMARC1 ; p = Quarantine ; sp=none; pct=50; adkim=s; aspf=r; fo=1;",
    ],
)
def test_a_dmarc_record_that_can_be_read(record: str) -> None:
    assert isinstance(dmarc.parse(record), dict)


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ("v=dmarc1; p=none", "does not begin"),
        ("v=DMARC1, p=none", "does not begin"),
        ('"v=DMARC1; p=none"', "does not begin"),
        ("v=DMARC1", "policy is missing"),
        ("v=DMARC1; none", "no tag"),
        ("v=DMARC1; p=block", "not allowed"),
        ("v=DMARC1; p=none; pct=101", "not allowed"),
        ("v=DMARC1; p=none; adkim=strict", "not allowed"),
        ("v=DMARC1; p=none; rua=a@b.example", "not allowed"),
        ("v=DMARC1; p=none; rua=mailto:a@b.example;c@d.example", "no tag"),
    ],
)
def test_a_dmarc_record_that_cannot_be_read(record: str, problem: str) -> None:
    read = dmarc.parse(record)
    assert isinstance(read, Hit)
    assert problem in read.fields["problem"]


def test_where_reports_go() -> None:
    tags = {"rua": "mailto:a@B.example!10m, mailto:c@b.example,mailto:d@e.example."}
    assert dmarc.report_domains(tags) == ("b.example", "e.example")
    assert dmarc.report_domains({}) == ()


# -- names, addresses, moments


@pytest.mark.parametrize(
    ("addresses", "owner"),
    [
        (["104.16.0.1"], "Cloudflare"),
        (["2606:4700::1"], "Cloudflare"),
        (["198.51.100.1", "151.101.1.1"], "Fastly"),
        (["198.51.100.1"], ""),
        (["no address"], ""),
        ([], ""),
    ],
)
def test_whose_proxy_it_is(addresses: list[str], owner: str) -> None:
    assert proxy(addresses) == owner


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("ada.ns.cloudflare.com", "Cloudflare"),
        ("ns-1.awsdns-01.org", "Route 53"),
        ("NS07.DOMAINCONTROL.COM", "GoDaddy"),
        ("ns1.example.net", ""),
    ],
)
def test_whose_name_servers_these_are(server: str, host: str) -> None:
    assert dns_host([server]) == host


def test_moments_are_whole_minutes_to_come() -> None:
    assert moment(NOW, 1200) == "14:21 UTC"
    assert moment(NOW, -5) == "14:01 UTC"
    assert moment(NOW, 86_400) == "14:01 UTC on 2026-03-11"
    assert moment(NOW, 10**12) == "14:01 UTC on 2026-03-17"


def test_names_that_dns_cannot_hold() -> None:
    assert possible("_dmarc.example.com")
    bad = ["", "a..b", ".a", "a.", "x" * 64, ".".join(["x" * 63] * 4), "bücher.example"]
    assert not any(map(possible, bad))


def test_names_are_shown_as_they_were_typed() -> None:
    assert plain(r"\"a\032b\"") == '"a b"'


# -- diagnoses


def examined(answers: dict[tuple[str, Kind], Seen], zone: Zone, asked: dict[str, object]) -> Diagnosis:
    known: dict[Question, Seen] = {}
    expected = expected_records(asked)
    diagnosis = diagnose(DOMAIN, expected, zone, known, NOW)
    while diagnosis.wanted:
        nothing = seen(outcome=Outcome.NO_SUCH_NAME)
        known |= {one: answers.get((one.name, one.kind), nothing) for one in diagnosis.wanted}
        diagnosis = diagnose(DOMAIN, expected, zone, known, NOW)
    return diagnosis


RIGHT = {(f"{token}._domainkey.{DOMAIN}", Kind.CNAME): seen(f"{token}.dkim.amazonses.com") for token in TOKENS} | {
    (f"bounce.{DOMAIN}", Kind.MX): seen("10 feedback-smtp.eu-north-1.amazonses.com"),
    (f"bounce.{DOMAIN}", Kind.TXT): seen(SPF),
    ("amazonses.com", Kind.TXT): seen("v=spf1 ip4:199.255.192.0/22 -all"),
    (f"_dmarc.{DOMAIN}", Kind.TXT): seen("v=DMARC1; p=reject; rua=mailto:a@example.com"),
}
HERE = Zone(DOMAIN, servers=("ada.ns.cloudflare.com",))
FIRST = f"{TOKENS[0]}._domainkey.{DOMAIN}"
HARMLESS = {
    "nothing": {},
    "capitals in a target": {(FIRST, Kind.CNAME): seen(f"{TOKENS[0].upper()}.DKIM.AmazonSES.com")},
    "another priority": {(f"bounce.{DOMAIN}", Kind.MX): seen("50 Feedback-SMTP.eu-north-1.amazonses.com")},
    "blanks in SPF": {(f"bounce.{DOMAIN}", Kind.TXT): seen("v=spf1  include:amazonses.com  ~all ")},
    "another ending": {(f"bounce.{DOMAIN}", Kind.TXT): seen("V=spf1 INCLUDE:amazonses.com -all")},
    "other texts": {(f"bounce.{DOMAIN}", Kind.TXT): seen("google-site-verification=x", SPF, "hello")},
    "other texts at the domain": {(DOMAIN, Kind.TXT): seen("google-site-verification=x")},
    "SES by a redirect": {
        (f"bounce.{DOMAIN}", Kind.TXT): seen("v=spf1 redirect=spf.example.com"),
        ("spf.example.com", Kind.TXT): seen(SPF),
    },
    "DMARC kept elsewhere": {
        (f"_dmarc.{DOMAIN}", Kind.TXT): Seen(
            (Answer(Outcome.EMPTY, server="ns1", chain=("example.com.dmarc.example",)),),
            (Answer(Outcome.FOUND, ("v=DMARC1; p=reject; rua=mailto:a@example.com",), 60, "r"),),
        )
    },
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_no_harm(case: str) -> None:
    diagnosis = examined(RIGHT | HARMLESS[case], HERE, document(DOMAIN))
    assert [found.mistake for found in diagnosis.findings] == [None] * 7
    assert {found.status.value for found in diagnosis.findings} == {"ok", "optional"}
    assert diagnosis.ok


def test_advice_names_the_dns_host_and_what_to_type_there() -> None:
    answers = {key: value for key, value in RIGHT.items() if key[0] != FIRST}
    found = examined(answers, HERE, document(DOMAIN)).findings[0]
    assert found.advice == (
        f"Add a CNAME record named {FIRST} (enter {TOKENS[0]}._domainkey as its name at Cloudflare) with the value "
        f"{TOKENS[0]}.dkim.amazonses.com."
    )


def test_every_mistake_has_words_and_they_are_sentences() -> None:
    assert set(ADVICE) == set(Mistake)
    assert [one for one in Mistake if not ADVICE[one][0].isupper() and not ADVICE[one].startswith("{")] == []


def test_every_mistake_is_documented_and_no_other() -> None:
    section = (ROOT / "docs" / "dns.md").read_text().partition("\n## Mistakes\n")[2]
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(told) == sorted(one.value for one in Mistake)


def test_the_last_two_labels_are_a_guess_at_the_registered_domain() -> None:
    assert two_labels("a.b.example.com") == "example.com"
    assert two_labels("com") == "com"


WORDS = st.sampled_from(
    [
        SPF,
        "v=spf1 include:amazonses.com include:deep.example a:gone.example +all",
        "v=spf1 include:deep.example redirect=amazonses.com",
        '"v=spf1"',
        "v=DMARC1; p=none; rua=mailto:a@strangers.example",
        "v=DMARC1; p",
        f"{TOKENS[0]}.dkim.amazonses.com",
        f"{TOKENS[1]}.dkim.amazonses.com.example.com",
        r"\"quoted\032\".dkim.amazonses.com",
        "10 feedback-smtp.eu-west-1.amazonses.com",
        "0 ",
        "104.16.0.1",
        "{name} {0} {}",
    ]
)
ANSWERS = st.builds(
    Answer,
    st.sampled_from(Outcome),
    st.lists(WORDS | st.text(max_size=60), max_size=3).map(tuple),
    st.integers(0, 2**31),
    st.sampled_from(["ns1", "ns2", ""]),
    st.lists(st.text(max_size=20), max_size=2).map(tuple),
    st.sampled_from(["", "_domainkey.example.com", "example.com"]),
)
SEEN = st.builds(Seen, st.lists(ANSWERS, max_size=3).map(tuple), st.lists(ANSWERS, max_size=2).map(tuple))
ZONES = st.builds(
    Zone,
    st.sampled_from(["", "com", "example.com"]),
    st.booleans(),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(SEEN, min_size=1, max_size=12), ZONES, st.booleans())
def test_a_diagnosis_never_fails_and_comes_to_an_end(answers: list[Seen], zone: Zone, registered: bool) -> None:
    expected = expected_records(document(DOMAIN) if registered else {"domain": DOMAIN})
    known: dict[Question, Seen] = {}
    diagnosis = diagnose(DOMAIN, expected, zone, known, NOW)
    for _ in range(MAX_ROUNDS):
        known |= {one: answers[sum(one.name.encode()) % len(answers)] for one in diagnosis.wanted}
        diagnosis = diagnose(DOMAIN, expected, zone, known, NOW)
    assert not diagnosis.wanted
    told = diagnosis.told()
    assert all(record["advice"] or record["status"] in {"ok", "optional"} for record in told["records"])
    assert "{" not in "".join(ADVICE[one].format_map(_Any()) for one in Mistake)


class _Any(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key
