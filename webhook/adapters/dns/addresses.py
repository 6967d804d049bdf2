"""Where servers are: resolvers as they are written in the settings, and which addresses may be asked at all."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from msgspec import Struct

_NAT64 = range(int(IPv6Address("64:ff9b::")), int(IPv6Address("64:ff9b::1:0:0")))
PORT = 53


class Server(Struct, frozen=True):
    """A server that can be asked; `allowed` is false if its address is not one of the public internet."""

    name: str
    address: str
    port: int = PORT
    allowed: bool = True


def resolver(text: str) -> Server:
    """A resolver as written in the settings: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:53`."""
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        return Server(text, address, int(rest.removeprefix(":") or PORT))
    address, _, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    return Server(text, address, int(port or PORT))


def is_public(text: str) -> bool:
    """Whether an address is on the public internet, that of an IPv4 host behind an IPv6 notation included.

    What customers enter decides which servers are asked; without this, they could point us into our own network.
    """
    address = ip_address(text)
    inner = _embedded(address) if isinstance(address, IPv6Address) else None
    if inner:
        return is_public(str(inner))
    return address.is_global and not address.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if int(address) in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
