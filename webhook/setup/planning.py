"""The plan: the blueprint compared with what is there. Reads only."""

import shlex
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from webhook.domain.blueprint import NAME_TAG, Found, Kind, Resource, Wanted, assignment, blueprint, differences
from webhook.domain.ses import MANAGED, MANAGED_TAG
from webhook.setup.plans import Action, Plan, Step
from webhook.setup.roles import Site, Tell

#: What can't be taken away by itself, but goes with what it is the policy of.
POLICIES = frozenset({Kind.QUEUE_POLICY, Kind.TOPIC_POLICY})
#: After so many identities it is told how far it is: each costs SES's one call a second.
_TOLD_EVERY = 10


class Planner:
    """Plans what must be done in a region; `identities` are those that are to be told of, None: all that there are."""

    def __init__(self, wanted: Wanted, identities: Sequence[str] | None, tell: Tell) -> None:
        self._wanted = wanted
        self._identities = identities
        self._tell = tell

    def plan(self, site: Site) -> Plan:
        """What would be done in this region; raises AwsError or Limited."""
        self._tell(f"{site.place.region}: reading what is there")
        resources = blueprint(site.place, self._wanted)
        there = Survey(site)
        steps = [there.compare(resource) for resource in resources]
        if not any(step.action is Action.BLOCKED for step in steps):
            steps += self._assignments(site, there)
        steps += self._superfluous(site, there, resources)
        deleted = [step.found for step in steps if step.found and step.action is Action.DELETE]
        remarks = [remark for found in deleted for remark in found.remarks]
        return Plan(place=site.place, steps=tuple(steps), remarks=tuple(remarks))

    def _assignments(self, site: Site, there: "Survey") -> Iterator[Step]:
        names = site.identities.names() if self._identities is None else list(self._identities)
        for number, name in enumerate(names, 1):
            if number % _TOLD_EVERY == 0:
                self._tell(f"{site.place.region}: {number} of {len(names)} identities read")
            yield there.assigned(assignment(name, self._wanted.configuration_set))

    def _superfluous(self, site: Site, there: "Survey", resources: Sequence[Resource]) -> Iterator[Step]:
        """The second way, if it is there and no longer wished for."""
        wanted = {resource.key for resource in resources}
        for resource in reversed(blueprint(site.place, replace(self._wanted, queue=True))):
            if resource.key not in wanted and resource.kind not in POLICIES:
                found = there.ours(resource)
                if found:
                    why = "--queue is not given, and SQS_QUEUE_URLS does not name it"
                    yield Step(action=Action.DELETE, resource=resource, why=why, found=found)


class Survey:
    """What is there in one region, each piece read once, and whose it is."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._found: dict[str, Found | None] = {}
        self._keys: dict[str, Resource] = {}

    def read(self, resource: Resource) -> Found | None:
        """The piece as it is, or None."""
        if resource.key not in self._found:
            self._keys[resource.key] = resource
            self._found[resource.key] = self._site.handlers[resource.kind].read(resource)
        return self._found[resource.key]

    def ours(self, resource: Resource) -> Found | None:
        """The piece if it is there and ours: it bears our tags, or hangs on what does."""
        if resource.on is not None:
            parent = self._found.get(resource.on)
            return self.read(resource) if parent and parent.managed else None
        found = self.read(resource)
        return found if found and found.managed else None

    def compare(self, resource: Resource) -> Step:
        """What must be done with this piece. What it hangs on must have been compared before."""
        if resource.on is not None and not self._hangs_on_ours(resource.on):
            parent = self._keys[resource.on]
            why = f"the {parent.title} {parent.name} is not there yet"
            if self._found[resource.on] is not None:
                return Step(action=Action.LEAVE, resource=resource, why=f"the {parent.title} is somebody else's")
            return Step(action=Action.CREATE, resource=resource, why=why)
        found = self.read(resource)
        if found is None:
            return Step(action=Action.CREATE, resource=resource, why="it is not there yet")
        if resource.on is None and not found.managed:
            return Step(action=Action.BLOCKED, resource=resource, found=found, why=_taken(resource, found))
        return _compared(resource, found)

    def assigned(self, resource: Resource) -> Step:
        """What must be done with an identity: a set that somebody else chose for it is left."""
        found = self.read(resource)
        if found is None:
            why = f"there is no such identity in {self._site.place.region}"
            return Step(action=Action.LEAVE, resource=resource, why=why)
        wanted = resource.properties["ConfigurationSetName"]
        chosen = found.properties["ConfigurationSetName"]
        if chosen == wanted:
            return Step(action=Action.KEEP, resource=resource, found=found, why="as it should be")
        if chosen is None:
            return Step(action=Action.CHANGE, resource=resource, found=found, why="it has no default set")
        why = f"its default set is {chosen}; events come only of mail sent with the set {wanted}"
        return Step(action=Action.LEAVE, resource=resource, found=found, why=why)

    def _hangs_on_ours(self, key: str) -> bool:
        parent = self._found[key]
        return parent is not None and parent.managed


def _compared(resource: Resource, found: Found) -> Step:
    if found.pending:
        why = "nobody has confirmed it yet: it is asked for again"
        return Step(action=Action.CONFIRM, resource=resource, found=found, why=why)
    wrong = differences(resource.properties, found.properties)
    if not wrong:
        return Step(action=Action.KEEP, resource=resource, found=found, why="as it should be")
    why = "not as it should be: " + ", ".join(difference.path for difference in wrong)
    return Step(action=Action.CHANGE, resource=resource, found=found, wrong=wrong, why=why)


def maker(found: Found) -> str | None:
    """The --name that a piece was made with, whether by us or by another installation; None: by none of them."""
    tags = {tag["Key"]: tag["Value"] for tag in found.properties.get("Tags") or ()}
    return tags.get(NAME_TAG) if tags.get(MANAGED_TAG) == MANAGED else None


def _taken(resource: Resource, found: Found) -> str:
    name = maker(found)
    # A tag's value is whatever somebody wrote there.
    if name and resource.kind is Kind.CONFIGURATION_SET:
        return (
            f"that of the installation {name}: give --name {shlex.quote(name)} to work on that one,"
            " or set SES_CONFIGURATION_SET to another set for this one"
        )
    own = {tag["Key"]: tag["Value"] for tag in resource.properties["Tags"]}
    tags = " and ".join(f"{key}: {value}" for key, value in own.items())
    other = "another --name or SES_CONFIGURATION_SET" if resource.kind is Kind.CONFIGURATION_SET else "another --name"
    return f"somebody else's: choose {other}, or give it the tags {tags} if it may be changed"
