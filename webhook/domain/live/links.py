"""The links of the chain from SES to here, and which finding speaks of which. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

from webhook.domain.findings import Code, Finding
from webhook.domain.mail import Kind


class Link(StrEnum):
    """A link, in the order of the chain."""

    SENDING = "sending"
    EVENTS = "events"
    TOPIC = "topic"
    SUBSCRIPTION = "subscription"
    ENDPOINT = "endpoint"
    ADMISSION = "admission"
    DATABASE = "database"
    READING = "reading"
    WORKER = "worker"
    UNKNOWN = "unknown"


WORDS: Mapping[Link, str] = {
    Link.SENDING: "SES takes the mail",
    Link.EVENTS: "SES publishes what becomes of it",
    Link.TOPIC: "the topic takes it from SES",
    Link.SUBSCRIPTION: "the topic hands it on to this service",
    Link.ENDPOINT: "SNS reaches this service",
    Link.ADMISSION: "this service believes the message",
    Link.DATABASE: "the database keeps it",
    Link.READING: "this service understands the message",
    Link.WORKER: "the worker judges by it",
    Link.UNKNOWN: "somewhere between SES and here",
}

_LINKS: Mapping[Link, tuple[Code, ...]] = {
    Link.SENDING: (Code.NO_CREDENTIALS, Code.BAD_CREDENTIALS, Code.NO_REGION, Code.SHUTDOWN, Code.SENDING_PAUSED),
    Link.EVENTS: (
        Code.SET_MISSING,
        Code.UNTOLD,
        Code.NO_DESTINATION,
        Code.DESTINATION_OFF,
        Code.NO_FEEDBACK,
        Code.NO_VOLUME,
        Code.FEW_TYPES,
        Code.PARTLY_TOLD,
    ),
    Link.TOPIC: (Code.NO_TOPIC, Code.TOPIC_MISSING, Code.SES_SHUT_OUT, Code.KEY_SHUTS_OUT, Code.SES_BY_DEFAULT),
    Link.SUBSCRIPTION: (
        Code.NOT_SUBSCRIBED,
        Code.UNCONFIRMED,
        Code.RAW,
        Code.OTHER_ENDPOINT,
        Code.FILTERED,
        Code.QUEUE_MISSING,
        Code.QUEUE_UNSUBSCRIBED,
        Code.QUEUE_RAW,
        Code.QUEUE_SHUT,
    ),
    Link.ENDPOINT: (
        Code.NO_PUBLIC_URL,
        Code.NOT_ANSWERING,
        Code.CERTIFICATE_EXPIRED,
        Code.CERTIFICATE_BAD,
        Code.QUEUE_BACKLOG,
    ),
    Link.DATABASE: (Code.NOT_READY,),
}
LINK_OF: Mapping[Code, Link] = {code: link for link, codes in _LINKS.items() for code in codes}
_ORDER = {code: place for place, code in enumerate(LINK_OF)}

#: Findings that break the chain only for what they name.
_PARTIAL = frozenset({Code.NO_FEEDBACK, Code.NO_VOLUME, Code.FEW_TYPES, Code.PARTLY_TOLD})
#: Findings that may hold back some messages and let others through.
_SOME = _PARTIAL | {Code.FILTERED, Code.NOT_READY, Code.QUEUE_BACKLOG}
_TYPES: Mapping[Kind, str] = {
    Kind.SENT: "SEND",
    Kind.DELIVERED: "DELIVERY",
    Kind.BOUNCED: "BOUNCE",
    Kind.COMPLAINED: "COMPLAINT",
}


def breaking(findings: Iterable[Finding], missing: Collection[Kind], *, silent: bool) -> list[Finding]:
    """The findings that keep what is missing from us, in the order of the chain; `silent`: nothing came at all."""
    broken = [
        one
        for one in findings
        if one.code in LINK_OF
        and (silent or one.code in _SOME)
        and (one.code not in _PARTIAL or _names(one.sentence, missing))
    ]
    return sorted(broken, key=lambda one: _ORDER[one.code])


def _names(sentence: str, missing: Collection[Kind]) -> bool:
    """Whether a sentence names one of them, as SES's API spells it or as its notifications do."""
    words = frozenset(re.findall(r"\w+", sentence.upper()))
    return any(_TYPES.get(kind) in words for kind in missing)
