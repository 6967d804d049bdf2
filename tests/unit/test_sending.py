"""Mails as they are asked for, the gate, and what a sent mail is: by hand."""

import base64
import json
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import idna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import bounce, by_notification, delivery, effects_of, mail, send
from tests.memory import MemoryStore
from webhook.domain import mime
from webhook.domain.counts import counts
from webhook.domain.gate import Gate, Rules, decide
from webhook.domain.mime import Mailbox, ascii_domain
from webhook.domain.sending import WIRING, Message, Sending
from webhook.errors import Invalid

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
PLAIN = {"from": "shop@example.com", "to": ["ann@gmail.com"], "subject": "Hello", "text": "Hi"}


def read(changes: dict[str, Any] | None = None, domain: str = "example.com") -> Message:
    """A plain mail with these changes; None takes a field out."""
    fields = {**PLAIN, **(changes or {})}
    return Message.from_json({name: value for name, value in fields.items() if value is not None}, domain)


def read_or_refused(body: object, domain: str) -> Message | Invalid:
    try:
        return Message.from_json(body, domain)
    except Invalid as refused:
        return refused


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def raw(text: str | bytes, **changes: Any) -> Message:
    given = {"from": "shop@example.com", "to": ["ann@gmail.com"], "raw": in_base64(text), **changes}
    return Message.from_json(given, "example.com")


# -- what is taken


def test_a_mail_of_parts() -> None:
    message = read(
        {
            "from": '"The Shop, Ltd." <Shop@News.Example.COM>',
            "to": ["Ann <Ann@Gmail.com>", "bob@gmail.com"],
            "cc": ["cy@web.de"],
            "bcc": ["dee@gmx.net"],
            "replyTo": "help@other.example",
            "html": "<p>Hi</p>",
            "tags": {"campaign": "spring-1"},
        }
    )
    assert message.sender == Mailbox("Shop@news.example.com", "The Shop, Ltd.")
    assert message.sender.written == '"The Shop, Ltd." <Shop@news.example.com>'
    assert message.recipients == {"ann@gmail.com", "bob@gmail.com", "cy@web.de", "dee@gmx.net"}
    assert message.count == 4
    assert message.reply_to == (Mailbox("help@other.example"),)
    assert (message.subject, message.text, message.html) == ("Hello", "Hi", "<p>Hi</p>")
    assert message.tags == {"campaign": "spring-1"}


def test_a_whole_message_is_passed_on_as_it_is() -> None:
    letter = EmailMessage()
    letter["From"] = "Müller & Co <shop@example.com>"
    letter["To"] = "Ann <ann@gmail.com>"
    letter["Subject"] = "Grüße " * 30
    letter.set_content("Hi")
    letter.add_attachment(b"\0\1", maintype="application", subtype="octet-stream", filename="a.bin")
    assert raw(bytes(letter)).raw == bytes(letter)


def test_names_beyond_ascii_are_written_in_encoded_words() -> None:
    assert read({"from": "Jörg <shop@example.com>"}).sender.written == "=?utf-8?b?SsO2cmc=?= <shop@example.com>"
    written = read({"from": f"{'ö' * 60} <shop@example.com>"}).sender.written
    assert all(len(word) <= 75 for word in written.split())


IDN = ["Bücher.Example", "straße.de", "例え.テスト", "münchen.example.com", "xn--bcher-kva.example", "FAß.DE"]


@pytest.mark.parametrize("domain", IDN)
def test_international_domains_are_those_of_the_registries(domain: str) -> None:
    assert ascii_domain(domain) == idna.encode(domain, uts46=True).decode()


def test_recipients_at_international_domains_are_the_same_in_either_writing() -> None:
    assert read({"to": ["ann@bücher.example"]}).recipients == read({"to": ["Ann@xn--bcher-kva.EXAMPLE"]}).recipients


def test_a_fingerprint_tells_mails_apart_and_repetitions_not() -> None:
    assert read().fingerprint == read({"from": "shop@EXAMPLE.com"}).fingerprint
    assert len({read(change).fingerprint for change in ({}, {"subject": "Bye"}, {"to": ["bob@gmail.com"]})}) == 3


# -- what is refused


REFUSED = [
    pytest.param({"from": None}, "from", id="no from"),
    pytest.param({"from": ["a@example.com"]}, "from", id="from is a list"),
    pytest.param({"from": "shop@other.com"}, "from", id="from is elsewhere"),
    pytest.param({"from": "shop@notexample.com"}, "from", id="from only ends alike"),
    pytest.param({"from": "shop@example.com.evil.net"}, "from", id="from only begins alike"),
    pytest.param({"from": "shop@example.com <x@evil.net>"}, "from", id="name looks like an address"),
    pytest.param({"from": "x@evil.net <shop@example.com>"}, "from", id="name holds an address unquoted"),
    pytest.param({"from": "a@evil.net, shop@example.com"}, "from", id="two senders"),
    pytest.param({"from": "Shop\r\nBcc: x@evil.net <shop@example.com>"}, "from", id="header injection by the name"),
    pytest.param({"from": "shop@example.com\n"}, "from", id="line break at the end"),
    pytest.param({"from": f"{'n' * 310} <shop@example.com>"}, "from", id="name too long"),
    pytest.param({"to": None}, "to", id="nobody"),
    pytest.param({"to": []}, "to", id="an empty list"),
    pytest.param({"to": "ann@gmail.com"}, "to", id="a text instead of a list"),
    pytest.param({"to": [7]}, "to[0]", id="a number"),
    pytest.param({"to": ["ann@gmail.com", "ann"]}, "to[1]", id="no @"),
    pytest.param({"to": ["ann@gmail"]}, "to[0]", id="no dot"),
    pytest.param({"to": ["@gmail.com"]}, "to[0]", id="nothing before the @"),
    pytest.param({"to": ["a b@gmail.com"]}, "to[0]", id="a space"),
    pytest.param({"to": [".ann@gmail.com"]}, "to[0]", id="a dot first"),
    pytest.param({"to": ["ann@[192.0.2.1]"]}, "to[0]", id="an IP address"),
    pytest.param({"to": ["ann@192.0.2.1"]}, "to[0]", id="digits only"),
    pytest.param({"to": ["ann@-gmail.com"]}, "to[0]", id="a hyphen first"),
    pytest.param({"to": ["ann@gm_ail.com"]}, "to[0]", id="an underscore"),
    pytest.param({"to": ["ann@gmail..com"]}, "to[0]", id="an empty label"),
    pytest.param({"to": ["jörg@gmail.com"]}, "to[0]", id="a local part beyond ASCII"),
    pytest.param({"to": ["a" * 65 + "@gmail.com"]}, "to[0]", id="local part too long"),
    pytest.param({"to": ["a@" + "b" * 64 + ".com"]}, "to[0]", id="label too long"),
    pytest.param({"to": ["a@" + "b.c" * 90 + ".com"]}, "to[0]", id="domain too long"),
    pytest.param({"to": ["ann@♥.example"]}, "to[0]", id="a sign that no domain has"),
    pytest.param({"cc": ["ann@gmail.com\r\nX: y"]}, "cc[0]", id="header injection by cc"),
    pytest.param({"bcc": [{}]}, "bcc[0]", id="bcc of objects"),
    pytest.param({"replyTo": ["nobody"]}, "replyTo[0]", id="replyTo is none"),
    pytest.param({"to": ["a@b.com"] * 30, "cc": ["a@b.com"] * 20, "bcc": ["a@b.com"]}, "to", id="51 recipients"),
    pytest.param({"subject": None}, "subject", id="no subject"),
    pytest.param({"subject": "a\r\nBcc: x@evil.net"}, "subject", id="header injection by the subject"),
    pytest.param({"subject": "a\u2028b"}, "subject", id="a line separator"),
    pytest.param({"subject": "a" * 999}, "subject", id="subject too long"),
    pytest.param({"text": None}, "text", id="no body"),
    pytest.param({"text": ""}, "text", id="an empty body"),
    pytest.param({"text": 7}, "text", id="text is a number"),
    pytest.param({"html": ["a"]}, "html", id="html is a list"),
    pytest.param({"text": "\ud800"}, "text", id="half a character"),
    pytest.param({"text": "ä" * 5_000_001}, "text", id="body too large"),
    pytest.param({"tags": ["a"]}, "tags", id="tags are a list"),
    pytest.param({"tags": {f"t{n}": "a" for n in range(51)}}, "tags", id="51 tags"),
    pytest.param({"tags": {"a b": "c"}}, "tags.a b", id="a tag's name with a space"),
    pytest.param({"tags": {"a": "b.c"}}, "tags.a", id="a tag's value with a dot"),
    pytest.param({"tags": {"a": "x" * 257}}, "tags.a", id="a tag's value too long"),
    pytest.param({"tags": {"a": 7}}, "tags.a", id="a tag's value is a number"),
    pytest.param({"tags": {"SES:source": "a"}}, "tags.SES:source", id="a tag of SES's own"),
    pytest.param({"attachments": []}, "attachments", id="an unknown field"),
    pytest.param({"\ud800": 1}, "\\ud800", id="a field that is half a character"),
    pytest.param({"raw": "aGk="}, "subject", id="raw beside parts"),
]


@pytest.mark.parametrize(("change", "field"), REFUSED)
def test_what_is_wrong_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(change)
    assert refused.value.field == field
    assert refused.value.detail
    assert refused.value.hint.endswith((".", "]."))


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_mail_is_an_object(body: object) -> None:
    with pytest.raises(Invalid, match="body"):
        Message.from_json(body, "example.com")


def test_fifty_recipients_are_taken_over_all_fields() -> None:
    assert read({"to": ["a@b.com"] * 30, "cc": ["a@b.com"] * 10, "bcc": ["a@b.com"] * 10}).count == 50


GOOD = "From: shop@example.com\r\nTo: ann@gmail.com\r\nSubject: Hi\r\n\r\nHi"
RAW = [
    pytest.param("From: shop@other.com\r\n\r\nHi", id="From is elsewhere"),
    pytest.param("To: ann@gmail.com\r\n\r\nHi", id="no From"),
    pytest.param("From: shop@example.com\r\nFrom: shop@other.com\r\n\r\nHi", id="a second From elsewhere"),
    pytest.param("From: shop@example.com\r\nfROM: shop@example.com\r\n\r\nHi", id="a second From"),
    pytest.param("From: shop@example.com, ceo@other.com\r\n\r\nHi", id="two in one From"),
    pytest.param("From: shop@example.com\r\nSender: x@other.com\r\n\r\nHi", id="Sender is elsewhere"),
    pytest.param("From: shop@example.com\r\nReturn-Path: <x@other.com>\r\n\r\nHi", id="Return-Path is elsewhere"),
    pytest.param("From: shop@example.com\r\nResent-From: x@other.com\r\n\r\nHi", id="Resent-From is elsewhere"),
    pytest.param("From: ceo@other.com (shop@example.com)\r\n\r\nHi", id="a comment"),
    pytest.param("From: (<shop@example.com>) ceo@other.com\r\n\r\nHi", id="a comment before"),
    pytest.param('From: "<shop@example.com>" <ceo@other.com>\r\n\r\nHi', id="a name like an address"),
    pytest.param("From: all: shop@example.com, x@other.com;\r\n\r\nHi", id="a group"),
    pytest.param("From : shop@other.com\r\nFrom: shop@example.com\r\n\r\nHi", id="a blank before the colon"),
    pytest.param("From: shop@example.com\r\nbroken\r\nFrom: x@other.com\r\n\r\nHi", id="a line that is no header"),
    pytest.param("From: shop@example.com\rSender: x@other.com\r\n\r\nHi", id="a bare CR"),
    pytest.param("From: shop@example.com\0\r\n\r\nHi", id="a NUL"),
    pytest.param("From: Jörg <shop@example.com>\r\n\r\nHi", id="bytes beyond ASCII in From"),
    pytest.param(" From: shop@example.com\r\n\r\nHi", id="begins with a continuation"),
    pytest.param("From: shop@example.com\r\nX-SES-CONFIGURATION-SET: x\r\n\r\nHi", id="chooses a configuration set"),
    pytest.param("From: shop@example.com\r\nx-ses-tenant: x\r\n\r\nHi", id="chooses a tenant"),
    pytest.param("From: shop@example.com", id="no body"),
    pytest.param("", id="nothing at all"),
]


@pytest.mark.parametrize("text", RAW)
def test_a_whole_message_that_speaks_for_others_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        raw(text)
    assert refused.value.field == "raw"


@pytest.mark.parametrize("text", ["aGk", "a\nGk=", "ä", "aGk=!"], ids=["padding", "line break", "letter", "sign"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="not base64"):
        Message.from_json({"from": "shop@example.com", "to": ["a@b.com"], "raw": text}, "example.com")


def test_a_whole_message_beyond_what_ses_takes_is_refused_unread() -> None:
    with pytest.raises(Invalid, match="40 MB"):
        Message.from_json({"from": "a@example.com", "to": ["a@b.com"], "raw": "A" * 53_300_004}, "example.com")


WRITINGS = [
    pytest.param(GOOD, id="CR LF"),
    pytest.param(GOOD.replace("\r\n", "\n"), id="LF"),
    pytest.param("From: =?utf-8?q?J=C3=B6rg?=\r\n <shop@example.com>\r\n\r\nHi", id="folded, encoded words"),
    pytest.param('From: "Shop, Ltd." <shop@mail.example.com>\r\nSender: a@example.com\r\n\r\n', id="Sender at home"),
    pytest.param("From: <shop@example.com>\r\nX-Note: Jörg\r\n\r\nHi", id="bytes beyond ASCII elsewhere"),
    pytest.param("From: shop@example.com\r\n\r\nFrom: x@other.com\r\nX-SES-TENANT: a\r\n", id="a body like headers"),
]


@pytest.mark.parametrize("text", WRITINGS)
def test_honest_whole_messages_are_taken(text: str) -> None:
    assert raw(text).raw == text.encode()


ODD = st.text(st.sampled_from('aA.@<>"\\,;:()[] \t\r\n\0öß例\ud800-_=?x'), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | ODD,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(["from", "to", "cc", "bcc", "replyTo", "subject", "text", "html", "tags", "raw", "else"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(FIELDS, JSON), st.sampled_from(["example.com", ""]))
def test_no_input_makes_it_fail_otherwise(changes: dict[str, Any], domain: str) -> None:
    told = read_or_refused({**PLAIN, **changes}, domain)
    if isinstance(told, Invalid):
        assert json.dumps([told.field, told.detail, told.hint], ensure_ascii=False).encode()
    else:
        assert told.sender.domain.endswith(domain)
        assert told.recipients


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | ODD.map(lambda text: text.encode("utf-8", "replace")))
def test_no_raw_message_makes_it_fail_otherwise(head: bytes) -> None:
    for message in (head, b"From: " + head + b"\r\n\r\n", b"From: a@example.com\r\nSender: " + head + b"\n\nHi"):
        told = read_or_refused({"from": "a@example.com", "to": ["a@b.com"], "raw": in_base64(message)}, "example.com")
        assert told.field == "raw" if isinstance(told, Invalid) else told.raw == message


@settings(max_examples=500, deadline=None)
@given(ODD)
def test_what_was_taken_for_a_mailbox_is_written_in_one_line_and_read_again(text: str) -> None:
    try:
        mailbox = Mailbox.from_text(text, "to[0]")
    except Invalid:
        return
    assert mailbox.written.isascii()
    assert mime.printable(mailbox.written)
    assert Mailbox.from_text(mailbox.written, "to[0]").address == mailbox.address


# -- the gate

OPEN = Rules(enabled=True)
SES = {"registered": True, "verifiedForSending": True, "verificationStatus": "success"}
GOOD_DOMAIN: dict[str, Any] = {"domain": "example.com", "createdAt": NOW, "awsSes": SES}
STAFF = {"by": "staff", "who": "eva", "why": "asked for by the customer", "at": NOW}
POLICY = {"by": "policy", "who": "sentinel", "why": "9 % of its mail bounced.", "at": NOW}
FLAGGED = {"status": "flagged", "sentence": "60 of 1,000 recipients bounced."}
BOUNCED = {"ann@gmail.com": {"reason": "bounce"}, "bob@gmail.com": {"reason": "complaint"}}

GATES: list[Any] = [
    pytest.param(GOOD_DOMAIN, OPEN, {}, None, "", id="nothing speaks against it"),
    pytest.param(GOOD_DOMAIN, Rules(enabled=False), {}, Gate.DISABLED, "switched off", id="sending is off"),
    pytest.param(None, OPEN, {}, Gate.UNKNOWN, "never added", id="no such domain"),
    pytest.param({"domain": "example.com"}, OPEN, {}, Gate.UNKNOWN, "never added", id="only heard of in mail"),
    pytest.param({"createdAt": NOW}, OPEN, {}, Gate.UNVERIFIED, "`not_started`", id="added, not registered"),
    pytest.param(
        {"awsSes": {"verificationStatus": "pending"}}, OPEN, {}, Gate.UNVERIFIED, "`pending`", id="not verified yet"
    ),
    pytest.param({"awsSes": {"verifiedForSending": 1}}, OPEN, {}, Gate.UNVERIFIED, "", id="something else than true"),
    pytest.param(
        {"createdAt": NOW, "awsSes": "x"}, OPEN, {}, Gate.UNVERIFIED, "", id="the platform wrote a text there"
    ),
    pytest.param(
        {**GOOD_DOMAIN, "paused": STAFF},
        OPEN,
        {},
        Gate.PAUSED,
        "example.com was paused by eva on 2026-03-10: asked for by the customer.",
        id="paused by staff",
    ),
    pytest.param(
        {**GOOD_DOMAIN, "paused": POLICY},
        OPEN,
        {},
        Gate.PAUSED,
        "example.com was paused by policy on 2026-03-10: 9 % of its mail bounced.",
        id="paused by policy",
    ),
    pytest.param({**GOOD_DOMAIN, "paused": {"by": "staff"}}, OPEN, {}, Gate.PAUSED, "by staff: no reason", id="bare"),
    pytest.param({**GOOD_DOMAIN, "paused": None}, OPEN, {}, None, "", id="resumed"),
    pytest.param(
        {**GOOD_DOMAIN, "reputation": FLAGGED}, OPEN, {}, Gate.FLAGGED, "is flagged: 60 of 1,000", id="flagged"
    ),
    pytest.param(
        {**GOOD_DOMAIN, "reputation": FLAGGED}, Rules(True, flagged_may=True), {}, None, "", id="flagged, but may"
    ),
    pytest.param({**GOOD_DOMAIN, "reputation": {"status": "warning"}}, OPEN, {}, None, "", id="warned only"),
    pytest.param({**GOOD_DOMAIN, "reputation": 0.5}, OPEN, {}, None, "", id="a reputation of the platform's own"),
    pytest.param(
        GOOD_DOMAIN,
        OPEN,
        BOUNCED,
        Gate.SUPPRESSED,
        "Nothing was sent, for these must not be written to: ann@gmail.com (bounce), bob@gmail.com (complaint).",
        id="suppressed recipients",
    ),
]


@pytest.mark.parametrize(("document", "rules", "suppressed", "gate", "detail"), GATES)
def test_the_gate(
    document: dict[str, Any] | None, rules: Rules, suppressed: dict[str, Any], gate: Gate | None, detail: str
) -> None:
    refusal = decide("example.com", document, rules, suppressed)
    assert (refusal and refusal.gate) == gate
    if refusal:
        assert detail in refusal.detail
        assert refusal.hint.endswith((".", ")."))


def test_the_first_reason_is_given_and_each_cure_brings_the_next() -> None:
    worst: dict[str, Any] = {"createdAt": NOW, "paused": STAFF, "reputation": FLAGGED}
    cures: list[tuple[Any, Rules, dict[str, Any]]] = [
        (None, Rules(enabled=False), BOUNCED),
        (None, OPEN, BOUNCED),
        (worst, OPEN, BOUNCED),
        ({**worst, "awsSes": SES}, OPEN, BOUNCED),
        ({**worst, "awsSes": SES, "paused": None}, OPEN, BOUNCED),
        ({**GOOD_DOMAIN}, OPEN, BOUNCED),
        ({**GOOD_DOMAIN}, OPEN, {}),
    ]
    refusals = [decide("example.com", document, rules, hit) for document, rules, hit in cures]
    assert [refusal.gate if refusal else None for refusal in refusals] == [*Gate, None]


# -- what was sent is a fact


def sent(mail_id: str = "mail-1", at: datetime = NOW, recipients: tuple[str, ...] = ("ann@gmail.com",)) -> Sending:
    return Sending(
        id="s",
        domain="example.com",
        who="shop",
        recipients=frozenset(recipients),
        fingerprint="",
        at=at,
        message_id=mail_id,
    )


def test_it_is_what_the_send_event_will_tell_but_for_the_wiring() -> None:
    ours = sent(at=NOW + timedelta(microseconds=345)).effects
    told = effects_of(send())
    assert ours.mail
    assert told.mail
    assert ours.mail.wirings == {WIRING}
    assert (ours.kind, ours.mail.origin, ours.mail.at, ours.mail.recipients, ours.mail.facts) == (
        told.kind,
        told.mail.origin,
        told.mail.at,
        told.mail.recipients,
        told.mail.facts,
    )


MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
TIMES = [
    pytest.param(NOW, NOW, id="the same moment"),
    pytest.param(NOW, NOW - timedelta(milliseconds=40), id="SES is earlier"),
    pytest.param(NOW, NOW + timedelta(milliseconds=40), id="SES is later"),
    pytest.param(MIDNIGHT + timedelta(seconds=0.1), MIDNIGHT - timedelta(seconds=0.1), id="midnight in between"),
    pytest.param(MIDNIGHT - timedelta(seconds=0.1), MIDNIGHT + timedelta(seconds=0.1), id="midnight the other way"),
]


@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize(("ours", "theirs"), TIMES)
def test_the_send_event_counts_nothing_twice(ours: datetime, theirs: datetime, first: str) -> None:
    told = mail(timestamp=theirs.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
    messages = [sent(at=ours).effects, effects_of(send(told), now=NOW)]
    store = MemoryStore()
    for effects in messages if first == "ours" else reversed(messages):
        store.commit([effects])
    [outcome] = store.commit([effects_of(delivery(told), now=NOW)])
    assert outcome == "accepted"
    counted = {day: found for (_, day), found in store.counters.items() if found}
    assert counted == {min(ours, theirs).date(): dict(counts(store.mails["mail-1"]))}
    assert counted[min(ours, theirs).date()]["sent"] == 1


def test_its_wiring_does_not_vouch_for_the_configuration_sets() -> None:
    store = MemoryStore()
    store.commit([sent().effects, effects_of(bounce())])
    assert store.kinds == {WIRING: {"Send"}, "set:main": {"Bounce"}}
    assert not [name for name in counts(store.mails["mail-1"]) if name.startswith("blind/")]


def test_a_bounce_by_a_blind_notification_is_not_blind_where_the_mail_was_sent_here() -> None:
    store = MemoryStore()
    store.commit([effects_of(by_notification(bounce()))])
    assert any(name.startswith("blind/") for name in counts(store.mails["mail-1"]))
    store.commit([sent().effects])
    assert not any(name.startswith("blind/") for name in counts(store.mails["mail-1"]))
    [counted] = store.counters.values()
    assert (counted["sent"], counted["bounces"]) == (1, 1)
    assert not any(name.startswith("blind/") for name in counted)
