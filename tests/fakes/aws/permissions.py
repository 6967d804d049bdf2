"""Who asks, and what they may not do."""

from fnmatch import fnmatchcase
from typing import Any

from tests.fakes.aws.moto_app import ACCOUNT
from tests.fakes.ses.errors import Refusal
from tests.fakes.ses.script import Failure
from tests.fakes.ses.wire import Asked

_PREFIXES = {"sesv2": "ses", "resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}
#: What IAM calls the action of these operations.
_ACTIONS = {
    ("sns", "PublishBatch"): "sns:Publish",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("sqs", "DeleteMessageBatch"): "sqs:DeleteMessage",
    ("sqs", "ChangeMessageVisibilityBatch"): "sqs:ChangeMessageVisibility",
    ("sesv2", "SendEmail"): "ses:SendEmail",
}
#: How services say that it is not allowed, where it is not AccessDenied.
_CODES = {
    "sns": "AuthorizationError",
    "sesv2": "AccessDeniedException",
    "events": "AccessDeniedException",
    "kms": "AccessDeniedException",
    "resourcegroupstaggingapi": "AccessDeniedException",
    "service-quotas": "AccessDeniedException",
}
#: Nobody needs a permission to ask who he is.
_FREE = frozenset({"sts:GetCallerIdentity"})


def action_of(asked: Asked) -> str:
    """The action that IAM judges: `sns:Subscribe`."""
    usual = f"{_PREFIXES.get(asked.service, asked.service)}:{asked.operation}"
    return _ACTIONS.get((asked.service, asked.operation), usual)


class Permissions:
    """All is allowed but what was denied; `caller` is the ARN of whoever asks."""

    def __init__(self) -> None:
        self.caller = f"arn:aws:iam::{ACCOUNT}:user/sentinel"
        self.denied: set[str] = set()

    def forbids(self, action: str) -> bool:
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in self.denied)

    def check(self, asked: Asked) -> None:
        """Returns if it may be asked; raises Refusal in the words of the service."""
        action = action_of(asked)
        if action in _FREE or not self.forbids(action):
            return
        raise Refusal(Failure(denial(asked.service), 403, self.sentence(action)))

    def sentence(self, action: str) -> str:
        return (
            f"User: {self.caller} is not authorized to perform: {action} on resource: *"
            f" because no identity-based policy allows the {action} action"
        )

    def who(self, _asked: Asked) -> dict[str, Any]:
        """sts:GetCallerIdentity."""
        return {"UserId": "AIDAEXAMPLE", "Account": ACCOUNT, "Arn": self.caller}

    def simulate(self, asked: Asked) -> dict[str, Any]:
        """iam:SimulatePrincipalPolicy; it knows users, groups and roles, not a role's sessions."""
        source = asked.arguments["PolicySourceArn"]
        if ":iam::" not in source:
            raise Refusal(
                Failure(
                    "InvalidInput", 400, f"Invalid Entity Arn: {source} does not clearly define entity type and name."
                )
            )
        resources = asked.arguments.get("ResourceArns") or ["*"]
        results = [
            {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": "implicitDeny" if self.forbids(action) else "allowed",
                "MatchedStatements": [],
                "MissingContextValues": [],
            }
            for action in asked.arguments["ActionNames"]
            for resource in resources
        ]
        return {"EvaluationResults": results, "IsTruncated": False}


def denial(service: str) -> str:
    """The code by which the service says that something is not allowed."""
    return _CODES.get(service, "AccessDenied")
