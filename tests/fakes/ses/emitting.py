"""Telling what befalls the mails that were taken: events by configuration set, notifications by identity."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.ses.fates import Fate, life, simulated
from tests.fakes.ses.suppressed import Suppressed
from webhook.emulator.payloads import (
    EVENT_SUBJECT,
    NOTIFIED,
    SECTIONS,
    Account,
    Happening,
    Kind,
    Mail,
    Producer,
    payload,
)

if TYPE_CHECKING:
    from tests.fakes.ses.account import Sent
    from tests.fakes.ses.fake import FakeSes

#: The account's suppression list takes what SES finds out for good.
_REASONS = {Kind.BOUNCE: "BOUNCE", Kind.COMPLAINT: "COMPLAINT"}
_LISTED_SUB_TYPES = frozenset({"General", "NoEmail"})


def emit(ses: FakeSes, sent: Sent) -> None:
    """Publishes all that befalls the mail to whoever is to hear of it, and keeps the suppression list."""
    mail = _mail(ses, sent)
    for happening in life(mail, {address: _fate(ses, address) for address in sent.addresses}):
        _remember(ses, happening)
        _tell_destinations(ses, sent, happening)
        _tell_identity(ses, sent, happening)


def _fate(ses: FakeSes, address: str) -> Fate:
    if fate := simulated(address):
        return fate
    lowered = address.lower()
    if any(one.lower() == lowered for one in list(ses.suppressed)):
        return Fate.HELD_BACK
    return Fate(ses.fates.get(address, Fate.DELIVERED))


def _mail(ses: FakeSes, sent: Sent) -> Mail:
    identity = ses.identity_for(sent.source)
    return Mail(
        message_id=sent.message_id,
        sent_at=sent.at,
        sender=sent.sender,
        from_domain=sent.source.rpartition("@")[2].lower(),
        identity=identity.name if identity else sent.source.rpartition("@")[2],
        recipients=tuple(sent.addresses),
        subject=sent.subject,
        configuration_set=ses.set_of(sent) or "",
        account=Account(ses.region, ses.arn.rpartition(":")[2]),
    )


def _remember(ses: FakeSes, happening: Happening) -> None:
    reason, section = _REASONS.get(happening.kind), happening.section
    if reason not in ses.account.suppressed_reasons:
        return
    if reason == "BOUNCE" and section["bounceSubType"] not in _LISTED_SUB_TYPES:
        return
    people = section.get("bouncedRecipients") or section.get("complainedRecipients")
    if section.get("bounceType", "Permanent") != "Permanent" or not isinstance(people, list):
        return
    for address in (one["emailAddress"] for one in people if not simulated(one["emailAddress"])):
        ids = happening.mail.message_id, str(section["feedbackId"])
        ses.suppressed[address] = Suppressed(address, str(reason), happening.at, *ids)


def _tell_destinations(ses: FakeSes, sent: Sent, happening: Happening) -> None:
    chosen = ses.set_of(sent)
    if not chosen or chosen not in ses.sets or not ses.topics:
        return
    text = _event(sent, happening)
    for topic in ses.sets[chosen].topics(_type(happening)):
        ses.topics.publish(topic, text, EVENT_SUBJECT, f"{ses.arn}:configuration-set/{chosen}")


def _type(happening: Happening) -> str:
    """As MatchingEventTypes spells it."""
    return "DELIVERY_DELAY" if happening.kind is Kind.DELAY else happening.kind.upper().replace(" ", "_")


def _event(sent: Sent, happening: Happening) -> str:
    """With the mail's own tags and headers."""
    body = json.loads(payload(happening, Producer.EVENTS))
    tags = body["mail"]["tags"] | {tag["Name"]: [tag["Value"]] for tag in sent.request.get("EmailTags") or ()}
    if tenant := sent.request.get("TenantName"):
        tags["ses:tenant-name"] = [tenant]
    body["mail"]["tags"] = tags
    body["mail"]["headers"] += [{"name": name, "value": value} for name, value in sent.more_headers]
    section = SECTIONS[happening.kind]
    return json.dumps({"eventType": body["eventType"], "mail": body["mail"], section: body[section]}) + "\n"


def _tell_identity(ses: FakeSes, sent: Sent, happening: Happening) -> None:
    identity = ses.identity_for(sent.source)
    if happening.kind not in NOTIFIED or identity is None or not ses.topics:
        return
    if topic := identity.topics.get(str(happening.kind)):
        text = payload(happening, Producer.IDENTITY)
        ses.topics.publish(topic, text, None, f"{ses.arn}:identity/{identity.name}")
