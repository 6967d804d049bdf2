"""Each kind of endpoint against a real server of its kind: HTTP, SMTP, and AWS as moto plays it."""

import dataclasses
import itertools
import json
import socket
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_network
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import boto3
import pytest
import standardwebhooks
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from msgspec.structs import replace

from tests.authority import Authority
from tests.loopback import Server, answering
from tests.signer import Clock
from webhook.adapters.destinations import AwsAccess, Destinations, SmtpServer
from webhook.adapters.destinations.email import Email
from webhook.adapters.destinations.smtp import SmtpMailer
from webhook.adapters.outgoing import Guard, Outgoing, Resolver
from webhook.adapters.sealing import Sealer, new_secret
from webhook.domain import alerts
from webhook.domain.alert_payloads import EndpointTold
from webhook.domain.alerts import numbered
from webhook.domain.delivery_errors import DeliveryFailed
from webhook.domain.endpoints import Endpoint, Format, Kind, Secret, Signing
from webhook.errors import Invalid

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOMAIN = "example.com"
REGION, ACCOUNT = "eu-north-1", "123456789012"
SEALER = Sealer(["k" * 32])
PAUSED = numbered(
    alerts.paused(DOMAIN, "acme", {"by": "staff", "who": "jo", "why": "zu viele Rückläufer — 猫", "at": NOW}),
    "alt_01",
    7,
)
QUOTA = numbered(alerts.quota_reached(0.8, 40_123, 50_000, NOW, REGION), "alt_02", 1)


def endpoint(kind, url, *secrets, **fields):
    made = [Secret(SEALER.seal(text), NOW + timedelta(seconds=number)) for number, text in enumerate(secrets)]
    return Endpoint("ep_1", url, kind, ("*",), NOW, secrets=tuple(made), **fields)


@contextmanager
def reaching(now=lambda: datetime.now(UTC), **given):
    """All destinations, allowed to reach this machine."""
    monotonic = Clock().monotonic
    web = Outgoing(Guard(Resolver(), [ip_network("127.0.0.0/8")]), monotonic)
    yield Destinations.over(web, SEALER.open, now, monotonic, **given)
    web.close()


def told_by(destinations, *arguments):
    with pytest.raises(DeliveryFailed) as failed:
        destinations.deliver(*arguments)
    return failed.value


# -- webhooks


def test_a_webhook_is_signed_so_that_others_can_tell():
    secret = new_secret()
    with Server(answering(204)) as server, reaching() as destinations:
        answer = destinations.deliver(endpoint(Kind.WEBHOOK, f"{server.origin}/hook", secret), PAUSED, 3)
    assert answer.status == 204
    (asked,) = server.asked
    assert standardwebhooks.Webhook(secret).verify(asked.body, asked.headers) == json.loads(asked.body)
    assert json.loads(asked.body) == {
        "type": "domain.paused",
        "timestamp": "2026-11-24T12:00:00.000Z",
        "data": PAUSED.data,
    }
    lowered = {name.lower(): value for name, value in asked.headers.items()}
    assert lowered["webhook-id"] == "alt_01"
    assert lowered["sentinel-attempt"] == "3"
    assert lowered["content-type"] == "application/json"
    assert lowered["user-agent"].startswith("SES-Sentinel/")


def test_while_a_secret_is_replaced_both_sign_and_then_only_the_new_one():
    old, new = new_secret(), new_secret()
    now = datetime.now(UTC)
    one = endpoint(Kind.WEBHOOK, "", old, new)
    secrets = (replace(one.secrets[0], until=now + timedelta(hours=1)), one.secrets[1])
    with Server(answering(200)) as server:
        one = replace(one, url=server.origin, secrets=secrets)
        with reaching() as destinations:
            destinations.deliver(one, PAUSED, 1)
        with reaching(lambda: now + timedelta(hours=2)) as destinations:
            destinations.deliver(one, PAUSED, 2)
    during, after = server.asked
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(during.body, during.headers)
    assert len(after.headers["webhook-signature"].split(" ")) == 1


def test_a_key_pair_signs_as_well():
    with Server(answering(200)) as server, reaching() as destinations:
        destinations.deliver(endpoint(Kind.WEBHOOK, server.origin, new_secret(Signing.ED25519)), PAUSED, 1)
    assert server.asked[0].headers["webhook-signature"].startswith("v1a,")


def test_cloud_events_are_sent_to_those_who_want_them():
    secret = new_secret()
    with Server(answering(200)) as server, reaching(source="https://ses.example.net") as destinations:
        one = endpoint(Kind.WEBHOOK, server.origin, secret, format=Format.CLOUDEVENTS)
        destinations.deliver(one, PAUSED, 1)
    (asked,) = server.asked
    assert asked.headers["Content-Type"] == "application/cloudevents+json"
    event = standardwebhooks.Webhook(secret).verify(asked.body, asked.headers)
    assert (event["source"], event["subject"], event["id"]) == ("https://ses.example.net", DOMAIN, "alt_01")


def test_the_owners_headers_are_added_but_replace_none_of_ours():
    headers = {"Authorization": "Bearer x", "webhook-id": "forged", "HOST": "evil", "content-type": "text/plain"}
    with Server(answering(200)) as server, reaching() as destinations:
        destinations.deliver(endpoint(Kind.WEBHOOK, server.origin, new_secret(), headers=headers), PAUSED, 1)
    (asked,) = server.asked
    assert asked.headers["Authorization"] == "Bearer x"
    assert asked.headers["webhook-id"] == "alt_01"
    assert asked.headers["Host"] == server.origin.removeprefix("http://")
    assert asked.headers["Content-Type"] == "application/json"


def test_headers_are_sealed_where_they_lie_and_open_where_they_go():
    headers = {"Authorization": SEALER.seal("Bearer x")}
    with Server(answering(200)) as server, reaching() as destinations:
        one = endpoint(Kind.WEBHOOK, server.origin, new_secret(), headers=headers, headers_sealed=True)
        destinations.deliver(one, PAUSED, 1)
        lost = replace(one, headers={"Authorization": Sealer(["x" * 32]).seal("Bearer x")})
        failed = told_by(destinations, lost, PAUSED, 1)
    (asked,) = server.asked
    assert asked.headers["Authorization"] == "Bearer x"
    assert ("SECRET_KEY" in failed.detail, failed.permanent) == (True, False)


@pytest.mark.parametrize(
    ("secrets", "told"),
    [
        pytest.param([], "no secret to sign with", id="none"),
        pytest.param([Secret(Sealer(["x" * 32]).seal(new_secret()), NOW)], "SECRET_KEY", id="another key"),
        pytest.param([Secret(SEALER.seal("hunter2"), NOW)], "whsec_", id="no secret"),
    ],
)
def test_what_can_not_be_signed_is_not_sent(secrets, told):
    with Server(answering(200)) as server, reaching() as destinations:
        one = endpoint(Kind.WEBHOOK, server.origin)
        failed = told_by(destinations, replace(one, secrets=tuple(secrets)), PAUSED, 1)
    assert told in failed.detail
    assert "hunter2" not in failed.detail
    assert not failed.permanent
    assert server.asked == []


ANSWERS = [
    pytest.param(answering(410, b"bye"), True, 410, None, id="gone"),
    pytest.param(answering(500, b"oops"), False, 500, None, id="broken"),
    pytest.param(answering(302, Location="http://127.0.0.1/"), False, 302, None, id="redirect"),
    pytest.param(answering(429, **{"Retry-After": "30"}), False, 429, 30.0, id="asked too often"),
    pytest.param(answering(503, **{"Retry-After": "999999"}), False, 503, 86_400.0, id="away for long"),
]


@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.SLACK, Kind.TEAMS])
@pytest.mark.parametrize(("behave", "permanent", "status", "wait"), ANSWERS)
def test_what_failed_says_what_to_do_next(kind, behave, permanent, status, wait):
    with Server(behave) as server, reaching() as destinations:
        failed = told_by(destinations, endpoint(kind, server.origin, new_secret()), PAUSED, 1)
    assert (failed.permanent, failed.status, failed.retry_after) == (permanent, status, wait)
    assert len(server.asked) == 1


# -- chats


@pytest.mark.parametrize(("kind", "key"), [(Kind.SLACK, "blocks"), (Kind.TEAMS, "attachments")])
def test_chats_get_their_message(kind, key):
    with Server(answering(202, b"ok")) as server, reaching() as destinations:
        answer = destinations.deliver(endpoint(kind, f"{server.origin}/services/x"), PAUSED, 1)
    assert (answer.status, answer.body_cut) == (202, "ok")
    (asked,) = server.asked
    assert asked.headers["Content-Type"] == "application/json"
    message = json.loads(asked.body)
    assert "zu viele Rückläufer — 猫" in json.dumps(message[key], ensure_ascii=False)


# -- what an endpoint may look like


QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/alerts"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
GOOD = [
    (Kind.WEBHOOK, "https://8.8.8.8/hook"),
    (Kind.SLACK, "https://8.8.8.8/services/T0/B0/x"),
    (Kind.TEAMS, "https://8.8.8.8/workflows/x?sig=y"),
    (Kind.SNS, TOPIC),
    (Kind.SNS, f"{TOPIC}.fifo"),
    (Kind.SNS, f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:alerts"),
    (Kind.SQS, QUEUE),
    (Kind.SQS, f"{QUEUE}.fifo"),
    (Kind.SQS, f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/alerts"),
    (Kind.EVENTBRIDGE, BUS),
    (Kind.EMAIL, "mailto:ops+alerts@example.com"),
]
#: A header decodes this, to two.
ENCODED = "=?utf-8?q?x=0D=0ABcc=3Aevil=0D=0A?=@d.example"
BAD = [
    *((kind, "https://10.0.0.1/") for kind in (Kind.WEBHOOK, Kind.SLACK, Kind.TEAMS)),
    (Kind.WEBHOOK, TOPIC),
    *((Kind.SNS, url) for url in ("", QUEUE, BUS, "https://8.8.8.8/", f"{TOPIC}:sub", TOPIC.replace(ACCOUNT, "1"))),
    *((Kind.SQS, url) for url in ("", TOPIC, QUEUE.replace("https", "http"), f"{QUEUE}/x", f"{QUEUE}?a=b")),
    (Kind.SQS, f"https://sqs.{REGION}.amazonaws.com.evil.example/{ACCOUNT}/alerts"),
    (Kind.SQS, f"https://sqs.{REGION}.amazonaws.com@evil.example/{ACCOUNT}/alerts"),
    (Kind.SQS, f"http://169.254.169.254/{ACCOUNT}/alerts"),
    *((Kind.EVENTBRIDGE, url) for url in ("", "default", TOPIC, BUS.replace("event-bus", "rule"))),
    *(
        (Kind.EMAIL, f"mailto:{text}")
        for text in ("", "ops", "@example.com", "ops@localhost", "a@b.example,c@d.example")
    ),
    *(
        (Kind.EMAIL, f"mailto:{text}")
        for text in ("ops@example.com?bcc=x@evil.example", "a b@example.com", "ops@[10.0.0.1]")
    ),
    *(
        (Kind.EMAIL, f"mailto:{text}")
        for text in ("ops@example.com\r\nBcc: x@y.example", "<ops@example.com>", "ops%40example.com", ENCODED)
    ),
    (Kind.EMAIL, "ops@example.com"),
]


@pytest.mark.parametrize(("kind", "url"), GOOD)
def test_addresses_that_an_endpoint_may_have(kind, url):
    with reaching(mail_from="alerts@example.net") as destinations:
        destinations.check(kind, url, {}, Format.STANDARD)


@pytest.mark.parametrize(("kind", "url"), BAD, ids=ascii)
def test_addresses_that_it_may_not_have(kind, url):
    with reaching(mail_from="alerts@example.net") as destinations:
        with pytest.raises(Invalid, match=r"^url: ") as refused:
            destinations.check(kind, url, {}, Format.STANDARD)
        assert refused.value.hint
        # What was stored before a setting changed fails as a delivery.
        assert not told_by(destinations, endpoint(kind, url, new_secret()), PAUSED, 1).permanent


def test_only_webhooks_have_headers_and_forms():
    with reaching() as destinations:
        destinations.check(Kind.WEBHOOK, "https://8.8.8.8/", {"X-A": "b"}, Format.CLOUDEVENTS)
        with pytest.raises(Invalid, match=r"^headers: "):
            destinations.check(Kind.SLACK, "https://8.8.8.8/", {"X-A": "b"}, Format.STANDARD)
        with pytest.raises(Invalid, match=r"^format: "):
            destinations.check(Kind.SNS, TOPIC, {}, Format.CLOUDEVENTS)
        with pytest.raises(Invalid, match=r"^headers: "):
            destinations.check(Kind.WEBHOOK, "https://8.8.8.8/", {"Host": "b"}, Format.STANDARD)


def test_without_a_sender_there_is_no_email():
    with reaching() as destinations:
        with pytest.raises(Invalid, match=r"^kind: ") as refused:
            destinations.check(Kind.EMAIL, "mailto:ops@example.com", {}, Format.STANDARD)
        assert "ALERT_EMAIL_FROM" in refused.value.hint
        assert (
            "ALERT_EMAIL_FROM"
            in told_by(destinations, endpoint(Kind.EMAIL, "mailto:ops@example.com"), PAUSED, 1).detail
        )


# -- AWS


@pytest.fixture(scope="module")
def moto():
    """Moto's server on this machine."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to load

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def access(moto):
    return AwsAccess(REGION, "testing", "testing", moto)


@pytest.fixture
def client(access):
    clients = []

    def make(service):
        session = boto3.session.Session("testing", "testing", region_name=REGION)
        clients.append(session.client(service, endpoint_url=access.endpoint_url))
        return clients[-1]

    yield make
    for one in clients:
        one.close()


@pytest.fixture
def queue(client):
    made = []

    def make(name, **attributes):
        made.append(client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        client("sqs").delete_queue(QueueUrl=url)


def received(client, url):
    asked = {"MessageAttributeNames": ["All"], "AttributeNames": ["All"], "MaxNumberOfMessages": 10}
    return client("sqs").receive_message(QueueUrl=url, **asked).get("Messages", [])


@pytest.mark.parametrize("alert", [PAUSED, QUOTA], ids=["of a domain", "of the account"])
def test_a_queue_gets_the_alert_and_its_attributes(access, client, queue, alert):
    url = queue("alerts")
    with reaching(aws=access) as destinations:
        destinations.check(Kind.SQS, url, {}, Format.STANDARD)
        answer = destinations.deliver(endpoint(Kind.SQS, url), alert, 1)
    (message,) = received(client, url)
    assert answer.body_cut == f"MessageId {message['MessageId']}"
    assert json.loads(message["Body"]) == {"id": alert.id, **alerts.body_of(alert)}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes == {"type": alert.type.value} | ({"domain": alert.domain} if alert.domain else {})


def test_a_queue_that_keeps_order_keeps_it_by_domain_and_takes_an_alert_once(access, client, queue):
    url = queue("alerts.fifo", FifoQueue="true")
    with reaching(aws=access) as destinations:
        for attempt in (1, 2):
            destinations.deliver(endpoint(Kind.SQS, url), PAUSED, attempt)
        destinations.deliver(endpoint(Kind.SQS, url), QUOTA, 1)
    attributes = [message["Attributes"] for message in received(client, url)]
    assert sorted((one["MessageGroupId"], one["MessageDeduplicationId"]) for one in attributes) == [
        ("account", "alt_02"),
        (DOMAIN, "alt_01"),
    ]


def test_a_topic_tells_its_subscribers(access, client, queue):
    url = queue("subscriber")
    topic = client("sns").create_topic(Name="alerts")["TopicArn"]
    policy = {"type": ["domain.paused"]}
    client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber",
        Attributes={"FilterPolicy": json.dumps(policy)},
    )
    with reaching(aws=access) as destinations:
        destinations.deliver(endpoint(Kind.SNS, topic), PAUSED, 1)
        destinations.deliver(endpoint(Kind.SNS, topic), QUOTA, 1)
    (message,) = received(client, url)
    envelope = json.loads(message["Body"])
    assert json.loads(envelope["Message"]) == {"id": "alt_01", **alerts.body_of(PAUSED)}
    assert envelope["MessageAttributes"]["domain"] == {"Type": "String", "Value": DOMAIN}


def test_a_topic_that_keeps_order(access, client, queue):
    url = queue("subscriber.fifo", FifoQueue="true")
    topic = client("sns").create_topic(Name="alerts.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:subscriber.fifo")
    with reaching(aws=access) as destinations:
        destinations.deliver(endpoint(Kind.SNS, topic), PAUSED, 1)
    (message,) = received(client, url)
    assert message["Attributes"]["MessageGroupId"] == DOMAIN


def test_a_bus_takes_the_alert(access, client):
    bus = client("events").create_event_bus(Name="alerts")["EventBusArn"]
    with reaching(aws=access) as destinations:
        destinations.check(Kind.EVENTBRIDGE, bus, {}, Format.STANDARD)
        answer = destinations.deliver(endpoint(Kind.EVENTBRIDGE, bus), PAUSED, 1)
    assert (answer.status, bool(answer.body_cut.removeprefix("EventId "))) == (200, True)


@pytest.mark.parametrize(("alert", "resources"), [(PAUSED, [DOMAIN]), (QUOTA, [])], ids=["domain", "account"])
def test_an_event_has_the_alerts_type(alert, resources):
    taken = {"FailedEntryCount": 0, "Entries": [{"EventId": "4711"}]}
    with (
        Server(answering(200, json.dumps(taken).encode())) as server,
        reaching(aws=AwsAccess(REGION, "a", "b", server.origin)) as destinations,
    ):
        assert destinations.deliver(endpoint(Kind.EVENTBRIDGE, BUS), alert, 1).body_cut == "EventId 4711"
    (entry,) = json.loads(server.asked[0].body)["Entries"]
    assert json.loads(entry.pop("Detail")) == {"id": alert.id, **alerts.body_of(alert)}
    assert entry == {
        "EventBusName": BUS,
        "Source": "ses-sentinel",
        "DetailType": alert.type.value,
        "Time": NOW.timestamp(),
        "Resources": resources,
    }


def test_an_event_that_the_bus_refuses_in_an_answer_of_200_has_failed():
    refusal = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow down"}]}
    with (
        Server(answering(200, json.dumps(refusal).encode())) as server,
        reaching(aws=AwsAccess(REGION, "a", "b", server.origin)) as destinations,
    ):
        failed = told_by(destinations, endpoint(Kind.EVENTBRIDGE, BUS), PAUSED, 1)
    assert failed.detail == "EVENTS refuses it (ThrottlingException): Slow down"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (Kind.SNS, f"arn:aws:sns:{REGION}:{ACCOUNT}:none"),
        (Kind.SQS, QUEUE.replace("alerts", "none")),
    ],
)
def test_what_is_not_there_is_told(access, kind, url):
    with reaching(aws=access) as destinations:
        failed = told_by(destinations, endpoint(kind, url), PAUSED, 1)
    assert "refuses it" in failed.detail
    assert failed.status in {400, 404}
    assert not failed.permanent


REFUSALS = [
    ("AuthorizationError", "SNS refuses it (AuthorizationError): allow the action sns:Publish there"),
    ("InvalidClientTokenId", "SNS refuses it (InvalidClientTokenId): the AWS credentials are not valid: renew them"),
    ("InternalError", "SNS refuses it (InternalError): said AWS"),
]


@pytest.mark.parametrize(("code", "told"), REFUSALS)
def test_aws_saying_no_is_told_with_the_fix(code, told):
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>said AWS</Message></Error></ErrorResponse>"
    with (
        Server(answering(403, body.encode())) as server,
        reaching(aws=AwsAccess(REGION, "a", "b", server.origin)) as destinations,
    ):
        failed = told_by(destinations, endpoint(Kind.SNS, TOPIC), PAUSED, 1)
    assert (failed.detail, failed.status, failed.body_cut) == (told, 403, "said AWS")
    assert len(server.asked) == 1  # the schedule of attempts decides when to try again


def test_aws_not_answering_is_told(monkeypatch, tmp_path):
    with Server(answering(200)) as server:
        pass
    with reaching(aws=AwsAccess(REGION, "a", "b", server.origin)) as destinations:
        assert "SNS can't be reached" in told_by(destinations, endpoint(Kind.SNS, TOPIC), PAUSED, 1).detail
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with reaching(aws=AwsAccess(REGION, endpoint_url=server.origin)) as destinations:
        failed = told_by(destinations, endpoint(Kind.SNS, TOPIC), PAUSED, 1)
    assert failed.detail == "there are no AWS credentials: set AWS_SDK_ACCESS_KEY_ID and AWS_SDK_SECRET_ACCESS_KEY"


# -- e-mail


MAILBOX = "mailto:ops@example.org"


def test_mail_goes_through_ses(access, client):
    client("sesv2").create_email_identity(EmailIdentity="example.net")
    with reaching(aws=access, mail_from="alerts@example.net") as destinations:
        answer = destinations.deliver(endpoint(Kind.EMAIL, MAILBOX), PAUSED, 1)
    assert answer.body_cut.startswith("MessageId ")


class Inbox:
    """What an SMTP server took."""

    def __init__(self):
        self.taken = []
        self.refusal = None

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - a name that aiosmtpd looks for
        secured = server.transport.get_extra_info("ssl_object") is not None
        self.taken.append((secured, envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.refusal or "250 2.0.0 queued as 4711"


class _Posts(Controller):
    """A server with TLS from the start where `implicit`, else on request."""

    def __init__(self, inbox, context=None, implicit=False, **given):
        self.given = given | ({"tls_context": context} if context and not implicit else {})
        super().__init__(inbox, hostname="127.0.0.1", port=0, ssl_context=context if implicit else None)

    def factory(self):
        return SMTP(self.handler, **self.given)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def posting(inbox, **given):
    controller = _Posts(inbox, **given)
    controller.start()
    yield controller.port
    controller.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def mail_through(port, scheme, context, login="", alert=PAUSED, **limits):
    """Delivers one alert by e-mail, through a server at this port."""
    server = SmtpServer.from_url(f"{scheme}://{login}127.0.0.1:{port}")
    mailer = SmtpMailer(server, Clock().monotonic, context=context, **limits)
    return Email(mailer, "alerts@example.net", lambda: NOW).deliver(endpoint(Kind.EMAIL, MAILBOX), alert, 1)


def parsed(taken):
    return message_from_bytes(taken[3], policy=default)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
def test_mail_goes_through_a_server_of_ones_own_over_tls(authority, implicit):
    inbox = Inbox()
    with posting(inbox, context=authority.server("127.0.0.1"), implicit=implicit) as port:
        answer = mail_through(port, "smtps" if implicit else "smtp", authority.client())
    assert (answer.status, answer.body_cut) == (250, "2.0.0 queued as 4711")
    ((secured, sender, recipients, _),) = inbox.taken
    assert (secured, sender, recipients) == (True, "alerts@example.net", ["ops@example.org"])
    message = parsed(inbox.taken[0])
    assert message["Subject"] == "example.com is paused"
    assert "example.com is paused by staff (jo): zu viele Rückläufer — 猫." in message.get_content()


def test_a_relay_on_this_machine_needs_no_tls():
    inbox = Inbox()
    with posting(inbox) as port:
        mail_through(port, "smtp+plain", None)
    assert len(inbox.taken) == 1


def test_a_server_that_has_no_tls_gets_nothing(authority):
    inbox = Inbox()
    with posting(inbox) as port, pytest.raises(DeliveryFailed, match="offers no STARTTLS"):
        mail_through(port, "smtp", authority.client())
    assert inbox.taken == []


def test_a_server_that_can_not_prove_its_name_gets_nothing(authority):
    inbox = Inbox()
    with (
        posting(inbox, context=authority.server("mail.example.test")) as port,
        pytest.raises(DeliveryFailed, match="can't prove who it is"),
    ):
        mail_through(port, "smtp", authority.client())
    assert inbox.taken == []


@pytest.mark.parametrize(("password", "taken"), [("s%40cret", 1), ("wrong", 0)])
def test_a_login_is_used_and_a_refusal_told(authority, password, taken):
    def check(_server, _session, _envelope, _mechanism, login):
        return AuthResult(success=(login.login, login.password) == (b"ann", b"s@cret"), handled=False)

    inbox, context = Inbox(), authority.server("127.0.0.1")
    with posting(inbox, context=context, authenticator=check, auth_required=True) as port:
        if taken:
            mail_through(port, "smtp", authority.client(), f"ann:{password}@")
        else:
            with pytest.raises(DeliveryFailed, match="refuses the login of ALERT_SMTP_URL") as failed:
                mail_through(port, "smtp", authority.client(), f"ann:{password}@")
            assert failed.value.status == 535
            assert password not in failed.value.detail
    assert len(inbox.taken) == taken


def test_a_mail_that_is_refused_is_told(authority):
    inbox = Inbox()
    inbox.refusal = "554 5.7.1 no alerts here"
    with (
        posting(inbox, context=authority.server("127.0.0.1")) as port,
        pytest.raises(DeliveryFailed, match=r"does not take it: 554 5\.7\.1 no alerts here") as failed,
    ):
        mail_through(port, "smtp", authority.client())
    assert (failed.value.status, failed.value.permanent) == (554, False)


def test_a_mail_server_that_is_not_there_or_silent_is_told():
    with Server(answering(200)) as server:
        pass
    with pytest.raises(DeliveryFailed, match="can't be reached"):
        mail_through(server.http.server_port, "smtp+plain", None)
    with socket.create_server(("127.0.0.1", 0)) as deaf, pytest.raises(DeliveryFailed, match="takes too long"):
        mail_through(deaf.getsockname()[1], "smtp+plain", None, total=0.05)


def test_the_time_for_a_mail_is_bounded_as_a_whole():
    inbox = Inbox()
    with posting(inbox) as port, pytest.raises(DeliveryFailed, match="takes too long"):
        mail_through(port, "smtp+plain", None, total=0.0)
    assert inbox.taken == []


class Talker(BaseRequestHandler):
    """A mail server that answers each line that begins with a word by what the table says; the text of a mail too."""

    def handle(self):
        self.request.sendall(self.server.said["greeting"])
        words = self.request.makefile("rb")
        while line := words.readline():
            word = line.split()[0].decode().lower()
            if word == "data":
                self.request.sendall(b"354 go on\r\n")
                while words.readline() != b".\r\n":
                    pass
            answer = self.server.said.get(word, b"250 fine\r\n")
            if answer is None:
                return
            answer(self.request) if callable(answer) else self.request.sendall(answer)


@contextmanager
def talking(**said):
    with ThreadingTCPServer(("127.0.0.1", 0), Talker) as server:
        server.daemon_threads = True
        server.said = {"greeting": b"220 here\r\n", **said}
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("parting", [b"421 too busy\r\n", None], ids=["it says something else", "it hangs up"])
def test_a_mail_that_was_taken_was_taken_whatever_is_said_in_parting(parting):
    with talking(quit=parting) as port:
        answer = mail_through(port, "smtp+plain", None)
    assert (answer.status, answer.body_cut) == (250, "fine")


def test_what_is_no_answer_of_smtp_does_not_mean_that_it_was_taken():
    with talking(data=b"what?\r\n") as port, pytest.raises(DeliveryFailed, match="does not take it"):
        mail_through(port, "smtp+plain", None)


def dripping(line):
    """Sends a line slowly, so that no wait for a byte of it is long, until the other side has gone."""

    def drip(connection):
        with suppress(OSError):
            for byte in itertools.cycle(line):
                connection.sendall(bytes([byte]))

    return drip


class Hasty:
    """A clock in which every look takes a second."""

    def __init__(self):
        self.at = 0.0

    def __call__(self):
        self.at += 1
        return self.at


@pytest.mark.parametrize("word", ["ehlo", "rcpt", "data"])
def test_a_mail_server_that_drips_is_given_up_in_time(word):
    server = SmtpServer.from_url("smtp+plain://127.0.0.1:1")
    monotonic = Hasty()
    with talking(**{word: dripping(b"250-and so on\r\n")}) as port:
        mailer = SmtpMailer(dataclasses.replace(server, port=port), monotonic, total=60)
        with pytest.raises(DeliveryFailed, match="takes too long"):
            Email(mailer, "alerts@example.net", lambda: NOW).deliver(endpoint(Kind.EMAIL, MAILBOX), PAUSED, 1)
    assert monotonic.at < 70


@pytest.mark.parametrize("attempts", [1, 2])
def test_every_attempt_is_the_same_mail(attempts):
    inbox = Inbox()
    with posting(inbox) as port:
        for _ in range(attempts):
            mail_through(port, "smtp+plain", None)
    assert {parsed(taken)["Message-ID"] for taken in inbox.taken} == {"<alt_01@example.net>"}


def test_nothing_in_an_alert_becomes_a_header_or_a_command():
    words = "x\r\n.\r\nMAIL FROM:<evil@evil.example>\r\nBcc: x@evil.example"
    hostile = numbered(alerts.endpoint_tested(EndpointTold("ep_1", words, words), None, NOW), "alt_03", None)
    inbox = Inbox()
    with posting(inbox) as port:
        mail_through(port, "smtp+plain", None, alert=hostile)
    ((_, _, recipients, _),) = inbox.taken
    assert recipients == ["ops@example.org"]
    assert parsed(inbox.taken[0])["Bcc"] is None


def test_a_mail_that_can_not_be_written_is_a_delivery_that_failed():
    mailer = SmtpMailer(SmtpServer.from_url("smtp+plain://127.0.0.1:1"), Clock().monotonic)
    with pytest.raises(DeliveryFailed, match="can't be written") as failed:
        Email(mailer, ENCODED, lambda: NOW).deliver(endpoint(Kind.EMAIL, MAILBOX), PAUSED, 1)
    assert not failed.value.permanent


SERVERS = [
    ("smtp://mail.example.com", ("mail.example.com", 587, "smtp", "", "")),
    ("smtps://mail.example.com", ("mail.example.com", 465, "smtps", "", "")),
    ("smtp+plain://localhost", ("localhost", 25, "smtp+plain", "", "")),
    ("smtp://a%40b:p%3Aw@mail.example.com:2525/", ("mail.example.com", 2525, "smtp", "a@b", "p:w")),
]


@pytest.mark.parametrize(("text", "expected"), SERVERS)
def test_mail_servers(text, expected):
    server = SmtpServer.from_url(text)
    assert (server.host, server.port, server.security.value, server.user, server.password) == expected
    assert not server.password or server.password not in repr(server)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mail.example.com",
        "https://x:secret@y",
        "smtp://",
        "smtp://x:secret@h:port",
        "smtp://x:secret@y/z",
        "smtp://x:sécret@y",
    ],
)
def test_what_is_no_mail_server_is_refused_without_its_password(text):
    with pytest.raises(ValueError, match="must be as in smtp://") as refused:
        SmtpServer.from_url(text)
    assert "cret" not in str(refused.value)
