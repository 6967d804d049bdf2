"""What would be taken away: what bears our tags or hangs on what does, and nothing else. Reads only."""

from collections.abc import Iterator

from msgspec.structs import replace

from webhook.domain.blueprint import Kind, Resource, Wanted, assignment, blueprint
from webhook.setup.planning import POLICIES, Survey, maker
from webhook.setup.plans import Action, Plan, Step
from webhook.setup.roles import Site, Tell

_TOLD_EVERY = 10


def demolish(wanted: Wanted, site: Site, tell: Tell) -> Plan:
    """What would be deleted in this region, in the order in which nothing is left hanging; raises AwsError or Limited.

    Identities whose default set is ours lose it first: mail sent with a set that is gone is refused by SES.
    """
    tell(f"{site.place.region}: reading what is there")
    there = Survey(site)
    resources = blueprint(site.place, replace(wanted, queue=True))
    pieces = [resource for resource in resources if resource.kind not in POLICIES]
    found = {resource.key: there.ours(resource) for resource in pieces}
    steps: list[Step] = []
    if found["ConfigurationSet"]:
        steps += _assignments(wanted, site, there, tell)
    remarks: list[str] = []
    pieces.reverse()
    for resource in sorted(pieces, key=_order):
        piece = found[resource.key]
        if piece:
            steps.append(Step(action=Action.DELETE, resource=resource, found=piece, why="it is ours"))
            remarks += [*piece.remarks, *site.dependents.of(resource, piece)]
        elif resource.on is None and (strange := there.read(resource)):
            name = maker(strange)
            why = f"it is that of the installation {name}" if name else "it does not bear our tags"
            steps.append(Step(action=Action.LEAVE, resource=resource, found=strange, why=why))
    return Plan(place=site.place, steps=tuple(steps), remarks=tuple(remarks))


#: First what publishes, then what delivers, then the topic, at last the queues with what is left in them.
_LATER = {Kind.TOPIC: 1, Kind.QUEUE: 2}


def _order(resource: Resource) -> int:
    return _LATER.get(resource.kind, 0)


def _assignments(wanted: Wanted, site: Site, there: Survey, tell: Tell) -> Iterator[Step]:
    names = site.identities.names()
    for number, name in enumerate(names, 1):
        if number % _TOLD_EVERY == 0:
            tell(f"{site.place.region}: {number} of {len(names)} identities read")
        resource = assignment(name, wanted.configuration_set)
        found = there.read(resource)
        if found and found.properties["ConfigurationSetName"] == wanted.configuration_set:
            yield Step(action=Action.DELETE, resource=resource, found=found, why="its default set goes")
