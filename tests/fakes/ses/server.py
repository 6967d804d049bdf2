"""The HTTP side: SES's version 2 paths (REST-JSON) to operations, and their answers back."""

import json
import re
import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure, Reset

_ROUTES = (
    ("POST", "/v2/email/identities", "CreateEmailIdentity"),
    ("GET", "/v2/email/identities/{EmailIdentity}", "GetEmailIdentity"),
    ("DELETE", "/v2/email/identities/{EmailIdentity}", "DeleteEmailIdentity"),
    ("PUT", "/v2/email/identities/{EmailIdentity}/mail-from", "PutEmailIdentityMailFromAttributes"),
    ("PUT", "/v2/email/identities/{EmailIdentity}/dkim", "PutEmailIdentityDkimAttributes"),
    ("PUT", "/v2/email/identities/{EmailIdentity}/configuration-set", "PutEmailIdentityConfigurationSetAttributes"),
    ("POST", "/v2/email/list-identities", "ListEmailIdentities"),
    ("GET", "/v2/email/account", "GetAccount"),
    ("POST", "/v2/email/outbound-emails", "SendEmail"),
    ("POST", "/v2/email/configuration-sets", "CreateConfigurationSet"),
    ("GET", "/v2/email/configuration-sets/{ConfigurationSetName}", "GetConfigurationSet"),
    ("PUT", "/v2/email/configuration-sets/{ConfigurationSetName}/sending", "PutConfigurationSetSendingOptions"),
    ("POST", "/v2/email/tenants", "CreateTenant"),
    ("POST", "/v2/email/tenants/get", "GetTenant"),
    ("POST", "/v2/email/tenants/delete", "DeleteTenant"),
    ("POST", "/v2/email/tenants/resources", "CreateTenantResourceAssociation"),
    ("POST", "/v2/email/tenants/resources/delete", "DeleteTenantResourceAssociation"),
    (
        "PUT",
        "/v2/email/reputation/entities/{ReputationEntityType}/{ReputationEntityReference}/customer-managed-status",
        "UpdateReputationEntityCustomerManagedStatus",
    ),
)
_PATTERNS = [
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), operation) for method, path, operation in _ROUTES
]
Answers = Callable[[str, dict[str, Any]], dict[str, Any] | Reset]


class Server:
    """Serves on a free port of this machine, a thread to each connection."""

    def __init__(self, answers: Answers, port: int = 0) -> None:
        class Handler(_Handler):
            pass

        Handler.answers = staticmethod(answers)
        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self.origin = f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    answers: Answers

    def take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = "Unknown"
        try:
            operation, asked = self._operation(json.loads(body) if body else {})
            self._require_signature()
            answer = self.answers(operation, asked)
        except Refusal as refusal:
            failure = refusal.failure
            self._send(failure.status, {"message": failure.told(operation)}, failure.code)
            return
        if isinstance(answer, Reset):
            self._break()
        else:
            self._send(200, answer)

    do_GET = do_POST = do_PUT = do_DELETE = take  # noqa: N815 - names that http.server looks for

    def _operation(self, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        path = urlsplit(self.path).path
        for method, pattern, operation in _PATTERNS:
            if method == self.command and (match := pattern.fullmatch(path)):
                return operation, {**body, **{name: unquote(value) for name, value in match.groupdict().items()}}
        raise Refusal(Failure("UnknownOperationException", 404, f"{self.command} {path} is no operation of this fake"))

    def _require_signature(self) -> None:
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refusal(Failure("MissingAuthenticationTokenException", 403, "Missing Authentication Token"))

    def _send(self, status: int, answer: dict[str, Any], error: str = "") -> None:
        content = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the caller's patience ended before the answer
            self.close_connection = True

    def _break(self) -> None:
        """Ends the connection with a reset, as a router does that forgot it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Stay silent."""
