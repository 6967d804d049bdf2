"""Where alerts may be sent: which web addresses are sound, and which network addresses are nobody's but our own.

An endpoint's address is written by a customer, so it is a way to make this server ask something in its owner's network.
Everything here is pure: looking names up and connecting is the adapter's business.

Sources: https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html and the
registries of special addresses, https://www.iana.org/assignments/iana-ipv4-special-registry and -ipv6-.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import msgspec

from webhook.errors import Invalid

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL = 2048
_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_BRACKETED = re.compile(r"\[[0-9a-fA-F:.]+\](?::\d*)?")
_BRACKETS = "write an IPv6 address as in https://[2001:470::1]/, without a zone"
# A name whose last part is a number is an IPv4 address to whoever looks it up: 2130706433, 0x7f.1, 127.1, 0177.0.0.1.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")


class Target(msgspec.Struct, frozen=True):
    """A sound web address. `host` is a name in lower case or the text of `literal`; `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None = None

    @property
    def secure(self) -> bool:
        """Whether it is asked over TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """What the Host header says: the port only where it is not the usual one."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Read an endpoint's web address: https or http, any port; raises Invalid naming `url`, and the fix.

    Refused is whatever two programs might read differently: passwords, fragments, blanks, backslashes, names in other
    letters than a-z, a dot at the end, numbers that are not four decimal ones.
    """
    _check_letters(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _wrong("it is not a web address", "write it as https://host/path") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _wrong("it is not a web address", "write it as https://host/path")
    if "@" in parts.netloc:
        raise _wrong("it has a user name or password in it", "leave that out; deliveries are signed instead")
    if "#" in url:
        raise _wrong("it has a fragment (#…), which is never sent", "leave that out")
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise _wrong("its host is no address", _BRACKETS)
    if port == 0 or parts.netloc.endswith(":"):
        raise _wrong("its port is no port", "leave the port out, or give one from 1 to 65535")
    host, literal = _host_of(parts.hostname, bracketed="[" in parts.netloc)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path, literal)


def _check_letters(url: str) -> None:
    if len(url) > MAX_URL:
        raise _wrong(f"it is over {MAX_URL} characters", "give a shorter one")
    if not url.isascii():
        raise _wrong(
            "it has letters other than a-z in it", "write a name as DNS has it (xn--…) and escape the rest (%C3%BC)"
        )
    if not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        raise _wrong("it has blanks or other characters in it that no address has", "escape them (%20)")


def _host_of(host: str, *, bracketed: bool) -> tuple[str, Address | None]:
    host = host.lower()
    if bracketed:
        return _literal_of(host, IPv6Address, _BRACKETS)
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return _literal_of(host, IPv4Address, "write an IPv4 address as four decimal numbers, as in 93.184.215.14")
    if host.endswith("."):
        raise _wrong("its host ends in a dot", "leave the dot out")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, host.split("."))):
        raise _wrong("its host is no name that DNS could have", "check the spelling")
    return host, None


def _literal_of(host: str, kind: type[Address], hint: str) -> tuple[str, Address]:
    try:
        literal = kind(host)
    except ValueError as error:
        raise _wrong("its host is no address", hint) from error
    if "%" in host:
        raise _wrong("its host is no address", hint)
    return str(literal), literal


def _wrong(detail: str, hint: str) -> Invalid:
    return Invalid("url", f"this address can't be used: {detail}", hint)


# -- network addresses


def _networks(**named: str) -> tuple[tuple[Network, str], ...]:
    return tuple(
        (ip_network(network), name.replace("_", " "))
        for name, networks in named.items()
        for network in networks.split()
    )


# What answers at these gives away credentials of the machine, or is every machine at once: no setting opens them.
_NEVER = _networks(
    a_metadata_service_of_a_cloud=(
        "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32 "
        "fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128"
    ),
    an_unspecified_address="0.0.0.0/8 ::/128",
    a_multicast_address="224.0.0.0/4 ff00::/8",
    a_broadcast_address="255.255.255.255/32",
)
# IANA's special addresses. Of IPv6 only 2000::/3 is in use between networks at all.
_NOT_PUBLIC = _networks(
    a_loopback_address="127.0.0.0/8 ::1/128",
    a_private_address="10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10",
    a_link_local_address="169.254.0.0/16 fe80::/10",
    a_shared_address_of_carriers="100.64.0.0/10",
    an_address_for_documentation="192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    an_address_for_benchmarks="198.18.0.0/15 2001:2::/48",
    an_address_of_a_transition_mechanism=("192.88.99.0/24 2001::/32 2002::/16 64:ff9b:1::/48 ::/96 ::ffff:0:0:0/96"),
    a_reserved_address="192.0.0.0/24 240.0.0.0/4 2001::/23 ::/3 4000::/2 8000::/1",
)
_EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_PUBLIC = "use one that the internet can reach"
_NAT64 = IPv6Network("64:ff9b::/96")
# ISATAP (RFC 5214) hides an IPv4 address behind this in the lower half of any prefix.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to this address ("a private address"), or None if it may.

    Public addresses may be reached, and those in one of the networks `allowed`; the metadata services of clouds,
    multicast and unspecified ones never. Forms of IPv6 that carry an IPv4 address are judged by that one; those out of
    use (6to4, Teredo, IPv4-compatible) are refused whatever they carry.
    """
    carried = _carried(address)
    if carried is not None:
        return refusal(carried, allowed)
    if found := _named(address, _NEVER):
        return found
    if is_within(address, allowed):
        return None
    if isinstance(address, IPv6Address) and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "an address of a transition mechanism"
    # The second opinion covers what a later version of Python learns of new reservations.
    return _named(address, _NOT_PUBLIC) or (None if address.is_global else "an address that is not public")


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address, or the IPv4 address that it carries, is in one of the networks."""
    plain = _carried(address) or address
    return any(plain in network for network in networks if network.version == plain.version)


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address to which packets for this IPv6 address go in the end: mapped, or by way of NAT64."""
    if not isinstance(address, IPv6Address):
        return None
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.ipv4_mapped


def _named(address: Address, networks: Sequence[tuple[Network, str]]) -> str | None:
    return next((name for network, name in networks if network.version == address.version and address in network), None)


def check_addresses(target: Target, addresses: Sequence[str], allowed: Sequence[Network] = ()) -> tuple[Address, ...]:
    """The addresses of the target's host, as values, if each of them may be reached this way; else raises Invalid.

    One bad address among good ones refuses them all: honest names don't mix. Without TLS only the networks `allowed`
    may be reached.
    """
    if not addresses:
        raise _wrong(f"{target.host} has no address", "check the spelling, and that the name is in public DNS")
    checked = tuple(ip_address(address) for address in addresses)
    for address in checked:
        if why := refusal(address, allowed):
            hint = (
                _PUBLIC if refusal(address, _EVERYTHING) else f"{_PUBLIC}, or allow its network in ALERT_ALLOW_NETWORKS"
            )
            raise _wrong(f"{_leads(target, address)} {why}", hint)
        if not target.secure and not is_within(address, allowed):
            raise _wrong("it begins with http://", "use https://, so that nobody on the way can read or change alerts")
    return checked


def _leads(target: Target, address: Address) -> str:
    # Which address a name has inside is nobody's business, so it is not repeated.
    return f"{address} is" if target.literal else f"{target.host} leads to"
