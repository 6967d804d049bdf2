"""EventBridge rules of the default bus."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.adapters.aws.documents import decoded, encoded
from webhook.adapters.aws.tags import are_ours
from webhook.amazon import Amazon
from webhook.domain.blueprint import Difference, Found, Place, Resource
from webhook.errors import AwsError

_DESCRIBED = ("Description", "State")
#: Targets that one call may take away.
_MOST = 10


class Rules:
    """Looks after rules of one region, each with its targets."""

    def __init__(self, amazon: Amazon, place: Place) -> None:
        self._amazon = amazon
        self._place = place

    def read(self, resource: Resource) -> Found | None:
        """The rule of this name, or None."""
        region = self._place.region
        try:
            rule = self._amazon.call("events", "DescribeRule", {"Name": resource.name}, region=region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise
            return None
        tags = self._amazon.call(
            "events", "ListTagsForResource", {"ResourceARN": self._place.rule(resource.name)}, region=region
        ).get("Tags", [])
        targets = self._targets(resource.name)
        strange = [target["Arn"] for target in targets if target["Id"] not in _ids(resource)]
        properties = {
            "Name": resource.name,
            **{name: rule[name] for name in _DESCRIBED if name in rule},
            "EventPattern": decoded(rule.get("EventPattern")),
            "Targets": targets,
            "Tags": tags,
        }
        return Found(
            properties=properties,
            managed=are_ours(tags, resource),
            reference=resource.name,
            remarks=tuple(f"The rule {resource.name} also leads to {arn}, which gets nothing more." for arn in strange),
        )

    def create(self, resource: Resource) -> None:
        """Makes the rule, tagged, then its targets."""
        self._put(resource, {"Tags": resource.properties["Tags"]})
        self._put_targets(resource)

    def update(self, resource: Resource, _found: Found, wrong: Sequence[Difference]) -> None:
        """Sets the rule anew if it is wrong, and our targets if they are."""
        properties = {difference.property for difference in wrong}
        if properties - {"Targets"}:
            self._put(resource, {})
        if "Targets" in properties:
            self._put_targets(resource)

    def delete(self, resource: Resource, _found: Found) -> None:
        """Takes away all its targets, then the rule: EventBridge wants it so. None is an error if it is gone."""
        try:
            ids = [target["Id"] for target in self._targets(resource.name)]
            for start in range(0, len(ids), _MOST):
                request = {"Rule": resource.name, "Ids": ids[start : start + _MOST]}
                self._amazon.call("events", "RemoveTargets", request, region=self._place.region)
            self._amazon.call("events", "DeleteRule", {"Name": resource.name}, region=self._place.region)
        except AwsError as error:
            if error.code != "aws_not_found":
                raise

    def _put(self, resource: Resource, more: Mapping[str, Any]) -> None:
        properties = resource.properties
        request = {
            "Name": resource.name,
            "EventPattern": encoded(properties["EventPattern"]),
            **{name: properties[name] for name in _DESCRIBED},
            **more,
        }
        self._amazon.call("events", "PutRule", request, region=self._place.region)

    def _put_targets(self, resource: Resource) -> None:
        request = {"Rule": resource.name, "Targets": resource.properties["Targets"]}
        answer = self._amazon.call("events", "PutTargets", request, region=self._place.region)
        for failed in answer.get("FailedEntries", []):
            raise AwsError(
                "aws_internal",
                f"EventBridge did not take the target of {resource.name}: {failed.get('ErrorMessage')}",
                "Nothing needs to be done: it is tried again by itself.",
                retryable=True,
                retry_after=5,
            )

    def _targets(self, rule: str) -> list[dict[str, Any]]:
        pages = self._amazon.pages("events", "ListTargetsByRule", {"Rule": rule}, region=self._place.region)
        return [target for page in pages for target in page["Targets"]]


def _ids(resource: Resource) -> set[str]:
    return {target["Id"] for target in resource.properties["Targets"]}
