"""Which web addresses are sound, and which network addresses nobody may be sent to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.domain.addresses import check_addresses, refusal, target_of
from webhook.errors import Invalid

INTERNAL = (ip_network("10.20.0.0/16"), ip_network("fd12:3456::/32"))

SOUND = [
    ("https://example.com", ("https", "example.com", 443, "/", "example.com")),
    ("https://example.com/", ("https", "example.com", 443, "/", "example.com")),
    ("HTTPS://Example.COM/Hook?a=b&c=%20d", ("https", "example.com", 443, "/Hook?a=b&c=%20d", "example.com")),
    ("https://example.com:8443/x", ("https", "example.com", 8443, "/x", "example.com:8443")),
    ("https://example.com:443/x", ("https", "example.com", 443, "/x", "example.com")),
    ("http://receiver:8080/hook", ("http", "receiver", 8080, "/hook", "receiver:8080")),
    ("https://xn--bcher-kva.example/", ("https", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example")),
    ("https://a_b.example.com/", ("https", "a_b.example.com", 443, "/", "a_b.example.com")),
    ("https://1password.com/", ("https", "1password.com", 443, "/", "1password.com")),
    ("https://8.8.8.8/", ("https", "8.8.8.8", 443, "/", "8.8.8.8")),
    (
        "https://[2001:4860:4860::8888]:8443/",
        ("https", "2001:4860:4860::8888", 8443, "/", "[2001:4860:4860::8888]:8443"),
    ),
    ("https://[2001:4860:4860:0::8888]/", ("https", "2001:4860:4860::8888", 443, "/", "[2001:4860:4860::8888]")),
]


@pytest.mark.parametrize(("url", "expected"), SOUND, ids=[url for url, _ in SOUND])
def test_sound_addresses(url, expected):
    target = target_of(url)
    assert (target.scheme, target.host, target.port, target.path, target.authority) == expected


UNSOUND = [
    "",
    "example.com",
    "//example.com/",
    "https:example.com",
    "https:///path",
    "https://",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://@example.com/",
    "https://example.com/#fragment",
    "https://example.com#@127.0.0.1/",
    "https://example.com/#",
    "https://example.com:0/",
    "https://example.com:/",
    "https://example.com:65536/",
    "https://example.com:http/",
    "https://example.com:-1/",
    "https://example.com./",
    "https://127.0.0.1./",
    "https://.example.com/",
    "https://example..com/",
    "https://-example.com/",
    "https://exa%6dple.com/",
    "https://exa mple.com/",
    " https://example.com/",
    "https://example.com/\t",
    "https://exam\nple.com/",
    "https://example.com/\r\nHost: x",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://bücher.example/",
    "https://example。com/",
    "https://ｅxample.com/",
    "https://①②⑦.⓪.⓪.①/",
    "https://example.com/ü",
    "https://example.com\x00.evil.example/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://example.com/" + "x" * 2048,
    "https://[::1",
    "https://[::1]x/",
    "https://x[::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[v1.fe80]/",
    "https://[example.com]/",
    # What getaddrinfo takes for 127.0.0.1, or another address than a reader sees.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0x/",
    "https://127.0.0.01/",
    "https://127.0.0.1.1/",
    "https://256.256.256.256/",
    "https://example.com.1/",
    "https://example.0x7f/",
]


@pytest.mark.parametrize("url", UNSOUND, ids=[ascii(url)[:60] for url in UNSOUND])
def test_unsound_addresses(url):
    with pytest.raises(Invalid) as refused:
        target_of(url)
    assert refused.value.field == "url"
    assert refused.value.detail.startswith("this address can't be used: ")
    assert refused.value.hint


NOT_PUBLIC = {
    "loopback": "127.0.0.1 127.255.255.254 ::1",
    "private": "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd12:3456::1 fec0::1",
    "link local": "169.254.1.1 fe80::1 febf::1",
    "carriers": "100.64.0.1 100.127.255.255",
    "metadata": (
        "169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 "
        "fd00:ec2::254 fd00:ec2::23 fd20:ce::254"
    ),
    "unspecified": "0.0.0.0 0.1.2.3 ::",
    "multicast": "224.0.0.1 239.255.255.255 ff02::1 ff0e::1",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1 192.0.0.8 4000::1 8000::1 100::1 1::1 2001:1::1",
    "documentation": "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1",
    "benchmarks": "198.18.0.1 198.19.255.255 2001:2::1",
    "transition": (
        "192.88.99.1 2001::1 2001:0:7f00:1::1 2002:7f00:1::1 2002:808:808::1 ::7f00:1 ::8.8.8.8 64:ff9b:1::7f00:1 "
        "::ffff:0:127.0.0.1 2a00:1450::5efe:7f00:1 2a00:1450::200:5efe:a00:1"
    ),
}
EMBEDDED = {
    "loopback": "::ffff:127.0.0.1 64:ff9b::127.0.0.1",
    "private": "::ffff:10.0.0.1 64:ff9b::10.0.0.1 ::ffff:192.168.0.1",
    "metadata": "::ffff:169.254.169.254 64:ff9b::169.254.169.254",
    "unspecified": "::ffff:0.0.0.0",
    "multicast": "::ffff:224.0.0.1",
}
TABLE = [
    (name, address)
    for table in (NOT_PUBLIC, EMBEDDED)
    for name, addresses in table.items()
    for address in addresses.split()
]


@pytest.mark.parametrize(("name", "address"), TABLE, ids=[f"{name} {address}" for name, address in TABLE])
def test_what_is_not_public_is_refused_by_its_name(name, address):
    why = refusal(ip_address(address))
    assert why is not None
    assert name in why.replace("the metadata service", "metadata")


PUBLIC = (
    "8.8.8.8 1.1.1.1 93.184.215.14 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450:4001::1 "
    "::ffff:8.8.8.8 64:ff9b::808:808"
)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_what_is_public_may_be_reached(address):
    assert refusal(ip_address(address)) is None


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_nothing_passes_that_python_does_not_hold_for_public(address):
    if refusal(address) is None:
        carried = getattr(address, "ipv4_mapped", None)
        nat64 = isinstance(address, IPv6Address) and address in ip_network("64:ff9b::/96")
        plain = IPv4Address(int(address) & 0xFFFFFFFF) if nat64 else carried or address
        assert plain.is_global
        assert True not in {plain.is_multicast, plain.is_loopback, plain.is_link_local, plain.is_reserved}


# -- networks of the operator's own


@pytest.mark.parametrize("address", ["10.20.1.1", "fd12:3456:0:1::1", "::ffff:10.20.1.1", "64:ff9b::10.20.1.1"])
def test_an_allowed_network_may_be_reached(address):
    assert refusal(ip_address(address)) is not None
    assert refusal(ip_address(address), INTERNAL) is None


@pytest.mark.parametrize("address", ["10.21.0.1", "fd12:3457::1", "::ffff:10.21.0.1", "127.0.0.1"])
def test_another_is_not(address):
    assert refusal(ip_address(address), INTERNAL) is not None


@pytest.mark.parametrize(
    "address", f"{NOT_PUBLIC['metadata']} {NOT_PUBLIC['unspecified']} 224.0.0.1 255.255.255.255".split()
)
def test_no_setting_opens_the_metadata_services(address):
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert refusal(ip_address(address), everything) is not None
    assert refusal(ip_address("127.0.0.1"), everything) is None
    with pytest.raises(Invalid) as refused:
        check_addresses(target_of("https://example.com/"), [address], everything)
    assert "ALERT_ALLOW_NETWORKS" not in refused.value.hint


ANSWERS = [
    pytest.param("https://example.com/", ["8.8.8.8", "10.0.0.1"], (), "leads to a private address", id="mixed"),
    pytest.param("https://example.com/", ["::1", "8.8.8.8"], (), "leads to a loopback address", id="mixed, 6 and 4"),
    pytest.param("https://10.0.0.1/", ["10.0.0.1"], (), "10.0.0.1 is a private address", id="written"),
    pytest.param("https://example.com/", [], (), "has no address", id="none"),
    pytest.param("http://example.com/", ["8.8.8.8"], (), "http://", id="no TLS"),
    pytest.param("http://example.com/", ["10.20.0.1", "8.8.8.8"], INTERNAL, "http://", id="no TLS, partly inside"),
]


@pytest.mark.parametrize(("url", "addresses", "allowed", "told"), ANSWERS)
def test_one_bad_address_refuses_them_all(url, addresses, allowed, told):
    with pytest.raises(Invalid, match="url: this address can't be used") as refused:
        check_addresses(target_of(url), addresses, allowed)
    assert told in refused.value.detail


def test_what_a_name_has_inside_is_not_told():
    with pytest.raises(Invalid) as refused:
        check_addresses(target_of("https://internal.example.com/"), ["10.1.2.3"])
    assert "10.1.2.3" not in str(refused.value) + refused.value.hint


def test_inside_plain_http_will_do():
    assert check_addresses(target_of("http://receiver:8080/"), ["10.20.0.1"], INTERNAL) == (IPv4Address("10.20.0.1"),)
