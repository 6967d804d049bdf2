"""What it means that this service turned a message away, by the word that it answered. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

#: The word for 503: our own fault, and SNS sends it again.
UNAVAILABLE = "unavailable"
NOT_ALLOWED = "topic_not_allowed"


class Refusal(NamedTuple):
    """Why, and what mends it; the status is that of HTTP."""

    status: int
    why: str
    fix: str


_OF_CERTIFICATES = "take SNS_CERT_DIR out of .env, or renew what is in it, and start the server again"
_OF_CLOCKS = "start a time service on the server's machine (chrony, systemd-timesyncd)"
_OF_RAW = "switch off raw message delivery of the subscription (RawMessageDelivery false)"
_OF_PROXIES = "have the proxy before the server hand on bodies and x-amz-sns-… headers as they come"

REFUSALS: Mapping[str, Refusal] = {
    NOT_ALLOWED: Refusal(
        403,
        "the topic is not in the SNS_TOPIC_ARNS of the server",
        "add the topic to SNS_TOPIC_ARNS in the server's .env, and start the server again",
    ),
    "bad_certificate_url": Refusal(
        403,
        "the certificate is said to be where SNS keeps none",
        "look who publishes to the topic; with an emulator of AWS, set SNS_TRUSTED_ORIGINS to its origin",
    ),
    "bad_certificate": Refusal(403, "the certificate is not one of SNS's that is in force", _OF_CERTIFICATES),
    "bad_signature": Refusal(403, "the signature does not fit the message", f"{_OF_PROXIES}; or {_OF_CERTIFICATES}"),
    "too_old": Refusal(403, "the messages looked too old", f"{_OF_CLOCKS}, or raise SNS_MAX_AGE_SECONDS"),
    "from_the_future": Refusal(403, "the messages looked as if from the future", _OF_CLOCKS),
    "type_mismatch": Refusal(403, "header and body told different types", _OF_PROXIES),
    "unsigned": Refusal(403, "the messages bore no signature", _OF_RAW),
    "not_sns": Refusal(400, "the bodies were no messages of SNS", f"{_OF_RAW}, and {_OF_PROXIES}"),
    "too_large": Refusal(413, "the bodies were too large", _OF_PROXIES),
    UNAVAILABLE: Refusal(
        503,
        "its database, or the host of SNS's certificates, did not answer it",
        "see GET /readyz and the log of the server; start its database, or let it out to sns.REGION.amazonaws.com",
    ),
}
