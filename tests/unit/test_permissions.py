"""The policy is what the code calls: no call without its permission, no permission without its call."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import botocore.session
import pytest
from msgspec.structs import replace

from webhook.adapters.aws.permissions import Caller, Permissions, caller_of
from webhook.amazon import Amazon
from webhook.children import ROOT
from webhook.domain.permissions import (
    FEATURES,
    Audience,
    Circumstances,
    How,
    May,
    Statement,
    Where,
    actions_of,
    document,
    reasons,
    statements,
)

#: What hands calls on: the operation is the caller's.
DISPATCHERS = {"webhook/amazon/caller.py", "webhook/amazon/connection.py", "webhook/adapters/destinations/aws.py"}
#: Modules whose `_call(operation)` asks one service.
OF_ONE_SERVICE = {"webhook/adapters/ses/client.py": "sesv2"}
#: Who may use boto3 itself; its calls are those of what is named `client`.
WITH_BOTO3 = {
    *DISPATCHERS,
    "webhook/adapters/confirmation.py",
    "webhook/amazon/errors.py",
    "webhook/amazon/meanings.py",
}
SOURCES = sorted((ROOT / "webhook").rglob("*.py"))
_OPERATION = re.compile(r"[A-Z][A-Za-z]+")
_METHOD = re.compile(r"[a-z]+(_[a-z]+)*")

HERE = Circumstances(partition="aws", account="123456789012", region="eu-north-1", principal="arn:aws:iam::1:user/u")
ALL = replace(
    HERE,
    sends=True,
    tenant_prefix="t-",
    reads_suppressions=True,
    writes_suppressions=True,
    topics=("arn:aws:sns:eu-north-1:123456789012:*",),
    queues=("arn:aws:sqs:eu-north-1:123456789012:events",),
    alert_topics=("arn:aws:sns:eu-west-1:123456789012:alerts",),
    alert_queues=("arn:aws:sqs:eu-west-1:123456789012:alerts",),
    alert_buses=("arn:aws:events:eu-west-1:123456789012:event-bus/default",),
    alert_sender="alerts@mail.example.com",
)


class Call(NamedTuple):
    """One call in the code."""

    module: str
    service: str
    operation: str


# -- what the code calls


def calls_in(path: Path) -> Iterator[Call]:
    module = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found = call_of(module, node, node.func)
            if found:
                yield Call(module, *found)


def call_of(module: str, node: ast.Call, function: ast.Attribute) -> tuple[str, str] | None:
    """The service and the operation that this asks; fails if they are not written there."""
    texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
    if module == "webhook/adapters/confirmation.py" and ast.unparse(function.value) == "client":
        return "sns", camel(function.attr)
    if function.attr == "_call" and module in OF_ONE_SERVICE:
        return OF_ONE_SERVICE[module], literal(module, node, texts[0] if texts else None)
    if function.attr not in ("call", "pages") or module in DISPATCHERS:
        return None
    if module in OF_ONE_SERVICE and texts[0] == OF_ONE_SERVICE[module] and ast.unparse(node.args[1]) == "operation":
        return None  # what `_call` does
    service = texts[0] if texts else None
    method = texts[2] if len(texts) > 2 else None
    if isinstance(method, str) and _METHOD.fullmatch(method):
        return literal(module, node, service), camel(method)
    return literal(module, node, service), literal(module, node, texts[1] if len(texts) > 1 else None)


def literal(module: str, node: ast.Call, text: object) -> str:
    assert isinstance(text, str), f"{module}:{node.lineno}: write out service and operation, so that it can be checked"
    return text


def camel(method: str) -> str:
    return "".join(part.capitalize() for part in method.split("_"))


@cache
def called() -> frozenset[Call]:
    return frozenset(call for path in SOURCES for call in calls_in(path))


def listed() -> dict[Call, str]:
    """The calls of the table, each with a feature that makes it."""
    return {
        Call(use.module, use.service, operation): feature.sid
        for feature in FEATURES
        for use in feature.uses
        for operation in use.calls
    }


def test_every_call_has_its_permission() -> None:
    lacking = [
        f"{call.module} calls {call.service} {call.operation}, which `policy` would not allow: add it to the feature "
        "that makes it, in webhook/domain/permissions/service.py or commands.py"
        for call in sorted(called() - listed().keys())
    ]
    assert lacking == []


def test_every_permission_has_its_call() -> None:
    superfluous = [
        f"feature {sid} lists {call.service} {call.operation} of {call.module}, which does not call it: take it out of "
        "webhook/domain/permissions/"
        for call, sid in sorted(listed().items())
        if call not in called()
    ]
    assert superfluous == []


def test_nobody_else_asks_aws() -> None:
    strangers = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"^\s*(import|from) (boto3|botocore)\b", path.read_text(), re.MULTILINE)
    ]
    assert set(strangers) <= WITH_BOTO3, "use `webhook.amazon`, whose calls are checked"


def test_every_operation_is_one_of_aws() -> None:
    session = botocore.session.get_session()
    unknown = [
        call
        for service in sorted({call.service for call in listed()})
        for names in [set(session.get_service_model(service).operation_names)]
        for call in listed()
        if call.service == service and call.operation not in names
    ]
    assert unknown == []


# -- what the policy says


ACTIONS = [
    pytest.param("sqs", "DeleteMessageBatch", ("sqs:DeleteMessage",), id="a batch"),
    pytest.param("sqs", "ChangeMessageVisibilityBatch", ("sqs:ChangeMessageVisibility",), id="another batch"),
    pytest.param("sesv2", "GetAccount", ("ses:GetAccount",), id="version 2 of SES"),
    pytest.param("sesv2", "SendEmail", ("ses:SendEmail", "ses:SendRawEmail"), id="a raw message too"),
    pytest.param("sesv2", "CreateTenant", ("ses:CreateTenant", "ses:TagResource"), id="made with tags"),
    pytest.param("sqs", "CreateQueue", ("sqs:CreateQueue", "sqs:TagQueue"), id="a queue with tags"),
    pytest.param("sts", "GetCallerIdentity", (), id="free"),
]


@pytest.mark.parametrize(("service", "operation", "actions"), ACTIONS)
def test_what_iam_calls_it(service: str, operation: str, actions: tuple[str, ...]) -> None:
    assert actions_of(service, operation) == actions


def test_it_is_a_policy_that_iam_takes() -> None:
    policy = document(statements(FEATURES, ALL))
    assert set(policy) == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17"
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]{1,128}", sid) for sid in sids)
    for statement in policy["Statement"]:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == sorted(set(statement["Action"]))
        assert all(re.fullmatch("[a-z]+:[A-Z][A-Za-z]+", action) for action in statement["Action"])
        assert statement["Resource"]
        assert all(one == "*" or re.fullmatch(r"arn:aws(:[^:]*){3}:\S+", one) for one in statement["Resource"])


@pytest.mark.parametrize("audience", Audience)
def test_each_half_fits_in_one_managed_policy(audience: Audience) -> None:
    half = [feature for feature in FEATURES if feature.audience is audience]
    assert len(json.dumps(document(statements(half, ALL)), separators=(",", ":"))) <= 6144


def test_what_is_allowed_is_said_once_and_all_of_it_is_said() -> None:
    said = [
        (action, resource)
        for statement in document(statements(FEATURES, ALL))["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]
    wanted = {(action, arn) for one in statements(FEATURES, ALL) for action in one.actions for arn in one.resources}
    assert set(said) == wanted
    assert said.count(("ses:GetAccount", "*")) == 1


def test_no_action_is_a_wildcard() -> None:
    assert "*" not in "".join(action for one in statements(FEATURES, ALL) for action in one.actions)


def test_what_is_limited_is_not_allowed_everywhere_by_another_statement() -> None:
    everywhere = {action for one in statements(FEATURES, ALL) if one.resources == ("*",) for action in one.actions}
    limited = {action for one in statements(FEATURES, ALL) if "*" not in one.resources for action in one.actions}
    assert everywhere & limited == set()


def sids(here: Circumstances, audience: Audience | None = None) -> set[str]:
    features = [feature for feature in FEATURES if audience in (None, feature.audience)]
    return {statement.feature.sid for statement in statements(features, here)}


SWITCHES = [
    pytest.param({"sends": True}, "SendMail", id="sending"),
    pytest.param({"tenant_prefix": "t-"}, "KeepTenants", id="tenants"),
    pytest.param({"reads_suppressions": True}, "ReadSuppressions", id="taking over suppressions"),
    pytest.param({"writes_suppressions": True}, "WriteSuppressions", id="handing over suppressions"),
    pytest.param({"queues": ALL.queues}, "ReadQueues", id="queues"),
    pytest.param({"alert_topics": ALL.alert_topics}, "AlertTopics", id="alerts by SNS"),
    pytest.param({"alert_queues": ALL.alert_queues}, "AlertQueues", id="alerts by SQS"),
    pytest.param({"alert_buses": ALL.alert_buses}, "AlertBuses", id="alerts by EventBridge"),
    pytest.param({"alert_sender": "a@example.com"}, "AlertMail", id="alerts by mail"),
]


@pytest.mark.parametrize(("changed", "sid"), SWITCHES)
def test_a_feature_is_in_it_only_if_it_is_on(changed: dict[str, object], sid: str) -> None:
    off = replace(ALL, **{name: type(getattr(ALL, name))() for name in changed})
    assert sid not in sids(off)
    assert sid in sids(replace(off, **changed))


def test_subscriptions_are_confirmed_for_our_topics_only() -> None:
    [one] = [one for one in statements(FEATURES, ALL) if one.sid == "ConfirmSubscriptions"]
    assert (one.actions, one.resources) == (("sns:ConfirmSubscription",), ALL.topics)
    assert {"ConfirmSubscriptions", "ReadDeadLetters"}.isdisjoint(sids(replace(ALL, topics=())))


def test_the_running_service_needs_less_than_people_at_the_command_line() -> None:
    service = [feature for feature in FEATURES if feature.audience is Audience.SERVICE]
    actions = {action for one in statements(service, ALL) for action in one.actions}
    assert {"sns:CreateTopic", "sqs:CreateQueue", "events:PutRule", "iam:SimulatePrincipalPolicy"}.isdisjoint(actions)
    assert sids(ALL) - sids(ALL, Audience.SERVICE) == {"SetUp", "Examine", "TryLive", "CheckPolicy"}


def test_queues_are_emptied_only_where_they_are_ours() -> None:
    for one in statements(FEATURES, ALL):
        if "sqs:DeleteMessage" in one.actions:
            assert all(
                arn.rpartition(":")[2] in ("events", "ses-sentinel-events", "ses-sentinel-dead-letters")
                for arn in one.resources
            )


RESOURCES = [
    pytest.param(Where.ANY, ("*",), id="any"),
    pytest.param(Where.TENANTS, ("arn:aws:ses:eu-north-1:123456789012:tenant/t-*",), id="tenants"),
    pytest.param(Where.OWN_SET, ("arn:aws:ses:eu-north-1:123456789012:configuration-set/ses-sentinel",), id="own set"),
    pytest.param(
        Where.ALERT_SENDER,
        tuple(
            f"arn:aws:ses:eu-north-1:123456789012:identity/{name}"
            for name in ("alerts@mail.example.com", "example.com", "mail.example.com")
        ),
        id="sender",
    ),
    pytest.param(Where.SELF, ("arn:aws:iam::1:user/u",), id="self"),
]


@pytest.mark.parametrize(("where", "arns"), RESOURCES)
def test_resources_are_named(where: Where, arns: tuple[str, ...]) -> None:
    assert ALL.arns(where) == arns


def test_every_place_has_its_resources() -> None:
    assert all(ALL.arns(where) for where in Where)


def test_what_is_not_known_is_a_star() -> None:
    assert Circumstances().arns(Where.IDENTITIES) == ("arn:aws:ses:*:*:identity/*",)
    assert Circumstances(partition="aws-cn").arns(Where.SELF) == ("arn:aws-cn:iam::*:*",)


def test_every_feature_has_its_reason() -> None:
    told = reasons(statements(FEATURES, ALL))
    assert [one.sid for one in told] == [feature.sid for feature in FEATURES]
    assert all(one.why and one.when and one.actions for one in told)


# -- who asks, and what he may


class Iam:
    """Plays `webhook.amazon.Amazon`: IAM that answers in pages, with a result for each resource."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    def call(self, service: str, operation: str, _request: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (service, operation) == ("sts", "GetCallerIdentity")
        return {"Arn": "arn:aws:iam::1:user/ann", "Account": "1"}

    def pages(
        self, service: str, operation: str, request: Mapping[str, Any], *, following: str
    ) -> list[Mapping[str, Any]]:
        assert (service, operation, following) == ("iam", "SimulatePrincipalPolicy", "Marker")
        self.asked.append(request)
        return [{"EvaluationResults": [self.result(action, request)]} for action in request["ActionNames"]]

    def result(self, action: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        results = [
            {"EvalResourceName": arn, "EvalResourceDecision": "allowed" if place else "explicitDeny"}
            for place, arn in enumerate(request["ResourceArns"])
        ]
        return {"EvalActionName": action, "EvalDecision": "explicitDeny", "ResourceSpecificResults": results}


def test_each_resource_has_its_answer() -> None:
    wanted = Statement("S", FEATURES[0], ("a:One", "a:Two"), ("arn:1", "arn:2"))
    found = Permissions(cast(Amazon, Iam())).examine([wanted])
    assert (found.how, found.caller, found.trouble) == (How.SIMULATED, "arn:aws:iam::1:user/ann", "")
    assert [(one.action, one.resource, one.may) for one in found.answers] == [
        ("a:One", "arn:1", May.NO),
        ("a:One", "arn:2", May.YES),
        ("a:Two", "arn:1", May.NO),
        ("a:Two", "arn:2", May.YES),
    ]


def test_iam_is_asked_about_a_hundred_actions_at_once() -> None:
    iam = Iam()
    wanted = Statement("S", FEATURES[0], tuple(f"a:A{number}" for number in range(250)), ("*",))
    assert len(Permissions(cast(Amazon, iam)).examine([wanted]).answers) == 250
    assert [len(request["ActionNames"]) for request in iam.asked] == [100, 100, 50]


CALLERS = [
    pytest.param("arn:aws:iam::1:user/x/ann", "arn:aws:iam::1:user/x/ann", id="a user"),
    pytest.param("arn:aws:sts::1:assumed-role/Sentinel/i-1", "arn:aws:iam::1:role/Sentinel", id="a role's session"),
    pytest.param("arn:aws-cn:sts::1:assumed-role/R/s", "arn:aws-cn:iam::1:role/R", id="in China"),
    pytest.param("arn:aws:sts::1:federated-user/bob", "", id="a federated user"),
    pytest.param("arn:aws:iam::1:root", "", id="root"),
]


@pytest.mark.parametrize(("arn", "principal"), CALLERS)
def test_whose_policies_count(arn: str, principal: str) -> None:
    caller = caller_of(arn, "1")
    assert caller == Caller(arn, "1", arn.split(":")[1], principal)
    assert caller.is_root is arn.endswith(":root")
