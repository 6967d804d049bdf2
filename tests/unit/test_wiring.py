"""The judgment of the chain from SES to here: policies, retries, rules, addresses."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from webhook.domain.blueprint import EVENTS, Place, Wanted, blueprint, key_policy_statements
from webhook.domain.blueprint.policies import queue_policy, topic_policy
from webhook.domain.blueprint.retries import DELIVERY_POLICY
from webhook.domain.findings import Code, Severity
from webhook.domain.wiring import (
    HOPS,
    ConfigurationSet,
    Destination,
    Front,
    Identity,
    Queue,
    Scope,
    Seen,
    Subscription,
    Topic,
    Traits,
    domains_judged,
    front_judged,
    hop,
    judged,
)
from webhook.domain.wiring.policies import Call, is_open, lets_in
from webhook.domain.wiring.retries import ENOUGH, persistence
from webhook.domain.wiring.rules import catches
from webhook.domain.wiring.subscriptions import bare, is_here

PLACE = Place("aws", "eu-north-1", "123456789012")
TOPIC = PLACE.topic("news")
SET = PLACE.configuration_set("outgoing")
SES = Call("ses.amazonaws.com", "sns:Publish", TOPIC, SET, "123456789012")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def policy(**changes: Any) -> dict[str, Any]:
    """SES may publish, but for what is changed."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": TOPIC,
    } | changes
    return {"Statement": [statement]}


def where(operator: str, **keys: Any) -> dict[str, Any]:
    return {"Condition": {operator: {name.replace("_", ":"): value for name, value in keys.items()}}}


@pytest.mark.parametrize(
    "given",
    [
        policy(),
        {"Statement": policy()["Statement"][0]},
        policy(Principal={"Service": ["events.amazonaws.com", "ses.amazonaws.com"]}),
        policy(Principal="*"),
        policy(Principal={"AWS": "*"}),
        policy(Action="*"),
        policy(Action=["sns:Subscribe", "SNS:Pub*"]),
        policy(Resource="*"),
        policy(Resource=["arn:aws:sns:*:*:news"]),
        policy(**where("StringEquals", AWS_SourceAccount="123456789012")),
        policy(**where("StringEquals", AWS_SourceOwner="123456789012")),
        policy(**where("StringEquals", aws_sourcearn=[SET, "arn:other"])),
        policy(**where("ArnLike", aws_SourceArn="arn:aws:ses:*:123456789012:configuration-set/*")),
        policy(**where("ArnEquals", aws_SourceArn="arn:aws:ses:*:123456789012:*")),
        policy(**where("StringNotEquals", aws_SourceAccount="999999999999")),
        policy(**where("StringEqualsIfExists", aws_PrincipalOrgID="o-1")),
        policy(**where("Bool", aws_SecureTransport="true")),
        policy(**where("StringEquals", aws_SourceOrgID="o-1")),
        topic_policy(PLACE, "news", "outgoing", ()),
    ],
    ids=str,
)
def test_policies_that_let_ses_in(given: dict[str, Any]) -> None:
    assert lets_in(given, SES)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Statement": []},
        {"Statement": "nonsense"},
        policy(Effect="Deny"),
        policy(Principal={"Service": "events.amazonaws.com"}),
        policy(Principal={"AWS": "arn:aws:iam::123456789012:root"}),
        policy(Action="sns:Subscribe"),
        policy(Resource=PLACE.topic("other")),
        policy(**where("StringEquals", AWS_SourceAccount="999999999999")),
        policy(**where("StringEquals", AWS_SourceArn=PLACE.configuration_set("other"))),
        policy(**where("StringEquals", AWS_SourceArn="arn:aws:ses:*")),
        policy(**where("StringEquals", AWS_SourceOwner="999999999999")),
        policy(Principal="*", **where("StringEquals", AWS_SourceOwner="123456789012")),
        policy(**where("StringEquals", aws_PrincipalOrgID="o-1")),
        {"Statement": [*policy()["Statement"], *policy(Effect="Deny", Principal="*", Action="sns:*")["Statement"]]},
    ],
    ids=str,
)
def test_policies_that_shut_ses_out(given: dict[str, Any]) -> None:
    assert not lets_in(given, SES)


def test_a_denial_of_what_is_not_encrypted_on_its_way_is_none_of_ses() -> None:
    denial = policy(Effect="Deny", Principal="*", Action="*", **where("Bool", aws_SecureTransport="false"))
    assert lets_in({"Statement": [*policy()["Statement"], *denial["Statement"]]}, SES)


def test_what_sns_gives_the_owner_counts_only_where_that_is_asked() -> None:
    given = policy(Principal={"AWS": "*"}, **where("StringEquals", AWS_SourceOwner="123456789012"))
    assert not lets_in(given, SES)
    assert lets_in(given, SES, as_owner=True)
    assert not is_open(given, "sns:Publish")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (policy(Principal="*"), True),
        (policy(Principal={"AWS": ["*"]}, Action="*"), True),
        (policy(Principal="*", **where("Bool", aws_SecureTransport="true")), True),
        (policy(Principal="*", **where("StringLike", aws_SourceAccount="*")), True),
        (policy(Principal="*", **where("StringEquals", aws_SourceAccount="123456789012")), False),
        (policy(Principal="*", **where("StringEquals", aws_PrincipalOrgID="o-1")), False),
        (policy(Principal="*", Action="sns:Subscribe"), False),
        (policy(Principal="*", Effect="Deny"), False),
        (policy(), False),
    ],
    ids=str,
)
def test_policies_that_are_open(given: dict[str, Any], *, expected: bool) -> None:
    assert is_open(given, "sns:Publish") is expected


def test_our_own_blueprint_lets_in_whom_it_must() -> None:
    rule = PLACE.rule("sentinel-ses")
    ours = topic_policy(PLACE, "news", "outgoing", ["sentinel-ses"])
    assert lets_in(ours, Call("events.amazonaws.com", "sns:Publish", TOPIC, rule, PLACE.account))
    queue = PLACE.queue("dead")
    sending = Call("sns.amazonaws.com", "sqs:SendMessage", queue, TOPIC, PLACE.account)
    assert lets_in(queue_policy(PLACE, "dead", "news"), sending)
    key = {"Statement": key_policy_statements(PLACE, "outgoing")}
    assert lets_in(key, Call("ses.amazonaws.com", "kms:GenerateDataKey", "arn:key", SET, PLACE.account))
    assert not is_open(ours, "sns:Publish")


# -- retries


@pytest.mark.parametrize(
    ("subscription", "topic", "seconds"),
    [
        ({}, {}, 60),
        ({"healthyRetryPolicy": {"numRetries": 10, "minDelayTarget": 30, "maxDelayTarget": 30}}, {}, 300),
        ({"healthyRetryPolicy": {"numRetries": 10, "minDelayTarget": 10, "maxDelayTarget": 50}}, {}, 300),
        ({"healthyRetryPolicy": {"numRetries": 5, "numNoDelayRetries": 5}}, {}, 0),
        (
            {},
            {"http": {"defaultHealthyRetryPolicy": {"numRetries": 4, "minDelayTarget": 60, "maxDelayTarget": 60}}},
            240,
        ),
        (
            {"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 60, "maxDelayTarget": 60}},
            {"http": {"disableSubscriptionOverrides": True}},
            60,
        ),
        (DELIVERY_POLICY, {}, 12 * 5 + 58 * 60),
        ({"healthyRetryPolicy": None}, {"http": None}, 60),
    ],
)
def test_how_long_sns_keeps_at_it(subscription: dict[str, Any], topic: dict[str, Any], seconds: int) -> None:
    assert persistence(subscription, topic) == seconds


def test_our_own_blueprint_keeps_at_it_long_enough() -> None:
    assert ENOUGH <= persistence(DELIVERY_POLICY, {}) <= 3600


# -- rules


@pytest.mark.parametrize(
    ("pattern", "ses", "health"),
    [
        ({"source": ["aws.ses"]}, True, False),
        ({"source": ["aws.health"]}, False, True),
        ({"source": ["aws.health"], "detail": {"service": ["SES", "SNS"]}}, False, True),
        ({"source": ["aws.health"], "detail": {"service": ["EC2"]}}, False, False),
        ({"source": [{"prefix": "aws."}]}, True, True),
        ({"source": ["aws.ec2"]}, False, False),
        ({"account": ["123456789012"]}, True, True),
        ({}, False, False),
    ],
)
def test_what_a_rule_catches(pattern: dict[str, Any], *, ses: bool, health: bool) -> None:
    assert (catches(pattern, "aws.ses"), catches(pattern, "aws.health")) == (ses, health)


def test_the_rules_of_our_blueprint_catch_both() -> None:
    wanted = Wanted(configuration_set="outgoing", endpoint="https://x.example/webhooks/sns")
    patterns = [one.properties["EventPattern"] for one in blueprint(PLACE, wanted) if one.kind == "AWS::Events::Rule"]
    assert [(catches(one, "aws.ses"), catches(one, "aws.health")) for one in patterns] == [(True, False), (False, True)]


# -- addresses


@pytest.mark.parametrize(
    ("endpoint", "public_url", "expected"),
    [
        ("https://x.example/webhooks/sns", "https://x.example", True),
        ("https://X.example/webhooks/sns/", "https://x.example", True),
        ("https://user:secret@x.example/webhooks/sns", "https://x.example", True),
        ("https://x.example/webhooks/sns/bounces", "https://x.example", True),
        ("https://x.example/mail/webhooks/sns", "https://x.example/mail", True),
        ("http://x.example/webhooks/sns", "https://x.example", False),
        ("https://y.example/webhooks/sns", "https://x.example", False),
        ("https://y.example/webhooks/sns", None, True),
        ("https://y.example/other", None, False),
    ],
)
def test_whose_endpoint_it_is(endpoint: str, public_url: str | None, *, expected: bool) -> None:
    seen = Seen(place=PLACE, scope=Scope(public_url=public_url))
    one = Subscription(topic=TOPIC, protocol=endpoint.partition(":")[0], endpoint=endpoint)
    assert is_here(seen, one) is expected


def test_a_password_is_never_told() -> None:
    assert bare("https://user:secret@x.example/webhooks/sns") == "https://x.example/webhooks/sns"


# -- what was not read is not judged


def test_of_what_could_not_be_read_nothing_is_said() -> None:
    assert list(judged(Seen(place=PLACE, scope=Scope(topics=(TOPIC,), public_url="https://x.example")))) == []


def test_a_topic_whose_attributes_could_not_be_read_is_ours_all_the_same() -> None:
    scope = Scope(topics=(TOPIC,), public_url="https://x.example")
    seen = Seen(place=PLACE, scope=scope, topics={TOPIC: Topic(arn=TOPIC)}, subscriptions={TOPIC: ()})
    assert [finding.code for finding in judged(seen)] == [Code.NOT_SUBSCRIBED]


def set_telling(*types: str) -> Seen:
    told = Destination(name="news", enabled=True, types=frozenset(types), topic=TOPIC)
    held = ConfigurationSet(name="outgoing", metrics=True, destinations=(told,))
    scope = Scope(topics=(TOPIC,), configuration_set="outgoing")
    return Seen(place=PLACE, scope=scope, topics={TOPIC: Topic(arn=TOPIC)}, sets={"outgoing": held})


@pytest.mark.parametrize(
    ("types", "codes"),
    [
        (("BOUNCE", "COMPLAINT"), [Code.NO_VOLUME, Code.FEW_TYPES]),
        (("DELIVERY", "BOUNCE"), [Code.NO_FEEDBACK, Code.FEW_TYPES]),
        (("OPEN",), [Code.NO_FEEDBACK, Code.NO_VOLUME, Code.FEW_TYPES]),
        (("SEND", "BOUNCE", "COMPLAINT"), [Code.FEW_TYPES]),
    ],
)
def test_each_kind_that_is_missing_is_told_once(types: tuple[str, ...], codes: list[Code]) -> None:
    assert [finding.code for finding in judged(set_telling(*types))] == codes


def test_several_destinations_are_judged_together() -> None:
    seen = set_telling("SEND", "DELIVERY", "BOUNCE", "COMPLAINT")
    [held] = seen.sets.values()
    assert held
    assert held.destinations
    rest = Destination(
        name="rest",
        enabled=True,
        types=frozenset({"REJECT", "RENDERING_FAILURE", "DELIVERY_DELAY", "SUBSCRIPTION"}),
        topic=TOPIC,
    )
    both = ConfigurationSet(name="outgoing", metrics=True, destinations=(*held.destinations, rest))
    again = Seen(place=PLACE, scope=seen.scope, topics=seen.topics, sets={"outgoing": both})
    assert list(judged(again)) == []


# -- PUBLIC_URL and domains


def test_a_certificate_is_told_of_fourteen_days_before_its_end() -> None:
    def codes(days: float) -> list[Code]:
        front = Front(url="https://x.example", status=200, expires=NOW + timedelta(days=days))
        return [finding.code for finding in front_judged(front, NOW, by_queue=False)]

    assert codes(13.9) == [Code.CERTIFICATE_EXPIRES]
    assert codes(14.1) == []


def test_many_domains_are_counted_and_the_first_named() -> None:
    registered = {f"d{number}.example": True for number in range(1200)}
    [finding] = domains_judged(registered, {}, ["eu-north-1"])
    assert "for 1,200 of the domains registered here: d0.example, d1.example, d10.example" in finding.sentence
    assert finding.sentence.endswith("and 1,195 more.")


def test_a_domain_that_was_never_registered_with_ses_is_not_missed_there() -> None:
    assert list(domains_judged({"a.example": False}, {}, ["eu-north-1"])) == []


REGIONS = ["eu-north-1", "us-east-1", "eu-west-1"]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"a": ["us-east-1"]}, "SES has 1 domain identity in us-east-1 that is not registered here: a."),
        (
            {"a": ["us-east-1", "eu-north-1"], "b": ["us-east-1"], "mine": ["eu-west-1"]},
            "SES has 2 domain identities in eu-north-1 and us-east-1 that are not registered here: a, b.",
        ),
        (
            {"a": ["eu-west-1"], "b": REGIONS},
            "SES has 2 domain identities in eu-north-1, us-east-1 and eu-west-1 that are not registered here: a, b.",
        ),
    ],
)
def test_strange_domains_are_told_with_the_regions_that_have_them(where: dict[str, list[str]], told: str) -> None:
    [finding] = domains_judged({"mine": False}, where, REGIONS)
    assert finding.sentence == told


def test_a_domain_that_no_region_has_is_told_with_all_of_them() -> None:
    [finding] = domains_judged({"mine": True}, {}, REGIONS)
    assert finding.sentence == (
        "SES has no identity in eu-north-1, us-east-1 or eu-west-1 for 1 of the domains registered here: mine."
    )


# -- what mends it


def in_home(home: str | None) -> Seen:
    told = Destination(name="news", enabled=False, types=frozenset(), topic=TOPIC)
    scope = Scope(topics=(TOPIC,), public_url="https://x.example", configuration_set="outgoing", home=home)
    return Seen(
        place=PLACE,
        scope=scope,
        topics={TOPIC: Topic(arn=TOPIC, policy={}, signature_version="2"), f"{TOPIC}-gone": None},
        subscriptions={TOPIC: ()},
        sets={"outgoing": ConfigurationSet(name="outgoing", metrics=True, destinations=(told,)), "gone": None},
        identities=(Identity(name="a.example", notifications={}),),
        rules=(),
        queues={"https://sqs/x": None, "https://sqs/y": Queue(arn=PLACE.queue("y"), url="https://sqs/y")},
    )


@pytest.mark.parametrize(("home", "named"), [("eu-north-1", False), ("us-east-1", True), (None, True)])
def test_setting_up_again_is_for_the_region_that_was_looked_at(home: str | None, *, named: bool) -> None:
    fixes = {finding.code: finding.fix for finding in judged(in_home(home)) if "webhook setup" in finding.fix}
    expected = {
        *(Code.TOPIC_MISSING, Code.SES_SHUT_OUT, Code.NOT_SUBSCRIBED, Code.DESTINATION_OFF, Code.SET_MISSING),
        *(Code.NO_DEFAULT_SET, Code.NO_SES_RULE, Code.NO_HEALTH_RULE, Code.QUEUE_MISSING, Code.QUEUE_UNSUBSCRIBED),
    }
    assert fixes.keys() == expected
    for fix in fixes.values():
        command = re.search(r"python -m webhook setup apply( --queue)?( --region eu-north-1)?", fix)
        assert command
        assert bool(command[2]) is named


@pytest.mark.parametrize("topics", [(), (f"{TOPIC}*",)])
def test_where_there_is_no_topic_the_lines_come_before_the_set_up(topics: tuple[str, ...]) -> None:
    seen = Seen(place=PLACE, scope=Scope(topics=topics, home=PLACE.region), topics={})
    [finding] = judged(seen)
    assert finding.fix == (
        "python -m webhook setup plan, put the lines that it prints into .env, restart the service,"
        " then python -m webhook setup apply"
    )


def pasted(command: str) -> list[list[str]]:
    """What a shell runs when somebody pastes it; nothing of it is really run."""
    stubs = """aws() { printf '%s\\n' "$*"; }; sleep() { :; }; """
    ran = subprocess.run(["/bin/sh", "-euc", stubs + command], capture_output=True, text=True, check=True)
    return [line.split(" ") for line in ran.stdout.splitlines()]


def with_identities(*identities: Identity) -> Seen:
    there = Destination(name="news", enabled=True, types=frozenset(EVENTS), topic=TOPIC)
    held = ConfigurationSet(name="outgoing", metrics=True, destinations=(there,))
    scope = Scope(topics=(TOPIC,), configuration_set="outgoing", home=PLACE.region)
    return Seen(
        place=PLACE, scope=scope, topics={TOPIC: Topic(arn=TOPIC)}, sets={"outgoing": held}, identities=identities
    )


@pytest.mark.parametrize("number", [1, 2, 20])
def test_what_mends_one_identity_is_written_for_all_of_them(number: int) -> None:
    names = [f"d{one}.example" for one in range(number - 1)] + ["o'neill@x.example"]
    seen = with_identities(*(Identity(name=name, notifications={}) for name in names))
    [finding] = judged(seen)
    setup, _, command = finding.fix.partition(", or: ")
    assert setup == "python -m webhook setup apply"
    ran = pasted(command)
    assert [line[line.index("--email-identity") + 1] for line in ran] == names
    assert {line[1] for line in ran} == {"put-email-identity-configuration-set-attributes"}


def test_of_very_many_identities_the_first_are_written_out() -> None:
    many = [Identity(name=f"d{one:03}.example", default_set="outgoing", forwarding=True) for one in range(50)]
    seen = with_identities(*(replace(one, notifications={}) for one in many))
    [finding] = judged(seen)
    command, _, rest = finding.fix.partition("; then ")
    assert rest == "look again for the other 30"
    assert len(pasted(command)) == 20


def test_of_feedback_that_comes_twice_only_what_comes_here_is_switched_off() -> None:
    all_here = dict.fromkeys(("Bounce", "Complaint", "Delivery"), TOPIC)
    elsewhere = {"Bounce": TOPIC, "Complaint": f"{TOPIC}-of-others"}
    seen = with_identities(
        Identity(name="a.example", default_set="outgoing", notifications=all_here),
        Identity(name="b.example", default_set="outgoing", notifications=elsewhere),
        Identity(name="c.example", default_set="outgoing", notifications=all_here),
    )
    [finding] = judged(seen)
    assert finding.code is Code.TOLD_TWICE
    ran = [(line[line.index("--identity") + 1], line[-1]) for line in pasted(finding.fix)]
    both = [(name, kind) for name in ("a.example", "c.example") for kind in all_here]
    assert ran == [*both, ("b.example", "Bounce")]


def test_each_kind_that_an_identity_does_not_tell_of_is_switched_on() -> None:
    seen = with_identities(Identity(name="a.example", notifications={"Delivery": TOPIC}))
    [finding] = judged(seen)
    assert finding.code is Code.PARTLY_TOLD
    ran = pasted(finding.fix.partition(", or: ")[2])
    assert [line[-3:] for line in ran] == [["Bounce", "--sns-topic", TOPIC], ["Complaint", "--sns-topic", TOPIC]]


@pytest.mark.parametrize(
    ("waiting", "told"),
    [
        (1, "About 1 message lies in the dead-letter queue dead: it did not reach this service."),
        (1200, "About 1,200 messages lie in the dead-letter queue dead: they did not reach this service."),
    ],
)
def test_dead_letters_are_counted(waiting: int, told: str) -> None:
    dead = PLACE.queue("dead")
    one = Subscription(
        topic=TOPIC,
        protocol="https",
        endpoint="https://x.example/webhooks/sns",
        arn=f"{TOPIC}:1",
        traits=Traits(delivery=DELIVERY_POLICY, dead_letters=dead),
    )
    seen = Seen(
        place=PLACE,
        scope=Scope(topics=(TOPIC,), public_url="https://x.example"),
        topics={TOPIC: Topic(arn=TOPIC)},
        subscriptions={TOPIC: (one,)},
        dead_letters={dead: Queue(arn=dead, url="", policy=queue_policy(PLACE, "dead", "news"), waiting=waiting)},
    )
    assert [finding.sentence for finding in judged(seen)] == [told]


# -- codes


def test_every_code_of_doctor_has_a_hop_and_every_hop_a_code() -> None:
    codes = [code for code in Code if code.value[1] == "6"]
    assert {code.value[1:3] for code in codes} == HOPS.keys()
    assert len({code.value[1:] for code in codes}) == len(codes)
    assert hop(Code.RAW) == "Subscriptions"
    assert {code.severity for code in codes} == set(Severity)
