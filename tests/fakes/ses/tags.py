"""Tags of identities, configuration sets and tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.ses import errors

if TYPE_CHECKING:
    from tests.fakes.ses.state import State

Answer = dict[str, Any]
Tags = list[dict[str, str]]


def _tags(state: State, arn: str) -> Tags:
    """The list itself; raises Refusal if there is no such resource."""
    head, _, name = arn.partition("/")
    if not head.startswith(f"{state.arn}:"):
        raise errors.bad_request(f"{arn} is no ARN of this account and region.")
    match head.rpartition(":")[2]:
        case "identity":
            return state.identity(name).tags
        case "configuration-set":
            return state.configuration_set(name).tags
        case "tenant":
            return state.tenant(name.partition("/")[0]).tags
    raise errors.not_found(arn)


def tag(state: State, asked: Answer) -> Answer:
    tags = _tags(state, asked["ResourceArn"])
    given = {one["Key"]: one["Value"] for one in asked["Tags"]}
    merged = {one["Key"]: one["Value"] for one in tags} | given
    tags[:] = [{"Key": key, "Value": value} for key, value in merged.items()]
    return {}


def untag(state: State, asked: Answer) -> Answer:
    tags = _tags(state, asked["ResourceArn"])
    tags[:] = [one for one in tags if one["Key"] not in asked["TagKeys"]]
    return {}


def list_tags(state: State, asked: Answer) -> Answer:
    return {"Tags": list(_tags(state, asked["ResourceArn"]))}


TAG_OPERATIONS: dict[str, Callable[[State, Answer], Answer]] = {
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": list_tags,
}
