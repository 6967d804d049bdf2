"""A mailbox: the alert as an e-mail in plain text."""

import re

from webhook.adapters.destinations.ports import Mailer, Now
from webhook.domain.alerts import Alert
from webhook.domain.delivery_errors import Answer, DeliveryFailed
from webhook.domain.endpoints import Endpoint
from webhook.domain.rendering.mail import email
from webhook.errors import Invalid

# Stricter than RFC 5322 allows: nothing in it needs quoting, in a header or in a command of SMTP; and nothing is an
# encoded word (`=?`), which a header would decode.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$&'*+/=^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")
_UNSET = "e-mail is not set up here: ALERT_EMAIL_FROM is to name the address that alerts come from"


class Email:
    """Mails the alert from `sender`, by way of `mailer`; an endpoint's address is `mailto:` and one address."""

    def __init__(self, mailer: Mailer, sender: str | None, now: Now) -> None:
        self._mailer = mailer
        self._sender = sender
        self._now = now

    def check(self, url: str) -> None:
        """Raises Invalid naming `url` if that is not one mailbox, or mail is not set up."""
        if self._sender is None:
            raise Invalid("kind", "there is no e-mail", _UNSET)
        mailbox_of(url)

    def deliver(self, endpoint: Endpoint, alert: Alert, _attempt: int) -> Answer:
        """One mail; raises DeliveryFailed if it is not taken for delivery."""
        if self._sender is None:
            raise DeliveryFailed(False, _UNSET)
        recipient = mailbox_of(endpoint.url)
        try:
            message = email(alert, self._sender, recipient, self._now())
        except ValueError as error:
            raise DeliveryFailed(False, f"this can't be written as an e-mail: {error}") from error
        return self._mailer(message, self._sender, recipient)


def mailbox_of(url: str) -> str:
    """The address of `mailto:address`; raises Invalid naming `url` for anything more than that."""
    scheme, _, address = url.partition(":")
    local, _, domain = address.rpartition("@")
    address = f"{local}@{domain.lower()}"
    if scheme != "mailto" or len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise Invalid("url", "this is no mailbox", "give one address, as in mailto:operations@example.com")
    return address
