"""From the bytes that SNS posts to an envelope, and nothing but `Rejected` for all other bytes."""

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.signer import TOKEN, TOPIC, body, confirmation, notification, signed, subscribe_url, verdict
from webhook.domain.envelope import MAX_BYTES, Envelope, MessageType, string_to_sign
from webhook.errors import Rejected

SIGNED = signed(notification())
CONFIRMATION = signed(confirmation())
NOT_SNS = (400, "not_sns")
UNSIGNED = (403, "unsigned")
BAD_SIGNATURE = (403, "bad_signature")


def without(fields, *names):
    return {name: value for name, value in fields.items() if name not in names}


def test_a_notification_is_read_as_it_stands():
    fields = signed(notification("  {}\n", Subject=" Amazon SES "))
    assert Envelope.from_bytes(body(fields), header_type="Notification") == Envelope(
        type=MessageType.NOTIFICATION,
        message_id=fields["MessageId"],
        topic_arn=TOPIC,
        message="  {}\n",
        timestamp="2026-03-14T12:00:00.000Z",
        signed_at=datetime(2026, 3, 14, 12, tzinfo=UTC),
        signature_version="2",
        signature=Envelope.from_bytes(body(fields)).signature,
        signing_cert_url=fields["SigningCertURL"],
        subject=" Amazon SES ",
    )


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_has_its_token_and_address(kind):
    envelope = Envelope.from_bytes(body(signed(confirmation(kind))))
    assert (envelope.type, envelope.token, envelope.subscribe_url) == (kind, TOKEN, subscribe_url())


def test_the_addresses_may_be_spelled_as_lambda_spells_them():
    fields = without(SIGNED, "SigningCertURL", "UnsubscribeURL")
    fields |= {"SigningCertUrl": SIGNED["SigningCertURL"], "UnsubscribeUrl": SIGNED["UnsubscribeURL"], "Subject": None}
    assert Envelope.from_bytes(body(fields)) == Envelope.from_bytes(body(SIGNED))


def test_fields_that_sns_may_add_are_passed_over():
    attributes = {"MessageAttributes": {"a": {"Type": "String", "Value": "b"}}, "Next": [1, {"x": None}]}
    assert Envelope.from_bytes(body(SIGNED | attributes)) == Envelope.from_bytes(body(SIGNED))


def test_the_last_of_two_equal_keys_counts():
    twice = b'{"Message":"first",' + body(SIGNED)[1:]
    assert Envelope.from_bytes(twice).message == SIGNED["Message"]


NOTIFICATION_TEXT = (
    "Message\nhällo\n\nMessageId\n165545c9-2a5c-472c-8df2-7ff2be2b3b1b\n{subject}"
    f"Timestamp\n2026-03-14T12:00:00.000Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
)


@pytest.mark.parametrize(
    ("subject", "part"),
    [
        pytest.param({}, "", id="absent"),
        pytest.param({"Subject": None}, "", id="null"),
        pytest.param({"Subject": ""}, "Subject\n\n", id="empty"),
        pytest.param({"Subject": "Grüße"}, "Subject\nGrüße\n", id="text"),
    ],
)
def test_a_notification_is_signed_with_its_subject_if_it_has_one(subject, part):
    envelope = Envelope.from_bytes(body(signed(notification("hällo\n", **subject))))
    assert string_to_sign(envelope).decode() == NOTIFICATION_TEXT.format(subject=part)


def test_a_confirmation_is_signed_with_its_token_and_address():
    envelope = Envelope.from_bytes(body(signed(confirmation(Message="m"))))
    assert string_to_sign(envelope).decode() == (
        f"Message\nm\nMessageId\n165545c9-2a5c-472c-8df2-7ff2be2b3b1b\nSubscribeURL\n{subscribe_url()}\n"
        f"Timestamp\n2026-03-14T12:00:00.000Z\nToken\n{TOKEN}\nTopicArn\n{TOPIC}\nType\nSubscriptionConfirmation\n"
    )


REJECTED = [
    pytest.param(b"", NOT_SNS, id="empty"),
    pytest.param(b" ", NOT_SNS, id="blank"),
    pytest.param(b"null", NOT_SNS, id="null"),
    pytest.param(b"[]", NOT_SNS, id="array"),
    pytest.param(b'"Notification"', NOT_SNS, id="string"),
    pytest.param(b"1e999", NOT_SNS, id="number"),
    pytest.param(b"{}", NOT_SNS, id="empty object"),
    pytest.param(b'{"hello":"world"}', NOT_SNS, id="some object"),
    pytest.param(b"\xef\xbb\xbf" + body(SIGNED), NOT_SNS, id="byte order mark"),
    pytest.param(body(SIGNED)[:-1], NOT_SNS, id="cut off"),
    pytest.param(body(SIGNED) + b"x", NOT_SNS, id="something after it"),
    pytest.param(json.dumps(SIGNED).encode("utf-16"), NOT_SNS, id="utf-16"),
    pytest.param(b"Type=Notification&Message=x", NOT_SNS, id="form"),
    pytest.param(b"<Notification/>", NOT_SNS, id="xml"),
    pytest.param(b"\x00" * 100, NOT_SNS, id="NULs"),
    pytest.param(b"[" * 100_000, NOT_SNS, id="deep array"),
    pytest.param(b'{"Message":' * 40_000, NOT_SNS, id="deep object"),
    pytest.param(b'{"Type":"Notification","x":' + b"[" * 200_000, NOT_SNS, id="deep unknown field"),
    pytest.param(body(SIGNED | {"Message": "\ud800"}), NOT_SNS, id="lone surrogate"),
    pytest.param(body(SIGNED).replace(b"Bounce", b"\xff"), NOT_SNS, id="not UTF-8"),
    pytest.param(b'{"MessageId":' + b"9" * 50_000 + b"," + body(SIGNED)[1:], NOT_SNS, id="huge number"),
    pytest.param(body(SIGNED | {"Type": "Message"}), NOT_SNS, id="unknown type"),
    pytest.param(body(SIGNED | {"Type": "notification"}), NOT_SNS, id="type in lower case"),
    pytest.param(body(SIGNED | {"Type": "Notification\n"}), NOT_SNS, id="type with newline"),
    pytest.param(body(without(CONFIRMATION, "Token")), NOT_SNS, id="confirmation without token"),
    pytest.param(body(CONFIRMATION | {"Token": None}), NOT_SNS, id="confirmation with null token"),
    pytest.param(body(CONFIRMATION | {"Token": ""}), NOT_SNS, id="confirmation with empty token"),
    pytest.param(body(without(CONFIRMATION, "SubscribeURL")), NOT_SNS, id="confirmation without address"),
    pytest.param(body(SIGNED | {"Timestamp": "yesterday"}), NOT_SNS, id="no timestamp"),
    pytest.param(body(SIGNED | {"Timestamp": "2026-02-30T12:00:00.000Z"}), NOT_SNS, id="no such day"),
    pytest.param(body(SIGNED | {"Timestamp": "0000-01-01T00:00:00.000Z"}), NOT_SNS, id="year 0"),
    pytest.param(body(SIGNED | {"Timestamp": "2026-03-14T12:00:00"}), NOT_SNS, id="timestamp without zone"),
    pytest.param(body(SIGNED | {"Timestamp": "2026-03-14T12:00:00.000+01:00"}), NOT_SNS, id="timestamp with offset"),
    pytest.param(body(SIGNED | {"Timestamp": "٢٠٢٦-03-14T12:00:00.000Z"}), NOT_SNS, id="arabic digits"),
    pytest.param(body(SIGNED | {"Timestamp": "2026-03-14T12:00:00.000Z\n"}), NOT_SNS, id="timestamp with newline"),
    pytest.param(body(without(SIGNED, "Signature")), UNSIGNED, id="no signature"),
    pytest.param(body(without(SIGNED, "SigningCertURL")), UNSIGNED, id="no certificate address"),
    pytest.param(body(SIGNED | {"SigningCertURL": ""}), UNSIGNED, id="empty certificate address"),
    pytest.param(b'{"eventType":"Bounce","mail":{}}', UNSIGNED, id="raw SES event"),
    pytest.param(b'{"notificationType":"Complaint","mail":{}}', UNSIGNED, id="raw SES notification"),
    pytest.param(b'{"detail-type":"Email Bounced","detail":{}}', UNSIGNED, id="raw EventBridge event"),
    pytest.param(body(SIGNED | {"SignatureVersion": "3"}), BAD_SIGNATURE, id="signature version 3"),
    pytest.param(body(SIGNED | {"SignatureVersion": "2 "}), BAD_SIGNATURE, id="signature version with blank"),
    pytest.param(body(SIGNED | {"Signature": ""}), BAD_SIGNATURE, id="empty signature"),
    pytest.param(body(SIGNED | {"Signature": "!"}), BAD_SIGNATURE, id="signature not base64"),
    pytest.param(body(SIGNED | {"Signature": "ÄÖÜ="}), BAD_SIGNATURE, id="signature not ASCII"),
    pytest.param(body(SIGNED | {"Signature": SIGNED["Signature"] + "\n"}), BAD_SIGNATURE, id="newline in base64"),
    pytest.param(body(SIGNED | {"Signature": SIGNED["Signature"][:-1]}), BAD_SIGNATURE, id="padding cut off"),
    pytest.param(b'{"Message":"' + b"x" * MAX_BYTES + b'"}', (413, "too_large"), id="too large"),
]


@pytest.mark.parametrize(("data", "expected"), REJECTED)
def test_what_is_no_envelope_is_rejected(data, expected):
    assert verdict(lambda: Envelope.from_bytes(data)) == expected


NEEDED = ["Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion"]
TEXTS = [*NEEDED, "Signature", "SigningCertURL"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_field_is_named(name):
    with pytest.raises(Rejected, match=f"^not_sns: {name}: missing") as caught:
        Envelope.from_bytes(body(without(SIGNED, name)))
    assert caught.value.status == 400


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["x"]], ids=repr)
@pytest.mark.parametrize("name", TEXTS)
def test_a_field_of_the_wrong_type_is_named(name, value):
    with pytest.raises(Rejected, match=f"^not_sns: {name}: expected a string") as caught:
        Envelope.from_bytes(body(SIGNED | {name: value}))
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["Subject", "Token", "SubscribeURL"])
@pytest.mark.parametrize("value", [1, [], {}], ids=repr)
def test_an_optional_field_of_the_wrong_type_is_named(name, value):
    with pytest.raises(Rejected, match=f"^not_sns: {name}: expected a string"):
        Envelope.from_bytes(body(SIGNED | {name: value}))


@pytest.mark.parametrize("header", ["SubscriptionConfirmation", "notification", "", "Notification "])
def test_the_header_must_say_the_same_type(header):
    assert verdict(lambda: Envelope.from_bytes(body(SIGNED), header_type=header)) == (403, "type_mismatch")


def test_raw_delivery_is_unsigned_whatever_it_carries():
    assert verdict(lambda: Envelope.from_bytes(body(SIGNED), raw_delivery=True)) == UNSIGNED


def test_a_body_of_the_largest_size_is_read():
    padding = MAX_BYTES - len(body(SIGNED | {"Pad": ""}))
    assert Envelope.from_bytes(body(SIGNED | {"Pad": "x" * padding})).message == SIGNED["Message"]


def readable_or_rejected(data, header_type=None):
    """The one promise about every input; what can be read can also be turned into the string to sign."""
    try:
        envelope = Envelope.from_bytes(data, header_type=header_type)
    except Rejected:
        return
    assert string_to_sign(envelope)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_rejected(data):
    readable_or_rejected(data)


@given(st.sampled_from([*CONFIRMATION, "Subject", "SigningCertUrl"]), ANY_JSON | st.text(max_size=40))
def test_any_value_in_any_field_is_read_or_rejected(name, value):
    readable_or_rejected(json.dumps(CONFIRMATION | {name: value}).encode("utf-8"))


@given(st.integers(0, len(body(SIGNED)) - 1), st.binary(max_size=3), st.integers(0, 40))
def test_any_damage_to_an_envelope_is_read_or_rejected(at, inserted, removed):
    whole = body(SIGNED)
    readable_or_rejected(whole[:at] + inserted + whole[at + removed :])


@given(st.binary(max_size=64).map(lambda data: b64encode(data).decode()) | st.text(max_size=20))
def test_any_signature_is_read_or_rejected(text):
    readable_or_rejected(body(SIGNED | {"Signature": text}), header_type="Notification")
