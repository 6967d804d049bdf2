"""The records that a domain needs, and the zone file that says so."""

from typing import Any

import dns.rdataset
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes_dns.zones import TOKENS, document
from webhook.domain.dns.lookups import Kind
from webhook.domain.dns.records import Expected, Purpose, dmarc, expected_records, mail_from_domain, txt_data, zone_file

DOMAIN = "example.com"


def values(asked: dict[str, Any], **settings: str) -> list[tuple[str, str, str]]:
    return [(one.kind.value, one.name, one.value) for one in expected_records(asked, **settings)]


def parsed(text: str) -> set[tuple[str, str, str]]:
    """A zone file as a name server reads it."""
    zone = dns.zone.from_text(text, relativize=False, check_origin=False)
    return {
        (dns.rdatatype.to_text(rdataset.rdtype), name.to_text(omit_final_dot=True), record.to_text())
        for name, rdataset in zone.iterate_rdatasets()
        for record in rdataset
    }


class TestExpected:
    def test_all_records_of_a_domain(self) -> None:
        dkim = [("CNAME", f"{token}._domainkey.{DOMAIN}", f"{token}.dkim.amazonses.com") for token in TOKENS]
        assert values(document(DOMAIN), dmarc_rua="reports@platform.example") == [
            *dkim,
            ("MX", "bounce.example.com", "10 feedback-smtp.eu-north-1.amazonses.com"),
            ("TXT", "bounce.example.com", "v=spf1 include:amazonses.com ~all"),
            ("TXT", "example.com", ""),
            ("TXT", "_dmarc.example.com", "v=DMARC1; p=none; rua=mailto:reports@platform.example"),
        ]

    def test_ses_needs_those_of_dkim_and_of_the_mail_from_domain(self) -> None:
        needed = {one.purpose for one in expected_records(document(DOMAIN)) if one.needed}
        assert needed == {Purpose.DKIM, Purpose.MAIL_FROM_MX, Purpose.MAIL_FROM_SPF}

    def test_nothing_is_known_of_a_domain_that_is_not_registered(self) -> None:
        first = expected_records({"domain": DOMAIN})[0]
        assert first == Expected(Purpose.DKIM, Kind.CNAME, "_domainkey.example.com", "", needed=True)

    def test_tokens_alone_do(self) -> None:
        asked = {"domain": DOMAIN, "awsSes": {"dkimTokens": ["t1._domainkey.example.com", "t2"]}}
        assert values(asked)[:2] == [
            ("CNAME", "t1._domainkey.example.com", "t1.dkim.amazonses.com"),
            ("CNAME", "t2._domainkey.example.com", "t2.dkim.amazonses.com"),
        ]
        asked["awsSes"]["signingHostedZone"] = "dkim.il-central-1.amazonses.com"
        assert values(asked)[0][2] == "t1.dkim.il-central-1.amazonses.com"

    @pytest.mark.parametrize("ses", [None, "broken", {}, {"dkimRecords": []}, {"mailFrom": None}])
    def test_a_document_may_hold_little(self, ses: object) -> None:
        assert [one.purpose for one in expected_records({"domain": DOMAIN, "awsSes": ses})] == [
            Purpose.DKIM,
            Purpose.SPF,
            Purpose.DMARC,
        ]

    def test_what_ses_has_goes_before_what_was_wished_for(self) -> None:
        assert mail_from_domain({"domain": DOMAIN, "mailFromDomain": "Mail.example.com"}) == "mail.example.com"
        assert mail_from_domain({**document(DOMAIN), "mailFromDomain": "mail.example.com"}) == "bounce.example.com"

    def test_the_region_is_the_domains_own_or_that_of_the_settings(self) -> None:
        asked = {"domain": DOMAIN, "mailFromDomain": "b.example.com"}
        assert values(asked, region="eu-west-1")[1][2] == "10 feedback-smtp.eu-west-1.amazonses.com"
        assert values(asked)[1][2] == ""
        assert values(document(DOMAIN), region="eu-west-1")[3][2] == "10 feedback-smtp.eu-north-1.amazonses.com"

    def test_reports_go_where_it_is_set(self) -> None:
        assert dmarc(None) == "v=DMARC1; p=none"
        assert dmarc("a@b.example") == dmarc("mailto:a@b.example") == "v=DMARC1; p=none; rua=mailto:a@b.example"


class TestZoneFile:
    def test_a_name_server_reads_the_records_that_are_expected(self) -> None:
        text = zone_file(document(DOMAIN), dmarc_rua="reports@platform.example")
        dkim = {("CNAME", f"{token}._domainkey.{DOMAIN}", f"{token}.dkim.amazonses.com.") for token in TOKENS}
        assert parsed(text) == dkim | {
            ("MX", "bounce.example.com", "10 feedback-smtp.eu-north-1.amazonses.com."),
            ("TXT", "bounce.example.com", '"v=spf1 include:amazonses.com ~all"'),
            ("TXT", "_dmarc.example.com", '"v=DMARC1; p=none; rua=mailto:reports@platform.example"'),
        }

    def test_names_are_absolute_and_comments_say_what_for(self) -> None:
        lines = zone_file(document(DOMAIN)).splitlines()
        assert lines[:3] == ["; Records of example.com for Amazon SES.", "$ORIGIN example.com.", "$TTL 3600"]
        assert f"{TOKENS[0]}._domainkey.example.com. 3600 IN CNAME {TOKENS[0]}.dkim.amazonses.com." in lines
        assert len([line for line in lines if line.startswith("; DKIM")]) == 1

    def test_what_is_not_known_is_a_comment(self) -> None:
        text = zone_file({"domain": DOMAIN, "mailFromDomain": "b.example.com"})
        assert "; Not known yet: the domain is not registered with SES." in text
        assert {kind for kind, _, _ in parsed(text)} == {"TXT"}

    def test_nothing_slips_in_with_a_value(self) -> None:
        record = {"type": "CNAME", "name": "t._domainkey.example.com", "value": "t.dkim.example\n@ IN NS evil.example."}
        text = zone_file({"domain": DOMAIN, "awsSes": {"dkimRecords": [record]}}, dmarc_rua='a"\nb@example.com')
        assert {kind for kind, _, _ in parsed(text)} == {"CNAME", "TXT"}
        assert len(parsed(text)) == 2

    @given(st.text(max_size=700))
    def test_texts_of_any_length_come_out_as_they_went_in(self, text: str) -> None:
        read = dns.rdataset.from_text("IN", "TXT", 60, txt_data(text))
        assert b"".join(read[0].strings) == text.encode()
        assert all(len(part) <= 255 for part in read[0].strings)
