"""Whether a resource's policy lets a service of AWS in: as much of IAM's language as such policies use.

Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

Policy = Mapping[str, Any]
#: Conditions that bind a statement to a source; a statement for everybody that has none of these is open.
_BINDING = re.compile(r"aws:(source|principal|userid|calledvia|vpc)|sns:endpoint|sns:protocol")
#: What we can't know of a call of AWS's own, and so don't hold against the policy.
_UNKNOWN = frozenset({"aws:sourceorgid", "aws:sourceorgpaths"})


class Call(Struct, frozen=True):
    """A service (`ses.amazonaws.com`) does `action` (`sns:Publish`) to `resource` for the ARN `source` in `account`."""

    service: str
    action: str
    resource: str
    source: str
    account: str


def lets_in(policy: Policy, call: Call, *, as_owner: bool = False) -> bool:
    """Whether some statement allows the call, and none denies it.

    `as_owner`: AWS:SourceOwner counts in statements for everybody, too, such as the one that SNS gives each topic. Only
    some services tell it; SES does ("Example cases for Amazon SNS access control").
    """
    context = {
        "aws:sourceaccount": call.account,
        "aws:sourcearn": call.source,
        "aws:securetransport": "true",
        "aws:principalisawsservice": "true",
        "aws:principalservicename": call.service,
    }
    owning = {"aws:sourceowner": call.account}
    effects = {
        str(one.get("Effect")) for one in statements(policy) if _applies(one, call, context, owning, as_owner=as_owner)
    }
    return "Allow" in effects and "Deny" not in effects


def is_open(policy: Policy, action: str) -> bool:
    """Whether anybody in the world may do it: a statement for everybody that is bound to nothing."""
    return any(
        one.get("Effect") == "Allow"
        and _is_everybody(one.get("Principal"))
        and _names(one.get("Action"), action.lower())
        and not _is_bound(one.get("Condition"))
        for one in statements(policy)
    )


def statements(policy: Policy) -> list[Policy]:
    """The statements of a policy; a single one may stand without its list."""
    return [one for one in _many(policy.get("Statement")) if isinstance(one, Mapping)]


def _is_everybody(principal: object) -> bool:
    return principal == "*" or (isinstance(principal, Mapping) and "*" in _many(principal.get("AWS")))


def _is_bound(condition: object) -> bool:
    if not isinstance(condition, Mapping):
        return False
    tests = [
        (str(key).lower(), values)
        for keys in condition.values()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
    ]
    return any(_BINDING.match(key) and "*" not in _many(values) for key, values in tests)


def _applies(
    statement: Policy, call: Call, context: Mapping[str, str], owning: Mapping[str, str], *, as_owner: bool
) -> bool:
    principal = statement.get("Principal")
    named = isinstance(principal, Mapping) and call.service in _many(principal.get("Service"))
    told = {**context, **owning} if named or as_owner else context
    return (
        (named or _is_everybody(principal))
        and _names(statement.get("Action"), call.action.lower())
        and ("Resource" not in statement or any(_fits(one, call.resource) for one in _many(statement["Resource"])))
        and _holds(statement.get("Condition"), told, allowing=statement.get("Effect") == "Allow")
    )


def _names(actions: object, action: str) -> bool:
    return any(_fits(str(one).lower(), action) for one in _many(actions))


def _holds(condition: object, context: Mapping[str, str], *, allowing: bool) -> bool:
    if not isinstance(condition, Mapping):
        return True
    return all(
        _is_met(str(operator), str(key).lower(), _many(values), context, allowing=allowing)
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _is_met(operator: str, key: str, values: list[Any], context: Mapping[str, str], *, allowing: bool) -> bool:
    """A key that the call does not have fails a condition, and meets a negated one or one that ends in IfExists."""
    if key in _UNKNOWN:
        return allowing
    value, negated = context.get(key), "Not" in operator
    if operator == "Null":
        return (value is None) is (str(values[0]).lower() == "true")
    if value is None:
        return negated or operator.endswith("IfExists")
    exact = operator.removesuffix("IfExists") in ("StringEquals", "StringNotEquals")
    met = any(str(one) == value if exact else _fits(str(one), value, folded=True) for one in values)
    return met is not negated


def _fits(pattern: object, value: str, *, folded: bool = False) -> bool:
    """Whether a text with * and ? stands for the value; `folded`: in capitals or not."""
    return _compiled(str(pattern), folded).fullmatch(value) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str, folded: bool) -> re.Pattern[str]:
    spelled = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(spelled, re.IGNORECASE if folded else 0)


def _many(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
