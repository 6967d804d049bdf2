"""What the present credentials may do: asked of IAM, else tried with calls that change nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from webhook.amazon import Amazon
from webhook.domain.permissions import Answer, Examination, How, May, Statement
from webhook.errors import AwsError

#: Actions that IAM is asked about in one call.
BATCH = 100
_DENIED = "aws_access_denied"
_NOBODY = "these credentials are of no user and no role that IAM could be asked about"


class Caller(Struct, frozen=True):
    """Who asks; `principal` is the user or role whose policies count, "" if there is none (root, federated users)."""

    arn: str
    account: str
    partition: str
    principal: str

    @property
    def is_root(self) -> bool:
        """Whether it is the account's root user, who may do everything."""
        return self.arn.endswith(":root")


class Permissions:
    """Looks at the present credentials. Raises AwsError."""

    def __init__(self, amazon: Amazon) -> None:
        self._amazon = amazon

    def caller(self) -> Caller:
        """Who we are there."""
        told = self._amazon.call("sts", "GetCallerIdentity", {})
        return caller_of(told["Arn"], told["Account"])

    def examine(self, wanted: Sequence[Statement]) -> Examination:
        """What of the policy the credentials have: by IAM, and where that may not be asked by trying."""
        caller = self.caller()
        if caller.is_root:
            return Examination(caller.arn, How.ROOT)
        if not caller.principal:
            return Examination(caller.arn, How.TRIED, tuple(self._tried(wanted)), _NOBODY)
        try:
            return Examination(caller.arn, How.SIMULATED, tuple(self._simulated(caller.principal, wanted)))
        except AwsError as error:
            if error.code != _DENIED:
                raise
            return Examination(caller.arn, How.TRIED, tuple(self._tried(wanted)), error.detail)

    def _simulated(self, source: str, statements: Sequence[Statement]) -> list[Answer]:
        """What IAM says of each action and resource; AwsError `aws_access_denied` if it may not be asked."""
        try:
            return list(self._simulate(source, statements))
        except AwsError as error:
            if error.code != "aws_not_found" or ":role/" not in source:
                raise
        # A role may stand under a path, of which a session's ARN says nothing.
        role = self._amazon.call("iam", "GetRole", {"RoleName": source.rpartition("/")[2]})["Role"]["Arn"]
        return list(self._simulate(role, statements))

    def _tried(self, wanted: Iterable[Statement]) -> list[Answer]:
        """What calls that change nothing tell; all else is not known."""
        known: dict[str, May] = {}
        answers: list[Answer] = []
        for statement in wanted:
            for action in statement.actions:
                if action in _PROBES and action not in known:
                    known[action] = self._probe(action)
                may = known.get(action, May.UNKNOWN)
                answers += [Answer(statement.sid, action, resource, may) for resource in statement.resources]
        return answers

    def _probe(self, action: str) -> May:
        try:
            _PROBES[action](self._amazon)
        except AwsError as error:
            return May.NO if error.code == _DENIED else May.UNKNOWN
        return May.YES

    def _simulate(self, source: str, wanted: Sequence[Statement]) -> Iterator[Answer]:
        for statement in wanted:
            for start in range(0, len(statement.actions), BATCH):
                request = {
                    "PolicySourceArn": source,
                    "ActionNames": list(statement.actions[start : start + BATCH]),
                    "ResourceArns": list(statement.resources),
                }
                for page in self._amazon.pages("iam", "SimulatePrincipalPolicy", request, following="Marker"):
                    yield from _answers(statement, page)


def caller_of(arn: str, account: str) -> Caller:
    """Who has this ARN: a user, a role's session (`assumed-role/NAME/SESSION`, whose role counts), or somebody else."""
    _, partition, service, _, _, name = arn.split(":", 5)
    kind, _, rest = name.partition("/")
    principal = ""
    if service == "iam" and kind in ("user", "role"):
        principal = arn
    elif service == "sts" and kind == "assumed-role":
        principal = f"arn:{partition}:iam::{account}:role/{rest.partition('/')[0]}"
    return Caller(arn, account, partition, principal)


def _answers(statement: Statement, page: Mapping[str, Any]) -> Iterator[Answer]:
    for result in page.get("EvaluationResults") or ():
        may = May.YES if result["EvalDecision"] == "allowed" else May.NO
        resource = result.get("EvalResourceName") or "*"
        specific = result.get("ResourceSpecificResults") or ()
        if not specific:
            yield Answer(statement.sid, result["EvalActionName"], resource, may)
        for one in specific:
            told = May.YES if one["EvalResourceDecision"] == "allowed" else May.NO
            yield Answer(statement.sid, result["EvalActionName"], one["EvalResourceName"], told)


#: By action, a call that changes nothing.
_PROBES: dict[str, Callable[[Amazon], object]] = {
    "events:ListRules": lambda aws: aws.call("events", "ListRules", {"Limit": 1}),
    "ses:GetAccount": lambda aws: aws.call("sesv2", "GetAccount"),
    "ses:GetSendStatistics": lambda aws: aws.call("ses", "GetSendStatistics"),
    "ses:ListConfigurationSets": lambda aws: aws.call("sesv2", "ListConfigurationSets", {"PageSize": 1}),
    "ses:ListEmailIdentities": lambda aws: aws.call("sesv2", "ListEmailIdentities", {"PageSize": 1}),
    "ses:ListSuppressedDestinations": lambda aws: aws.call("sesv2", "ListSuppressedDestinations", {"PageSize": 1}),
    "sns:ListTopics": lambda aws: aws.call("sns", "ListTopics", {}),
}
