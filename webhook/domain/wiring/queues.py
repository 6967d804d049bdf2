"""Findings about queues: the dead-letter queues of our subscriptions, and those in SQS_QUEUE_URLS."""

from collections.abc import Iterator

from webhook.domain.findings import Code, Finding
from webhook.domain.wiring.mending import setup
from webhook.domain.wiring.policies import Call, lets_in
from webhook.domain.wiring.seen import Queue, Seen, Subscription
from webhook.domain.wiring.subscriptions import bare, is_here, setting

SNS, SEND = "sns.amazonaws.com", "sqs:SendMessage"
#: Messages that may wait in a queue that is worked off: it is empty but for moments.
BACKLOG = 100


def dead_letters_judged(seen: Seen) -> Iterator[Finding]:
    """What becomes of what can't be delivered to us."""
    told = set[str]()
    for one in (one for held in seen.subscriptions.values() for one in held):
        if one.arn is None or one.traits is None or not is_here(seen, one):
            continue
        arn = one.traits.dead_letters
        if arn is None:
            yield _none(seen, one)
        elif arn in seen.dead_letters:
            yield from _dead_letters(seen, one, arn, seen.dead_letters[arn], first=arn not in told)
            told.add(arn)


def _none(seen: Seen, one: Subscription) -> Finding:
    redrive = """'{"deadLetterTargetArn":"ARN-OF-A-QUEUE"}'"""
    return Finding(
        Code.NO_DEAD_LETTERS,
        f"The subscription of {bare(one.endpoint)} to {one.topic} has no dead-letter queue:"
        " what SNS can't deliver within its hour is lost.",
        f"{setup(seen)} if that made it; else {setting(seen, one, 'RedrivePolicy', redrive)}",
        "a dead-letter queue",
    )


def _dead_letters(seen: Seen, one: Subscription, arn: str, queue: Queue | None, *, first: bool) -> Iterator[Finding]:
    name = arn.rpartition(":")[2]
    if queue is None:
        yield Finding(
            Code.DEAD_LETTERS_GONE,
            f"The dead-letter queue {name} of the subscription of {bare(one.endpoint)} does not exist.",
            f"{setup(seen)} if that made it; else aws sqs create-queue --region {seen.place.region}"
            f" --queue-name {name} --attributes MessageRetentionPeriod=1209600, with a policy that lets SNS in",
            "a queue that is there",
        )
        return
    if not _may_send(seen, queue, one.topic):
        yield Finding(
            Code.DEAD_LETTERS_SHUT,
            f"The policy of the dead-letter queue {name} does not let SNS put anything in for {one.topic}.",
            _let_in(seen, queue, one.topic),
            f"{SNS} may do {SEND}",
        )
    if first and queue.waiting:
        yield Finding(
            Code.DEAD_LETTERS_WAITING,
            f"About {_messages(queue.waiting, 'lie')} in the dead-letter queue {name}:"
            f" {'it' if queue.waiting == 1 else 'they'} did not reach this service.",
            "python -m webhook gaps --repair",
            "an empty queue",
        )


def _messages(number: int, verb: str) -> str:
    return f"1 message {verb}s" if number == 1 else f"{number:,} messages {verb}"


def _may_send(seen: Seen, queue: Queue, topic: str) -> bool:
    return lets_in(queue.policy, Call(SNS, SEND, queue.arn, topic, seen.place.account))


def _let_in(seen: Seen, queue: Queue, topic: str) -> str:
    return (
        f"{setup(seen)} if that made it; else add to the queue's access policy (SQS console,"
        f" {queue.arn.rpartition(':')[2]}) a statement that lets {SNS} do {SEND} where aws:SourceArn is {topic}"
    )


def judged(seen: Seen) -> Iterator[Finding]:
    """All about the queues of SQS_QUEUE_URLS in this region."""
    for url, queue in seen.queues.items():
        if queue is None:
            yield Finding(
                Code.QUEUE_MISSING,
                f"The queue {url} of SQS_QUEUE_URLS does not exist.",
                f"{setup(seen, 'apply --queue')}, or take it out of SQS_QUEUE_URLS",
                "a queue that is there",
            )
        else:
            yield from _queue(seen, queue)


def _queue(seen: Seen, queue: Queue) -> Iterator[Finding]:
    name = queue.arn.rpartition(":")[2]
    held = [one for all_of_it in seen.subscriptions.values() for one in all_of_it if one.endpoint == queue.arn]
    if not held and all(topic.arn in seen.subscriptions for topic in seen.present) and seen.present:
        yield Finding(
            Code.QUEUE_UNSUBSCRIBED,
            f"The queue {name} of SQS_QUEUE_URLS is subscribed to none of our topics: nothing comes by it.",
            f"{setup(seen, 'apply --queue')}, or aws sns subscribe --region {seen.place.region} --protocol sqs"
            f" --topic-arn {seen.present[0].arn} --notification-endpoint {queue.arn}",
            "a subscription of one of our topics",
        )
    for one in held:
        if one.traits and one.traits.raw:
            yield Finding(
                Code.QUEUE_RAW,
                f"The queue {name} has raw delivery: messages come without a signature, and are refused.",
                setting(seen, one, "RawMessageDelivery", "false"),
                "raw delivery off",
            )
        if not _may_send(seen, queue, one.topic):
            yield Finding(
                Code.QUEUE_SHUT,
                f"The policy of the queue {name} does not let SNS put anything in for {one.topic}.",
                _let_in(seen, queue, one.topic),
                f"{SNS} may do {SEND}",
            )
    if queue.waiting > BACKLOG:
        yield Finding(
            Code.QUEUE_BACKLOG,
            f"About {queue.waiting:,} messages wait in the queue {name}.",
            "start a worker (python -m webhook worker), or see in its log what holds it up",
            "next to none",
        )
