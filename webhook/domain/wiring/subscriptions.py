"""Findings about subscriptions: does what is published to our topics reach us, whole, and how long is it tried?"""

from collections.abc import Iterator, Sequence

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import setup
from webhook.domain.wiring.retries import ENOUGH, persistence
from webhook.domain.wiring.seen import Seen, Subscription, Topic, Traits

#: The doors of ours below the endpoint that take one kind of message each.
DOORS = ("", "/bounces", "/complaints", "/identity")
_PATH = "/webhooks/sns"


def is_here(seen: Seen, one: Subscription) -> bool:
    """Whether SNS posts to one of our doors; without PUBLIC_URL the path alone tells."""
    if not one.over_http:
        return False
    if seen.scope.endpoint is None:
        return is_like_ours(one)
    return bare(one.endpoint) in {bare(seen.scope.endpoint + door) for door in DOORS}


def is_like_ours(one: Subscription) -> bool:
    """Whether SNS posts to an address that ends as ours do."""
    return one.over_http and bare(one.endpoint).endswith(tuple(_PATH + door for door in DOORS))


def bare(endpoint: str) -> str:
    """An address without what does not matter: user and password, capitals in the host, a slash at its end."""
    scheme, _, rest = endpoint.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.rpartition('@')[2].lower()}{slash}{path}".rstrip("/")


def queue_arns(seen: Seen) -> frozenset[str]:
    """The ARNs of the queues in SQS_QUEUE_URLS that are there."""
    return frozenset(queue.arn for queue in seen.queues.values() if queue)


def judged(seen: Seen) -> Iterator[Finding]:
    """All about what is subscribed to the topics that are there."""
    for topic in seen.present:
        if topic.arn in seen.subscriptions:
            held = seen.subscriptions[topic.arn]
            here = [one for one in held if is_here(seen, one)]
            if not here:
                yield from _missing(seen, topic, held)
            for one in here:
                yield from _subscription(seen, topic, one)


def _missing(seen: Seen, topic: Topic, held: Sequence[Subscription]) -> Iterator[Finding]:
    endpoint = seen.scope.endpoint
    if endpoint is None:
        return
    by_queue = any(one.endpoint in queue_arns(seen) for one in held)
    elsewhere = [one.endpoint for one in held if is_like_ours(one)]
    if elsewhere and not by_queue:
        yield Finding(
            Code.OTHER_ENDPOINT,
            f"{topic.arn} is posted to {', '.join(map(bare, elsewhere))}, not to this service.",
            f"{setup(seen)}, or {_subscribe(seen, topic, endpoint)}; or correct PUBLIC_URL",
            f"a subscription of {endpoint}",
        )
    elif by_queue:
        yield Finding(
            Code.QUEUE_ONLY,
            f"{topic.arn} comes by a queue of SQS_QUEUE_URLS alone: {endpoint} is not subscribed.",
            f"nothing, if that is meant; else {_subscribe(seen, topic, endpoint)}",
        )
    else:
        yield Finding(
            Code.NOT_SUBSCRIBED,
            f"{endpoint} is not subscribed to {topic.arn}: nothing that is published there reaches this service.",
            f"{setup(seen)}, or {_subscribe(seen, topic, endpoint)}",
            f"a subscription of {endpoint}",
        )


def _subscribe(seen: Seen, topic: Topic, endpoint: str) -> str:
    protocol = endpoint.partition("://")[0]
    return (
        f"aws sns subscribe --region {seen.place.region} --topic-arn {topic.arn} --protocol {protocol}"
        f" --notification-endpoint {endpoint}"
    )


def _subscription(seen: Seen, topic: Topic, one: Subscription) -> Iterator[Finding]:
    if one.arn is None:
        yield Finding(
            Code.UNCONFIRMED,
            f"The subscription of {bare(one.endpoint)} to {topic.arn} is not confirmed: nothing is delivered before.",
            f"see that SNS_TOPIC_ARNS of the server names the topic, then {_subscribe(seen, topic, one.endpoint)}",
            "confirmed",
        )
    elif one.traits is not None:
        yield from _traits(seen, topic, one, one.traits)


def _traits(seen: Seen, topic: Topic, one: Subscription, traits: Traits) -> Iterator[Finding]:
    told = f"The subscription of {bare(one.endpoint)} to {topic.arn}"
    if traits.raw:
        yield Finding(
            Code.RAW,
            f"{told} has raw delivery: messages come without a signature, and are refused.",
            setting(seen, one, "RawMessageDelivery", "false"),
            "raw delivery off",
        )
    if traits.filter:
        where = "by their content" if traits.filters_bodies else "by attributes, which messages of SES don't have"
        yield Finding(
            Code.FILTERED,
            f"{told} has a filter policy, which holds messages back {where}.",
            setting(seen, one, "FilterPolicy", "'{}'"),
            "no filter policy",
        )
    seconds = persistence(traits.delivery, topic.delivery)
    known = topic.policy is not None or traits.delivery
    if known and seconds < ENOUGH:
        yield Finding(
            Code.SHORT_RETRIES,
            f"{told} is tried again for {seconds:,} seconds only; what does not arrive by then is lost"
            f"{' or' if traits.dead_letters else ', or'} left to a dead-letter queue.",
            f"{setup(seen)} if that made it; else {setting(seen, one, 'DeliveryPolicy', _RETRIES)}",
            "SNS's whole hour of 3,600 seconds",
        )


_RETRIES = (
    """'{"healthyRetryPolicy":{"numRetries":70,"minDelayTarget":5,"maxDelayTarget":60,"""
    """"numMinDelayRetries":12,"numMaxDelayRetries":58,"backoffFunction":"linear"}}'"""
)


def setting(seen: Seen, one: Subscription, name: str, value: str) -> str:
    """The command that sets an attribute of a subscription."""
    return (
        f"aws sns set-subscription-attributes --region {seen.place.region} --subscription-arn {one.arn}"
        f" --attribute-name {name} --attribute-value {value}"
    )
