"""Sending an alert by e-mail through an SMTP server of the operator's own."""

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Self
from urllib.parse import unquote, urlsplit

from webhook.adapters.destinations.smtp_session import Session
from webhook.domain.delivery_errors import Answer, DeliveryFailed, cut


class Security(StrEnum):
    """By which scheme of the address which protection is meant."""

    STARTTLS = "smtp"
    TLS = "smtps"
    NONE = "smtp+plain"


_FORM = "must be as in smtp://user:password@mail.example.com:587, or smtps://, with a login in ASCII"
_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server: its place, how it is protected, and the login it wants, if any."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, text: str) -> Self:
        """Read `smtp://user:password@host:587`; ValueError, without repeating the text, if it is none.

        `smtp://` insists on STARTTLS, `smtps://` is TLS from the start; `smtp+plain://` has none, for a relay on this
        machine. What has special signs in a user or password is escaped (%40).
        """
        try:
            parts = urlsplit(text)
            security = Security(parts.scheme)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError(_FORM) from error
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        # Python's client logs in with ASCII only.
        if not host or parts.path not in {"", "/"} or parts.query or parts.fragment or not (user + password).isascii():
            raise ValueError(_FORM)
        return cls(host, port or _PORTS[security], security, user, password)


class SmtpMailer:
    """Hands mails to the server, a connection for each.

    `connect` bounds connecting and `total` everything together, whatever the server does; both in seconds.
    """

    def __init__(
        self,
        server: SmtpServer,
        monotonic: Callable[[], float],
        *,
        connect: float = 5.0,
        total: float = 15.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._monotonic = monotonic
        self._connect = connect
        self._total = total
        self._context = context or ssl.create_default_context()

    def __call__(self, message: EmailMessage, sender: str, recipient: str) -> Answer:
        """One mail; the status is SMTP's own. Raises DeliveryFailed if the server does not take it."""
        begun = self._monotonic()
        session = Session(self._monotonic, begun + self._total, self._connect)
        try:
            code, said = self._send(session, message, sender, recipient)
            answer = Answer(code, None, self._since(begun), cut(said))
            with suppress(smtplib.SMTPException, OSError):  # it was taken, whatever comes of this
                session.putcmd("quit")
        except (smtplib.SMTPException, OSError) as error:
            raise self._failure(error, self._since(begun)) from error
        finally:
            session.close()
        return answer

    def _since(self, begun: float) -> int:
        return round((self._monotonic() - begun) * 1000)

    def _send(self, smtp: Session, message: EmailMessage, sender: str, recipient: str) -> tuple[int, bytes]:
        server = self._server
        _agreed(smtp.open(server.host, server.port, self._context if server.security is Security.TLS else None))
        _agreed(smtp.ehlo())
        if server.security is Security.STARTTLS:
            _agreed(smtp.starttls(context=self._context))
            _agreed(smtp.ehlo())
        if server.user:
            _agreed(smtp.login(server.user, server.password))
        _agreed(smtp.mail(sender))
        _agreed(smtp.rcpt(recipient))
        return _agreed(smtp.data(message.as_bytes()))

    def _failure(self, error: Exception, ms: int) -> DeliveryFailed:
        place, status, said = f"the mail server {self._server.host}", None, ""
        match error:
            case smtplib.SMTPAuthenticationError():
                status, detail = error.smtp_code, f"{place} refuses the login of ALERT_SMTP_URL"
            case smtplib.SMTPResponseException():
                status, said = error.smtp_code, cut(error.smtp_error)
                detail = f"{place} does not take it: {status} {said}"
            case smtplib.SMTPNotSupportedError():
                detail = f"{place} offers no STARTTLS or no login: use smtps:// in ALERT_SMTP_URL"
            case ssl.SSLError():
                detail = f"{place} can't prove who it is: {error.reason or 'TLS failed'}"
            case _ if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
                detail = f"{place} takes too long"
            case _:
                detail = f"{place} can't be reached: {error}"
        return DeliveryFailed(False, detail, status, ms=ms, body_cut=said)


def _agreed(answer: tuple[int, bytes]) -> tuple[int, bytes]:
    """The answer of a server that goes along with it."""
    if not 200 <= answer[0] < 400:  # -1 is no answer of SMTP
        raise smtplib.SMTPResponseException(*answer)
    return answer
