"""Whether our own service answers at its public address."""

import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

#: Seconds for the answer.
PATIENCE = 5.0
PATH = "/healthz"


def knock(public_url: str) -> str | None:
    """None if the service answers there, else what is wrong, in plain words without a full stop."""
    parts = urlsplit(public_url)
    kind: Callable[..., HTTPConnection] = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path.rstrip("/") + PATH)
        status = connection.getresponse().status
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted ({error.verify_message})"
    except (OSError, HTTPException, ValueError) as error:
        return _explained(error)
    finally:
        connection.close()
    return None if status == 200 else f"{PATH} there answers {status}, which is not this service"


def _explained(error: Exception) -> str:
    match error:
        case TimeoutError():
            return f"no answer within {PATIENCE:.0f} seconds"
        case ConnectionRefusedError():
            return "nobody listens there"
        case ConnectionError():
            return "it hung up"
        case ssl.SSLError(reason=reason):
            return f"no TLS: {reason or 'the handshake failed'}"
        case OSError(strerror=reason):
            return reason or "it can't be reached"
        case _:
            return "it does not speak HTTP"
