"""`doctor` against a fake AWS over real HTTP: a perfect set-up, then each breakage by its code and nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.authority import DAY, Authority
from tests.fakes.aws import FakeAws
from tests.loopback import Server
from tests.setting_up import REGION, TOPIC, WANTED, account, apply, confirm, wiped
from webhook.amazon import Access, Amazon
from webhook.assembling.doctor import Doctor
from webhook.config import Settings
from webhook.domain.blueprint import key_policy_statements
from webhook.domain.blueprint.place import Place
from webhook.domain.findings import Code, Finding
from webhook.examination import Examination

ACCOUNT = "123456789012"
PLACE = Place("aws", REGION, ACCOUNT)
DEAD_LETTERS = PLACE.queue("ses-sentinel-dead-letters")
QUEUE = PLACE.queue("ses-sentinel-events")
SET = "ses-sentinel"
IDENTITIES = ("example.com", "example.org")
Body = Mapping[str, Any]


_CLIENTS: dict[tuple[str, str], Any] = {}


def client(aws: FakeAws, service: str) -> Any:
    """A client of the test's own: making one takes longer than all that is done with it."""
    key = (aws.origin, service)
    if key not in _CLIENTS:
        _CLIENTS[key] = aws.client(service)
    return _CLIENTS[key]


def way(access: Access) -> Amazon:
    """The product's way to AWS, which waits for nobody."""
    if access not in _WAYS:
        _WAYS[access] = Amazon(access, lambda *_, **__: 0.0, lambda _: None)
    return _WAYS[access]


_WAYS: dict[Access, Amazon] = {}


class House:
    """The service as the outside sees it, over TLS: what /healthz and /readyz answer can be changed."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.bundle = folder / "authority.pem"
        self.bundle.write_text(self.authority.pem)
        self.ahead = timedelta(0)
        self.healthy = 200
        self.ready: tuple[int, Body] = (200, {"status": "ready"})

    def serve(self, lasts: timedelta = 90 * DAY, host: str = "127.0.0.1", *, secure: bool = True) -> "Server":
        """A server; its `origin` is https."""
        server = Server(self._answer)
        if secure:
            server.http.socket = self.authority.server(host, lasts=lasts).wrap_socket(
                server.http.socket, server_side=True
            )
            server.http.handle_error = lambda *_: None  # type: ignore[method-assign]
            server.origin = server.origin.replace("http://", "https://")
        return server

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        status, body = (self.healthy, {"status": "ok"}) if request.path.endswith("/healthz") else self.ready
        content = json.dumps(body).encode()
        request.date_time_string = lambda *_: f"{datetime.now(UTC) + self.ahead:%a, %d %b %Y %H:%M:%S GMT}"  # type: ignore[method-assign]
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def front(house: House) -> Iterator[str]:
    with house.serve() as server:
        yield server.origin


@pytest.fixture(scope="module")
def lasting() -> Iterator[FakeAws]:
    with account() as fake:
        yield fake
    for made in _WAYS.values():
        made.close()
    _WAYS.clear()
    _CLIENTS.clear()


class Known:
    """The domains here."""

    def __init__(self, domains: Mapping[str, bool], paused: frozenset[str] = frozenset()) -> None:
        self._domains, self._paused = domains, paused

    def domains(self) -> Mapping[str, bool]:
        return self._domains

    def paused(self) -> frozenset[str]:
        return self._paused


@dataclass
class Stage:
    """A perfect set-up, which a test breaks; `given` are the settings that it is looked at with."""

    aws: FakeAws
    house: House
    front: str
    given: dict[str, Any]
    registered: dict[str, bool]
    paused: frozenset[str] = frozenset()
    ahead: timedelta = timedelta(0)
    credentials: tuple[str | None, str | None] = ("AKIAEXAMPLE", "secret")
    domains: tuple[str, ...] = ()
    told: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return client(self.aws, service)

    @property
    def ses(self) -> Any:
        return self.client("sesv2")

    @property
    def subscription(self) -> str:
        return self.subscription_to("https")

    def subscription_to(self, protocol: str) -> str:
        held = self.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
        return next(one["SubscriptionArn"] for one in held if one["Protocol"] == protocol)

    def url(self, name: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def set_subscription(self, name: str, value: object, protocol: str = "https") -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        arn = self.subscription_to(protocol)
        self.client("sns").set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=text)

    def set_topic(self, name: str, value: object) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        self.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=text)

    def statements(self) -> list[dict[str, Any]]:
        told = self.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"]
        return list(json.loads(told)["Statement"])

    def set_statements(self, statements: list[dict[str, Any]]) -> None:
        self.set_topic("Policy", {"Version": "2012-10-17", "Statement": statements})

    def without(self, sid: str) -> None:
        self.set_statements([one for one in self.statements() if one["Sid"] != sid])

    def set_types(self, change: Callable[[set[str]], set[str]], *, enabled: bool = True) -> None:
        [held] = self.ses.get_configuration_set_event_destinations(ConfigurationSetName=SET)["EventDestinations"]
        self.ses.update_configuration_set_event_destination(
            ConfigurationSetName=SET,
            EventDestinationName=held["Name"],
            EventDestination={
                "Enabled": enabled,
                "MatchingEventTypes": sorted(change(set(held["MatchingEventTypes"]))),
                "SnsDestination": held["SnsDestination"],
            },
        )

    def set_default(self, name: str, chosen: str | None) -> None:
        more = {"ConfigurationSetName": chosen} if chosen else {}
        self.ses.put_email_identity_configuration_set_attributes(EmailIdentity=name, **more)

    def notify(self, name: str, *kinds: str) -> None:
        """The identity's own notifications go to our topic, as its policy lets them."""
        statement = {
            "Sid": "IdentitiesToo",
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "SNS:Publish",
            "Resource": TOPIC,
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
                "StringLike": {"AWS:SourceArn": f"arn:aws:ses:*:{ACCOUNT}:identity/*"},
            },
        }
        self.set_statements([*self.statements(), statement])
        for kind in kinds:
            self.client("ses").set_identity_notification_topic(Identity=name, NotificationType=kind, SnsTopic=TOPIC)

    def fill(self, name: str, number: int) -> None:
        for start in range(0, number, 10):
            entries = [{"Id": str(one), "MessageBody": "x"} for one in range(start, min(start + 10, number))]
            self.client("sqs").send_message_batch(QueueUrl=self.url(name), Entries=entries)

    def examine(self, *regions: str) -> Examination:
        settings = Settings(**self.given)
        access = Access(settings.aws_sdk_region, *self.credentials, self.aws.origin)
        registered = Known(self.registered, self.paused)
        doctor = Doctor(settings, way(access), registered, lambda: datetime.now(UTC) + self.ahead, self.told.append)
        return doctor.examine(regions, self.domains)

    def codes(self) -> list[Code]:
        return [finding.code for finding in self.examine().findings]


def perfect(aws: FakeAws, house: House, front: str, *, queue: bool = False) -> Stage:
    """What `setup apply` makes of an account with two identities, confirmed, without forwarding."""
    wiped(aws, *IDENTITIES)
    house.healthy, house.ready, house.ahead = 200, (200, {"status": "ready"}), timedelta(0)
    apply(aws, replace(WANTED, endpoint=f"{front}/webhooks/sns", queue=queue), public_url=front)
    confirm(aws)
    for name in IDENTITIES:
        client(aws, "sesv2").put_email_identity_feedback_attributes(EmailIdentity=name, EmailForwardingEnabled=False)
    given: dict[str, Any] = {
        "aws_sdk_region": REGION,
        "sns_topic_arns": (TOPIC,),
        "public_url": front,
        "ses_configuration_set": SET,
    }
    if queue:
        given["sqs_queue_urls"] = (f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/ses-sentinel-events",)
    return Stage(aws, house, front, given, dict.fromkeys(IDENTITIES, True))


@pytest.fixture(autouse=True)
def _trusted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(house.bundle))


@pytest.fixture
def stage(lasting: FakeAws, house: House, front: str) -> Stage:
    return perfect(lasting, house, front)


@pytest.fixture
def queued(lasting: FakeAws, house: House, front: str) -> Stage:
    return perfect(lasting, house, front, queue=True)


# -- all is well


def test_of_a_perfect_set_up_nothing_is_found(stage: Stage) -> None:
    examination = stage.examine()
    assert examination.findings == ()
    assert examination.sound


def test_of_a_perfect_set_up_with_a_queue_nothing_is_found(queued: Stage) -> None:
    assert queued.codes() == []


def test_it_says_what_it_looked_at(stage: Stage) -> None:
    region, here = stage.examine().parts
    assert region.looked == (
        "AWS account 123456789012: whether it is in the sandbox, may send, is under review",
        "topics: 1",
        "subscriptions: 1 of ours, of 1; dead-letter queues: 1",
        "configuration sets: 1",
        "identities: all 2",
        "EventBridge rules for SES: 2",
        "queues of SQS_QUEUE_URLS: 0",
    )
    assert here.looked == (
        f"PUBLIC_URL: {stage.front}, its certificate, /healthz and /readyz",
        "domains registered here: 2",
    )


@pytest.mark.parametrize(
    ("action", "looked"),
    [
        ("ses:GetAccount", "AWS account 123456789012: not readable"),
        ("sns:GetTopicAttributes", "topics: 0; not readable: 1"),
        ("sns:ListSubscriptionsByTopic", "subscriptions: not readable"),
        ("ses:GetConfigurationSet", "configuration sets: 0; not readable: 1"),
        ("events:ListRules", "EventBridge rules for SES: not readable"),
    ],
)
def test_what_could_not_be_looked_at_does_not_count_as_looked_at(stage: Stage, action: str, looked: str) -> None:
    stage.aws.deny(action)
    assert looked in stage.examine().parts[0].looked


def test_queues_that_could_not_be_looked_at_are_told(queued: Stage) -> None:
    queued.aws.deny("sqs:GetQueueAttributes")
    looked = queued.examine().parts[0].looked
    assert "queues of SQS_QUEUE_URLS: 0; not readable: 1" in looked
    assert "subscriptions: 1 of ours, of 2; dead-letter queues: 0; not readable: 1" in looked


def test_it_changes_nothing(stage: Stage) -> None:
    stage.aws._gateway.requests.clear()
    stage.examine()
    assert {
        call.operation for call in stage.aws.calls if not call.operation.startswith(("Get", "List", "Describe"))
    } == set()


# -- each breakage by its code, and nothing else


def policy_that_names_nobody(stage: Stage) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "SNS:*",
        "Resource": TOPIC,
    }
    events = [one for one in stage.statements() if one["Sid"] == "EventBridgeMayPublish"]
    stage.set_statements([statement, *events])


def open_policy(stage: Stage) -> None:
    everybody = {"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    stage.set_statements([*stage.statements(), everybody])


def encrypted(stage: Stage, statements: list[dict[str, Any]]) -> None:
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [root, *statements]})
    made = stage.client("kms").create_key(Policy=policy)["KeyMetadata"]
    stage.set_topic("KmsMasterKeyId", made["Arn"])


def encrypted_unreadably(stage: Stage) -> None:
    encrypted(stage, key_policy_statements(PLACE, SET))
    stage.aws.deny("kms:*")


def unsubscribed(stage: Stage) -> None:
    stage.client("sns").unsubscribe(SubscriptionArn=stage.subscription)


def unconfirmed(stage: Stage) -> None:
    unsubscribed(stage)
    stage.client("sns").subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=f"{stage.front}/webhooks/sns")


def other_endpoint(stage: Stage) -> None:
    unsubscribed(stage)
    stage.client("sns").subscribe(TopicArn=TOPIC, Protocol="https", Endpoint="https://old.example.com/webhooks/sns")
    confirm(stage.aws)


def forwarding(stage: Stage) -> None:
    stage.ses.put_email_identity_feedback_attributes(EmailIdentity=IDENTITIES[0], EmailForwardingEnabled=True)


def no_destination(stage: Stage) -> None:
    stage.ses.delete_configuration_set_event_destination(ConfigurationSetName=SET, EventDestinationName=SET)


def no_default_set(stage: Stage) -> None:
    stage.set_default(IDENTITIES[0], None)


def untold(stage: Stage) -> None:
    no_default_set(stage)
    stage.given["ses_configuration_set"] = None


def partly_told(stage: Stage) -> None:
    untold(stage)
    stage.notify(IDENTITIES[0], "Bounce", "Complaint")


def rule_elsewhere(stage: Stage) -> None:
    events = stage.client("events")
    ids = [one["Id"] for one in events.list_targets_by_rule(Rule=f"{SET}-ses")["Targets"]]
    events.remove_targets(Rule=f"{SET}-ses", Ids=ids)
    events.put_targets(Rule=f"{SET}-ses", Targets=[{"Id": "other", "Arn": DEAD_LETTERS}])


def no_rule(kind: str) -> Callable[[Stage], None]:
    def broken(stage: Stage) -> None:
        events = stage.client("events")
        ids = [one["Id"] for one in events.list_targets_by_rule(Rule=f"{SET}-{kind}")["Targets"]]
        events.remove_targets(Rule=f"{SET}-{kind}", Ids=ids)
        events.delete_rule(Name=f"{SET}-{kind}")

    return broken


def without_policy(queue: str) -> Callable[[Stage], None]:
    def broken(stage: Stage) -> None:
        stage.client("sqs").set_queue_attributes(QueueUrl=stage.url(queue), Attributes={"Policy": ""})

    return broken


def account_state(**state: object) -> Callable[[Stage], None]:
    def broken(stage: Stage) -> None:
        for name, value in state.items():
            setattr(stage.aws.ses.account, name, value)

    return broken


def short(policy: Body) -> Callable[[Stage], None]:
    return lambda stage: stage.set_subscription("DeliveryPolicy", {"healthyRetryPolicy": policy})


def given(**settings: Any) -> Callable[[Stage], None]:
    return lambda stage: stage.given.update(settings)


def no_credentials(stage: Stage) -> None:
    stage.credentials = (None, None)


def bad_credentials(stage: Stage) -> None:
    stage.aws.fail_next("sts", "GetCallerIdentity", "InvalidClientTokenId", 403)


def set_options(operation: str, **options: object) -> Callable[[Stage], None]:
    return lambda stage: getattr(stage.ses, operation)(ConfigurationSetName=SET, **options)


def not_ready(stage: Stage) -> None:
    stage.house.ready = (503, {"status": "not ready", "checks": {"mongodb": "no primary within 5 seconds"}})


def house_ahead(seconds: int) -> Callable[[Stage], None]:
    def broken(stage: Stage) -> None:
        stage.house.ahead = timedelta(seconds=seconds)

    return broken


def own_clock(seconds: int) -> Callable[[Stage], None]:
    def broken(stage: Stage) -> None:
        stage.ahead = timedelta(seconds=seconds)

    return broken


def registered(**domains: bool) -> Callable[[Stage], None]:
    return lambda stage: stage.registered.update({name.replace("_", "."): value for name, value in domains.items()})


def delete_queue(name: str) -> Callable[[Stage], None]:
    return lambda stage: stage.client("sqs").delete_queue(QueueUrl=stage.url(name))


BROKEN: dict[str, tuple[Code, Callable[[Stage], object]]] = {
    "no credentials": (Code.NO_CREDENTIALS, no_credentials),
    "bad credentials": (Code.BAD_CREDENTIALS, bad_credentials),
    "no region": (Code.NO_REGION, given(aws_sdk_region=None)),
    "the sandbox": (Code.SANDBOX, account_state(production=False)),
    "sending paused": (Code.SENDING_PAUSED, account_state(sending_enabled=False)),
    "shut down": (Code.SHUTDOWN, account_state(sending_enabled=False, enforcement="SHUTDOWN")),
    "under review": (Code.PROBATION, account_state(enforcement="PROBATION")),
    "no topics in the settings": (Code.NO_TOPIC, given(sns_topic_arns=())),
    "a topic that is gone": (Code.TOPIC_MISSING, lambda stage: stage.client("sns").delete_topic(TopicArn=TOPIC)),
    "SES shut out": (Code.SES_SHUT_OUT, policy_that_names_nobody),
    "SES let in by the default only": (Code.SES_BY_DEFAULT, lambda stage: stage.without("SesMayPublish")),
    "EventBridge shut out": (Code.EVENTS_SHUT_OUT, lambda stage: stage.without("EventBridgeMayPublish")),
    "open to everybody": (Code.OPEN_TO_ALL, open_policy),
    "SHA-1": (Code.OLD_SIGNATURE, lambda stage: stage.set_topic("SignatureVersion", "1")),
    "a key that can't be read": (Code.KEY_UNREAD, encrypted_unreadably),
    "a key that shuts SES out": (Code.KEY_SHUTS_OUT, lambda stage: encrypted(stage, [])),
    "Amazon's own key": (Code.KEY_SHUTS_OUT, lambda stage: stage.set_topic("KmsMasterKeyId", "alias/aws/sns")),
    "not subscribed": (Code.NOT_SUBSCRIBED, unsubscribed),
    "not confirmed": (Code.UNCONFIRMED, unconfirmed),
    "raw delivery": (Code.RAW, lambda stage: stage.set_subscription("RawMessageDelivery", "true")),
    "another endpoint": (Code.OTHER_ENDPOINT, other_endpoint),
    "a filter": (Code.FILTERED, lambda stage: stage.set_subscription("FilterPolicy", {"kind": ["bounce"]})),
    "SNS's own retries": (Code.SHORT_RETRIES, lambda stage: stage.set_subscription("DeliveryPolicy", "{}")),
    "retries for ten minutes": (
        Code.SHORT_RETRIES,
        short({"numRetries": 10, "minDelayTarget": 60, "maxDelayTarget": 60}),
    ),
    "no dead letters": (Code.NO_DEAD_LETTERS, lambda stage: stage.set_subscription("RedrivePolicy", "{}")),
    "dead letters gone": (Code.DEAD_LETTERS_GONE, delete_queue("ses-sentinel-dead-letters")),
    "dead letters shut": (Code.DEAD_LETTERS_SHUT, without_policy("ses-sentinel-dead-letters")),
    "dead letters waiting": (Code.DEAD_LETTERS_WAITING, lambda stage: stage.fill("ses-sentinel-dead-letters", 3)),
    "a set that is not there": (Code.SET_MISSING, given(ses_configuration_set="marketing")),
    "no event destination": (Code.NO_DESTINATION, no_destination),
    "the destination off": (Code.DESTINATION_OFF, lambda stage: stage.set_types(lambda told: told, enabled=False)),
    "no bounces": (Code.NO_FEEDBACK, lambda stage: stage.set_types(lambda told: told - {"BOUNCE"})),
    "no complaints": (Code.NO_FEEDBACK, lambda stage: stage.set_types(lambda told: told - {"COMPLAINT"})),
    "no volume": (Code.NO_VOLUME, lambda stage: stage.set_types(lambda told: told - {"SEND", "DELIVERY"})),
    "no rejects": (Code.FEW_TYPES, lambda stage: stage.set_types(lambda told: told - {"REJECT"})),
    "no metrics": (
        Code.METRICS_OFF,
        set_options("put_configuration_set_reputation_options", ReputationMetricsEnabled=False),
    ),
    "the set's sending off": (
        Code.SET_PAUSED,
        set_options("put_configuration_set_sending_options", SendingEnabled=False),
    ),
    "no default set": (Code.NO_DEFAULT_SET, no_default_set),
    "nothing tells": (Code.UNTOLD, untold),
    "notifications without deliveries": (Code.PARTLY_TOLD, partly_told),
    "forwarding": (Code.FORWARDING, forwarding),
    "told twice": (Code.TOLD_TWICE, lambda stage: stage.notify(IDENTITIES[0], "Bounce", "Complaint")),
    "no rule for aws.ses": (Code.NO_SES_RULE, no_rule("ses")),
    "no rule for aws.health": (Code.NO_HEALTH_RULE, no_rule("health")),
    "a rule off": (Code.RULE_OFF, lambda stage: stage.client("events").disable_rule(Name=f"{SET}-health")),
    "a rule that leads elsewhere": (Code.RULE_ELSEWHERE, rule_elsewhere),
    "no PUBLIC_URL": (Code.NO_PUBLIC_URL, given(public_url=None)),
    "not healthy": (Code.NOT_ANSWERING, lambda stage: setattr(stage.house, "healthy", 502)),
    "the database down": (Code.NOT_READY, not_ready),
    "the server's clock ahead": (Code.CLOCK_SKEW, house_ahead(600)),
    "the server's clock behind": (Code.CLOCK_SKEW, house_ahead(-600)),
    "a domain that SES does not know": (Code.NOT_IN_SES, registered(gone_example=True)),
    "a domain that is not known here": (Code.NOT_REGISTERED, lambda stage: stage.registered.pop(IDENTITIES[0])),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_breakage_is_named_by_its_code_and_nothing_else(stage: Stage, name: str) -> None:
    code, breakage = BROKEN[name]
    breakage(stage)
    found = stage.examine().findings
    assert [finding.code for finding in found] == [code]
    assert_readable(found[0])


QUEUED: dict[str, tuple[Code, Callable[[Stage], object]]] = {
    "the queue alone": (Code.QUEUE_ONLY, unsubscribed),
    "a queue that is gone": (Code.QUEUE_MISSING, delete_queue("ses-sentinel-events")),
    "a queue that is not subscribed": (
        Code.QUEUE_UNSUBSCRIBED,
        lambda stage: stage.client("sns").unsubscribe(SubscriptionArn=stage.subscription_to("sqs")),
    ),
    "a raw queue": (Code.QUEUE_RAW, lambda stage: stage.set_subscription("RawMessageDelivery", "true", "sqs")),
    "a backlog": (Code.QUEUE_BACKLOG, lambda stage: stage.fill("ses-sentinel-events", 101)),
    "a queue that is shut": (Code.QUEUE_SHUT, without_policy("ses-sentinel-events")),
}


@pytest.mark.parametrize("name", QUEUED)
def test_each_breakage_of_a_queue_is_named_by_its_code_and_nothing_else(queued: Stage, name: str) -> None:
    code, breakage = QUEUED[name]
    breakage(queued)
    found = queued.examine().findings
    assert [finding.code for finding in found] == [code]
    assert_readable(found[0])


def assert_readable(finding: Finding) -> None:
    """One sentence, and a fix that goes on behind a colon."""
    assert finding.sentence[0].isupper() or finding.sentence.startswith(("http", "arn:", *IDENTITIES))
    assert finding.sentence.endswith(".")
    assert ".." not in finding.sentence
    assert finding.fix
    assert not finding.fix[0].isupper() or finding.fix.startswith("POST ")
    assert not finding.fix.endswith(".")
    assert not finding.should.endswith(".")


def test_a_queue_makes_public_url_needless(queued: Stage) -> None:
    queued.given["public_url"] = None
    assert queued.codes() == []


def test_a_clock_of_our_own_that_is_wrong_is_told_once(stage: Stage) -> None:
    stage.ahead = timedelta(seconds=400)
    [finding] = stage.examine().findings
    assert finding.code is Code.CLOCK_SKEW
    assert finding.sentence.startswith("This machine has a clock that is")
    assert "ahead" in finding.sentence


# -- PUBLIC_URL


@pytest.mark.parametrize(
    ("served", "code"),
    [
        ({"lasts": -DAY}, Code.CERTIFICATE_EXPIRED),
        ({"lasts": 13 * DAY}, Code.CERTIFICATE_EXPIRES),
        ({"host": "other.example.com"}, Code.CERTIFICATE_BAD),
        ({"secure": False}, Code.NOT_HTTPS),
    ],
    ids=["expired", "expires soon", "for another name", "http"],
)
def test_what_is_wrong_with_the_certificate(lasting: FakeAws, house: House, served: dict[str, Any], code: Code) -> None:
    with house.serve(**served) as server:
        assert perfect(lasting, house, server.origin).codes() == [code]


def test_a_certificate_that_nobody_vouches_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert stage.codes() == [Code.CERTIFICATE_BAD]


def test_a_server_that_is_not_there(lasting: FakeAws, house: House) -> None:
    with house.serve() as server:
        origin = server.origin
    [finding] = perfect(lasting, house, origin).examine().findings
    assert finding.code is Code.NOT_ANSWERING
    assert "nobody listens there" in finding.sentence


# -- permissions

PERMISSIONS = [
    "ses:GetAccount",
    "ses:ListEmailIdentities",
    "ses:GetEmailIdentity",
    "ses:GetIdentityNotificationAttributes",
    "ses:GetConfigurationSet",
    "ses:GetConfigurationSetEventDestinations",
    "events:ListRules",
    "events:ListTargetsByRule",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:GetSubscriptionAttributes",
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
]


@pytest.mark.parametrize("action", PERMISSIONS)
def test_a_missing_permission_is_named_and_the_rest_is_looked_at(queued: Stage, action: str) -> None:
    """That the server's database is down is found all the same; nothing that could not be read is called missing."""
    not_ready(queued)
    queued.aws.deny(action)
    denied, rest = queued.examine().findings
    assert (denied.code, rest.code) == (Code.DENIED, Code.NOT_READY)
    assert denied.sentence.startswith(f"AWS does not allow {action} to these credentials; so ")


@pytest.mark.parametrize("action", ["sns:ListTopics", "sns:ListSubscriptions"])
def test_a_missing_permission_to_list_topics_is_named(stage: Stage, action: str) -> None:
    stage.given["sns_topic_arns"] = (f"arn:aws:sns:{REGION}:{ACCOUNT}:*",)
    stage.aws.deny(action)
    assert stage.codes() == [Code.DENIED]
    no_destination(stage)
    no_rule("ses")(stage)
    no_rule("health")(stage)
    if action == "sns:ListSubscriptions":
        assert stage.codes() == [Code.DENIED]


def test_of_all_identities_a_missing_permission_is_told_once(stage: Stage) -> None:
    stage.aws.deny("ses:*")
    found = stage.examine().findings
    assert {finding.code for finding in found} == {Code.DENIED}
    assert len({finding.sentence for finding in found}) == len(found)


def test_a_service_that_fails_is_told_and_the_rest_is_looked_at(stage: Stage) -> None:
    stage.aws.fail_next("events", "ListRules", "InternalFailure", 500, times=5)
    assert stage.codes() == [Code.UNREAD]


# -- wirings made by hand


def test_a_wildcard_finds_our_topics_and_leaves_others_alone(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = (f"arn:aws:sns:{REGION}:{ACCOUNT}:*",)
    stage.client("sns").create_topic(Name="somebody-elses")
    examination = stage.examine()
    assert examination.findings == ()
    assert "topics: 1" in examination.parts[0].looked


def test_a_wildcard_finds_a_topic_that_ses_publishes_to_though_nobody_is_subscribed(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = (f"arn:aws:sns:{REGION}:{ACCOUNT}:*",)
    unsubscribed(stage)
    assert stage.codes() == [Code.NOT_SUBSCRIBED]


def test_a_wildcard_that_covers_nothing_of_ours(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = (f"arn:aws:sns:{REGION}:{ACCOUNT}:*",)
    unsubscribed(stage)
    no_destination(stage)
    no_rule("ses")(stage)
    no_rule("health")(stage)
    assert stage.codes() == [Code.NO_TOPIC]


def test_notifications_of_all_kinds_need_no_configuration_set(stage: Stage) -> None:
    untold(stage)
    stage.notify(IDENTITIES[0], "Bounce", "Complaint", "Delivery")
    assert stage.codes() == []


def test_a_destination_to_a_topic_that_is_not_ours_is_none(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = (f"{TOPIC}-of-old",)
    codes = stage.codes()
    assert Code.NO_DESTINATION in codes
    assert Code.TOPIC_MISSING in codes


def test_the_set_of_a_paused_domain_is_switched_off_on_purpose(stage: Stage) -> None:
    stage.given["ses_configuration_set"] = None
    for name in IDENTITIES[1:]:
        stage.aws.ses.delete_outside(name)
        del stage.registered[name]
    set_options("put_configuration_set_sending_options", SendingEnabled=False)(stage)
    stage.paused = frozenset({IDENTITIES[0]})
    assert stage.codes() == []


# -- many identities


def test_of_many_identities_the_first_are_looked_at_and_that_is_said(stage: Stage) -> None:
    for number in range(70):
        stage.aws.ses.create_outside(f"customer{number:02}.example", verified=True)
        stage.registered[f"customer{number:02}.example"] = True
        stage.set_default(f"customer{number:02}.example", SET)
        stage.ses.put_email_identity_feedback_attributes(
            EmailIdentity=f"customer{number:02}.example", EmailForwardingEnabled=False
        )
    stage.aws._gateway.requests.clear()
    examination = stage.examine()
    assert examination.findings == ()
    assert "identities: the first 50 of 72; --domain for others" in examination.parts[0].looked
    assert len(stage.aws.asked("sesv2", "GetEmailIdentity")) == 50
    assert f"{REGION}: 50 of 50 identities read" in stage.told


def test_one_that_is_named_is_looked_at_alone(stage: Stage) -> None:
    no_default_set(stage)
    stage.domains = (IDENTITIES[1],)
    assert stage.codes() == []
    stage.domains = (IDENTITIES[0],)
    assert stage.codes() == [Code.NO_DEFAULT_SET]
    stage.domains = ("nobody.example",)
    assert stage.codes() == [Code.NO_SUCH_IDENTITY]


# -- several regions


def test_a_second_region_is_looked_at_if_it_is_named(stage: Stage) -> None:
    examination = stage.examine(REGION, "us-east-1")
    assert [part.region for part in examination.parts] == [REGION, "us-east-1", ""]
    assert examination.parts[0].findings == ()
    found = {finding.code: finding.fix for finding in examination.parts[1].findings}
    fixed = "python -m webhook setup apply --region us-east-1"
    assert found[Code.NO_TOPIC] == (
        "python -m webhook setup plan --region us-east-1, put the lines that it prints into .env, restart the service,"
        f" then {fixed}"
    )
    assert found[Code.SET_MISSING] == f"{fixed}, or correct SES_CONFIGURATION_SET"


def test_regions_of_topics_are_looked_at_unless_others_are_named(stage: Stage) -> None:
    stage.given["sns_topic_arns"] = (TOPIC, TOPIC.replace(REGION, "us-east-1"))
    assert [part.region for part in stage.examine().parts] == [REGION, "us-east-1", ""]
