"""Domain names as people give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.adapters.names import DomainNames
from webhook.domain.names import DomainName, is_within, parents
from webhook.errors import Invalid

NAMES = DomainNames()

TAKEN = [
    pytest.param("example.com", "example.com", "example.com", id="as it is"),
    pytest.param("EXAMPLE.com", "example.com", "example.com", id="upper case"),
    pytest.param("  example.com\n", "example.com", "example.com", id="blanks around it"),
    pytest.param("example.com.", "example.com", "example.com", id="a trailing dot"),
    pytest.param("mail.example.co.uk", "mail.example.co.uk", "example.co.uk", id="below a public suffix of two"),
    pytest.param("Bücher.Example", "xn--bcher-kva.example", "xn--bcher-kva.example", id="unicode"),
    pytest.param("xn--bcher-kva.com", "xn--bcher-kva.com", "xn--bcher-kva.com", id="punycode"),
    pytest.param("faß.de", "xn--fa-hia.de", "xn--fa-hia.de", id="a sharp s stays one"),
    pytest.param("ｅｘａｍｐｌｅ．com", "example.com", "example.com", id="full-width letters and dot"),
    pytest.param("例。cn", "xn--fsq.cn", "xn--fsq.cn", id="an ideographic full stop"),
    pytest.param("shop.me.github.io", "shop.me.github.io", "me.github.io", id="below a company's suffix"),
    pytest.param("ab--cd.com", "ab--cd.com", "ab--cd.com", id="two hyphens"),
    pytest.param("a.unheard-of", "a.unheard-of", "a.unheard-of", id="a top-level domain nobody knows"),
    pytest.param("4.example.com", "4.example.com", "example.com", id="a number in front"),
]


@pytest.mark.parametrize(("text", "name", "registrable"), TAKEN)
def test_a_domain_is_taken_in_its_canonical_form(text: str, name: str, registrable: str) -> None:
    parsed = NAMES.parse(text)
    assert (parsed.name, parsed.registrable) == (name, registrable)
    assert NAMES.parse(parsed.name) == parsed
    assert NAMES.parse(parsed.unicode) == parsed


REFUSED = [
    pytest.param("", "empty", id="nothing"),
    pytest.param("   ", "empty", id="blanks"),
    pytest.param("ann@example.com", "mail address", id="an address"),
    pytest.param("https://example.com/", "web address", id="a URL"),
    pytest.param("example.com/path", "web address", id="a path"),
    pytest.param("example.com:25", "port", id="a port"),
    pytest.param("exa mple.com", "white space", id="a blank inside"),
    pytest.param("192.0.2.1", "IP address", id="IPv4"),
    pytest.param("2001:db8::1", "IP address", id="IPv6"),
    pytest.param("[2001:db8::1]", "IP address", id="IPv6 in brackets"),
    pytest.param("127.1", "IP address", id="a short IPv4"),
    pytest.param("example.0x7f", "IP address", id="a hexadecimal end"),
    pytest.param("com", "single word", id="a top-level domain"),
    pytest.param("localhost", "single word", id="a host"),
    pytest.param("co.uk", "public suffix", id="a registry's suffix"),
    pytest.param("github.io", "public suffix", id="a company's suffix"),
    pytest.param("anything.ck", "public suffix", id="a wildcard suffix"),
    pytest.param("_dmarc.example.com", "underscore", id="an underscore"),
    pytest.param("*.example.com", "pattern", id="a wildcard"),
    pytest.param("-a.example.com", "no domain may have", id="a hyphen in front"),
    pytest.param("a-.example.com", "no domain may have", id="a hyphen behind"),
    pytest.param("a..example.com", "two dots", id="two dots"),
    pytest.param(".example.com", "two dots", id="a dot in front"),
    pytest.param("example.com..", "two dots", id="two trailing dots"),
    pytest.param("a" * 64 + ".com", "64 characters", id="a label too long"),
    pytest.param(".".join(["a" * 60] * 5) + ".com", "308 characters", id="a name too long"),
    pytest.param("a" * 100_000, "characters", id="a novel"),
    pytest.param("exa\x00mple.com", "no domain may have", id="a null"),
    pytest.param("xn--a.com", "not a domain name", id="broken punycode"),
    pytest.param("❤.com", "not a domain name", id="a symbol"),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_what_is_no_domain_of_somebodys_own_is_refused_with_the_fix(text: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        NAMES.parse(text, "mailFromDomain")
    assert refused.value.field == "mailFromDomain"
    assert told in refused.value.detail
    assert "give" in refused.value.hint


@given(st.text(max_size=80) | st.from_regex(r"[a-zA-Zäß0-9.\-]{1,60}", fullmatch=True))
def test_whatever_is_given_it_is_a_canonical_name_or_invalid(text: str) -> None:
    try:
        parsed = NAMES.parse(text)
    except Invalid:
        return
    assert parsed.name.isascii()
    assert parsed.name == parsed.name.lower()
    assert NAMES.parse(parsed.name) == parsed


def test_within_is_by_labels() -> None:
    assert is_within("mail.example.com", "example.com")
    assert not is_within("example.com", "example.com")
    assert not is_within("myexample.com", "example.com")
    deep = DomainName("a.b.example.co.uk", "example.co.uk", "")
    assert list(parents(deep)) == ["b.example.co.uk", "example.co.uk"]
    assert list(parents(DomainName("example.co.uk", "example.co.uk", ""))) == []
