"""Whether a resource's own policy lets a service of AWS do something with it.

As much of IAM's language as such policies use: Allow and Deny, Service principals, wildcards in actions and resources,
and conditions on the source's account and ARN.
"""

import json
from fnmatch import fnmatchcase
from typing import Any, NamedTuple


class Attempt(NamedTuple):
    """A service (`ses.amazonaws.com`) that does `action` (`SNS:Publish`) to `resource` for `source_arn`."""

    service: str
    action: str
    resource: str
    source_arn: str
    account: str


def allowed(policy: str | None, attempt: Attempt) -> bool:
    """Whether the policy (JSON) allows it: some statement does, and none denies it."""
    statements = _many(json.loads(policy).get("Statement", [])) if policy else []
    effects = {one.get("Effect") for one in statements if _applies(one, attempt)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: dict[str, Any], attempt: Attempt) -> bool:
    return (
        _is_principal(statement.get("Principal"), attempt.service)
        and _matches(statement.get("Action"), attempt.action.lower(), lower=True)
        and _matches(statement.get("Resource", "*"), attempt.resource)
        and all(_holds(*one, attempt) for one in (statement.get("Condition") or {}).items())
    )


def _is_principal(principal: Any, service: str) -> bool:
    if principal == "*":
        return True
    given = principal or {}
    return "*" in _many(given.get("AWS", [])) or service in _many(given.get("Service", []))


def _matches(patterns: Any, value: str, *, lower: bool = False) -> bool:
    return any(fnmatchcase(value, one.lower() if lower else one) for one in _many(patterns or []))


def _holds(operator: str, tests: dict[str, Any], attempt: Attempt) -> bool:
    """A key that the request does not have makes a condition fail, a negated one hold."""
    has = {"aws:sourceaccount": attempt.account, "aws:sourcearn": attempt.source_arn}
    negated = "Not" in operator
    optional = operator.endswith("IfExists")
    for key, patterns in tests.items():
        value = has.get(key.lower())
        if value is None:
            if not (negated or optional):
                return False
            continue
        exact = operator.startswith("String") and "Like" not in operator
        found = value in _many(patterns) if exact else _matches(patterns, value)
        if found is negated:
            return False
    return True


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
