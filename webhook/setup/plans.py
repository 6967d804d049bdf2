"""What would be done, as values."""

from enum import StrEnum

from msgspec import Struct

from webhook.domain.blueprint import Difference, Found, Kind, Place, Resource


class Action(StrEnum):
    """What is done with a piece. `leave`: it is somebody else's, and stays; `blocked`: its name is somebody else's."""

    CREATE = "create"
    CHANGE = "change"
    CONFIRM = "confirm"
    KEEP = "keep"
    LEAVE = "leave"
    BLOCKED = "blocked"
    DELETE = "delete"


#: What changes something in AWS.
CHANGING = frozenset({Action.CREATE, Action.CHANGE, Action.CONFIRM, Action.DELETE})


class Step(Struct, frozen=True, kw_only=True):
    """One piece and what is done with it; `wrong` is what a change sets right, `why` the reason in plain words."""

    action: Action
    resource: Resource
    why: str
    found: Found | None = None
    wrong: tuple[Difference, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What would be done in one region, in this order; `remarks` are sentences to read before."""

    place: Place
    steps: tuple[Step, ...]
    remarks: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that change something."""
        return tuple(step for step in self.steps if step.action in CHANGING)

    @property
    def obstacles(self) -> tuple[Step, ...]:
        """The steps that can't be done; then none is."""
        return tuple(step for step in self.steps if step.action is Action.BLOCKED)

    @property
    def missing(self) -> frozenset[str]:
        """Identities that were named, and that SES does not have in this region."""
        named = (step for step in self.steps if step.resource.kind is Kind.IDENTITY)
        return frozenset(step.resource.name for step in named if step.found is None)
