"""An alert as an e-mail: plain text, with headers that nothing in the alert can add to."""

import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from webhook.domain.address import domain_of
from webhook.domain.alerts import Alert, stamp
from webhook.domain.rendering.sentences import tell

_SUBJECT = 200
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def email(alert: Alert, sender: str, recipient: str, now: datetime) -> EmailMessage:
    """The message to one recipient; both addresses must be bare and have been checked.

    Its Message-ID is made of the alert's id, so that a second attempt is seen to be the same mail; it is marked as
    written by a machine (RFC 3834), so that no absence note answers it.

    Raises:
        ValueError: it would have a header of more than one line.
    """
    told = tell(alert)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _undecodable(one_line(told.headline, _SUBJECT))
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{alert.id}@{domain_of(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Alert-Type"] = alert.type.value
    lines = [told.sentence + ".", ""] if not told.sentence.endswith(".") else [told.sentence, ""]
    lines += [f"{name}: {one_line(value, 500) or '-'}" for name, value in told.facts]
    lines += [told.link] if told.link else []
    lines += ["", f"{alert.type.value} · {stamp(alert.at)} · {alert.id}"]
    message.set_content("\n".join(one_line(line, 2000) for line in lines) + "\n", cte="quoted-printable")
    check_lines(message)
    return message


def check_lines(message: EmailMessage) -> None:
    """Raises ValueError if a header has more than one line: whoever reads the mail would see another header there."""
    for name, value in message.items():
        if "\r" in str(value) or "\n" in str(value):
            raise ValueError(f"its header {name} would be more than one line")


def _undecodable(text: str) -> str:
    """The text without beginnings of encoded words (RFC 2047): what sets a header decodes them, to line breaks too."""
    return text.replace("=?", "= ?")


def one_line(text: str, most: int) -> str:
    """The text without line breaks and other control characters, cut short."""
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= most else text[: most - 1] + "…"
