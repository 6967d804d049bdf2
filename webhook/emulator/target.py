"""The endpoint that is posted to, and where the emulator refuses to post."""

from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

import msgspec

from webhook.errors import Misconfigured

_PORTS = {"http": 80, "https": 443}
_AWS_ENDINGS = (".aws", ".awsapps.com", ".amazon.com")


class Target(msgspec.Struct, frozen=True):
    """An endpoint. With a `path` everything is posted there; without, each post goes to the path of its kind."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def from_url(cls, text: str, *, allow_remote: bool = False) -> Self:
        """The endpoint at this URL; raises `Misconfigured` for AWS, and for another machine unless `allow_remote`."""
        try:
            url = urlsplit(text)
            host, port = (url.hostname or "").rstrip("."), url.port
        except ValueError as error:
            raise Misconfigured(f"--to {text!r} is not a URL: {error}") from error
        if url.scheme not in _PORTS or not host or url.username or url.query or url.fragment:
            raise Misconfigured(f"--to {text!r} must look like http://127.0.0.1:8000, or that and a path")
        if _is_amazons(host):
            raise Misconfigured(f"--to {text!r} is a host of Amazon's; made-up messages are never sent to AWS")
        if not (allow_remote or _is_loopback(host)):
            raise Misconfigured(f"--to {text!r} is another machine; add --allow-remote if you mean it")
        return cls(url.scheme, host, port or _PORTS[url.scheme], url.path.rstrip("/"))

    @property
    def url(self) -> str:
        """As a person would write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def connect(self, timeout: float) -> HTTPConnection:
        """A new connection, opened by its first request."""
        kind = HTTPSConnection if self.scheme == "https" else HTTPConnection
        return kind(self.host, self.port, timeout=timeout)

    def path_of(self, path: str) -> str:
        """Where a post for `path` goes."""
        return self.path or path


def _is_amazons(host: str) -> bool:
    return "amazonaws" in host or f".{host}".endswith(_AWS_ENDINGS)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
