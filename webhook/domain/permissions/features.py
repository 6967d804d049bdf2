"""A feature of ours, and the calls of AWS that it makes."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from webhook.domain.permissions.circumstances import Circumstances, Where


class Audience(StrEnum):
    """Who needs a feature: the service as it runs, or only people at the command line."""

    SERVICE = "service"
    COMMANDS = "commands"


class Use(Struct, frozen=True):
    """Calls that a module makes of a service (as boto3 calls it): each operation, and what it is about.

    What is not `granted` is only tried where another feature wants it.
    """

    module: str
    service: str
    calls: Mapping[str, tuple[Where, ...]]
    granted: bool = True


class Feature(Struct, frozen=True, kw_only=True):
    """Something that needs permissions, if `on`: `when` says in words when that is, `why` what it needs them for."""

    sid: str
    why: str
    when: str
    on: Callable[[Circumstances], bool]
    uses: tuple[Use, ...]
    audience: Audience = Audience.SERVICE
