"""Signatures of alerts, judged by other people's verifiers."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhook.adapters.destinations.ed25519 import ed25519_signer
from webhook.adapters.sealing import new_secret
from webhook.domain.endpoints import Signing
from webhook.domain.key_pairs import public_of
from webhook.domain.signing import hmac_signer, secret_of, signed_headers

OLD, NEW, OTHER = (secret_of(bytes([number]) * 32) for number in (1, 2, 3))
BODY = json.dumps({"type": "domain.paused", "data": {"why": "zu viele Rückläufer — 猫"}}, ensure_ascii=False).encode()

VERIFIERS = [
    pytest.param(standardwebhooks.Webhook, id="standardwebhooks"),
    pytest.param(svix.webhooks.Webhook, id="svix"),
]
each_verifier = pytest.mark.parametrize("verifier", VERIFIERS)


def now():
    return datetime.now(UTC)


def headers(*secrets, at=None, body=BODY, identity="alt_01"):
    return signed_headers(identity, at or now(), body, [hmac_signer(secret) for secret in secrets])


@each_verifier
def test_others_accept_what_we_sign(verifier):
    verifier(NEW).verify(BODY, headers(NEW))


@each_verifier
@pytest.mark.parametrize("held", [OLD, NEW])
def test_while_a_secret_is_replaced_either_will_do(verifier, held):
    signed = headers(NEW, OLD)
    assert len(signed["webhook-signature"].split(" ")) == 2
    verifier(held).verify(BODY, signed)


@each_verifier
@pytest.mark.parametrize("offset", [-11, 0, 5.5, 14])
def test_the_time_zone_of_the_moment_does_not_matter(verifier, offset):
    verifier(NEW).verify(BODY, headers(NEW, at=now().astimezone(timezone(timedelta(hours=offset)))))


REFUSED = [
    pytest.param(OTHER, BODY, {}, id="another secret"),
    pytest.param(NEW, BODY + b" ", {}, id="another body"),
    pytest.param(NEW, BODY, {"webhook-id": "alt_02"}, id="another id"),
    pytest.param(NEW, BODY, {"webhook-timestamp": str(int(now().timestamp()) - 1)}, id="another moment"),
    pytest.param(NEW, BODY, {"webhook-signature": "v1,"}, id="no signature"),
]


@each_verifier
@pytest.mark.parametrize(("held", "body", "changes"), REFUSED)
def test_others_refuse_what_was_changed(verifier, held, body, changes):
    signed = headers(NEW) | changes
    with pytest.raises((standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError)):
        verifier(held).verify(body, signed)


@each_verifier
@pytest.mark.parametrize("minutes", [-6, 6])
def test_others_refuse_a_replay(verifier, minutes):
    signed = headers(NEW, at=now() + timedelta(minutes=minutes))
    with pytest.raises((standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError)):
        verifier(NEW).verify(BODY, signed)


def test_the_signature_is_the_one_of_the_specification():
    # From the test vectors of the specification's reference libraries.
    body = b'{"test": 2432232314}'
    signer = hmac_signer("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body, [signer])
    assert signed["webhook-timestamp"] == "1614265330"
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_parts_of_a_second_are_left_out():
    at = datetime(2026, 11, 24, 12, 0, 0, 999_999, UTC)
    assert headers(NEW, at=at)["webhook-timestamp"] == str(int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize("identity", ["", "alt.1", "alt 1", "alt_\n", "ält"])
def test_an_id_that_could_be_read_two_ways_is_not_signed(identity):
    with pytest.raises(ValueError, match="part of what is signed"):
        headers(NEW, identity=identity)


def test_a_moment_without_time_zone_is_not_signed():
    with pytest.raises(ValueError, match="time zone"):
        headers(NEW, at=datetime(2026, 11, 24))  # noqa: DTZ001 - that is the point


def test_nothing_goes_out_unsigned():
    with pytest.raises(ValueError, match="no secret"):
        headers()


# -- secrets


@pytest.mark.parametrize("length", [24, 32, 64])
def test_secrets_have_24_to_64_bytes(length):
    secret = secret_of(b"x" * length)
    assert secret.startswith("whsec_")
    assert base64.b64decode(secret[6:], validate=True) == b"x" * length
    hmac_signer(secret)


@pytest.mark.parametrize("length", [0, 23, 65])
def test_shorter_and_longer_ones_are_none(length):
    with pytest.raises(ValueError, match=str(length)):
        secret_of(b"x" * length)


BAD_SECRETS = ["", "whsec_", "whsec_***", "whsec_" + "A" * 8, OTHER[6:], "whsk_" + OTHER[6:], OTHER + "x", OTHER + "\n"]


@pytest.mark.parametrize("secret", BAD_SECRETS)
def test_a_bad_secret_is_refused_and_not_repeated(secret):
    with pytest.raises(ValueError, match="whsec_ followed by") as refused:
        hmac_signer(secret)
    assert not secret[6:] or secret[6:] not in str(refused.value)


# -- key pairs


def new_key():
    return new_secret(Signing.ED25519)


def verified(public, signed, body):
    """By the specification's words, not by our code."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    version, _, signature = signed["webhook-signature"].partition(",")
    assert version == "v1a"
    key.verify(base64.b64decode(signature), f"{signed['webhook-id']}.{signed['webhook-timestamp']}.".encode() + body)


def test_a_key_pair_signs_what_its_public_half_verifies():
    private = new_key()
    public = public_of(private)
    assert private.startswith("whsk_")
    assert public.startswith("whpk_")
    signed = signed_headers("alt_01", now(), BODY, [ed25519_signer(private)])
    verified(public, signed, BODY)
    with pytest.raises(InvalidSignature):
        verified(public, signed, BODY + b" ")
    with pytest.raises(InvalidSignature):
        verified(public_of(new_key()), signed, BODY)


def test_32_bytes_are_a_private_key_too():
    private = new_key()
    short = "whsk_" + base64.b64encode(base64.b64decode(private[5:])[:32]).decode()
    signed = signed_headers("alt_01", now(), BODY, [ed25519_signer(short)])
    verified(public_of(private), signed, BODY)


HALVES = base64.b64decode(new_key()[5:])[:32] + base64.b64decode(new_key()[5:])[32:]


@pytest.mark.parametrize(
    "private",
    ["", "whsk_", "whsk_!", "whsk_AAAA", NEW, "whsk_" + base64.b64encode(HALVES).decode()],
    ids=["nothing", "no key", "no base64", "too short", "a secret", "two halves"],
)
def test_a_bad_private_key_is_refused(private):
    with pytest.raises(ValueError, match="private key"):
        ed25519_signer(private)


@pytest.mark.parametrize(
    "text",
    ["", "whsk_!", "whsk_AAAA", NEW, new_key().replace("whsk_", "whpk_")],
    ids=["nothing", "no base64", "too short", "a secret", "a public half"],
)
def test_only_a_private_key_has_a_public_half(text):
    assert public_of(text) is None


def test_both_kinds_of_signature_stand_side_by_side():
    signed = signed_headers("alt_01", now(), BODY, [hmac_signer(NEW), ed25519_signer(new_key())])
    assert [part.partition(",")[0] for part in signed["webhook-signature"].split(" ")] == ["v1", "v1a"]
    standardwebhooks.Webhook(NEW).verify(BODY, signed)
