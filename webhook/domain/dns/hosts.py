"""Who keeps a zone, told by its name servers, and whose proxy stands in front of it, told by its addresses."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

#: What the names of name servers contain, and whose they are.
HOSTS = {
    ".ns.cloudflare.com": "Cloudflare",
    ".awsdns-": "Route 53",
    ".domaincontrol.com": "GoDaddy",
    ".registrar-servers.com": "Namecheap",
    ".googledomains.com": "Squarespace",
    ".squarespacedns.com": "Squarespace",
    ".ui-dns.": "IONOS",
    ".gandi.net": "Gandi",
    ".ovh.net": "OVHcloud",
    ".hetzner.": "Hetzner",
    ".digitalocean.com": "DigitalOcean",
    ".azure-dns.": "Azure DNS",
    ".wixdns.net": "Wix",
    ".hostinger.": "Hostinger",
    ".dns-parking.com": "Hostinger",
    ".one.com": "one.com",
    ".nsone.net": "NS1",
}

#: The networks that proxies answer from, as their operators publish them.
_PROXIES = {
    "Cloudflare": (
        "173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 108.162.192.0/18 "
        "190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 "
        "172.64.0.0/13 131.0.72.0/22 2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 2405:8100::/32 "
        "2a06:98c0::/29 2c0f:f248::/32"
    ),
    "Fastly": "151.101.0.0/16 199.232.0.0/16 2a04:4e40::/32",
    "Imperva": "45.60.0.0/16 45.223.0.0/16 107.154.0.0/16 192.230.64.0/18 199.83.128.0/21 2a02:e980::/29",
    "Sucuri": "192.124.249.0/24 185.93.228.0/22 66.248.200.0/22 208.109.0.0/22 2a02:fe80::/29",
}
PROXIES = {owner: tuple(map(ip_network, networks.split())) for owner, networks in _PROXIES.items()}


def dns_host(servers: Iterable[str]) -> str:
    """Who keeps the zone of these name servers; "" if unknown."""
    names = [f".{server.lower()}" for server in servers]
    return next((host for mark, host in HOSTS.items() if any(mark in name for name in names)), "")


def proxy(addresses: Iterable[str]) -> str:
    """Whose proxy these addresses belong to; "" if to nobody's that is known."""
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        for owner, networks in PROXIES.items():
            if any(address in network for network in networks):
                return owner
    return ""
