"""The part of SNS that receivers call: it hands out the signing certificate and takes confirmations."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

import msgspec

from webhook.emulator.notary import Notary
from webhook.errors import Misconfigured

_NAMESPACE = "https://sns.amazonaws.com/doc/2010-03-31/"
_CONFIRMED = (
    '<ConfirmSubscriptionResponse xmlns="{namespace}"><ConfirmSubscriptionResult><SubscriptionArn>{arn}'
    "</SubscriptionArn></ConfirmSubscriptionResult><ResponseMetadata><RequestId>{token}</RequestId>"
    "</ResponseMetadata></ConfirmSubscriptionResponse>"
)
_INVALID = (
    '<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type><Code>InvalidParameter</Code>'
    "<Message>Invalid parameter: Token</Message></Error></ErrorResponse>"
)


class Answer(msgspec.Struct, frozen=True):
    """What a GET is answered with."""

    status: int
    content_type: str
    body: bytes


class SnsServer:
    """Serves on 127.0.0.1 from a thread of its own while its context is open; port 0 picks a free one."""

    def __init__(self, notary: Notary, port: int = 0) -> None:
        """Raises `Misconfigured` if the port is taken."""
        self._notary = notary
        self._tokens: dict[str, tuple[str, str, Event]] = {}
        try:
            self._http = _Listener(port, self._answer)
        except OSError as error:
            raise Misconfigured(f"port {port} of 127.0.0.1 can't be listened on: {error.strerror}") from error
        self.port = self._http.server_port
        self.origin = f"http://127.0.0.1:{self.port}"
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="sns-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def expect(self, token: str, *, topic_arn: str, subscription_arn: str) -> Event:
        """From now on this token confirms that subscription; the event is set when it was."""
        confirmed = Event()
        self._tokens[token] = (topic_arn, subscription_arn, confirmed)
        return confirmed

    def _answer(self, target: str) -> Answer:
        url = urlsplit(target)
        if url.path == f"/{self._notary.file_name}":
            return Answer(200, "application/x-pem-file", self._notary.certificate_pem)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/" and query.get("Action") == "ConfirmSubscription":
            return self._confirm(query.get("TopicArn", ""), query.get("Token", ""))
        return Answer(404, "text/plain", b"Not found\n")

    def _confirm(self, topic_arn: str, token: str) -> Answer:
        expected, subscription_arn, confirmed = self._tokens.get(token, ("", "", Event()))
        if not expected or expected != topic_arn:
            return Answer(400, "text/xml", _INVALID.format(namespace=_NAMESPACE).encode())
        confirmed.set()
        text = _CONFIRMED.format(namespace=_NAMESPACE, arn=subscription_arn, token=token[:36])
        return Answer(200, "text/xml", text.encode())


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, answer: Callable[[str], Answer]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        answer = self.server.answer(self.path)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""
