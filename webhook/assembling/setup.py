"""What `setup` works with."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from webhook.adapters.aws.dependents import Dependents
from webhook.adapters.aws.identities import Identities
from webhook.adapters.aws.queues import QueuePolicies, Queues
from webhook.adapters.aws.rules import Rules
from webhook.adapters.aws.sets import ConfigurationSets, EventDestinations
from webhook.adapters.aws.subscriptions import Subscriptions
from webhook.adapters.aws.topics import TopicPolicies, Topics
from webhook.adapters.aws.whoami import WhoAmI
from webhook.adapters.clock import Clock
from webhook.adapters.doorbell import knock
from webhook.adapters.mongo.client import Db
from webhook.adapters.mongo.wirings import Wirings
from webhook.amazon import Amazon
from webhook.aws import PATIENT, amazon
from webhook.bootstrap import usable_database
from webhook.config import Settings
from webhook.domain.blueprint import Kind, Place, Wanted, blueprint
from webhook.setup import Installation, Site, Tell, Waiting


@contextmanager
def open_setup(settings: Settings, wanted: Wanted, regions: Sequence[str], tell: Tell) -> Iterator[Installation]:
    """The set-up in these regions, else in that of the settings; raises AwsError, Misconfigured or Unavailable."""
    clock = Clock()
    with usable_database(settings) as db, closing(amazon(db, settings, clock, patience=PATIENT)) as way:
        yield installation(settings, wanted, regions, amazon=way, db=db, clock=clock, tell=tell)


def installation(
    settings: Settings,
    wanted: Wanted,
    regions: Sequence[str],
    *,
    amazon: Amazon,
    db: Db,
    clock: Clock,
    tell: Tell,
) -> Installation:
    """The set-up by this way to AWS."""
    who = WhoAmI(amazon)
    places = [who.place(region) for region in dict.fromkeys(regions or [amazon.region])]
    wirings = Wirings(db)
    waiting = Waiting(
        lambda: {told["topicArn"]: told for told in wirings.subscriptions()},
        knock,
        topic_arns=settings.sns_topic_arns,
        public_url=settings.public_url or "",
        pause=clock.sleep,
        monotonic=clock.monotonic,
        tell=tell,
    )
    sites = [site(amazon, place, wanted) for place in places]
    return Installation(sites, wanted, waiting, named=settings.sqs_queue_urls, pause=clock.sleep, tell=tell)


def site(amazon: Amazon, place: Place, wanted: Wanted) -> Site:
    """Who looks after what in one region."""
    identities = Identities(amazon, place)
    names = {resource.name for resource in blueprint(place, wanted)}
    ours = frozenset(names | {place.queue(wanted.queue_name), wanted.queue_name})
    return Site(
        place=place,
        handlers={
            Kind.QUEUE: Queues(amazon, place),
            Kind.QUEUE_POLICY: QueuePolicies(amazon, place),
            Kind.TOPIC: Topics(amazon, place),
            Kind.TOPIC_POLICY: TopicPolicies(amazon, place),
            Kind.SUBSCRIPTION: Subscriptions(amazon, place),
            Kind.CONFIGURATION_SET: ConfigurationSets(amazon, place),
            Kind.EVENT_DESTINATION: EventDestinations(amazon, place),
            Kind.RULE: Rules(amazon, place),
            Kind.IDENTITY: identities,
        },
        identities=identities,
        dependents=Dependents(amazon, place, ours),
    )
