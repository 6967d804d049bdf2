"""Whose topics we take, and which addresses a topic may use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.signer import CERTIFICATE_FILE, CERTIFICATE_URL, TOKEN, TOPIC, subscribe_url
from webhook.domain.topics import Origins, TopicAllowList, TopicArn, signing_names, sns_host

ACCOUNT = "arn:aws:sns:eu-north-1:123456789012:"
ARN = TopicArn.from_text(TOPIC)
EMULATOR = "http://127.0.0.1:4566"


def test_an_arn_has_four_parts():
    assert TopicArn("aws", "eu-north-1", "123456789012", "ses-events") == ARN


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ses-events",
        "arn:aws:sqs:eu-north-1:123456789012:ses-events",
        "arn:aws:sns:eu-north-1:12345678901:ses-events",
        "arn:aws:sns:eu-north-1:123456789012:",
        "arn:aws:sns:eu-north-1:123456789012:ses-events:subscription",
        "arn:aws:sns:eu-north-1:123456789012:ses events",
        "arn:aws:sns:eu-north-1:123456789012:ses-events\n",
        "arn:aws:sns:eu-north-1:١٢٣٤٥٦٧٨٩٠١٢:ses-events",
        "arn:aws:sns:evil.com/:123456789012:ses-events",
        "arn:aws:sns:eu-north-1.evil.com:123456789012:x",
        "arn:aws:sns::123456789012:ses-events",
        "ARN:aws:sns:eu-north-1:123456789012:ses-events",
        "arn:aws:sns:eu-north-1:123456789012:" + "x" * 257,
    ],
)
def test_what_is_no_topic_arn_is_refused(text):
    with pytest.raises(ValueError, match="not the ARN"):
        TopicArn.from_text(text)


@given(st.text(alphabet="arn:aws-cnusgov.*123456789012sns/\n\u0660", max_size=60))
def test_any_text_is_an_arn_or_a_value_error(text):
    try:
        topic = TopicArn.from_text(text)
    except ValueError:
        return
    assert text == f"arn:{topic.partition}:sns:{topic.region}:{topic.account}:{topic.name}"


def test_fifo_topics_have_their_ending():
    assert TopicArn.from_text(ACCOUNT + "orders.fifo").name == "orders.fifo"


@pytest.mark.parametrize(
    ("partition", "region", "host", "names"),
    [
        ("aws", "us-east-1", "sns.us-east-1.amazonaws.com", {"sns.amazonaws.com"}),
        ("aws", "eu-north-1", "sns.eu-north-1.amazonaws.com", {"sns.amazonaws.com"}),
        ("aws", "me-central-1", "sns.me-central-1.amazonaws.com", {"sns-signing.me-central-1.amazonaws.com"}),
        ("aws-cn", "cn-north-1", "sns.cn-north-1.amazonaws.com.cn", {"sns-cn-north-1.amazonaws.com.cn"}),
        ("aws-cn", "cn-northwest-1", "sns.cn-northwest-1.amazonaws.com.cn", {"sns-cn-northwest-1.amazonaws.com.cn"}),
        ("aws-us-gov", "us-gov-west-1", "sns.us-gov-west-1.amazonaws.com", {"sns-us-gov-west-1.amazonaws.com"}),
        ("aws-us-gov", "us-gov-east-1", "sns.us-gov-east-1.amazonaws.com", {"sns-us-gov-west-1.amazonaws.com"}),
        (
            "aws",
            "eu-west-9",
            "sns.eu-west-9.amazonaws.com",
            {"sns.amazonaws.com", "sns-signing.eu-west-9.amazonaws.com"},
        ),
    ],
)
def test_each_region_has_its_host_and_names(partition, region, host, names):
    assert sns_host(partition, region) == host
    assert signing_names(partition, region) == names


@pytest.mark.parametrize(
    ("partition", "region"),
    [("aws-iso", "us-iso-east-1"), ("aws", "cn-north-1"), ("aws-cn", "eu-north-1"), ("aws-us-gov", "us-east-1")],
)
def test_other_partitions_have_no_host(partition, region):
    with pytest.raises(ValueError, match="partition"):
        sns_host(partition, region)


@pytest.mark.parametrize(
    ("pattern", "topic_arn", "allowed"),
    [
        (TOPIC, TOPIC, True),
        (TOPIC, TOPIC + "2", False),
        (TOPIC, TOPIC.upper(), False),
        (TOPIC, TOPIC + "\n", False),
        (ACCOUNT + "*", TOPIC, True),
        (ACCOUNT + "*", ACCOUNT + "orders.fifo", True),
        (ACCOUNT + "*", ACCOUNT, False),
        (ACCOUNT + "*", ACCOUNT + "*", False),
        (ACCOUNT + "*", ACCOUNT + "a:b", False),
        (ACCOUNT + "*", ACCOUNT + "../x", False),
        (ACCOUNT + "*", "arn:aws:sns:eu-north-1:999999999999:ses-events", False),
        (ACCOUNT + "*", "arn:aws:sns:eu-west-1:123456789012:ses-events", False),
        (ACCOUNT + "*", "arn:aws-cn:sns:eu-north-1:123456789012:ses-events", False),
        (ACCOUNT + "*", "", False),
        (ACCOUNT + "*", "ses-events", False),
    ],
)
def test_the_allow_list_takes_our_topics_only(pattern, topic_arn, allowed):
    assert TopicAllowList.from_patterns([pattern]).allows(topic_arn) is allowed


def test_an_empty_allow_list_takes_nothing():
    assert not TopicAllowList.from_patterns([]).allows(TOPIC)


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "arn:aws:sns:*",
        "arn:aws:sns:eu-north-1:*",
        "arn:aws:sns:eu-north-1:*:ses-events",
        ACCOUNT + "ses-*",
        ACCOUNT + "**",
        "arn:aws:sns:*:123456789012:*",
        "",
        "ses-events",
        "arn:aws-iso:sns:us-iso-east-1:123456789012:ses-events",
        "arn:aws:sns:cn-north-1:123456789012:*",
    ],
)
def test_a_pattern_that_is_too_wide_or_no_arn_is_refused(pattern):
    with pytest.raises(ValueError, match=r"\*|ARN|partition"):
        TopicAllowList.from_patterns([TOPIC, pattern])


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/cert.pem", True),
        (f"/_aws/sns/{CERTIFICATE_FILE}", True),
        ("/cert.txt", False),
        ("/../etc/cert.pem", False),
        ("/a/../cert.pem", False),
        ("//evil.example/cert.pem", False),
        ("/cert.pem?x=.pem", False),
        ("/cert.pem#.pem", False),
        ("/%2e%2e/cert.pem", False),
        ("/.pem", False),
        ("/", False),
        ("", False),
        ("@evil.example/cert.pem", False),
        ("0/cert.pem", False),
        (".evil.example/cert.pem", False),
    ],
)
def test_a_trusted_origin_serves_certificates_from_any_plain_path(path, allowed):
    assert Origins([EMULATOR]).allow_certificate(EMULATOR + path, ARN) is allowed


def test_trusting_an_emulator_does_not_shut_amazon_out():
    assert Origins([EMULATOR]).allow_certificate(CERTIFICATE_URL, ARN)


@pytest.mark.parametrize(
    "origin",
    [
        "127.0.0.1:4566",
        "http://127.0.0.1:4566/",
        "http://a@b",
        "http://h/path",
        "http://",
        "ftp://h",
        "http://h:port",
        "http://H",
        "http://h ",
        "https://*",
    ],
)
def test_what_is_no_origin_is_refused(origin):
    with pytest.raises(ValueError, match="not an origin"):
        Origins([origin])


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:4566",
        "https://localhost.localstack.cloud:4566",
        "http://[::1]:4566",
        "http://local_stack:4566",
    ],
)
def test_origins_have_scheme_host_and_port(origin):
    assert Origins([origin]).trusted(origin + "/x") == origin


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:45660/x", "http://127.0.0.1/x", "https://127.0.0.1:4566/x", EMULATOR]
)
def test_another_port_or_scheme_is_another_origin(url):
    assert Origins([EMULATOR]).trusted(url) is None


GENUINE = subscribe_url()


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        pytest.param(GENUINE, True, id="genuine"),
        pytest.param(GENUINE.replace("arn:aws:sns:", "arn%3Aaws%3Asns%3A"), True, id="escaped"),
        pytest.param(subscribe_url(origin=EMULATOR), True, id="emulator"),
        pytest.param(subscribe_url(origin="http://127.0.0.1:4567"), False, id="other port"),
        pytest.param(subscribe_url(origin="https://sns.eu-west-1.amazonaws.com"), False, id="other region"),
        pytest.param(subscribe_url(origin="http://sns.eu-north-1.amazonaws.com"), False, id="http"),
        pytest.param(
            subscribe_url(origin="https://sns.eu-north-1.amazonaws.com.evil.example"), False, id="host suffix"
        ),
        pytest.param(subscribe_url(origin="https://x@sns.eu-north-1.amazonaws.com"), False, id="userinfo"),
        pytest.param(subscribe_url(origin="https://sns.eu-north-1.amazonaws.com:443"), False, id="port"),
        pytest.param(subscribe_url(TOPIC + "2"), False, id="other topic"),
        pytest.param(GENUINE.replace("ConfirmSubscription", "Publish"), False, id="other action"),
        pytest.param(GENUINE[:-1], False, id="other token"),
        pytest.param(GENUINE + "&Action=Publish", False, id="second action"),
        pytest.param(GENUINE + "#x", False, id="fragment"),
        pytest.param(GENUINE + "\r\nHost: evil", False, id="header injection"),
        pytest.param(GENUINE.replace("/?", "/x?"), False, id="path"),
        pytest.param("", False, id="empty"),
    ],
)
def test_a_confirmation_address_confirms_this_topic_and_token_only(url, allowed):
    assert Origins([EMULATOR]).allow_confirmation(url, ARN, TOPIC, TOKEN) is allowed
