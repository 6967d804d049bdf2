"""PUBLIC_URL, asked as the outside would: does it answer, with which certificate, and at what time by its clock?"""

import json
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from webhook.domain.wiring import Front, Trouble

#: Seconds for connecting and for each answer; SNS itself waits 15.
PATIENCE = 10.0
_MOST = 64 * 1024
#: OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED.
_EXPIRED = 10


class FrontDoor:
    """Plays `examination.roles.Door`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def knock(self, url: str) -> Front:
        """What /healthz and /readyz of this address answer; never raises."""
        try:
            return self._knock(url)
        except ssl.SSLCertVerificationError as error:
            expired = error.verify_code == _EXPIRED
            return Front(
                url=url,
                trouble=Trouble.EXPIRED if expired else Trouble.UNTRUSTED,
                detail=error.verify_message.rstrip("."),
            )
        except (OSError, HTTPException, ValueError) as error:
            return Front(url=url, trouble=Trouble.UNREACHABLE, detail=_explained(error))

    def _knock(self, url: str) -> Front:
        connection = _connection(url)
        path = urlsplit(url).path
        try:
            connection.connect()
            expires = _expiry(connection)
            alive = _get(connection, f"{path}/healthz")
            skew = self._ahead(alive.headers.get("Date"))
            alive.read(_MOST)
            ready = _get(connection, f"{path}/readyz") if alive.status == 200 else None
            checks = _checks(ready) if ready else {}
        finally:
            connection.close()
        return Front(url=url, status=alive.status, checks=checks, expires=expires, skew=skew)

    def _ahead(self, date: str | None) -> float | None:
        try:
            told = parsedate_to_datetime(date or "")
        except ValueError:
            return None
        return ((told if told.tzinfo else told.replace(tzinfo=UTC)) - self._now()).total_seconds()


def _connection(url: str) -> HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=PATIENCE, context=_trust())
    return HTTPConnection(host, parts.port, timeout=PATIENCE)


def _trust() -> ssl.SSLContext:
    """Trusts what the system trusts (SSL_CERT_FILE names another list), and Mozilla's list where it has none."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _get(connection: HTTPConnection, path: str) -> HTTPResponse:
    connection.request("GET", path, headers={"User-Agent": "SES Sentinel doctor"})
    return connection.getresponse()


def _expiry(connection: HTTPConnection) -> datetime | None:
    """When the certificate that was shown ends."""
    shown = connection.sock.getpeercert() if isinstance(connection.sock, ssl.SSLSocket) else None
    ends = shown.get("notAfter") if shown else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if isinstance(ends, str) else None


def _checks(response: HTTPResponse) -> Mapping[str, str]:
    """What /readyz finds wanting, by name."""
    body = response.read(_MOST)
    if response.status == 200:
        return {}
    try:
        told = json.loads(body)["checks"]
        wanting = {str(name): str(state) for name, state in told.items() if state != "ok"}
    except (ValueError, KeyError, TypeError, AttributeError):
        wanting = {}
    return wanting or {"itself": f"it answers {response.status}"}


def _explained(error: Exception) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {PATIENCE:.0f} seconds"
        case ConnectionRefusedError():
            return "nobody listens there"
        case ssl.SSLError(reason=reason):
            return f"no TLS: {reason or 'the handshake failed'}"
        case OSError(strerror=reason):
            return str(reason or "it hung up")
        case _:
            return "it does not speak HTTP"
