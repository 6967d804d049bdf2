"""Who does it: the roles that adapters play for the set-up of one region."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from webhook.domain.blueprint import Difference, Found, Kind, Place, Resource

#: Tells of progress, a line at a time.
Tell = Callable[[str], None]


class Handler(Protocol):
    """Looks after one kind of piece in one region. Each method raises AwsError or Limited; each may be repeated."""

    def read(self, resource: Resource) -> Found | None:
        """The piece of this name as it is, or None."""
        ...

    def create(self, resource: Resource) -> None:
        """Makes it as it should be; AwsError `aws_already_exists` where it exists."""
        ...

    def update(self, resource: Resource, found: Found, wrong: Sequence[Difference]) -> None:
        """Sets right what is wrong, and leaves the rest."""
        ...

    def delete(self, resource: Resource, found: Found) -> None:
        """Takes it away; if it is gone already, that is fine."""
        ...


class Identities(Protocol):
    """The region's SES identities, addresses included."""

    def names(self) -> list[str]:
        """All of them, in order."""
        ...


class Dependents(Protocol):
    """Who else hangs on what is ours, in plain words: it is told before anything is taken away."""

    def of(self, resource: Resource, found: Found) -> list[str]:
        """One sentence for each that would miss it."""
        ...


class Site(Struct, frozen=True):
    """One region of the account, with who looks after what there."""

    place: Place
    handlers: Mapping[Kind, Handler]
    identities: Identities
    dependents: Dependents
