"""Made-up recipients, and what their providers' mail servers answer when they refuse a mail."""

from random import Random
from typing import NamedTuple

# Frequencies by repetition; the small companies are reserved names, the people are invented.
PROVIDERS = (
    *("gmail.com",) * 36,
    *("outlook.com",) * 8,
    *("hotmail.com",) * 8,
    *("live.com",) * 3,
    *("yahoo.com",) * 9,
    *("icloud.com",) * 7,
    *("gmx.de",) * 5,
    *("web.de",) * 4,
    *("hansen-marine.example",) * 5,
    *("varga-legal.example",) * 5,
    *("studio-ito.example",) * 5,
    *("delacroix-immo.example",) * 5,
)
_GIVEN = (
    *("anna", "ben", "carla", "david", "elif", "frida", "george", "hana", "ivan", "julia", "karim", "lena"),
    *("marco", "nadia", "oskar", "priya", "quentin", "rosa", "samuel", "tove", "uma", "viktor", "wanda", "yusuf"),
)
_FAMILY = (
    *("andersson", "becker", "costa", "dubois", "eriksen", "fischer", "garcia", "hughes", "ivanova", "jansen"),
    *("kowalski", "lopez", "meyer", "novak", "okafor", "petrov", "rossi", "schmidt", "tanaka", "weber"),
)


class Refusal(NamedTuple):
    """An SMTP refusal: the bounce's sub-type, the enhanced status code and the diagnostic text."""

    sub_type: str
    status: str
    diagnostic: str


_GMAIL_GONE = (
    "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the "
    "recipient's email address for typos or unnecessary spaces. 550 5.1.1 "
    "https://support.google.com/mail/?p=NoSuchUser - gsmtp"
)
_MICROSOFT_GONE = "smtp; 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."
_GMX_GONE = "smtp; 550 Requested action not taken: mailbox unavailable"
_COMPANY_GONE = "smtp; 550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
_POLICY = Refusal("General", "5.7.1", "smtp; 550 5.7.1 <{address}>: Message rejected due to local policy")
_SUPPRESSED = Refusal(
    "Suppressed",
    "5.1.1",
    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid "
    "address.",
)

_HARD = {
    "gmail.com": Refusal("General", "5.1.1", _GMAIL_GONE),
    "outlook.com": Refusal("General", "5.5.0", _MICROSOFT_GONE),
    "hotmail.com": Refusal("General", "5.5.0", _MICROSOFT_GONE),
    "live.com": Refusal("General", "5.5.0", _MICROSOFT_GONE),
    "yahoo.com": Refusal(
        "General", "5.0.0", "smtp; 554 delivery error: dd This user doesn't have a yahoo.com account ({address}) [0]"
    ),
    "icloud.com": Refusal("NoEmail", "5.1.1", "smtp; 550 5.1.1 <{address}>: user does not exist"),
    "gmx.de": Refusal("General", "5.1.1", _GMX_GONE),
    "web.de": Refusal("General", "5.1.1", _GMX_GONE),
}
_HARD_ELSEWHERE = Refusal("General", "5.1.1", _COMPANY_GONE)

SOFT = (
    Refusal("MailboxFull", "5.2.2", "smtp; 552-5.2.2 The recipient's inbox is out of storage space. - gsmtp"),
    Refusal("General", "4.7.0", "smtp; 421 4.7.0 Temporary System Problem. Try again later"),
    Refusal("General", "4.4.7", "smtp; 550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2>"),
    Refusal("MessageTooLarge", "5.3.4", "smtp; 552 5.3.4 Message size exceeds fixed limit"),
    Refusal("ContentRejected", "5.7.1", "smtp; 554 5.7.1 Message blocked due to its content"),
    Refusal("AttachmentRejected", "5.7.0", "smtp; 552-5.7.0 This message was blocked because of its attachment"),
)
DELAYS = (
    Refusal("MailboxFull", "4.2.2", "smtp; 452-4.2.2 The recipient's inbox is out of storage space. - gsmtp"),
    Refusal("TransientCommunicationFailure", "4.4.1", "smtp; 421 4.4.1 Unable to connect to remote host"),
    Refusal("SpamDetected", "4.7.650", "smtp; 451 4.7.650 The mail server has been temporarily rate limited"),
)
HELD_BACK = Refusal(
    "OnAccountSuppressionList",
    "5.1.1",
    "Amazon SES did not send the message to this address because it is on the suppression list for your account. "
    "For more information about removing addresses from the suppression list, see the Amazon SES Developer Guide.",
)


def address(rng: Random) -> str:
    """Somebody's address, seldom the same one twice."""
    return f"{rng.choice(_GIVEN)}.{rng.choice(_FAMILY)}{rng.randrange(10_000)}@{rng.choice(PROVIDERS)}"


def hard_refusal(recipient: str, rng: Random) -> Refusal:
    """Why that recipient's provider refuses for good; now and then SES itself knows already."""
    roll = rng.randrange(20)
    if roll < 2:
        return _SUPPRESSED if roll else _about(_POLICY, recipient)
    return _about(_HARD.get(provider(recipient), _HARD_ELSEWHERE), recipient)


def provider(recipient: str) -> str:
    """The domain of an address, in lower case."""
    return recipient.rpartition("@")[2].lower()


def _about(refusal: Refusal, recipient: str) -> Refusal:
    return refusal._replace(diagnostic=refusal.diagnostic.replace("{address}", recipient))
