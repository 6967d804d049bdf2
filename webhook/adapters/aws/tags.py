"""Tags, as AWS's services give them."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook.domain.blueprint import Resource


def are_ours(tags: Sequence[Mapping[str, str]], resource: Resource) -> bool:
    """Whether those are among them that say that this installation made the piece."""
    return by_name(resource.properties["Tags"]).items() <= by_name(tags).items()


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags of a service that gives them by name, as the others give them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def by_name(tags: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Tags for a service that takes them by name."""
    return {tag["Key"]: tag["Value"] for tag in tags}
