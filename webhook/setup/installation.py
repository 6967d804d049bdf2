"""The set-up in all regions together."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from webhook.domain.blueprint import Kind, Place, Wanted
from webhook.errors import NotFound
from webhook.setup.applying import Applier
from webhook.setup.confirmation import Confirmation, Waiting
from webhook.setup.demolition import demolish
from webhook.setup.planning import Planner
from webhook.setup.plans import Action, Plan
from webhook.setup.roles import Site, Tell

_ASKED_FOR = frozenset({Action.CREATE, Action.CONFIRM})


class Installation:
    """Plans, applies and takes away, region by region; each method raises AwsError, Limited or Unavailable.

    `named` are queues that the service is told to read from: such a one of ours is wanted without being asked for.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        wanted: Wanted,
        waiting: Waiting,
        *,
        named: Sequence[str],
        pause: Callable[[float], None],
        tell: Tell,
    ) -> None:
        self._sites = {site.place: site for site in sites}
        self._wanted = wanted
        self._waiting = waiting
        self._named = frozenset(named)
        self._applier = Applier(pause, tell)
        self._tell = tell

    @property
    def places(self) -> tuple[Place, ...]:
        """The regions, in order."""
        return tuple(self._sites)

    def wanted(self, place: Place) -> Wanted:
        """What is wanted there."""
        named = place.queue_url(self._wanted.queue_name) in self._named
        return replace(self._wanted, queue=self._wanted.queue or named)

    def plan(self, identities: Sequence[str] | None) -> list[Plan]:
        """What would be done; raises NotFound for a named identity that SES has in none of the regions."""
        plans = [Planner(self.wanted(place), identities, self._tell).plan(site) for place, site in self._sites.items()]
        complete = [plan for plan in plans if not plan.obstacles]
        missing = frozenset.intersection(*(plan.missing for plan in complete)) if complete == plans else frozenset()
        if missing:
            regions = ", ".join(place.region for place in self._sites)
            named = ", ".join(sorted(missing))
            raise NotFound(f"SES has no identity {named} in {regions}: verify it there first, or leave --domain out.")
        return plans

    def demolition(self) -> list[Plan]:
        """What would be taken away."""
        return [demolish(self.wanted(place), site, self._tell) for place, site in self._sites.items()]

    def apply(self, plans: Sequence[Plan]) -> None:
        """Does it; raises Stopped at the first step that can't be done."""
        for plan in plans:
            self._applier.apply(plan, self._sites[plan.place])

    def wait(self, plans: Sequence[Plan], seconds: float) -> list[Confirmation]:
        """How the subscriptions that these plans made or asked for again stand, when all is well or the time over."""
        asked = [
            (self._sites[plan.place], step.resource)
            for plan in plans
            for step in plan.steps
            if step.resource.kind is Kind.SUBSCRIPTION
            and step.action in _ASKED_FOR
            and step.resource.properties["Protocol"] != "sqs"
        ]
        return self._waiting.wait(asked, seconds) if asked else []
